"""Who is worth going on with."""

from math import inf, isinf, nan
from types import SimpleNamespace

import numpy as np
import optuna
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from automl.search import FoldOutcome, RacePruner, RaceTable, Trial, TrialState
from automl.search._race import optimistic_end

optuna.logging.set_verbosity(optuna.logging.WARNING)

EMPTY = np.zeros((0, 1), np.float32)


@st.composite
def curves(draw):
    """Best loss so far at geometric steps; never rises."""
    n = draw(st.integers(1, 25))
    steps = np.unique(np.ceil(1.3 ** np.arange(n)).astype(int))
    gains = draw(st.lists(st.floats(0, 10), min_size=len(steps), max_size=len(steps)))
    losses = draw(st.floats(-50, 50)) - np.cumsum(gains)
    return list(zip(steps.tolist(), losses.tolist(), strict=True))


@given(curves())
def test_the_optimistic_end_is_never_above_the_present(curve):
    assert optimistic_end(curve) <= curve[-1][1]


@given(curves(), st.floats(0.01, 100), st.floats(-100, 100))
def test_the_optimistic_end_does_not_depend_on_the_unit(curve, scale, shift):
    end = optimistic_end(curve)
    other = optimistic_end([(step, scale * loss + shift) for step, loss in curve])
    if isinf(end):
        assert other == end
    else:
        now, later = curve[-1][1], np.diff([v for _, v in curve])
        assume(np.abs(later[later != 0]).min(initial=1) > 1e-6)  # no gains lost in rounding
        assert other == pytest.approx(scale * end + shift, abs=1e-3 * scale * (1 + abs(now)))


@pytest.mark.parametrize("curve", [[], [(1, 3.0)], [(1, 3.0), (2, 1.0)], [(9, 2.0), (30, 1.0)]])
def test_a_short_curve_says_nothing(curve):
    assert optimistic_end(curve) == -inf


def test_a_flat_curve_stays_where_it_is():
    assert optimistic_end([(1, 2.0), (8, 1.0), (16, 1.0), (32, 1.0), (64, 1.0)]) == 1.0


@given(st.floats(0.5, 0.9), st.integers(4, 9))
def test_gains_that_shrink_evenly_are_followed_to_their_end(ratio, n):
    """Gains per doubling shrink by the same ratio: the end is the sum of the series."""
    losses = 1.0 + ratio ** np.arange(n)
    curve = [(2**i, float(loss)) for i, loss in enumerate(losses)]
    assert optimistic_end(curve) == pytest.approx(1.0, abs=1e-6)


class Race:
    """A race of made-up trials in real studies; a family is no more than its name here."""

    def __init__(self, baseline=1.0, n_folds=5):
        self.table = RaceTable()
        self.table.baseline = [baseline] * n_folds
        self.n_folds = n_folds
        self.families, self.studies, self.n_trials = {}, {}, 0

    def enter(
        self, *losses, family="x", start=False, state=TrialState.RUNNING, curve=(), whole=False
    ):
        """A trial with the losses of its first folds."""
        if family not in self.studies:
            self.families[family] = SimpleNamespace(name=family)
            self.studies[family] = optuna.create_study(
                study_name=family, pruner=RacePruner(self.table)
            )
        self.n_trials += 1
        trial = Trial(
            self.n_trials,
            self.families[family],
            {},
            self.n_folds,
            start,
            whole,
            self.studies[family].ask(),
            state,
        )
        for fold, loss in enumerate(losses):
            trial.outcomes[fold] = FoldOutcome(loss, 1, EMPTY)
        if curve:
            self.table.curves[trial.number] = list(curve)
        self.table.enter(trial)
        return trial

    def finished(self, *means, family="x"):
        for mean in means:
            self.enter(*[mean] * self.n_folds, family=family, state=TrialState.COMPLETE)

    @staticmethod
    def prunes(trial):
        return trial.record.should_prune()


SLOW = [(1, 0.9), (8, 0.9), (16, 0.9), (32, 0.9)]


