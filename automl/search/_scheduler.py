"""What to run next: go on with a trial, begin a starting configuration, or propose."""

from collections.abc import Callable, Container, Mapping
from dataclasses import replace
from math import ceil
from typing import Any

import optuna

from automl.families import Family
from automl.search._bandit import Bandit
from automl.search._card import costed
from automl.search._cost import CostModel
from automl.search._ledger import Ledger
from automl.search._places import Places
from automl.search._plan import SearchPlan
from automl.search._race import RacePruner, RaceTable, no_pruner
from automl.search._studies import Studies, open_journal
from automl.search._trial import FoldOutcome, Trial, TrialState

LARGE_SHARE = 0.5
"""A starting configuration that would take more of the time left than this waits."""

TRUNCATED = 0.4
"""Share of its usual time from which a single fit is worth beginning."""

WHOLE_SHARE = 0.9
"""A trial that would take more of the time left than this is begun only where a worker would be
idle otherwise, and then on fewer rows."""

TOO_LATE = 0.01
"""Share of the budget before its end in which no trial is begun."""

FEW_CELLS, MOST_CELLS = 16_000_000, 30_000_000
"""Dense matrices of the table's own size are made, if they have no more numbers than this: larger
ones take longer, and more memory, than they bring. Those with fewer than the first always are."""

ENCODE = 4e-8
"""Seconds for a number of a dense matrix that is not made yet."""


