"""The search: which configuration next, what became of it, and when to end."""

import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna

from automl.compute import Engine, Event, Job
from automl.families import Family, Problem, Resources, get_family
from automl.objective import Metric, Splits
from automl.search._bandit import Bandit
from automl.search._clock import Clock
from automl.search._cost import CostBook
from automl.search._fold import FIT_FOLD, FoldTask, fit_fold
from automl.search._matrices import Matrices
from automl.search._race import FOLD_STEPS, RacePruner, RaceTable, no_pruner
from automl.search._studies import Studies, open_journal
from automl.search._trial import FoldOutcome, Trial, TrialState
from automl.table import Table

logger = logging.getLogger("automl.search")

KEPT_MODELS = 30
"""Finished trials whose fitted models stay on disk, for the ensemble to choose from."""

TRIAL_SHARE = 0.3
"""Share of the budget after which the clock ends one trial, with what it has."""

LARGE_SHARE = 0.35
"""A starting configuration that would take more of the time left than this waits."""

GRACE = 0.4
"""Seconds between asking a fit to end and ending its process."""

LOOK = 0.2
"""Seconds between two looks at the clock and at the user."""


@dataclass(frozen=True)
class SearchPlan:
    """Everything that a search needs to know.

    Parameters
    ----------
    problem : Problem
    metric : Metric
    families : tuple of Family
    splits : Splits
    clock : Clock
    max_trials : int, optional
        Trials beyond the baseline; ``None`` where the clock alone limits.
    seed : int
    pruning : bool
    resources : Resources
        Threads and device of one fit.
    folder : Path
        Where the models of finished trials are kept, and the journal.
    journal : Path
    interrupted : callable
        True once the user wants the run to end with what it has.
    observe : callable
        Called with (kind, trial) when a trial starts, finishes a fold, or ends.
    """

    problem: Problem
    metric: Metric
    families: tuple[Family, ...]
    splits: Splits
    clock: Clock
    max_trials: int | None
    seed: int
    pruning: bool
    resources: Resources
    folder: Path
    journal: Path
    interrupted: Callable[[], bool]
    observe: Callable[[str, Trial], None]


class _LocalChannel:
    """Lets the driver fit the baseline itself."""

    stopped = False

    def __init__(self) -> None:
        self.cache: dict[Any, Any] = {}

    def report(self, value: Any) -> None:
        """Nobody listens."""