@pytest.mark.parametrize("n", [0, 1, 2])
def test_nobody_is_pruned_before_three_others_can_be_compared(n):
    for last in ({"losses": (0.99, 0.99)}, {"losses": (), "curve": SLOW}):
        race = Race()
        race.finished(*[0.1] * n)
        assert not race.prunes(race.enter(*last["losses"], curve=last.get("curve", ())))


def test_a_trial_far_behind_is_pruned_across_families():
    race = Race()
    race.finished(0.1, 0.2, family="x")
    race.finished(0.15, family="y")
    for start in (True, False):
        assert race.prunes(race.enter(0.9, family="z", start=start))
        assert race.prunes(race.enter(curve=SLOW, family="z", start=start))


def test_a_trial_with_a_chance_goes_on():
    race = Race()
    race.finished(0.1, 0.2, 0.15)
    assert not race.prunes(race.enter(0.11))
    steep = [(1, 0.9), (8, 0.8), (16, 0.6), (32, 0.3)]
    assert not race.prunes(race.enter(curve=steep))
    assert not race.prunes(race.enter(curve=[(1, 0.9), (2, 0.9)]))
    assert not race.prunes(race.enter())


def test_starts_are_judged_more_mildly_than_proposals():
    """Behind the median of its family, but not far from the best."""
    race = Race()
    race.finished(0.10, 0.11, 0.12)
    assert not race.prunes(race.enter(0.15, start=True))
    assert race.prunes(race.enter(0.15, start=False))


def test_proposals_are_not_held_against_the_median_of_another_family():
    race = Race()
    race.finished(0.10, 0.11, 0.12, family="x")
    assert not race.prunes(race.enter(0.15, family="y"))


def test_only_the_same_folds_are_compared():
    """The first fold is a hard one for all; means over more folds say nothing about it."""
    race = Race()
    for _ in range(4):
        race.enter(0.9, 0.1, 0.1, 0.1, 0.1, state=TrialState.COMPLETE)
    assert not race.prunes(race.enter(0.9))
    assert race.prunes(race.enter(0.9, 0.9))


@pytest.mark.parametrize("state", [TrialState.FAILED, TrialState.PRUNED, TrialState.STOPPED])
def test_trials_that_were_given_up_are_no_measure(state):
    race = Race()
    for _ in range(5):
        race.enter(0.1, 0.1, state=state)
    assert not race.prunes(race.enter(0.9, 0.9))


def test_undefined_losses_are_no_reason():
    race = Race()
    race.finished(0.1, 0.2, 0.15)
    assert not race.prunes(race.enter(nan))


def test_without_anybody_better_than_the_baseline_starts_go_on():
    race = Race(baseline=0.05)
    race.finished(0.1, 0.2, 0.15)
    assert not race.prunes(race.enter(0.9, start=True))


def test_a_trial_that_the_table_does_not_know_goes_on():
    race = Race()
    race.finished(0.1, 0.2, 0.15)
    assert not race.studies["x"].ask().should_prune()


def test_a_fit_on_all_rows_is_compared_with_the_means_of_those_that_ended():
    race = Race()
    race.finished(0.1, 0.2, 0.15)
    assert race.prunes(race.enter(curve=SLOW, family="forest", whole=True))
    steep = [(1, 0.9), (8, 0.8), (16, 0.6), (32, 0.3)]
    assert not race.prunes(race.enter(curve=steep, family="forest", whole=True))


@given(
    st.lists(st.lists(st.floats(0, 0.99), min_size=3, max_size=3), min_size=1, max_size=12),
    st.lists(st.floats(0, 0.99), min_size=1, max_size=3),
    st.booleans(),
    st.booleans(),
)
def test_the_best_is_never_pruned(others, losses, start, same_family):
    race = Race(n_folds=3)
    for other in others:
        family = "x" if same_family else f"f{race.n_trials % 3}"
        race.enter(*other, family=family, state=TrialState.COMPLETE)
    n = len(losses)
    assume(np.mean(losses) <= min(np.mean(other[:n]) for other in others))
    assert not race.prunes(race.enter(*losses, start=start))