class Scheduler:
    """Decides which fold of which trial runs next.

    Parameters
    ----------
    plan : SearchPlan
    race : RaceTable
        The evidence that the pruner looks at.
    width : callable
        From the name of an encoding to the number of its columns.

    Attributes
    ----------
    trials : list of Trial
        The baseline first.
    studies : Studies
    bandit : Bandit
    costs : CostModel
    places : Places
    ledger : Ledger
    """

    def __init__(self, plan: SearchPlan, race: RaceTable, width: Callable[[str], int]) -> None:
        self._plan, self._width = plan, width
        self.trials: list[Trial] = []
        self._n_rows = len(plan.splits.valid_rows)
        self.costs = CostModel()
        self.places = Places(plan, self.costs)
        self.bandit = Bandit([f.name for f in plan.families], plan.resources.seed)
        self.studies = Studies(
            plan.families,
            plan.problem,
            storage=open_journal(plan.journal),
            pruner=RacePruner(race) if plan.pruning else no_pruner(),
            maximize=plan.metric.greater_is_better,
            seed=plan.resources.seed,
            configurations=plan.configurations,
            first=plan.starts,
        )
        self.ledger = Ledger(
            self.studies,
            self.bandit,
            cost=self._spent,
            lag=plan.lag,
            on_aside=lambda trial: plan.observe("aside", trial, {}),
        )

    def add_baseline(self, family: Family) -> Trial:
        """Enter the constant baseline, which is trial 0 and in no study."""
        trial = Trial(0, family, {}, len(self._plan.splits.folds), self._n_rows)
        self.trials.append(trial)
        return trial

    def next_fold(self, blocked: Container[str] = ()) -> tuple[Trial, int] | None:
        """Go on with a trial; else start one; else help a trial that runs.

        Parameters
        ----------
        blocked : container of str
            Encodings that are being made: what needs them is not started now.
        """
        waiting = [
            (t, t.next_fold)
            for t in self.open_trials
            if t.next_fold is not None and t.family.name not in self._standing_by
        ]
        for trial, fold in waiting:
            if fold is not None and (trial.hurried or not trial.running):
                return trial, fold
        started = self._start_trial(blocked)
        if started is not None and started.next_fold is not None:
            return started, started.next_fold
        for trial, fold in waiting:
            if fold is not None and trial.outcomes:
                return trial, fold
        return None

    @property
    def open_trials(self) -> list[Trial]:
        """Trials that go on."""
        return [t for t in self.trials if t.state is TrialState.RUNNING and not t.given_up]

    @property
    def _standing_by(self) -> list[str]:
        """Families of which nothing is begun now: fits of theirs wait for the card already."""
        return self.places.users if self.places.held else []

    def _start_trial(self, blocked: Container[str]) -> Trial | None:
        plan = self._plan
        if plan.max_trials is not None and len(self.trials) > plan.max_trials:
            return None
        if not self.ledger.may_begin(len(self.trials)):
            return None
        waiting = [
            (position, start, family)
            for position, (start, family) in enumerate(self.studies.waiting)
            if self._possible(family, start.params, blocked)
        ]
        left = plan.clock.left
        if plan.clock.budget is not None and left < TOO_LATE * plan.clock.budget:
            return None
        starts = {
            position: self._seconds(family, start.params) for position, start, family in waiting
        }
        for share in (LARGE_SHARE, WHOLE_SHARE):
            for position, seconds in starts.items():
                if seconds <= share * left:
                    return self._open(*self.studies.take_start(position), is_start=True)
        if plan.configurations:
            return self._quickest(starts, {})
        return self._propose(starts, blocked)

    def _propose(self, starts: Mapping[int, float], blocked: Container[str]) -> Trial | None:
        """Let a family propose that can end in time; else begin what would take the least."""
        enough = WHOLE_SHARE * self._plan.clock.left
        families = {
            f: self._seconds(f, self._typical(f))
            for f in self._plan.families
            if f.tunable and self._possible(f, self._typical(f), blocked)
        }
        fitting = [f.name for f, s in families.items() if s * self._pace(f) <= enough]
        if not fitting:
            return self._quickest(starts, {f.name: s for f, s in families.items()})
        trial = self._open(*self.studies.propose(self.bandit.choose(fitting)), is_start=False)
        trial.hurried = families[trial.family] > enough
        return trial

    def _pace(self, family: Family) -> float:
        """Share of a trial's seconds that must pass: of a family that has shown what it can do
        all workers may fit the folds at once."""
        if not self.bandit.accounts[family.name].losses:
            return 1.0
        n_folds = 1 if self._whole(family) else len(self._plan.splits.folds)
        return ceil(n_folds / self._plan.n_workers) / n_folds

    def _quickest(
        self, starts: Mapping[int, float], families: Mapping[str, float]
    ) -> Trial | None:
        """Begin what would take the least; it is too long, and will be made smaller."""
        start = min(starts, key=lambda p: starts[p], default=None)
        family = min(families, key=lambda n: families[n], default=None)
        if start is not None and (family is None or starts[start] <= families[family]):
            return self._open(*self.studies.take_start(start), is_start=True)
        if family is not None:
            return self._open(*self.studies.propose(family), is_start=False)
        return None

    def _possible(
        self, family: Family, params: Mapping[str, Any], blocked: Container[str]
    ) -> bool:
        """Whether a trial may be begun now, be it long or short."""
        encoding = family.encoding(params)
        if encoding in blocked or family.name in self.ledger.aside:
            return False
        if family.name in self._standing_by:
            return False
        most = min(MOST_CELLS, max(FEW_CELLS, self._plan.table_bytes // 4))
        return encoding == "tree" or self._n_rows * self._width(encoding) <= most

    def _seconds(self, family: Family, params: Mapping[str, Any]) -> float:
        """What a trial is expected to take, all its folds one after the other."""
        folds = self._plan.splits.folds
        whole = self._whole(family)
        n_rows = self._n_rows if whole else len(folds[0].train)
        problem = replace(self._plan.problem, n_rows=n_rows)
        encoding = family.encoding(params)
        width = self._width(encoding)
        forecast = self.places.forecast(family, params, problem, width)
        fits = 1 if whole else len(folds)
        tried = {t.family.encoding(t.params) for t in self.trials}
        encode = 0.0 if encoding in tried or encoding == "tree" else ENCODE * self._n_rows * width
        if fits == 1:  # the clock may end a single fit early, and what it has counts
            return encode + forecast.seconds * TRUNCATED
        return encode + forecast.seconds * fits

    def _typical(self, family: Family) -> Mapping[str, Any]:
        """Parameters that stand for the family's next proposal: those of its latest trial."""
        for trial in reversed(self.trials):
            if trial.family is family:
                return trial.params
        starts = family.starts(self._plan.problem)
        return starts[0].params if starts else {}

    def book(self, trial: Trial, outcome: FoldOutcome, width: int, n_threads: int) -> None:
        """Learn what a fit has cost; nothing, where the clock must not matter."""
        if self._plan.in_order:
            return
        self.costs.book(
            costed(trial.family, outcome.device),
            trial.params,
            replace(self._plan.problem, n_rows=max(1, outcome.n_rows)),
            outcome.seconds,
            width=width,
            n_threads=n_threads,
            cut=outcome.interrupted,
        )

    def _spent(self, trial: Trial) -> float:
        """Seconds that a trial has taken; those expected, where the clock must not matter."""
        if not self._plan.in_order:
            return trial.seconds
        share = 1.0 if trial.finished else (trial.judged + 0.5) / trial.n_folds
        return share * self.expected(trial)

    def expected(self, trial: Trial) -> float:
        """Seconds that all folds of a trial are expected to take."""
        return self._seconds(trial.family, trial.params)

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
