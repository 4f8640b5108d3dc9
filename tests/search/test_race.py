"""Who is worth going on with."""

from math import inf, nan
from types import SimpleNamespace

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.objective import get_metric
from automl.search import FoldOutcome, RacePruner, RaceTable, Trial, TrialState
from automl.search._judge import Judge
from automl.search._trial import WHOLE

optuna.logging.set_verbosity(optuna.logging.WARNING)

COMPLETE = TrialState.COMPLETE


class Race:
    """A race of made-up trials in real studies; a family is no more than its name here.

    The table is so large that chance is a fifth of a per cent of the error on one fold.
    """

    def __init__(self, baseline=1.0, n_folds=5, n_rows=5_000_000, optimum=0.0):
        self.table = RaceTable(optimum)
        self.table.baseline = [baseline] * n_folds
        self.n_folds, self.n_rows = n_folds, n_rows
        self.families, self.studies, self.n_trials = {}, {}, 0

    def enter(self, *losses, family="x", start=False, whole=False, curve=(), **fields):
        """A trial with the losses of its first folds (or of the one fit on all rows)."""
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
            n_rows=self.n_rows,
            is_start=start,
            whole=whole,
            record=self.studies[family].ask(),
            **fields,
        )
        for fold, loss in enumerate(losses):
            trial.outcomes[WHOLE if whole else fold] = FoldOutcome(loss, 1)
        trial.judged = len(losses)
        if curve:
            self.table.curves[trial.number] = list(curve)
        self.table.enter(trial)
        return trial

    def finished(self, *means, family="x", whole=False):
        for mean in means:
            losses = [mean] * (1 if whole else self.n_folds)
            self.enter(*losses, family=family, whole=whole, state=COMPLETE)

    @staticmethod
    def prunes(trial):
        return trial.record.should_prune()


def flat(loss):
    """A learning curve without gains: its end is where it is."""
    return [(1, loss), (8, loss), (16, loss), (32, loss)]


SLOW = flat(0.9)
STEEP = [(1, 0.9), (8, 0.8), (16, 0.6), (32, 0.3)]


# -- all trials --------------------------------------------------------------------------


@pytest.mark.parametrize("start", [True, False])
@pytest.mark.parametrize("whole", [True, False])
def test_nobody_is_pruned_before_another_can_be_compared(start, whole):
    verdicts = []
    for n in range(3):
        race = Race()
        race.finished(*[0.1] * n)
        verdicts.append(race.prunes(race.enter(curve=SLOW, start=start, whole=whole)))
        if not whole:
            assert race.prunes(race.enter(0.9, 0.9, start=start)) == verdicts[-1]
    assert verdicts == [False, True, True]


def test_a_trial_far_behind_is_pruned_across_families():
    race = Race()
    race.finished(0.1, family="x")
    race.finished(0.15, family="y")
    for start in (True, False):
        assert race.prunes(race.enter(0.9, family="z", start=start))
        assert race.prunes(race.enter(curve=SLOW, family="z", start=start))
        assert race.prunes(race.enter(curve=SLOW, family="z", start=start, whole=True))


@pytest.mark.parametrize("start", [True, False])
@pytest.mark.parametrize(("loss", "pruned"), [(0.1, False), (0.117, False), (0.119, True)])
def test_far_behind_is_an_error_larger_by_eighteen_per_cent(loss, pruned, start):
    race = Race()
    race.finished(0.1, 0.3)
    assert race.prunes(race.enter(loss, family="z", start=start)) == pruned
    assert race.prunes(race.enter(curve=flat(loss), family="z", start=start)) == pruned
    whole = race.enter(curve=flat(loss), family="z", start=start, whole=True)
    assert race.prunes(whole) == pruned


def test_the_error_is_the_distance_to_the_best_possible_score():
    """0.117 is 17 % more than 0.1, but almost twice as far from 0.08."""
    for optimum, pruned in [(0.0, False), (0.08, True), (-5.0, False)]:
        race = Race(optimum=optimum)
        race.finished(0.1, 0.3)
        assert race.prunes(race.enter(0.117, family="z")) == pruned


