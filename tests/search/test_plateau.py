"""When a search has stopped to pay."""

import pytest

from automl.search._plateau import SECONDS, TRIALS, Plateau


class Time:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def searched(losses, seconds_each, optimum=0.0, baseline=1.0):
    time = Time()
    plateau = Plateau(optimum, time)
    plateau.baseline = baseline
    for loss in losses:
        time.now += seconds_each
        plateau.book(loss)
        if plateau.reached:
            return time.now
    return None


def test_it_takes_many_trials_and_many_seconds():
    n = TRIALS + 1
    assert searched([0.5] * n, 1.2 * SECONDS / TRIALS) is not None
    assert searched([0.5] * (n - 5), 1.2 * SECONDS / TRIALS) is None
    assert searched([0.5] * n, 0.8 * SECONDS / TRIALS) is None


def test_pruned_trials_count_too():
    assert searched([0.5] + [None] * TRIALS, 1.2 * SECONDS / TRIALS) is not None


def test_a_better_leader_starts_it_anew_and_a_tiny_gain_does_not():
    halfway = [0.5] * 80
    assert searched([*halfway, 0.49, *halfway], 5.0) is None
    assert searched([*halfway, 0.4999, *halfway], 5.0) is not None


@pytest.mark.parametrize(("optimum", "baseline"), [(float("-inf"), 1.0), (0.0, float("inf"))])
def test_gains_have_a_scale_where_the_optimum_or_the_baseline_is_unknown(optimum, baseline):
    steps = [0.5 * 0.99**i for i in range(150)]
    assert searched(steps, 10.0, optimum, baseline) is None


def test_after_a_late_gain_it_waits_as_long_again():
    late = [0.5] * 99 + [0.3] + [0.3] * 300
    ended = searched(late, 10.0)
    assert ended == pytest.approx(2 * 100 * 10.0)
