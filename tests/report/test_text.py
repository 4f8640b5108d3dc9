import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.report import (
    evaluation_text,
    importance_text,
    leaderboard_text,
    number_text,
    result_text,
)


def row(name, score=0.5, **more):
    plain = {
        "name": name,
        "family": name.partition("-")[0],
        "state": "complete",
        "score": score,
        "seconds": 1.26,
        "folds": 5,
        "reason": "",
        "weight": 0.0,
        "winner": False,
    }
    return plain | more


def test_the_winner_is_marked_and_others_say_what_became_of_them():
    board = [
        row("ensemble", 0.91, winner=True),
        row("lightgbm-2", 0.9, weight=0.75),
        row("constant"),
        row("mlp-3", math.nan, state="pruned", reason="behind others after 2 folds"),
        row("mlp-4", None, state="failed", reason="ValueError: x\nTraceback"),
    ]
    lines = leaderboard_text(board, "roc_auc").splitlines()
    assert lines[0].split() == ["name", "roc_auc", "folds", "seconds", "weight"]
    assert lines[1].split() == ["*", "ensemble", "0.91", "5", "1.3"]
    assert lines[2].split() == ["lightgbm-2", "0.9", "5", "1.3", "0.75"]
    assert lines[4].endswith("  pruned: behind others after 2 folds")
    assert lines[5].endswith("  failed: ValueError: x")
    assert "nan" not in "".join(lines)


def test_a_limit_keeps_the_baseline():
    board = [row(f"linear-{i}", 1 - i / 100) for i in range(1, 40)] + [row("constant")]
    lines = leaderboard_text(board, "roc_auc", limit=3).splitlines()
    assert [line.split()[0] for line in lines[1:]] == [
        *("linear-1", "linear-2", "linear-3", "constant", "and")
    ]
    assert lines[-1] == "  and 36 more"


def test_the_result_names_the_next_command():
    summary = {
        "metric": "rmse",
        "score": 12.5,
        "score_interval": [12.0, math.nan],
        "winner": "linear-1",
        "model": "/somewhere/my run/model.automl",
    }
    shown = result_text(summary)
    assert "rmse 12.5, 95 % interval 12 to nan" in shown
    assert "constant" not in shown
    short = result_text(summary | {"score_interval": None, "winner": "constant"})
    assert "rmse 12.5\n" in short
    assert "predicts a constant" in short
    assert "automl predict '/somewhere/my run/model.automl' NEW.csv" in shown


def test_a_model_below_the_current_folder_is_named_from_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    facts = {"model": str(tmp_path / "run/model.automl"), "n_rows": 1200}
    lines = evaluation_text(facts | {"metric": "mae", "score": 1.0, "r2": 0.5}).splitlines()
    assert [line.split() for line in lines] == [
        *(["model", "run/model.automl"], ["rows", "1,200"], ["mae", "1"], ["r2", "0.5"])
    ]


@pytest.mark.parametrize(
    ("importance", "contribution", "head"),
    [
        (0.25, 0.5, ["column", "mae", "lost", "+-", "contribution"]),
        (None, 0.5, ["column", "contribution"]),
        (0.25, None, ["column", "mae", "lost", "+-"]),
    ],
)
def test_importance_has_the_columns_that_are_known(importance, contribution, head):
    rows = [
        {"column": "a", "importance": importance, "std": 0.1, "contribution": contribution},
    ]
    lines = importance_text(rows, "mae").splitlines()
    assert lines[0].split() == head
    assert ("50.0 %" in lines[1]) == (contribution is not None)
    assert ("0.25" in lines[1]) == (importance is not None)


@given(st.floats(-1e300, 1e300))
def test_a_number_keeps_its_digits(value):
    assert float(number_text(value)) == pytest.approx(value, rel=1e-4)
