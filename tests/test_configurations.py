"""Configurations that a user names."""

import json

import numpy as np
import pandas as pd
import pytest

from automl import AutoModel
from automl._configurations import read_configurations
from automl.exceptions import UsageError

RNG = np.random.default_rng(0)
X = pd.DataFrame(RNG.normal(size=(120, 3)), columns=["a", "b", "c"])
Y = X["a"] + 0.1 * RNG.normal(size=120)


def test_none_given_is_none():
    assert read_configurations(None) == ()
    assert read_configurations(()) == ()


def test_a_file_of_one_or_of_many(tmp_path):
    one = {"family": "linear", "params": {"encoding": "scaled"}, "seed": 3}
    (tmp_path / "one.json").write_text(json.dumps(one))
    (tmp_path / "two.json").write_text(json.dumps([one, {"family": "xgboost"}]))
    assert read_configurations(tmp_path / "one.json") == (("linear", {"encoding": "scaled"}),)
    assert [name for name, _ in read_configurations(str(tmp_path / "two.json"))] == [
        "linear",
        "xgboost",
    ]


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (["linear"], "'linear'"),
        ([{"params": {}}], "family"),
        ([{"family": "linear", "params": [1]}], "mapping"),
        ([{"family": "nonsense"}], "nonsense"),
        ("no/such/file.json", "can't be read"),
    ],
)
def test_what_can_not_be_used_is_named(given, word):
    with pytest.raises(UsageError, match=word):
        read_configurations(given)


def test_these_are_tried_and_nothing_else():
    given = [
        {"family": "linear", "params": {"encoding": "piecewise"}},
        {"family": "lightgbm", "params": {"num_leaves": 5, "learning_rate": 0.2}},
    ]
    model = AutoModel(time_budget=None, max_trials=9, configurations=given, n_jobs=1).fit(X, Y)
    board = model.leaderboard_.set_index("name")
    tried = board[board["family"].isin(["linear", "lightgbm"])]
    assert len(tried) == 2
    assert board.loc["linear-1", "params"]["encoding"] == "piecewise"
    params = board.loc["lightgbm-2", "params"]
    assert (params["num_leaves"], params["learning_rate"]) == (5, 0.2)
    assert "min_data_in_leaf" in params  # what is not named is as usual


def test_a_family_that_the_run_does_not_have_is_refused():
    given = [{"family": "linear", "params": {}}]
    model = AutoModel(time_budget=5, configurations=given, families=["xgboost"])
    with pytest.raises(UsageError, match="linear"):
        model.fit(X, Y)
