"""Champion against challenger on the same rows."""

import numpy as np
import pandas as pd
import pytest

from automl.exceptions import UsageError
from automl.objective import get_metric
from automl.retrain._compare import Demands, Paired, compare_slices, judge, paired

MAE = get_metric("mae", task="regression")
RNG = np.random.default_rng(0)
Y = RNG.normal(0, 10, 1000)
HARD = RNG.normal(0, 5, 1000)  # what makes rows hard for both models


def off_by(spread, seed):
    return (Y + HARD + np.random.default_rng(seed).normal(0, spread, len(Y)))[:, None]


def test_what_is_hard_for_both_cancels_out():
    result = paired(MAE, Y, off_by(2.0, 1), off_by(1.0, 2))
    assert result.interval[0] < result.difference < result.interval[1]
    assert result.interval[1] - result.interval[0] < 0.5


def test_the_interval_holds_the_truth_as_often_as_it_says():
    held = exceeded = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        y = rng.normal(size=300)
        old, new = (y + rng.normal(0, 1, 300) for _ in range(2))
        result = paired(MAE, y, old[:, None], new[:, None], seed=seed)
        low, high = result.interval
        held += low <= 0 <= high
        exceeded += result.at_least <= 0
        assert low < result.at_least < result.difference
    assert held >= 52
    assert exceeded >= 52


def test_a_serious_loss_may_have_a_chance_of_one_in_twenty():
    for at_least, promoted in ((-0.9, True), (-1.1, False)):  # of a champion that is worth 10
        overall = Paired(5.0, 4.0, 1.0, (-2.0, 4.0), at_least, 90)
        verdict = judge(MAE, overall, 15.0, {}, Demands())
        assert verdict.promote is promoted
        assert promoted or "as low as -1.1" in verdict.reason


def test_the_sign_follows_the_metric():
    y = np.array([0, 1] * 50)
    good, bad = y[:, None] * 0.8 + 0.1, np.full((100, 1), 0.5)
    assert paired(get_metric("roc_auc", task="binary"), y, bad, good).difference == 0.5
    assert paired(get_metric("log_loss", task="binary"), y, good, bad).difference < 0


def test_one_class_only_gives_no_interval():
    y = np.ones(50, dtype=int)
    result = paired(get_metric("roc_auc", task="binary"), y, np.ones((50, 1)), np.ones((50, 1)))
    assert np.isnan(result.difference)
    verdict = judge(get_metric("roc_auc", task="binary"), result, 0.5, {}, Demands())
    assert not verdict.promote
    assert "not defined" in verdict.reason


@pytest.mark.parametrize(("name", "task"), [("mae", "regression"), ("log_loss", "binary")])
def test_where_a_constant_is_perfect_nothing_is_compared(name, task):
    metric, y = get_metric(name, task=task), np.zeros(50, dtype=int)
    overall = paired(metric, y, np.full((50, 1), 0.4), np.full((50, 1), 0.1))
    assert overall.interval[0] > 0
    verdict = judge(metric, overall, 0.0, {}, Demands())
    assert not verdict.promote
    assert "a constant is perfect" in verdict.reason


def decide(old, new, demands=None, slices=None, rows=slice(None)):
    y = Y[rows]
    overall = paired(MAE, y, old[rows], new[rows])
    baseline = MAE.score(y, np.full((len(y), 1), y.mean()))
    return judge(MAE, overall, baseline, slices or {}, demands or Demands())


def test_better_is_promoted_and_worse_is_not():
    assert decide(off_by(2.0, 1), off_by(1.0, 2)).promote
    assert not decide(off_by(1.0, 1), off_by(2.0, 2)).promote
    assert "not better" in decide(off_by(1.0, 1), off_by(2.0, 2)).reason


def test_the_margin_must_be_passed():
    assert not decide(off_by(2.0, 1), off_by(1.0, 2), Demands(margin=3.0)).promote


def test_a_gain_of_few_rows_is_not_believed():
    verdict = decide(off_by(9.0, 1), off_by(9.0, 5), rows=slice(12))
    if verdict.overall.difference > 0:
        assert "too few rows" in verdict.reason
    assert not verdict.promote


def test_a_slice_that_loses_blocks():
    frame = pd.DataFrame({"town": np.where(np.arange(1000) < 150, "Ulm", "Bonn")})
    old, new = off_by(3.0, 1), off_by(1.0, 2)
    new[:150] += 9
    slices = compare_slices(MAE, Y, (old, new), frame, ["town"])
    assert list(slices) == ["town=Bonn", "town=Ulm"]
    verdict = decide(old, new - 0, slices=slices)
    assert verdict.overall.difference > 0 or "not better" in verdict.reason
    assert not verdict.promote
    again = judge(MAE, paired(MAE, Y, old + 30, new), 12.0, slices, Demands())
    assert "worse beyond chance where town=Ulm" in again.reason


def test_small_and_missing_slices_are_handled():
    frame = pd.DataFrame({"town": [None] * 500 + ["Ulm"] * 490 + ["Jena"] * 10})
    slices = compare_slices(MAE, Y, (off_by(1, 1), off_by(1, 2)), frame, ["town"])
    assert set(slices) == {"town=missing", "town=Ulm"}
    with pytest.raises(UsageError, match="'city'"):
        compare_slices(MAE, Y, (off_by(1, 1), off_by(1, 2)), frame, ["city"])


def test_a_margin_below_zero_is_refused():
    with pytest.raises(UsageError, match="margin"):
        Demands(margin=-1)