@pytest.mark.parametrize(("loss", "pruned"), [(0.29, False), (0.31, True)])
def test_without_a_best_possible_score_the_baseline_is_the_scale(loss, pruned):
    """A quarter of the way from the baseline (0.9) to the best (0.1)."""
    race = Race(optimum=-inf, baseline=0.9)
    race.finished(0.1, 0.5)
    assert race.prunes(race.enter(loss, family="z")) == pruned
    assert race.prunes(race.enter(curve=flat(loss), family="z", whole=True)) == pruned


def test_what_may_be_chance_on_few_rows_is_no_reason():
    """Ten rows in a fold: two standard errors are 63 % of the error, then 28 % on all fifty."""
    race = Race(n_rows=50)
    race.finished(0.1, 0.3)
    assert not race.prunes(race.enter(0.180, family="z"))
    assert race.prunes(race.enter(0.183, family="z"))
    assert not race.prunes(race.enter(curve=flat(0.145), family="z", whole=True))
    assert race.prunes(race.enter(curve=flat(0.148), family="z", whole=True))


def test_folds_that_disagree_leave_more_doubt_than_folds_that_agree():
    race = Race()
    race.finished(0.1, 0.3)
    assert race.prunes(race.enter(0.16, 0.16, family="z"))
    assert not race.prunes(race.enter(0.10, 0.22, family="z"))


def test_a_trial_with_a_chance_goes_on():
    race = Race()
    race.finished(0.1, 0.2, 0.15)
    assert not race.prunes(race.enter(0.11))
    assert not race.prunes(race.enter(curve=STEEP))
    assert not race.prunes(race.enter(curve=[(1, 0.9), (2, 0.9)]))
    assert not race.prunes(race.enter())


def test_only_the_same_folds_are_compared():
    """The first fold is a hard one for all; means over more folds say nothing about it."""
    race = Race()
    for _ in range(4):
        race.enter(0.9, 0.1, 0.1, 0.1, 0.1, state=COMPLETE)
    assert not race.prunes(race.enter(0.9))
    assert not race.prunes(race.enter(curve=SLOW))
    assert race.prunes(race.enter(0.9, 0.9))


def test_trials_that_still_run_are_a_measure_for_the_folds_they_have():
    race = Race()
    race.enter(0.1, 0.1, family="x")
    race.enter(0.2, 0.2, family="y")
    assert race.prunes(race.enter(0.9, 0.9, family="z"))
    assert race.prunes(race.enter(0.9, 0.9, 0.1, family="z"))
    assert not race.prunes(race.enter(0.1, 0.1, 0.9, family="z"))
    race = Race(n_rows=4000)  # few rows: only those that are as far are a measure
    race.enter(0.1, 0.1, family="x")
    assert race.prunes(race.enter(0.9, 0.9, family="z"))
    assert not race.prunes(race.enter(0.9, 0.9, 0.1, family="z"))


@pytest.mark.parametrize("state", [TrialState.FAILED, TrialState.PRUNED, TrialState.STOPPED])
def test_trials_that_were_given_up_are_no_measure(state):
    race = Race()
    for _ in range(5):
        race.enter(0.1, 0.1, state=state)
        race.enter(0.1, whole=True, state=state)
    assert not race.prunes(race.enter(0.9, 0.9))
    assert not race.prunes(race.enter(curve=SLOW, whole=True))


def test_undefined_losses_are_no_reason_and_no_measure():
    race = Race()
    race.finished(0.1, nan, nan, nan)
    assert race.prunes(race.enter(0.9))
    race = Race()
    race.finished(nan, nan)
    assert not race.prunes(race.enter(0.9))
    race.finished(0.2, 0.15)
    assert race.prunes(race.enter(0.9))
    assert not race.prunes(race.enter(nan))
    assert not race.prunes(race.enter(0.9, nan))
    assert not race.prunes(race.enter(curve=flat(nan)))


def test_a_trial_that_the_table_does_not_know_goes_on():
    race = Race()
    race.finished(0.1, 0.2, 0.15)
    assert not race.studies["x"].ask().should_prune()


