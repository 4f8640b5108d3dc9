"""Windows, held-back rows, distances and recipes."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.exceptions import UsageError
from automl.retrain._batch import Batch, as_known, joined
from automl.retrain._divide import divide, hold_back, window_rows
from automl.retrain._drift import column_distance, unit_factor
from automl.retrain._overlap import without_new
from automl.retrain._recipe import Part, Recipe
from automl.retrain._rules import Rules
from automl.retrain._times import time_column
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


SCHEMA = Schema.infer(make_rows(300, 0).drop(columns="rent"))


def less(old, new, time="day"):
    return without_new(read(old, time), read(new, time), SCHEMA)


def test_new_rows_that_are_in_the_old_ones_already_are_left_out(caplog):
    old, new = make_rows(300, 0), make_rows(100, 1, first_day=6)
    both = pd.concat([old, new], ignore_index=True)
    assert len(less(both, new)) == 300
    assert "100 rows of the old data are among the new ones" in caplog.text
    assert len(less(old, new)) == 300
    assert len(less(new.iloc[:50], new)) == 0
    other = both.assign(rent=both["rent"] + (both.index == 350))
    assert len(less(other, new)) == 301


def test_new_rows_are_found_anywhere_and_in_another_type():
    old, new = make_rows(300, 0), make_rows(100, 1, first_day=6)
    mixed = pd.concat([new, old]).sample(frac=1, random_state=0)
    typed = mixed.assign(rooms=mixed["rooms"].astype(int), day=mixed["day"].astype(str))
    assert len(less(typed, new)) == 300
    twice = pd.concat([typed, new.iloc[:1]])
    assert len(less(twice, new)) == 301


def test_equal_rows_are_not_always_the_same():
    old, new = ({"town": ["Ulm", "Bonn"] * n, "rent": [1.0, 2.0] * n} for n in (90, 40))
    assert len(less(pd.DataFrame(old).iloc[1:], pd.DataFrame(new), None)) == 179 - 80
    assert len(less(pd.DataFrame(old).iloc[:-1], pd.DataFrame(new), None)) == 179


@pytest.mark.parametrize("old", [None, make_rows(200, 5)])
def test_rows_of_one_date_are_divided_all_the_same(old):
    new = make_rows(400, 0, first_day=30).assign(day="2026-02-01")
    parts = divide(read(new), None if old is None else read(old), end=0.0)
    assert len(parts.recent) == 100
    assert len(parts.train) == (300 if old is None else 500)
    assert len(parts.rows) == len(parts.train) + 100


def test_one_group_is_divided():
    batch = read(make_rows(200, 0).assign(clinic="A"), None)
    parts = divide(batch, None, groups="clinic")
    assert (len(parts.train), len(parts.recent)) == (150, 50)


@pytest.mark.parametrize(("window", "train", "final"), [("100", 100, 100), ("2d", 100, 100)])
def test_a_window_shorter_than_the_rows_held_back(window, train, final):
    parts = divide(read(make_rows(800, 0)), None, window=window)
    assert (len(parts.train), len(parts.recent), len(parts.rows)) == (train, 200, final)


def test_old_rows_without_a_known_target_are_left_out(caplog):
    target = Target("binary", "y", np.array(["a", "b"], dtype=object))
    old = Batch.read(
        {"x": range(6), "y": ["a", "NA", "", None, "c", "b"]}, "y", None, what="the table"
    )
    known = as_known(old, target, "the old data")
    assert (known.frame["x"].tolist(), known.y.tolist()) == ([0, 5], ["a", "b"])
    assert "1 row of the old data left out" in caplog.text


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
    assert recipe.within(10, 100, 1) == Recipe(parts, 3, whole=recipe)
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


NUMBERS = {
    "20260301": lambda day: day.dt.strftime("%Y%m%d").astype(int),
    "milliseconds": lambda day: day.astype("datetime64[ms]").astype(int),
    "03/04/2026": lambda day: day.dt.strftime("%d/%m/%Y"),
}


@pytest.mark.parametrize("write", NUMBERS.values(), ids=NUMBERS)
def test_the_time_is_read_as_in_the_old_data(write):
    days = pd.Series(pd.date_range("2026-01-01", "2026-03-30"))
    old = pd.DataFrame({"day": write(days), "rent": 1.0})
    new = pd.DataFrame({"day": write(pd.Series(pd.date_range("2026-04-01", "2026-04-09")))})
    new["rent"] = 2.0
    column = time_column("day", [new, old])
    rows = [Batch.read(t, "rent", "day", what="a table", column=column) for t in (old, new)]
    assert rows[0].when.tolist() == [day.timestamp() for day in days]
    assert rows[1].when.min() == pd.Timestamp("2026-04-01").timestamp()
    assert len(window_rows(rows[0], "7d")) == 7
    assert time_column("day", [new], column) == column


def test_a_wrong_guess_of_a_format_holds_no_later_night_up():
    first = time_column("day", [pd.DataFrame({"day": ["03/04/2026"] * 3})])
    assert first.date_format == "%m/%d/%Y"
    later = [pd.DataFrame({"day": ["25/04/2026", "03/05/2026"]})]
    assert time_column("day", later, first).date_format == "%d/%m/%Y"


def test_the_time_may_be_any_order():
    table = pd.DataFrame({"day": [3, 1, 2], "rent": [3.0, 1.0, 2.0]})
    assert read(table).in_order().y.tolist() == [1, 2, 3]


def test_what_the_champion_knows_is_trained_on_and_not_compared_on():
    batch = read(make_rows(1000, 0))
    days = np.unique(batch.when)
    end = float(days[-2])  # all but the last day
    parts = divide(batch, None, end=end)
    assert parts.recent.when.min() > end
    assert len(parts.rows) == len(batch) == len(parts.train) + len(parts.recent)
    assert parts.train.when.max() == end


def test_a_few_rows_of_the_day_before_are_not_all_there_is_to_train_on():
    rows = make_rows(200, 0)
    batch = read(rows.assign(day=["2026-01-01"] * 5 + ["2026-01-02"] * 195))
    earlier, recent = hold_back(batch.in_order(), 0)
    assert (len(earlier), len(recent)) == (150, 50)


@pytest.mark.parametrize("name", ["missing_columns", "types"])
def test_what_the_champion_needs_can_not_be_waved_through(name):
    with pytest.raises(UsageError, match="nothing or refuse"):
        Rules.read({name: "warn"})
    assert Rules.read({name: "nothing"})[name].action == "nothing"
