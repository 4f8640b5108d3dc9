"""Weights of rows: how they are read, and that a model knows their column."""

import numpy as np
import pandas as pd
import pytest

from automl import AutoModel, load
from automl._job import Job
from automl._sample import Rows
from automl._spec import FitSpec
from automl._weights import WeightsError, read_weights
from automl.search import Clock

QUICK = {
    "time_budget": None, "max_trials": 1, "n_jobs": 1, "random_state": 0,
    "families": ["linear"], "cv": 2,
}  # fmt: skip


@pytest.mark.parametrize(
    ("values", "weights"),
    [
        ([0, 2], [0.0, 2.0]),
        (["0,5", "1,5"], [0.5, 1.5]),
        ([True, False], [1.0, 0.0]),
        (pd.array([1, 2], dtype="Int64"), [1.0, 2.0]),
        (pd.Categorical(["1", "2"]), [1.0, 2.0]),
    ],
)
def test_numbers_in_any_spelling_are_weights(values, weights):
    found = read_weights(pd.DataFrame({"w": values}), "w", "the table")
    assert (found.name, found.tolist()) == ("w", weights)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([1, 2, -3.5], "has -3.5 in row 2"),
        ([1, None, 2], "has no value in row 1"),
        ([1, np.inf, 2], "has inf in row 1"),
        (["1", "many", "few"], "has 'many' in row 1"),
        (pd.to_datetime(["2026-01-01"] * 3), "has Timestamp('2026-01-01 00:00:00') in row 0"),
        ([0, 0, 0], "is zero in all 3 rows"),
    ],
)
def test_what_is_no_weight_is_named_with_its_row(values, told):
    frame = pd.DataFrame({"w": values})
    with pytest.raises(WeightsError, match="The weights column 'w' of the table") as caught:
        read_weights(frame, "w", "the table")
    assert told in str(caught.value)


def test_a_wrong_name_gets_the_nearest_one():
    with pytest.raises(WeightsError, match=r"no weights column 'wieght'.*did you mean 'weight'"):
        read_weights(pd.DataFrame({"weight": [1], "y": [2]}), "wieght", "'t.csv'")


def test_a_model_remembers_the_column(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=80), "n": rng.integers(1, 50, 80)})
    target = pd.Series(frame["a"] + rng.normal(size=80), name="sold")
    weight = pd.Series(rng.random(80), name="share")
    model = AutoModel(**QUICK).fit(frame, target, sample_weight=weight)
    again = load(model.save(tmp_path / "model.automl"))
    assert (again._facts["weighted"], again._facts["weights"]) == (True, "share")


def test_a_feature_that_is_also_given_as_weights_is_not_looked_for_as_such():
    data = Rows(
        pd.DataFrame({"a": np.arange(40) % 7 / 3, "n": [1, 2, 3, 4] * 10}),
        np.arange(40.0) ** 2,
        pd.Series([1, 2, 3, 4] * 10, name="n"),
    )
    clock = Clock(0.0)
    assert Job.prepare(data, FitSpec(), clock).weights is None
    assert Job.prepare(data, FitSpec(drop=["n"]), clock).weights == "n"