class Search:
    """Runs a plan on an engine; `trials` holds what came of it, the baseline first.

    Parameters
    ----------
    plan : SearchPlan
    engine : Engine
    table : Table
    y : ndarray of shape (n_rows,)
        Class codes or numbers.
    weight : ndarray of shape (n_rows,), optional
    """

    def __init__(
        self,
        plan: SearchPlan,
        engine: Engine,
        table: Table,
        *,
        y: np.ndarray,
        weight: np.ndarray | None = None,
    ) -> None:
        self.plan = plan
        self.trials: list[Trial] = []
        self._engine = engine
        self._y, self._weight = y, weight
        self._matrices = Matrices(table, engine.put)
        self._target = self._target_arrays()
        self._target_ref = engine.put("target", self._target)
        self._jobs: dict[int, tuple[Trial, int]] = {}
        self._given_up: set[int] = set()
        self._costs = CostBook({f.name: f.relative_cost for f in plan.families})
        self._bandit = Bandit([f.name for f in plan.families], plan.seed)
        self._race = RaceTable([0.0])
        self._studies: Studies

    @property
    def matrices(self) -> Matrices:
        """The encodings that were used."""
        return self._matrices

    def run(self) -> list[Trial]:
        """Search until the budget, the number of trials or the user ends it."""
        self._fit_baseline()
        self._studies = Studies(
            self.plan.families,
            self.plan.problem,
            storage=open_journal(self.plan.journal),
            pruner=RacePruner(self._race) if self.plan.pruning else no_pruner(),
            maximize=self.plan.metric.greater_is_better,
            seed=self.plan.seed,
        )
        while not self._over():
            self._dispatch()
            if not self._jobs:
                break
            for event in self._engine.wait(min(LOOK, max(0.0, self.plan.clock.left))):
                self._handle(event)
        self._end()
        return self.trials

    def model_folder(self, trial: Trial, fold: int) -> Path:
        """Where the files of the model of one fold lie."""
        return self.plan.folder / f"{trial.number}" / f"{fold}"

    def _over(self) -> bool:
        return self.plan.interrupted() or self.plan.clock.left <= 0

    # -- what to run next ---------------------------------------------------------------

    def _dispatch(self) -> None:
        """Give each idle worker its next fold."""
        while self._engine.idle > 0:
            chosen = self._next_fold()
            if chosen is None:
                return
            self._submit(*chosen)

    def _next_fold(self) -> tuple[Trial, int] | None:
        """Go on with a trial; else start one; else help a trial that runs."""
        open_trials = [
            t
            for t in self.trials
            if t.state is TrialState.RUNNING and t.number not in self._given_up
        ]
        waiting = [(t, t.next_fold) for t in open_trials if t.next_fold is not None]
        for trial, fold in waiting:
            if not trial.running and fold is not None:
                return trial, fold
        started = self._start_trial()
        if started is not None:
            return started, 0
        for trial, fold in waiting:
            if fold is not None and trial.outcomes:
                return trial, fold
        return None

    def _start_trial(self) -> Trial | None:
        plan = self.plan
        if plan.max_trials is not None and len(self.trials) > plan.max_trials:
            return None
        waiting = self._studies.waiting
        for share in (LARGE_SHARE, 0.9):
            for position, (_, family) in enumerate(waiting):
                if self._affordable(family, share):
                    return self._open(*self._studies.take_start(position), is_start=True)
        fitting = [f.name for f in plan.families if self._affordable(f, 0.9)]
        if not fitting:
            return None
        return self._open(*self._studies.propose(self._bandit.choose(fitting)), is_start=False)

    def _affordable(self, family: Family, share: float) -> bool:
        """Whether a trial of this family is expected to end within a share of what is left."""
        seconds = self._costs.seconds(family.name)
        expected = 0.0 if seconds is None else seconds * len(self.plan.splits.folds)
        return expected <= share * self.plan.clock.left

    def _open(
        self, family: Family, params: dict[str, Any], record: optuna.Trial, *, is_start: bool
    ) -> Trial:
        trial = Trial(
            len(self.trials), family, params, len(self.plan.splits.folds), is_start, record
        )
        record.set_user_attr("trial", trial.number)
        self.trials.append(trial)
        self._race.enter(family.name, record.number, trial)
        self.plan.observe("started", trial)
        return trial

    def _submit(self, trial: Trial, fold: int) -> None:
        clock = self.plan.clock
        soft = None
        if clock.budget is not None and clock.deadline is not None:
            cap = max(0.5, TRIAL_SHARE * clock.budget / trial.n_folds)
            soft = min(clock.deadline, time.monotonic() + cap)
        reference, matrix = self._matrices.get(trial.family.encoding(trial.params))
        job = Job(
            FIT_FOLD,
            self._task(trial, fold, matrix.names, matrix.sources, matrix.cardinalities),
            (self._target_ref, reference),
            soft_deadline=soft,
            hard_deadline=None if clock.deadline is None else clock.deadline + GRACE,
        )
        trial.running.add(fold)
        self._jobs[self._engine.submit(job)] = (trial, fold)

    def _task(
        self,
        trial: Trial,
        fold: int,
        names: tuple[str, ...],
        sources: tuple[str, ...],
        cardinalities: tuple[int, ...],
    ) -> FoldTask:
        resources = self.plan.resources
        return FoldTask(
            trial.family.name,
            trial.params,
            self.plan.problem,
            self.plan.metric.to_payload(),
            fold,
            Resources(self.plan.seed + fold, resources.n_threads, resources.device),
            trial.family.encoding(trial.params),
            (names, sources, cardinalities),
            self.model_folder(trial, fold),
            report=fold == 0,
        )

    # -- what came of it ----------------------------------------------------------------

    def _handle(self, event: Event) -> None:
        trial, fold = self._jobs[event.job]
        if event.kind == "progress":
            self._take_curve(trial, event)
            return
        del self._jobs[event.job]
        trial.running.discard(fold)
        if event.kind != "done":
            self._give_up(trial, TrialState.FAILED, str(event.value))
        elif trial.number not in self._given_up:
            self._take_outcome(trial, fold, event.value)
        if trial.number in self._given_up and not trial.running:
            self._close(trial)

    def _take_curve(self, trial: Trial, event: Event) -> None:
        step, loss = event.value
        self._race.curves.setdefault(trial.number, []).append((step, loss))
        if trial.record is None or trial.number in self._given_up:
            return
        trial.record.report(self._signed(loss), step)
        if trial.record.should_prune():
            self._give_up(trial, TrialState.PRUNED, f"learning curve at step {step}")
            self._engine.stop(event.job)

    def _take_outcome(self, trial: Trial, fold: int, outcome: FoldOutcome) -> None:
        before = len(trial.fold_losses)
        trial.outcomes[fold] = outcome
        self._costs.book(trial.family.name, outcome.seconds)
        self.plan.observe("fold", trial)
        if trial.finished:
            self._complete(trial)
            return
        assert trial.record is not None
        losses = trial.fold_losses
        for n in range(before + 1, len(losses) + 1):
            trial.record.report(self._signed(float(np.mean(losses[:n]))), FOLD_STEPS + n - 1)
        if len(losses) > before and trial.record.should_prune():
            self._give_up(trial, TrialState.PRUNED, f"behind others after {len(losses)} folds")

    def _complete(self, trial: Trial) -> None:
        self._assemble(trial)
        if trial.record is not None and not np.isfinite(trial.score):
            self._give_up(trial, TrialState.FAILED, f"{self.plan.metric.name} is undefined")
            return
        trial.state = TrialState.COMPLETE
        if trial.record is not None:
            self._bandit.book(trial.family.name, trial.seconds, self.loss(trial))
            self._studies.tell(
                trial.family.name, trial.record, trial.score, optuna.trial.TrialState.COMPLETE
            )
        self._forget_models()
        self.plan.observe("ended", trial)

    def _give_up(self, trial: Trial, state: TrialState, reason: str) -> None:
        """Mark a trial that will not be completed; it is closed when no fold of it runs."""
        if trial.number in self._given_up:
            return
        self._given_up.add(trial.number)
        trial.state, trial.reason = state, reason
        for job, (other, _) in self._jobs.items():
            if other is trial:
                self._engine.stop(job)
        if state is TrialState.FAILED:
            logger.warning("%s failed: %s", trial.name, reason)

    def _close(self, trial: Trial) -> None:
        """Tell Optuna, the bandit and the observer of a trial that was given up."""
        assert trial.record is not None
        pruned = trial.state is TrialState.PRUNED
        trial.record.set_user_attr("reason", trial.reason)
        self._studies.tell(
            trial.family.name,
            trial.record,
            None,
            optuna.trial.TrialState.PRUNED if pruned else optuna.trial.TrialState.FAIL,
        )
        self._bandit.book(trial.family.name, trial.seconds, None)
        shutil.rmtree(self.plan.folder / f"{trial.number}", ignore_errors=True)
        self.plan.observe("ended", trial)

    def _end(self) -> None:
        """Ask what still runs to end, take what is whole, close the rest."""
        for job in self._jobs:
            self._engine.stop(job)
        limit = time.monotonic() + GRACE
        while self._jobs and time.monotonic() < limit:
            for event in self._engine.wait(limit - time.monotonic()):
                self._handle(event)
        for job in self._jobs:
            self._engine.kill(job)
        self._jobs.clear()
        for trial in self.trials:
            if trial.state is TrialState.RUNNING:
                trial.state, trial.reason = TrialState.STOPPED, "the search ended first"
                self._close(trial)
            elif trial.running:  # given up, and its last fold had to be killed
                self._close(trial)

    # -- scores -------------------------------------------------------------------------

    def loss(self, trial: Trial) -> float:
        """The trial's score, turned so that smaller is better."""
        return self.plan.metric.loss(trial.score)

    def _signed(self, loss: float) -> float:
        return -loss if self.plan.metric.greater_is_better else loss

    def _assemble(self, trial: Trial) -> None:
        """Put the predictions of the folds together and score them as a whole."""
        folds = self.plan.splits.folds
        total = np.zeros((len(self._y), self.plan.problem.n_outputs), dtype=np.float32)
        seen = np.zeros(len(self._y), dtype=np.int32)
        for fold, outcome in trial.outcomes.items():
            rows = folds[fold].valid
            total[rows] += outcome.predictions
            seen[rows] += 1
            outcome.predictions = outcome.predictions[:0]
        with np.errstate(invalid="ignore"):
            trial.predictions = total / seen[:, None].astype(np.float32)
        covered = seen > 0
        weight = None if self._weight is None else self._weight[covered]
        trial.score = self.plan.metric.score(
            self._y[covered], trial.predictions[covered], weight
        )

    def _fit_baseline(self) -> None:
        family = get_family("constant")
        trial = Trial(0, family, {}, len(self.plan.splits.folds))
        self.trials.append(trial)
        values = np.zeros((len(self._y), 0), dtype=np.float32)
        for fold in range(trial.n_folds):
            task = self._task(trial, fold, (), (), ())
            trial.outcomes[fold] = fit_fold(
                task, (self._target, {"values": values}), _LocalChannel()
            )
        self._race.baseline = trial.fold_losses
        self._complete(trial)

    def _target_arrays(self) -> dict[str, np.ndarray]:
        arrays = {"y": self._y}
        if self._weight is not None:
            arrays["weight"] = self._weight
        for i, fold in enumerate(self.plan.splits.folds):
            arrays |= {f"train_{i}": fold.train, f"valid_{i}": fold.valid}
        return arrays

    def _forget_models(self) -> None:
        """Delete the models of finished trials that are no longer among the best."""
        finished = [t for t in self.trials if t.state is TrialState.COMPLETE and t.number > 0]
        finished.sort(key=self.loss)
        for trial in finished[KEPT_MODELS:]:
            shutil.rmtree(self.plan.folder / f"{trial.number}", ignore_errors=True)