def test_a_trial_is_found_by_its_number_in_the_study_of_its_family():
    race = Race()
    x, y, other_x = (race.enter(0.1, family=name) for name in "xyx")
    race.table.enter(Trial(0, race.families["x"], {}, 5))  # the baseline is in no study
    assert race.table.find("x", 0) is x
    assert race.table.find("y", 0) is y
    assert race.table.find("x", 1) is other_x
    assert race.table.find("y", 1) is None
    assert race.table.find("z", 0) is None


# -- starting configurations -------------------------------------------------------------


@pytest.mark.parametrize(("loss", "pruned"), [(0.104, False), (0.106, True)])
def test_a_start_is_held_against_its_family_with_a_twentieth_to_spare(loss, pruned):
    race = Race()
    race.finished(0.1, 0.11, family="x")
    assert race.prunes(race.enter(loss, start=True)) == pruned
    assert race.prunes(race.enter(loss, loss, start=True)) == pruned
    assert race.prunes(race.enter(curve=flat(loss), start=True)) == pruned
    assert not race.prunes(race.enter(loss, start=True, family="y"))


def test_only_finished_trials_of_its_family_end_a_start():
    race = Race()
    race.finished(0.1, 0.1, family="y")
    race.enter(0.1, 0.1, family="x")  # runs: not finished
    assert not race.prunes(race.enter(0.11, 0.11, start=True, family="x"))
    race.finished(0.1, family="x")
    assert race.prunes(race.enter(0.11, 0.11, start=True, family="x"))


def test_a_start_has_the_benefit_of_the_doubt_within_its_family():
    """Ten rows in a fold: 5 % and 63 % of the error."""
    race = Race(n_rows=50)
    race.finished(0.1, 0.11)
    assert not race.prunes(race.enter(0.167, start=True))
    assert race.prunes(race.enter(0.170, start=True))


def test_without_a_best_possible_score_a_start_is_not_held_against_its_family():
    race = Race(optimum=-inf)
    race.finished(0.1, 0.11)
    assert not race.prunes(race.enter(0.2, start=True))
    assert race.prunes(race.enter(0.4, start=True))  # but against the best of all


# -- proposals ---------------------------------------------------------------------------


@pytest.mark.parametrize("optimum", [0.0, -inf])
@pytest.mark.parametrize(("loss", "pruned"), [(0.106, False), (0.108, True)])
def test_a_proposal_must_keep_up_with_the_better_third_of_its_family(loss, pruned, optimum):
    """A third of the way from the best of three to the worst: 0.10667."""
    race = Race(optimum=optimum)
    race.finished(0.10, 0.11, 0.12)
    assert race.prunes(race.enter(loss)) == pruned
    assert race.prunes(race.enter(loss, loss)) == pruned
    assert race.prunes(race.enter(curve=flat(loss))) == pruned


def test_two_finished_trials_of_its_family_do_not_end_a_proposal():
    race = Race()
    race.finished(0.1, 0.1, family="x")
    race.finished(0.1, 0.1, family="y")
    race.enter(0.1, 0.1, family="x")  # runs: not finished
    assert not race.prunes(race.enter(0.11, 0.11, family="x"))
    race.finished(0.1, family="x")
    assert race.prunes(race.enter(0.11, 0.11, family="x"))


def test_proposals_are_not_held_against_another_family():
    race = Race()
    race.finished(0.10, 0.10, 0.10, family="x")
    assert race.prunes(race.enter(0.11, family="x"))
    assert not race.prunes(race.enter(0.11, family="y"))


# -- one fit on all rows -----------------------------------------------------------------


def test_a_fit_on_all_rows_is_compared_with_the_means_of_those_that_ended():
    race = Race()
    for _ in range(2):
        race.enter(0.5, 0.3, 0.1, state=COMPLETE)
    for loss, pruned in [(0.31, False), (0.35, False), (0.36, True)]:
        assert race.prunes(race.enter(curve=flat(loss), family="y", whole=True)) == pruned
    assert not race.prunes(race.enter(curve=STEEP, family="y", whole=True))
    assert not race.prunes(race.enter(family="y", whole=True))


