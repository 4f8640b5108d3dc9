"""What of a recipe fits into some time, and that a short night does not wear it out."""

import json
from dataclasses import replace

import pytest

from automl.retrain._recipe import Part, Recipe

SLOW = Part("lightgbm", {"learning_rate": 0.05, "num_leaves": 31}, 0.6, 0.01)
LINE = Part("linear", {"alpha": 1.0}, 0.3, 0.001)
ROWS = 100
RECIPE = Recipe((SLOW, LINE), 5)  # five seconds and a half with one worker, and a second to start


def rates(recipe):
    return [part.params.get("learning_rate") for part in recipe.parts]


@pytest.mark.parametrize(
    ("seconds", "folds", "expected"),
    [
        (6.6, 5, [0.05, None]),
        (4.5, 3, [0.05, None]),
        (3.0, 3, [0.1, None]),
        (2.4, 3, [pytest.approx(0.15), None]),
        (2.1, 3, [0.3, None]),
        (1.6, 3, [0.3]),
        (0.5, 3, [0.3]),
    ],
)
def test_folds_go_first_then_rates_rise_then_parts_go(seconds, folds, expected):
    small = RECIPE.within(seconds, ROWS, 1)
    assert (small.folds, rates(small)) == (folds, expected)


def test_a_slow_part_goes_where_the_others_are_enough():
    slow = Part("kernel", {}, 0.4, 0.1)
    enough = Recipe((slow, replace(SLOW, weight=0.15), replace(LINE, weight=0.1)), 3)
    assert [p.family for p in enough.within(3.0, ROWS, 1).parts] == ["lightgbm", "linear"]
    little = Recipe((slow, replace(SLOW, weight=0.1), replace(LINE, weight=0.05)), 3)
    assert [p.family for p in little.within(3.0, ROWS, 1).parts] == ["kernel"]


def test_only_boosting_learns_faster_and_up_to_a_limit():
    network = Part("mlp", {"learning_rate": 0.01}, 1.0, 0.01)
    assert network.quicker(3.0) == network
    fast = Part("xgboost", {"learning_rate": 0.2}, 1.0, 0.03).quicker(3.0)
    assert (fast.params["learning_rate"], fast.seconds) == (0.3, pytest.approx(0.02))
    assert fast.quicker(3.0) == fast


def test_one_fit_is_not_divided_among_workers():
    assert Recipe((SLOW,)).forecast(1000, 4) == Recipe((SLOW,)).forecast(1000, 1) == 11.0
    assert Recipe((SLOW,), 4).forecast(1000, 4) == 11.0


def made_of(recipe, seconds):
    """The manifest of a model that was made by a recipe."""
    members = [
        {"name": f"{p.family}-{i}", "family": p.family, "params": p.params, "weight": p.weight,
         "models": [""] * recipe.folds}
        for i, p in enumerate(recipe.parts)
    ]  # fmt: skip
    return {"members": members, "n_rows": ROWS, "seconds": {m["name"]: seconds for m in members}}


@pytest.mark.parametrize(("took", "times"), [(0.35, 0.7), (1.0, 2.0), (0.05, 0.5)])
def test_the_next_night_begins_with_the_whole_recipe(took, times):
    small = RECIPE.within(1.6, ROWS, 1)
    stored = small.stored(made_of(small, took))  # half a second was expected
    again = Recipe.of({"members": [], "recipe": json.loads(json.dumps(stored))})
    assert (again.folds, rates(again)) == (5, [0.05, None])
    assert again.parts[0].seconds == pytest.approx(SLOW.seconds * times)
    assert again.parts[1] == LINE


def test_a_family_that_is_gone_is_left_out_of_a_stored_recipe():
    stored = RECIPE.stored({"members": []})
    stored["parts"][0]["family"] = "catboost-of-old"
    assert Recipe.of({"members": [], "recipe": stored}).parts == (LINE,)
