"""What to run next: go on with a trial, begin a starting configuration, or propose."""

import logging
from typing import Any

import optuna

from automl.families import Family
from automl.search._bandit import Bandit
from automl.search._cost import CostBook
from automl.search._plan import SearchPlan
from automl.search._race import RacePruner, RaceTable, no_pruner
from automl.search._studies import Studies, open_journal
from automl.search._trial import Trial, TrialState

logger = logging.getLogger("automl.search")

LARGE_SHARE = 0.35
"""A starting configuration that would take more of the time left than this waits."""

TRUNCATED = 0.4
"""Share of its usual time from which a single fit is worth beginning."""

FAILURES = 3
"""A family whose first trials all failed, so many of them, is not tried again."""

WHOLE_SHARE = 0.9
"""Nothing is begun that would take more of the time left than this."""


class Scheduler:
    """Decides which fold of which trial runs next.

    Parameters
    ----------
    plan : SearchPlan
    race : RaceTable
        The evidence that the pruner looks at.

    Attributes
    ----------
    trials : list of Trial
        The baseline first.
    studies : Studies
    bandit : Bandit
    costs : CostBook
    """

    def __init__(self, plan: SearchPlan, race: RaceTable) -> None:
        self._plan = plan
        self.trials: list[Trial] = []
        self._aside: set[str] = set()
        self._n_rows = len(plan.splits.valid_rows)
        self.costs = CostBook({f.name: f.relative_cost for f in plan.families})
        self.bandit = Bandit([f.name for f in plan.families], plan.seed)
        self.studies = Studies(
            plan.families,
            plan.problem,
            storage=open_journal(plan.journal),
            pruner=RacePruner(race) if plan.pruning else no_pruner(),
            maximize=plan.metric.greater_is_better,
            seed=plan.seed,
        )

    def add_baseline(self, family: Family) -> Trial:
        """Enter the constant baseline, which is trial 0 and in no study."""
        trial = Trial(0, family, {}, len(self._plan.splits.folds), self._n_rows)
        self.trials.append(trial)
        return trial

    def next_fold(self) -> tuple[Trial, int] | None:
        """Go on with a trial; else start one; else help a trial that runs."""
        open_trials = [t for t in self.trials if t.state is TrialState.RUNNING and not t.given_up]
        waiting = [(t, t.next_fold) for t in open_trials if t.next_fold is not None]
        for trial, fold in waiting:
            if not trial.running and fold is not None:
                return trial, fold
        started = self._start_trial()
        if started is not None and started.next_fold is not None:
            return started, started.next_fold
        for trial, fold in waiting:
            if fold is not None and trial.outcomes:
                return trial, fold
        return None

    def _start_trial(self) -> Trial | None:
        plan = self._plan
        if plan.max_trials is not None and len(self.trials) > plan.max_trials:
            return None
        waiting = self.studies.waiting
        for share in (LARGE_SHARE, WHOLE_SHARE):
            for position, (_, family) in enumerate(waiting):
                if self._affordable(family, share) and not self._put_aside(family):
                    return self._open(*self.studies.take_start(position), is_start=True)
        fitting = [
            f.name
            for f in plan.families
            if f.tunable and self._affordable(f, WHOLE_SHARE) and not self._put_aside(f)
        ]
        if not fitting:
            return None
        return self._open(*self.studies.propose(self.bandit.choose(fitting)), is_start=False)

    def _affordable(self, family: Family, share: float) -> bool:
        """Whether a trial of this family is expected to end within a share of what is left."""
        seconds = self.costs.seconds(family.name)
        fits = 1 if self._whole(family) else len(self._plan.splits.folds)
        expected = 0.0 if seconds is None else seconds * fits
        if fits == 1:  # the clock may end a single fit early, and what it has counts
            expected *= TRUNCATED
        return expected <= share * self._plan.clock.left

    def _put_aside(self, family: Family) -> bool:
        """Whether the family's first trials all failed, so that more would be in vain."""
        ended = [
            t.state
            for t in self.trials
            if t.family is family and t.state is not TrialState.RUNNING
        ]
        failed = len(ended) >= FAILURES and all(s is TrialState.FAILED for s in ended)
        if failed and family.name not in self._aside:
            self._aside.add(family.name)
            logger.warning("%s is put aside: its first %d trials failed.", family.name, FAILURES)
        return failed

    def _whole(self, family: Family) -> bool:
        """Whether one fit, scored out of bag, can stand for this family's folds."""
        splits = self._plan.splits
        return family.out_of_bag and splits.random and len(splits.folds) > 1

    def _open(
        self, family: Family, params: dict[str, Any], record: optuna.Trial, *, is_start: bool
    ) -> Trial:
        n_folds = len(self._plan.splits.folds)
        trial = Trial(len(self.trials), family, params, n_folds, self._n_rows)
        trial.is_start = is_start
        trial.whole, trial.record = self._whole(family), record
        record.set_user_attr("trial", trial.number)
        self.trials.append(trial)
        return trial
