"""The search: which configuration next, what became of it, and when to end."""

import logging
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import optuna

from automl.compute import Engine, Event, Failure, Job, Killed
from automl.families import Resources, get_family
from automl.objective import MetricError
from automl.search._fold import FIT_FOLD, FoldTask, fit_fold
from automl.search._matrices import Matrices
from automl.search._plan import SearchPlan
from automl.search._race import FOLD_STEPS, RaceTable
from automl.search._scheduler import Scheduler
from automl.search._trial import WHOLE, FoldOutcome, Trial, TrialState
from automl.table import Table

logger = logging.getLogger("automl.search")

KEPT_MODELS = 30
"""Finished trials whose fitted models stay on disk, for the ensemble to choose from,"""

KEPT_OF_FAMILY = 2
"""beside the best two of each family: what is different is worth more than its score."""

TRIAL_SHARE = 0.35
"""Share of the budget after which the clock ends one trial, with what it has."""

MIN_CAP = 2.0
"""But no fit is ended by its share before this many seconds."""

GRACE = 0.4
"""Seconds between asking a fit to end and ending its process."""

LOOK = 0.2
"""Seconds between two looks at the clock and at the user."""


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
        self._engine = engine
        self._y, self._weight = y, weight
        self._matrices = Matrices(table, engine.put)
        self._target = self._target_arrays()
        self._target_ref = engine.put("target", self._target)
        self._jobs: dict[int, tuple[Trial, int]] = {}
        self._entered: set[int] = set()
        self._race = RaceTable(plan.metric.loss(plan.metric.optimum))
        self._scheduler = Scheduler(plan, self._race)

    @property
    def trials(self) -> list[Trial]:
        """All trials so far, the baseline first."""
        return self._scheduler.trials

    @property
    def matrices(self) -> Matrices:
        """The encodings that were used."""
        return self._matrices

    def run(self) -> list[Trial]:
        """Search until the budget, the number of trials or the user ends it."""
        self._fit_baseline()
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

    def model_files(self, trial: Trial) -> tuple[dict[str, bytes], ...]:
        """The files of each of a trial's models; empty if they were not kept."""
        folders = [self.model_folder(trial, fold) for fold in sorted(trial.outcomes)]
        return tuple(
            {f.name: f.read_bytes() for f in sorted(folder.iterdir())}
            for folder in folders
            if folder.is_dir()
        )

    def model_bytes(self, trial: Trial) -> int:
        """Size of the files of a trial's models."""
        folder = self.plan.folder / f"{trial.number}"
        return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())

    def has_models(self, trial: Trial) -> bool:
        """Whether a finished trial's models were kept."""
        return all(self.model_folder(trial, fold).is_dir() for fold in trial.outcomes)

    def _over(self) -> bool:
        return self.plan.interrupted() or self.plan.clock.left <= 0

    # -- what to run --------------------------------------------------------------------

    def _dispatch(self) -> None:
        """Give each idle worker its next fold."""
        while self._engine.idle > 0:
            chosen = self._scheduler.next_fold()
            if chosen is None:
                return
            trial, fold = chosen
            if trial.number not in self._entered:
                self._entered.add(trial.number)
                self._race.enter(trial)
                self.plan.observe("started", trial)
            self._submit(trial, fold)

    def _submit(self, trial: Trial, fold: int) -> None:
        clock = self.plan.clock
        reference, matrix = self._matrices.get(trial.family.encoding(trial.params))
        job = Job(
            FIT_FOLD,
            self._task(trial, fold, matrix.names, matrix.sources, matrix.cardinalities),
            (self._target_ref, reference),
            soft_deadline=clock.deadline,
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
        device = resources.device if resources.device in trial.family.devices else "cpu"
        return FoldTask(
            trial.family.name,
            trial.params,
            self.plan.problem,
            self.plan.metric.to_payload(),
            fold,
            Resources(self.plan.seed + max(0, fold), resources.n_threads, device),
            trial.family.encoding(trial.params),
            (names, sources, cardinalities),
            self.model_folder(trial, fold),
            report=fold in (0, WHOLE),
            seconds=self._cap(trial),
        )

    def _cap(self, trial: Trial) -> float | None:
        """Seconds after which one fit ends with what it has."""
        if self.plan.clock.budget is None:
            return None
        fits = 1 if trial.whole else trial.n_folds
        return max(MIN_CAP, TRIAL_SHARE * self.plan.clock.budget / fits)

    # -- what came of it ----------------------------------------------------------------

    def _handle(self, event: Event) -> None:
        trial, fold = self._jobs[event.job]
        if event.kind == "progress":
            self._take_curve(trial, event)
            return
        del self._jobs[event.job]
        trial.running.discard(fold)
        if event.kind == "done" and not trial.given_up:
            self._take_outcome(trial, fold, event.value)
        else:
            trial.lost_seconds += event.seconds
            if isinstance(event.value, Killed) and event.value.reason != "died":
                self._give_up(trial, TrialState.STOPPED, "the search ended first")
            elif event.kind != "done":
                self._give_up(trial, TrialState.FAILED, _reason(event.value))
        if trial.given_up and not trial.running:
            self._close(trial)

    def _take_curve(self, trial: Trial, event: Event) -> None:
        step, loss, mature = event.value
        self._race.curves.setdefault(trial.number, []).append((step, loss))
        if trial.record is None or trial.given_up:
            return
        trial.record.report(self._signed(loss), step)
        if mature and trial.record.should_prune():
            self._give_up(trial, TrialState.PRUNED, f"learning curve at step {step}")

    def _take_outcome(self, trial: Trial, fold: int, outcome: FoldOutcome) -> None:
        before = len(trial.fold_losses)
        trial.outcomes[fold] = outcome
        self._scheduler.costs.book(trial.family.name, outcome.seconds)
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
            self._scheduler.bandit.book(trial.family.name, trial.seconds, self.loss(trial))
            self._scheduler.studies.tell(
                trial.family.name, trial.record, trial.score, optuna.trial.TrialState.COMPLETE
            )
        self._forget_models()
        self.plan.observe("ended", trial)

    def _give_up(self, trial: Trial, state: TrialState, reason: str) -> None:
        """Mark a trial that will not be completed; it is closed when no fold of it runs."""
        if trial.given_up:
            return
        trial.given_up = True
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
        self._scheduler.studies.tell(
            trial.family.name,
            trial.record,
            None,
            optuna.trial.TrialState.PRUNED if pruned else optuna.trial.TrialState.FAIL,
        )
        self._scheduler.bandit.book(trial.family.name, trial.seconds, None)
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
            rows = np.arange(len(self._y)) if fold == WHOLE else folds[fold].valid
            total[rows] += outcome.predictions
            seen[rows] += 1
            outcome.predictions = np.empty((0, total.shape[1]), dtype=np.float32)
        with np.errstate(invalid="ignore"):
            trial.predictions = total / seen[:, None].astype(np.float32)
        covered = seen > 0
        weight = None if self._weight is None else self._weight[covered]
        try:
            metric = self.plan.metric
            trial.score = metric.score(self._y[covered], trial.predictions[covered], weight)
        except MetricError as e:
            logger.warning("%s can't be scored: %s", trial.name, e)

    def _fit_baseline(self) -> None:
        family = get_family("constant")
        trial = self._scheduler.add_baseline(family)
        values = np.zeros((len(self._y), 0), dtype=np.float32)
        for fold in range(trial.n_folds):
            task = self._task(trial, fold, (), (), ())
            trial.outcomes[fold] = fit_fold(
                task, (self._target, {"values": values}), _LocalChannel()
            )
        self._race.baseline = list(trial.fold_losses)
        self._complete(trial)
        self._scheduler.bandit.baseline = self.loss(trial)

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
        kept: dict[str, int] = {}
        for place, trial in enumerate(finished):
            kept[trial.family.name] = kept.get(trial.family.name, 0) + 1
            if place < KEPT_MODELS or kept[trial.family.name] <= KEPT_OF_FAMILY:
                continue
            trial.predictions = None
            shutil.rmtree(self.plan.folder / f"{trial.number}", ignore_errors=True)


def _reason(value: Any) -> str:
    """Why a fit failed, in one line."""
    if isinstance(value, Failure):
        logger.debug("%s", value.traceback)
        return f"{value.type}: {value.message}".splitlines()[0]
    return f"its process {value}"
