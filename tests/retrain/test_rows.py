"""Windows, held-back rows, distances and recipes."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.exceptions import UsageError
from automl.retrain._batch import (
    Batch,
    as_known,
    hold_back,
    joined,
    window_rows,
    without_new,
)
from automl.retrain._drift import column_distance, unit_factor
from automl.retrain._rules import Rules
from automl.retrain._train import Part, Recipe
from automl.table import Profile, Schema, Target

from .conftest import make_rows


def read(frame, time="day"):
    return Batch.read(frame, "rent", time, what="the new data")


def test_the_latest_rows_are_held_back_by_whole_times():
    batch = read(make_rows(430, 0).sample(frac=1, random_state=0)).in_order()
    earlier, recent = hold_back(batch, 0)
    assert earlier.when.max() < recent.when.min()
    assert 0.2 < len(recent) / len(batch) < 0.4


def test_without_a_time_random_rows_or_groups_are_held_back():
    batch = read(make_rows(400, 0), time=None)
    earlier, recent = hold_back(batch, 0)
    assert (len(earlier), len(recent)) == (300, 100)
    again = hold_back(batch, 0)[1]
    assert again.frame.equals(recent.frame)
    earlier, recent = hold_back(batch, 0, "day")
    assert not set(earlier.frame["day"]) & set(recent.frame["day"])


def test_windows():
    batch = read(make_rows(500, 0))
    assert len(window_rows(batch, None)) == 500
    assert window_rows(batch, "3").tolist() == [497, 498, 499]
    assert len(window_rows(batch, "2d")) == 100
    with pytest.raises(UsageError, match="column of dates"):
        window_rows(read(make_rows(50, 0), time="area"), "2d")
    with pytest.raises(UsageError, match="1 row or more"):
        window_rows(batch, 0)


def test_rows_of_two_tables_are_put_in_order():
    late, early = read(make_rows(100, 0, first_day=9)), read(make_rows(100, 1))
    both = joined([late, early]).in_order()
    assert (np.diff(both.when) >= 0).all()
    assert both.y.tolist() == [*early.y, *late.y]


def test_new_rows_that_are_in_the_old_ones_already_are_left_out(caplog):
    old, new = make_rows(300, 0), make_rows(100, 1, first_day=6)
    both = pd.concat([old, new], ignore_index=True)
    assert len(without_new(read(both), read(new))) == 300
    assert "left out" in caplog.text
    assert len(without_new(read(old), read(new))) == 300
    assert len(without_new(read(new.iloc[:50]), read(new))) == 50
    other = both.assign(rent=both["rent"] + (both.index == 350))
    assert len(without_new(read(other), read(new))) == 400


def test_labels_of_another_type_are_the_champions():
    target = Target("binary", "paid", np.array(["0", "1"], dtype=object))
    batch = Batch.read({"a": [1, 2, 3], "y": [1.0, None, 0.0]}, "y", None, what="the table")
    known = as_known(batch, target)
    assert known.y.tolist() == ["1", "0"]
    assert (known.y.name, known.frame["a"].tolist()) == ("paid", [1, 3])


def profile_of(values):
    frame = pd.DataFrame({"a": values})
    target, y, _ = Target.fit(np.arange(len(values)) + 0.5, name="y")
    schema = Schema.infer(frame, types={"a": "numeric"})
    return Profile.of(schema.apply(frame), y, target).columns["a"]


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    kind=st.sampled_from(["normal", "integers", "zeros", "heavy"]),
    n=st.integers(30, 2000),
)
def test_the_same_distribution_is_no_drift(seed, kind, n):
    rng = np.random.default_rng(seed)

    def draw(n):
        return {
            "normal": lambda: rng.normal(3, 1, n),
            "integers": lambda: rng.integers(0, 40, n).astype(float),
            "zeros": lambda: np.where(rng.random(n) < 0.6, 0, rng.gamma(2, 1, n)),
            "heavy": lambda: rng.lognormal(0, 2, n),
        }[kind]()

    old, new = profile_of(draw(600)), draw(n)
    far = column_distance(old, new, old_rows=600, is_category=False)
    assert far.psi <= max(0.25, far.psi_noise)
    assert far.ks <= max(0.2, far.ks_noise)
    assert max(unit_factor(old, new), 1 / unit_factor(old, new)) < 10


def test_distances_grow_with_the_shift():
    rng = np.random.default_rng(0)
    old = profile_of(rng.normal(0, 1, 4000))
    shifts = (0.0, 0.3, 1.0)
    far = [
        column_distance(old, rng.normal(s, 1, 4000), old_rows=4000, is_category=False)
        for s in shifts
    ]
    assert far[0].psi < 0.02 < far[1].psi < 0.25 < far[2].psi
    assert far[2].ks == pytest.approx(0.383, abs=0.03)  # of two normals, one apart


@pytest.mark.parametrize("factor", [1000.0, 0.001, 10.5])
def test_a_unit_is_found_whatever_the_distribution(factor):
    rng = np.random.default_rng(0)
    for draw in (rng.lognormal(0, 1, 900), rng.normal(0, 1, 900), rng.integers(0, 9, 900)):
        found = unit_factor(profile_of(draw.astype(float)), factor * draw)
        assert found == pytest.approx(factor, rel=0.01)


def test_a_recipe_that_is_too_long_is_cut_by_folds_then_by_parts():
    parts = (Part("linear", {}, 0.5, 0.01), Part("xgboost", {}, 0.4, 0.02), Part("mlp", {}, 0.1))
    recipe = Recipe(parts, 5)
    assert recipe.forecast(100, 1) == 1 + 5 * 3
    assert recipe.within(16, 100, 1) == recipe
    assert recipe.within(10, 100, 1) == Recipe(parts, 3)
    assert [p.family for p in recipe.within(5, 100, 1).parts] == ["linear", "mlp"]
    assert [p.family for p in recipe.within(2, 100, 1).parts] == ["linear"]  # too long, but most


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"psi": "explode"}, "refuse"),
        ({"psi": {"limit": 1}}, "threshold"),
        ({"psi": True}, "threshold"),
        ({"ignore": "day"}, "list of columns"),
    ],
)
def test_checks_that_can_not_be_read_are_refused(given, word):
    with pytest.raises(UsageError, match=word):
        Rules.read(given)
