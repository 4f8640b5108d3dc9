"""What became of trials, told to the studies and to the bandit: at once, or by their numbers."""

import logging
from collections.abc import Callable

import optuna

from automl.search._bandit import Bandit
from automl.search._studies import Studies
from automl.search._trial import Trial, TrialState

logger = logging.getLogger("automl.search")

FAILURES = 3
"""A family of which so many trials failed one after the other is not tried again."""

STATES = {
    TrialState.COMPLETE: optuna.trial.TrialState.COMPLETE,
    TrialState.PRUNED: optuna.trial.TrialState.PRUNED,
}


class Ledger:
    """Tells of ended trials, so that what is proposed next can follow from them.

    Parameters
    ----------
    studies : Studies
    bandit : Bandit
    cost : callable
        From a trial to what it has cost.
    lag : int, optional
        Trials are told in the order of their numbers, and trial *i* begins when all up to
        *i* - `lag` have ended: what it is then depends on no clock. ``None``: told at once.
    on_aside : callable
        Called with the last trial of a family that is put aside.

    Attributes
    ----------
    aside : dict of str to Trial
        Families that failed too often, with the last trial of each.
    """

    def __init__(
        self,
        studies: Studies,
        bandit: Bandit,
        *,
        cost: Callable[[Trial], float],
        lag: int | None,
        on_aside: Callable[[Trial], None] = lambda trial: None,
    ) -> None:
        self._studies, self._bandit, self._cost, self._lag = studies, bandit, cost, lag
        self._on_aside = on_aside
        self._ended: dict[int, tuple[Trial, float | None]] = {}
        self._told = 0
        self._failed: dict[str, int] = {}
        self.aside: dict[str, Trial] = {}

    def end(self, trial: Trial, loss: float | None) -> None:
        """Take a trial that has ended; `loss` is ``None`` unless it is complete."""
        if self._lag is None:
            self._tell(trial, loss)
        else:
            self._ended[trial.number] = (trial, loss)

    def may_begin(self, number: int) -> bool:
        """Whether trial `number` may begin now; those it may know of are told before."""
        if self._lag is None:
            return True
        return self.settle(number - self._lag)

    def settle(self, last: int) -> bool:
        """Tell of the trials up to number `last`, in order, as far as they have ended."""
        while self._told < last and self._told + 1 in self._ended:
            self._told += 1
            self._tell(*self._ended.pop(self._told))
        return self._told >= last

    def _tell(self, trial: Trial, loss: float | None) -> None:
        assert trial.record is not None
        name, complete = trial.family.name, trial.state is TrialState.COMPLETE
        if not complete:
            trial.record.set_user_attr("reason", trial.reason)
        state = STATES.get(trial.state, optuna.trial.TrialState.FAIL)
        self._studies.tell(name, trial.record, trial.score if complete else None, state)
        self._bandit.book(name, self._cost(trial), loss)
        self._count_failure(trial)

    def _count_failure(self, trial: Trial) -> None:
        """Put a family aside that fails again and again."""
        name = trial.family.name
        if trial.state is TrialState.STOPPED:
            return
        failed = trial.state is TrialState.FAILED
        self._failed[name] = self._failed.get(name, 0) + 1 if failed else 0
        if self._failed[name] < FAILURES or name in self.aside:
            return
        self.aside[name] = trial
        logger.warning(
            "%s is put aside: %d of its trials failed one after the other.", name, FAILURES
        )
        self._on_aside(trial)
