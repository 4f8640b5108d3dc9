"""The search: which configuration next, what became of it, and when to end."""

import logging
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from automl.compute import Engine, Event, Failure, Job, Killed
from automl.families import get_family
from automl.features import ENCODINGS
from automl.search._baseline import keep_plain_baseline
from automl.search._checks import Checks
from automl.search._ends import Kind, describe_end, is_bad_luck, is_card_memory, is_memory
from automl.search._jobs import LOOK, NOTHING, Jobs, await_workers, target_arrays
from automl.search._judge import Judge
from automl.search._limits import GRACE, Limits
from automl.search._matrices import Matrices
from automl.search._plan import SearchPlan
from automl.search._plateau import Plateau
from automl.search._race import RaceTable
from automl.search._scheduler import Scheduler
from automl.search._score import Scored
from automl.search._trial import FoldOutcome, Trial, TrialState
from automl.search._work import Work, cost_of, death_of
from automl.table import Table

logger = logging.getLogger("automl.search")

THREADED_CELLS = 200_000
"""Values of a table below which a second thread makes a fit slower."""

MOST_PARKED = 3
"""While so many encodings are being made, nothing that would need another is begun."""

BASELINE_TRIES = 3


class Search:
    """Runs a plan on an engine; `trials` holds what came of it, the baseline first.

    Every fit and every call of the metric is a job of the engine.

    Parameters
    ----------
    plan : SearchPlan
    engine : Engine
    table : Table
    y : ndarray of shape (n_rows,)
        Class codes or numbers.
    weight : ndarray of shape (n_rows,), optional

    Attributes
    ----------
    target : DataRef
        The shared target with its folds.
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
        engine.submit(Job(NOTHING))  # the workers start while the target is written
        self._y, self._weight = y, weight
        self._cells = table.n_rows * max(1, len(table.schema.features))
        target = target_arrays(plan.problem, plan.splits, y, weight, plan.groups)
        self.target = engine.put("target", target)
        self.matrices = Matrices(
            table,
            engine.put,
            plan.files.work / "matrices",
            target=self.target,
            n_outputs=plan.problem.n_outputs,
            sentences=plan.sentences,
        )
        self._work: dict[int, Work] = {}
        self._entered: set[int] = set()
        self._race = RaceTable(plan.metric.loss(plan.metric.optimum), plan.lag)
        self._judge = Judge(self._race, plan.metric)
        self._plateau = Plateau(self._race.optimum)
        width = self.matrices.expected_width if plan.in_order else self.matrices.width
        self._scheduler = Scheduler(plan, self._race, width)
        self.limits = Limits(
            plan.clock, self._scheduler.costs, plan.problem, plan.memory_per_worker
        )
        self._jobs = Jobs(plan, self.limits, self.matrices, self.target)
        self._places = self._scheduler.places
        self._checks = Checks(plan, engine, self._places)

    @property
    def trials(self) -> list[Trial]:
        """All trials so far, the baseline first."""
        return self._scheduler.trials

    def run(self) -> list[Trial]:
        """Search until the budget, the number of trials or the user ends it.

        Raises
        ------
        AutoMLError
            If the metric fails for the baseline, again and again, or no family can train on a
            card that is insisted on.
        """
        # What the first worker costs is not the fits'.
        self._observe("phase", None, name="workers", **await_workers(self._engine, self._over))
        self._checks.await_answers(self._over, lambda: self._listen(LOOK))
        for start, family in self._scheduler.studies.waiting[:1]:
            self._encode(family.encoding(start.params))
        self._fit_baseline()
        while not self._over():
            refused = self._dispatch()
            if self._engine.busy:
                self._listen(self.plan.clock.left)
            elif not refused:
                break
        if self._no_longer_pays():
            self._observe("phase", None, name="plateau")
        self._end()
        if self.trials[0].state is not TrialState.COMPLETE:
            keep_plain_baseline(self.trials[0], self.plan, self._y, self._weight)
        return self.trials

    def _over(self) -> bool:
        return self.plan.interrupted() or self.plan.clock.left <= 0 or self._no_longer_pays()

    def _no_longer_pays(self) -> bool:
        return self.plan.early_stopping and self._plateau.reached

    def _listen(self, seconds: float) -> None:
        for event in self._engine.wait(min(LOOK, max(0.0, seconds))):
            self._handle(event)
        for death in self._engine.deaths():
            self._observe("worker", None, **death_of(death))

    # -- what to run --------------------------------------------------------------------

    def _fit_baseline(self) -> None:
        """Fit and score the constant; a fault of the metric's shows here, before it costs."""
        trial = self._scheduler.add_baseline(get_family("constant"))
        for tries in range(1, BASELINE_TRIES + 1):
            trial.state, trial.given_up, trial.outcomes = TrialState.RUNNING, False, {}
            while trial.state is TrialState.RUNNING and not self._over():
                fold = None if trial.given_up else trial.next_fold
                if fold is not None and self._engine.idle:
                    self._submit(trial, fold, 1)
                else:
                    self._listen(self.plan.clock.left)
            if trial.state is not TrialState.FAILED:
                break
            logger.warning("The baseline failed in try %d: %s", tries, trial.reason)
        if trial.state is TrialState.COMPLETE:
            self._race.baseline = list(trial.fold_losses)
            self._scheduler.bandit.baseline = self._plateau.baseline = self.loss(trial)
        elif trial.state is TrialState.FAILED:
            raise describe_end(trial, self.plan.metric.name)

    def _dispatch(self) -> bool:
        """Give each idle worker its next fold; idle cores are lent to the fits there are.

        Returns
        -------
        bool
            Whether some of it was refused, so that others may take its place.
        """
        self._checks.begin()
        held, self._places.held = self._places.held, []
        self._resume(held)
        chosen: list[tuple[Trial, int]] = []
        while self._engine.idle > len(chosen):
            found = self._scheduler.next_fold(self._blocked())
            if found is None or len(self.matrices.parked) > MOST_PARKED:
                break
            trial, fold = found
            if trial.number not in self._entered:
                self._entered.add(trial.number)
                self._race.enter(trial)
                self._observe("started", trial, is_start=trial.is_start)
            trial.running.add(fold)
            chosen.append((trial, fold))
        alone = chosen and self._engine.busy == 0 and self._cells >= THREADED_CELLS
        alone = alone and not self.plan.in_order  # sums depend on the number of threads
        lent = (self._engine.idle - len(chosen)) // len(chosen) if alone else 0
        n_threads = self.plan.resources.n_threads * (1 + lent)
        self._resume([(trial, fold, n_threads) for trial, fold in chosen])
        return any(trial.given_up for trial, _ in chosen)

    def _blocked(self) -> set[str]:
        """Encodings that nothing new should need: those that are being made, and, while the first
        trial runs, all that are not ready, as a model comes first. None, where the clock must not
        matter."""
        if self.plan.in_order:
            return set()
        finished = any(t.state is TrialState.COMPLETE for t in self.trials[1:])
        if finished or not (self._work or self.matrices.parked):
            return set(self.matrices.parked)
        return {e for e in ENCODINGS if not self.matrices.ready(e)}

    def _encode(self, encoding: str) -> None:
        """Let a worker encode the table, if none has."""
        if not self.matrices.ready(encoding) and encoding not in self.matrices.parked:
            self.matrices.begin(encoding, self._engine.submit(self._jobs.encode(encoding)))

    def _submit(self, trial: Trial, fold: int, n_threads: int) -> None:
        """Begin a fit, or give its trial up; whoever asks closes what was given up."""
        trial.running.add(fold)
        encoding = trial.family.encoding(trial.params)
        if not self.matrices.ready(encoding):
            self._encode(encoding)
            self.matrices.parked[encoding].append((trial, fold, n_threads))
            return
        matrix = self.matrices.get(encoding)[1]
        device = self._places.choose(trial, trial.share * self._jobs.n_train(fold), matrix)
        if device is None:
            self._places.held.append((trial, fold, n_threads))
            return
        job, allowance = self._jobs.fit(trial, fold, n_threads, device)
        if allowance.share <= 0:
            trial.running.discard(fold)
            self._give_up(trial, TrialState.FAILED, "it would need more memory than there is")
            return
        trial.share = allowance.share
        number = self._engine.submit(job)
        self._work[number] = Work(trial, fold, allowance, n_threads, device)
        if device != "cpu":
            self._places.begin_fit(number, trial, matrix, allowance.forecast)

    def _submit_score(self, trial: Trial) -> None:
        job, allowance = self._jobs.score(trial)
        self._work[self._engine.submit(job)] = Work(trial, None, allowance)

    # -- what came of it ----------------------------------------------------------------

    def _handle(self, event: Event) -> None:
        if event.job in self.matrices.jobs:
            self._take_matrix(event)
            return
        work = self._work.get(event.job)
        if self._checks.take(event) or work is None:  # or it only waited for the workers
            return
        if event.kind == "progress":
            self._prune(work.trial, self._judge.see_curve(work.trial, *event.value))
            return
        del self._work[event.job]
        self._places.end(event.job)
        trial = work.trial
        trial.cpu_seconds += event.cpu_seconds
        if work.fold is None:
            self._observe("score", trial, **work.facts(event))
        else:
            trial.running.discard(work.fold)
        if event.kind != "done" or trial.given_up:
            trial.lost_seconds += event.seconds
            if event.kind != "done" and not self._again(work, event):
                self._take_end(work, event.value)
        elif work.fold is None:
            self._take_score(trial, event.value)
        else:
            self._take_outcome(work, event.value)
        if work.fold is not None:
            self._observe("fit", trial, **work.facts(event))
        if trial.given_up and not trial.running:
            self._close(trial)

    def _take_matrix(self, event: Event) -> None:
        """Go on with what has waited for an encoding, or give it up."""
        encoding, parked = self.matrices.end(event)
        reason = "" if event.kind == "done" else Kind.ENCODE.reason(event.value, None)
        self._observe("phase", None, name=f"encode_{encoding}", **cost_of(event), reason=reason)
        if not (reason and self._over()):
            self._resume(parked, reason)

    def _resume(self, waiting: Sequence[tuple[Trial, int, int]], reason: str = "") -> None:
        """Begin fits, or give them up for a reason."""
        for trial, fold, n_threads in waiting:
            trial.running.discard(fold)
            if not trial.given_up and not reason:
                self._submit(trial, fold, n_threads)
            elif not trial.given_up:
                self._give_up(trial, TrialState.FAILED, reason)
            if trial.given_up and not trial.running:
                self._close(trial)

    def _take_outcome(self, work: Work, outcome: FoldOutcome) -> None:
        trial, fold = work.trial, work.fold
        assert fold is not None
        trial.outcomes[fold] = outcome
        if trial.number > 0:
            _, matrix = self.matrices.get(trial.family.encoding(trial.params))
            self._scheduler.book(trial, outcome, len(matrix.names), work.n_threads)
        if not trial.finished or self.plan.in_order:
            self._prune(trial, self._judge.see_folds(trial))
        if not self.plan.in_order:
            self._look_again(trial)
        if trial.finished and not trial.given_up:
            self._submit_score(trial)

    def _look_again(self, news: Trial) -> None:
        """Hold the trials that run against the fold that another has just ended."""
        for trial in self._scheduler.open_trials:
            if trial is news or trial.finished:
                continue
            self._prune(trial, self._judge.look_again(trial))
            if trial.given_up and not trial.running:
                self._close(trial)

    def _take_score(self, trial: Trial, scored: Scored) -> None:
        trial.score = scored.score
        self.limits.book_call(scored.seconds)
        if trial.record is not None and not np.isfinite(trial.score):
            self._give_up(trial, TrialState.FAILED, f"{self.plan.metric.name} is undefined")
            return
        trial.state = TrialState.COMPLETE
        if trial.record is not None:
            self._end_of(trial, self.loss(trial))
        self.plan.files.keep_best(self.trials, self.loss)
        self._observe("ended", trial)

    def _again(self, work: Work, event: Event) -> bool:
        """Try once more what may have been bad luck; what ran out of memory, on half the rows."""
        trial, fold, value = work.trial, work.fold, event.value
        if trial.given_up or trial.number == 0 or self._over():
            return False
        if fold is not None and self._places.take_failure(work, value):
            self._submit(trial, fold, work.n_threads)
            return True
        if is_memory(value):
            if fold is None or not self.limits.halve(trial, on_card=is_card_memory(value)):
                return False
        elif is_bad_luck(value) and not trial.retried:
            trial.retried = True
            logger.warning("%s is tried again: %s", trial.name, work.reason(value))
        else:
            return False
        if fold is None:
            self._submit_score(trial)
        else:
            self._submit(trial, fold, work.n_threads)
        return True

    def _take_end(self, work: Work, value: Failure | Killed) -> None:
        """A job without an answer: the search has ended, or something went wrong."""
        trial = work.trial
        ended = isinstance(value, Killed) and value.reason in ("asked", "deadline")
        if ended and self._over():
            self._give_up(trial, TrialState.STOPPED, "the search ended first")
            return
        trial.traceback = value.traceback if isinstance(value, Failure) else ""
        self._give_up(trial, TrialState.FAILED, work.reason(value))

    def _prune(self, trial: Trial, reason: str) -> None:
        """Give a trial up, if there is a reason."""
        if reason:
            self._give_up(trial, TrialState.PRUNED, reason)

    def _give_up(self, trial: Trial, state: TrialState, reason: str) -> None:
        """Mark a trial that will not be completed; it is closed when no fold of it runs."""
        if trial.given_up:
            return
        trial.given_up = True
        trial.state, trial.reason = state, reason
        for job, work in self._work.items():
            if work.trial is trial:
                self._engine.stop(job)
        if state is TrialState.FAILED and trial.number > 0:
            logger.warning("%s failed: %s", trial.name, reason)

    def _close(self, trial: Trial) -> None:
        """Tell Optuna, the bandit and the observer of a trial that was given up."""
        if trial.state is TrialState.PRUNED:
            trial.saved_seconds = max(0.0, self._scheduler.expected(trial) - trial.seconds)
        if trial.record is not None:
            self._end_of(trial, None)
        if trial.state is not TrialState.STOPPED:  # it may be the best there is in the end
            self.plan.files.forget(trial)
        self._observe("ended", trial)

    def _end_of(self, trial: Trial, loss: float | None) -> None:
        """Enter an ended trial into the books."""
        self._scheduler.ledger.end(trial, loss)
        self._plateau.book(loss)

    def _end(self) -> None:
        """Ask what still runs to end, take what is whole, close the rest."""
        for job in self._work:
            self._engine.stop(job)
        limit = time.monotonic() + GRACE
        while self._work and time.monotonic() < limit:
            for event in self._engine.wait(limit - time.monotonic()):
                self._handle(event)
        for job in [*self._work, *self.matrices.jobs, *self._checks.jobs]:
            self._engine.kill(job)
        while (self._work or self.matrices.jobs or self._checks.jobs) and self._engine.busy:
            self._listen(LOOK)
        for trial in self.trials:
            if trial.state is TrialState.RUNNING:
                self._give_up(trial, TrialState.STOPPED, "the search ended first")
                self._close(trial)
        self._scheduler.ledger.settle(len(self.trials) - 1)

    # -- scores -------------------------------------------------------------------------

    def loss(self, trial: Trial) -> float:
        """The trial's score, turned so that smaller is better."""
        return self.plan.metric.loss(trial.score)

    def _observe(self, kind: str, trial: Trial | None, **facts: Any) -> None:
        self.plan.observe(kind, trial, facts)
