"""What runs next, where the time left decides it."""

import time

import numpy as np
import pytest

from automl.families import Family, Problem, Resources, Start
from automl.objective import get_metric, make_splits
from automl.search import Clock, RaceTable, SearchPlan, TrialState
from automl.search._scheduler import Scheduler

N_ROWS, N_FOLDS = 100, 5


class Timed(Family):
    """A fit takes as many seconds as its parameters say."""

    unit_seconds = 1.0
    work_spread = 0.01

    def __init__(self, name, *seconds):
        self.name, self._seconds = name, seconds

    def starts(self, problem):
        return [Start({"seconds": s}, rank) for rank, s in enumerate(self._seconds)]

    def suggest(self, trial, problem):
        return {"seconds": trial.suggest_float("seconds", 0.1, 6.0)}

    def work(self, params, problem, *, width=None):
        return params["seconds"]

    def fit(self, params, data, watch, *, problem, resources):
        raise NotImplementedError

    def load(self, files):
        raise NotImplementedError


@pytest.fixture
def schedule(tmp_path):
    def make(*families, left, n_workers=2):
        y = np.arange(float(N_ROWS))
        plan = SearchPlan(
            problem=Problem("regression", N_ROWS, 3),
            metric=get_metric("rmse", task="regression"),
            families=families,
            splits=make_splits(y, task="regression", n_folds_hint=N_FOLDS, random_state=0),
            clock=Clock(time.monotonic(), left),
            resources=Resources(),
            files=None,
            journal=tmp_path / "journal",
            interrupted=None,
            observe=None,
            n_workers=n_workers,
        )
        return Scheduler(plan, RaceTable(), lambda encoding: 3)

    return make


def begin(scheduler):
    trial, fold = scheduler.next_fold()
    trial.running.add(fold)
    return trial, fold


def test_a_start_that_takes_much_of_the_time_left_waits_for_shorter_ones(schedule):
    scheduler = schedule(Timed("a", 10.0, 1.0), left=100.0)
    assert begin(scheduler)[0].params["seconds"] == 1.0
    assert begin(scheduler)[0].params["seconds"] == 10.0


def spent(scheduler, name, loss=0.5):
    """A family has ended a trial, so that the bandit knows it."""
    scheduler.bandit.baseline = 1.0
    scheduler.bandit.book(name, seconds=1.0, loss=loss)


def test_a_proposal_that_only_all_workers_can_end_in_time_gets_all_of_them(schedule):
    scheduler = schedule(Timed("a", 5.0), left=100.0)
    first = begin(scheduler)[0]
    first.state = TrialState.COMPLETE
    scheduler._plan.clock.budget = 20.0
    spent(scheduler, "a")
    trial, fold = begin(scheduler)
    assert (trial.is_start, fold, trial.hurried) == (False, 0, True)
    assert begin(scheduler) == (trial, 1)
    assert begin(scheduler) == (trial, 2)


def test_a_start_that_one_worker_can_not_end_in_time_gives_way(schedule):
    scheduler = schedule(Timed("a", 5.0), Timed("b", 1.0), left=20.0)
    names = [begin(scheduler)[0].family.name for _ in range(2)]
    assert names == ["b"] * 2


def test_new_trials_begin_before_others_are_helped(schedule):
    scheduler = schedule(Timed("a", 1.0, 1.0), left=100.0)
    first, second = begin(scheduler)[0], begin(scheduler)[0]
    assert first is not second
    assert not first.hurried
    assert not second.hurried


def test_one_worker_can_not_hurry(schedule):
    scheduler = schedule(Timed("a", 5.0), Timed("b", 1.0), left=20.0, n_workers=1)
    assert begin(scheduler)[0].family.name == "b"
    assert not begin(scheduler)[0].hurried