def test_a_fit_on_all_rows_is_compared_with_the_folds_that_others_have():
    race = Race()
    race.enter(family="y")  # has none yet
    assert not race.prunes(race.enter(curve=SLOW, whole=True))
    race.enter(0.1, 0.1, family="y")
    assert race.prunes(race.enter(curve=SLOW, whole=True))


def test_fits_on_all_rows_are_no_measure_for_folds():
    race = Race()
    race.finished(0.1, 0.1, 0.1, whole=True)
    for start in (True, False):
        assert not race.prunes(race.enter(0.9, family="y", start=start))
        assert not race.prunes(race.enter(curve=SLOW, family="y", start=start))


@pytest.mark.parametrize(
    ("start", "loss", "pruned"),
    [(True, 0.104, False), (True, 0.106, True), (False, 0.106, False), (False, 0.108, True)],
)
def test_fits_on_all_rows_are_held_against_their_family(start, loss, pruned):
    race = Race()
    race.finished(0.10, 0.11, 0.12, family="x", whole=True)
    assert race.prunes(race.enter(curve=flat(loss), start=start, whole=True)) == pruned
    other = race.enter(curve=flat(loss), start=start, whole=True, family="y")
    assert not race.prunes(other)


# -- whatever happened -------------------------------------------------------------------

LOSSES = st.lists(st.floats(0.01, 0.99), min_size=3, max_size=3)
RACES = st.fixed_dictionaries(
    {
        "optimum": st.sampled_from([0.0, -inf, -3.0]),
        "baseline": st.sampled_from([0.05, 0.5, 1.0]),
        "n_rows": st.sampled_from([3, 300, 10**7]),
    }
)


def filled(setting, others, same_family):
    race = Race(n_folds=3, **setting)
    for other in others:
        family = "x" if same_family else f"f{race.n_trials % 3}"
        race.enter(*other, family=family, state=COMPLETE)
    return race


@settings(deadline=None)
@given(
    RACES,
    st.lists(LOSSES, min_size=1, max_size=12),
    st.lists(st.floats(0.01, 0.99), min_size=1, max_size=3),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["folds", "curve", "whole"]),
)
def test_the_best_is_never_pruned(setting, others, losses, start, same_family, judged_by):
    race = filled(setting, others, same_family)
    n = {"folds": len(losses), "curve": 1, "whole": 3}[judged_by]
    best = float(min(np.mean(other[:n]) for other in others))
    if judged_by == "folds":
        share = min(1.0, best / np.mean(losses)) * (1 - 1e-12)
        trial = race.enter(*[share * loss for loss in losses], start=start)
    else:
        trial = race.enter(curve=flat(best), start=start, whole=judged_by == "whole")
    assert not race.prunes(trial)


@settings(deadline=None)
@given(
    RACES,
    st.lists(LOSSES, min_size=1, max_size=6),
    st.lists(st.floats(0.01, 0.99), min_size=1, max_size=3),
    st.booleans(),
    st.booleans(),
    st.sampled_from([2.0**-20, 2.0**20]),
)
def test_the_verdict_does_not_depend_on_the_unit(setting, others, losses, start, same, unit):
    """A power of two changes no digit."""
    scaled = setting | {k: setting[k] * unit for k in ("optimum", "baseline")}
    verdicts = []
    for values, scale in ((setting, 1.0), (scaled, unit)):
        race = filled(values, [[scale * v for v in other] for other in others], same)
        trial = race.enter(*[scale * v for v in losses], start=start)
        whole = race.enter(curve=flat(scale * losses[0]), start=start, whole=True)
        verdicts.append((race.prunes(trial), race.prunes(whole)))
    assert verdicts[0] == verdicts[1]


def test_a_trial_that_runs_is_held_against_what_others_have_shown_since():
    race = Race()
    judge = Judge(race.table, get_metric("rmse", task="regression"))
    early, fresh = race.enter(0.9, 0.9, family="y"), race.enter(family="z")
    assert judge.look_again(early) == judge.look_again(fresh) == ""
    race.enter(0.1, family="x")
    assert judge.look_again(early) == "behind others after 2 folds"
    assert judge.look_again(fresh) == ""
    early.n_rows = 4000
    assert judge.look_again(early) == ""
