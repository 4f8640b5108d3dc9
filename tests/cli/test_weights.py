"""A column of weights in every command that reads rows."""

import numpy as np
import pandas as pd
import pytest

from automl import load
from automl.cli import fit
from automl.cli._options import Settings
from automl.exceptions import UsageError
from automl.report import evaluation_text

from .conftest import QUICK, run_automl

ONE = ("--n-jobs", "1")


def make_rows(seed, slope=3.0):
    """Rows of which a third is wrong and weighs nothing."""
    rng = np.random.default_rng(seed)
    x, n = rng.normal(size=(2, 300)), 300
    sold = slope * x[0] + rng.normal(0, 0.1, n)
    wrong = rng.random(n) < 1 / 3
    weight = np.where(wrong, 0.0, rng.integers(1, 4, n))
    sold = np.where(wrong, -40 - x[1], sold)
    return pd.DataFrame({"a": x[0], "b": x[1], "sold": sold, "share": weight})


@pytest.fixture(scope="module")
def rows():
    return make_rows(0)


@pytest.fixture(scope="module")
def weighted(tmp_path_factory, rows):
    """The run of a model that was fitted with weights; their column comes from a file."""
    folder = tmp_path_factory.mktemp("weighted")
    rows.to_csv(folder / "rows.csv", index=False)
    (folder / "fit.toml").write_text('weights = "share"\n')
    arguments = ("fit", "rows.csv", "--target", "sold", *QUICK, "--config", "fit.toml")
    outcome = run_automl(*arguments, "--out", "run", cwd=folder)
    assert outcome.code == 0, outcome.err
    return folder / "run"


def predictions(run, model, name):
    outcome = run("predict", model, name)
    assert (outcome.code, outcome.err) == (0, "")
    return np.array([float(line) for line in outcome.out.split()[1:]])


def test_what_weighs_nothing_is_not_learned_and_the_column_not_needed(
    run, weighted, rows, tmp_path
):
    new = make_rows(1).query("share > 0")
    new.to_csv(tmp_path / "with.csv", index=False)
    new[["b", "a"]].to_csv(tmp_path / "without.csv", index=False)
    found = predictions(run, weighted, "with.csv")
    assert np.abs(found - new["sold"]).mean() < 0.3  # wrong rows included it is above 10
    assert (predictions(run, weighted, "without.csv") == found).all()


def test_evaluate_weighs_rows_where_it_can_and_says_so(run, weighted, rows, tmp_path):
    rows.to_csv(tmp_path / "rows.csv", index=False)
    rows.drop(columns="share").to_csv(tmp_path / "alike.csv", index=False)
    error = np.abs(load(weighted).predict(rows) - rows["sold"])
    outcome = run("evaluate", weighted, "rows.csv", "--json")
    assert (outcome.json["weights"], outcome.err) == ("share", "")
    assert outcome.json["mae"] == pytest.approx(np.average(error, weights=rows["share"]))
    square = np.average(error**2, weights=rows["share"])
    assert outcome.json["score"] == pytest.approx(square**0.5)
    assert "weights column 'share'" in " ".join(evaluation_text(outcome.json).split())
    outcome = run("evaluate", weighted, "alike.csv", "--json")
    assert outcome.json["mae"] == pytest.approx(error.mean())
    assert "weights" not in outcome.json
    assert "no column 'share' of weights" in outcome.err


def test_importance_is_what_counting_rows_lose(run, weighted, rows, tmp_path):
    rows.set_index(rows.index // 2).to_parquet(tmp_path / "rows.parquet")  # twice each number
    outcome = run("explain", weighted, "rows.parquet", "--json")
    first, second = outcome.json["importances"]
    assert (first["column"], second["column"]) == ("a", "b")
    assert first["importance"] > 2  # with the wrong rows the error is large anyway


def test_a_column_that_is_not_there_is_named_with_the_nearest_one(run, rows, tmp_path):
    rows.to_csv(tmp_path / "t.csv", index=False)
    outcome = run("fit", "t.csv", "--target", "sold", *QUICK, "--weights", "Share")
    assert (outcome.code, outcome.out) == (3, "")
    assert "no weights column 'Share' in 't.csv' (did you mean 'share'?)" in outcome.error
    assert not (tmp_path / "automl-runs").exists()


def test_the_target_is_no_weight():
    settings = Settings(fit.OPTIONS, {"target": "sold"}, {"AUTOML_WEIGHTS": "sold"})
    with pytest.raises(UsageError, match="--weights names the target 'sold'"):
        fit._read("t.csv", settings)


def test_retraining_weighs_by_the_champions_column_or_another(run, weighted, tmp_path):
    new = make_rows(2, slope=4.0)
    new.to_csv(tmp_path / "new.csv", index=False)
    new.rename(columns={"share": "part"}).to_csv(tmp_path / "other.csv", index=False)
    job = ("--mode", "refit", "--out", "models", "--time-budget", "30", "--quiet", *ONE)
    outcome = run("retrain", weighted, "other.csv", *job, "--json")
    assert outcome.code == 3
    assert outcome.json["decision"] == "refused"
    assert "no weights column 'share' in the new data" in outcome.error
    outcome = run("retrain", weighted, "other.csv", *job, "--weights", "part", "--json")
    assert outcome.code == 0, outcome.err
    assert (outcome.json["decision"], outcome.json["weights"]) == ("promoted", "part")
    assert outcome.json["challenger"]["score"] < 1
    good = new.query("share > 0")
    found = load(tmp_path / "models").predict(good)
    assert np.abs(found - good["sold"]).mean() < 0.4
