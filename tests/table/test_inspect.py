import json

import numpy as np
import pandas as pd
import pytest

from automl.exceptions import UsageError
from automl.table import inspect_table, read_table

RNG = np.random.default_rng(0)
N = 400


@pytest.fixture
def frame():
    x = RNG.normal(size=N)
    return pd.DataFrame(
        {
            "key": np.arange(N),
            "x": x,
            "mood": RNG.choice(["good", "bad", None], N),
            "same": "A",
            "late": np.where(np.arange(N) < 300, np.nan, x),
            "parts": [[1, i] for i in range(N)],
            "paid": RNG.choice(["yes", "no"], N),
        }
    )


def found(frame, target=None, **options):
    inspection = inspect_table(frame, target, **options)
    return inspection, {warned.kind: warned for warned in inspection.warnings}


def test_every_column_has_a_line(frame):
    inspection, _ = found(frame, "paid")
    roles = {column.name: column.role for column in inspection.columns}
    assert roles == {
        "key": "identifier",
        "x": "numeric",
        "mood": "categorical",
        "same": "constant",
        "late": "numeric",
        "parts": "nested",
    }
    late = inspection.columns[4]
    assert (late.missing, late.distinct, len(late.examples)) == (0.75, 100, 3)
    assert inspection.target["task"] == "binary"
    assert sum(inspection.target["classes"].values()) == N
    assert json.loads(json.dumps(inspection.to_dict()))["n_rows"] == N


def test_what_a_model_cannot_use_is_missing():
    values = [*map(str, range(96)), "?", "unknown", "2 x 3", "7 y 9"]
    column = inspect_table({"n": values}).columns[0]
    assert (column.role, column.missing) == ("numeric", 0.04)


def test_warnings_of_columns(frame):
    _, warned = found(frame, "paid")
    assert warned["identifier"].columns == ["key"]
    assert warned["constant"].columns == ["same"]
    assert warned["nested"].columns == ["parts"]
    assert warned["mostly_missing"].columns == ["late"]
    assert not {"leak", "duplicate_rows", "target", "rare_classes"} & set(warned)


def test_a_table_that_leaves_nothing_is_shown():
    inspection, warned = found({"a": ["x"] * 30, "k": range(30)})
    assert [column.role for column in inspection.columns] == ["constant", "identifier"]
    assert set(warned) == {"identifier", "constant"}


@pytest.mark.parametrize("noise", [0.0, 0.005])
def test_leaks_of_classes(frame, noise):
    leak = np.where(RNG.random(N) < noise, "no", frame["paid"])
    frame["status"] = np.where(leak == "yes", "closed", "open")
    frame["amount"] = np.where(leak == "yes", RNG.random(N), RNG.random(N) - 5)
    frame["stamp"] = np.where(leak == "yes", RNG.random(N), np.nan)
    inspection, _ = found(frame, "paid")
    leaks = [w.columns[0] for w in inspection.warnings if w.kind == "leak"]
    assert leaks == ["status", "amount", "stamp"]


def test_leaks_of_values(frame):
    frame["y"] = frame["x"] + RNG.normal(size=N)
    frame["log"] = np.log(frame["y"] + 100)
    frame["noisy"] = frame["y"] + RNG.normal(size=N)
    inspection, _ = found(frame, "y")
    assert [w.columns[0] for w in inspection.warnings if w.kind == "leak"] == ["log"]


def test_a_key_foretells_nothing(frame):
    frame["name"] = [f"n{i}" for i in RNG.permutation(N // 2).repeat(2)]
    _, warned = found(frame, "paid")
    assert "leak" not in warned
    assert warned["identifier"].columns == ["name"]
    assert "nearly a key" in warned["identifier"].message


def test_repeated_rows(frame):
    twice = pd.concat([frame, frame.head(7).assign(key=[1000 + i for i in range(7)])])
    inspection, warned = found(twice, "paid")
    assert "7 rows of 407 repeat" in warned["duplicate_rows"].message
    other = frame.head(7).assign(paid=np.where(frame.head(7)["paid"] == "yes", "no", "yes"))
    assert "duplicate_rows" not in found(pd.concat([frame, other]), "paid")[1]


def test_targets(frame):
    frame["kind"] = ["rare"] * 3 + ["a", None] + ["b"] * (N - 5)
    _, warned = found(frame, "kind")
    assert "1 row of 400 without a target" in warned["target_missing"].message
    assert warned["rare_classes"].columns == ["kind"]
    assert "one class only" in found(frame.assign(kind="a"), "kind")[1]["target"].message
    frame["kind"] = ["rare"] * 3 + ["a"] * 97 + ["b"] * 300
    assert "'rare'" in found(frame, "kind")[1]["rare_classes"].message
    with pytest.raises(UsageError, match="no target column 'kid' .did you mean 'kind'"):
        inspect_table(frame, "kid")


def test_declared_roles(frame):
    inspection, _ = found(frame, "paid", types={"key": "numeric"}, drop=["x"])
    assert [column.role for column in inspection.columns[:2]] == ["numeric", "dropped"]


def test_the_callers_frame_stays(frame):
    before = frame.copy()
    inspect_table(frame, "paid")
    pd.testing.assert_frame_equal(frame, before)


def test_any_kind_of_table(tmp_path):
    pd.DataFrame({"a": [1, 2] * 20, "b": ["x", "y"] * 20}).to_csv(tmp_path / "t.csv", index=False)
    assert inspect_table(read_table(tmp_path / "t.csv"), "b").warnings[0].kind == "leak"
    with_numbers = pd.DataFrame(RNG.random((50, 3)))
    assert [column.name for column in inspect_table(with_numbers).columns] == ["0", "1", "2"]


def test_marks_that_are_taken_as_missing_are_named():
    _, warned = found({"n": [*range(0, 600, 2), *[99999] * 9], "x": np.arange(309) * 1.5})
    assert warned["marks"].columns == ["n"]


def test_integers_named_like_keys_are_warned_of_and_amounts_are_not():
    values = np.random.default_rng(0).permutation(300) * 3
    names = {"user_id": np.append(values, 3), "paid": np.append(values, 3)}
    _, warned = found(names | {"account_id": np.append(values, 3) + 0.5})
    assert warned["identifier"].columns == ["user_id"]
