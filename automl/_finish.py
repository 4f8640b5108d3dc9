"""The end of a run: choose the winner, save it, write down what happened."""

import logging
import math
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from automl._board import leaderboard
from automl._correction import averaging_gain, corrected
from automl._job import Job
from automl._reserve import Reserve
from automl._spec import FitResult
from automl.artifact import describe, dump_bytes, write_bytes
from automl.compute import DataRef, Engine, Event
from automl.compute import Job as EngineJob
from automl.ensemble import (
    CHOOSE_WINNER,
    SCORE_INTERVAL,
    Calibration,
    ChooseTask,
    IntervalTask,
    Member,
    Predictor,
    Winner,
    least,
)
from automl.exceptions import AutoMLError, NoModelError
from automl.objective import Decision, Splits
from automl.run import RunDirectory
from automl.search import Search, Trial, TrialState, best_cut_off, take_cut_off
from automl.table import Profile

logger = logging.getLogger("automl")

CHOICE = "choice.npy"
"""File of the predictions of the winner, for the rows that count."""

CHOOSE_SHARE = 0.6
"""Share of what is left, saving aside, that choosing the winner may take; as much of the rest goes
to its interval."""

CHOOSE_SECONDS = 2.0
INTERVAL_SECONDS = 1.5
"""At most, or where there is no budget."""

PATIENCE = 30.0
"""Without a budget: seconds after which the last jobs are taken for hung, and"""
CALLS = 2000
"""as many calls of the metric on all rows."""

KILLING = 0.2
"""Seconds to wait for the end of a job that was killed."""

SAVE_AGAIN = 20.0
"""A better model is saved while the search goes on if the last saving is so many times its own
length ago."""


class Finisher:
    """Turns finished trials into a saved model, first early and then for good.

    Parameters
    ----------
    job : Job
    run : RunDirectory
    reserve : Reserve
    observe : callable
        Called with (kind, facts).
    """

    def __init__(self, job: Job, run: RunDirectory, reserve: Reserve, observe: Any) -> None:
        self._job, self._run, self._reserve = job, run, reserve
        self._observe = observe
        self._saved: Trial | None = None
        self._quiet_until = 0.0

    def save_early(self, search: Search, trial: Trial) -> None:
        """Keep a valid model on disk from the first fitted fold on, and a better one now and then.

        What is there survives whatever happens to this process.
        """
        _ = self._profile  # now, while the workers work, and not at the end
        if trial.number == 0 or self._job.spec.run_dir is None:
            return
        started, score = time.monotonic(), trial.score
        if self._saved is None:
            score = self._job.metric.loss(next(iter(trial.outcomes.values())).loss)
        elif started < self._quiet_until or not self._improves(search, trial, self._saved):
            return
        winner = Winner(trial.name, np.ones(1), score)
        predictor = self._predictor(search, [trial], winner)
        self._save(predictor, self._facts(search, winner, predictor=predictor, score=score))
        self._saved = trial
        self._quiet_until = time.monotonic() + SAVE_AGAIN * (time.monotonic() - started)

    def _improves(self, search: Search, trial: Trial, saved: Trial) -> bool:
        """Whether a trial is finished and better than the one that was saved."""
        if trial.state is not TrialState.COMPLETE:
            return False
        return not math.isfinite(saved.score) or search.loss(trial) < search.loss(saved)

    def finish(self, search: Search, engine: Engine) -> FitResult:
        """Choose the winner, save it, write the leaderboard."""
        done, splits = self._candidates(search)
        final = engine.put("final", self._final_arrays(splits))
        winner = self._choose(done, search, engine, final)
        if math.isnan(done[0].score):  # it was cut off
            done[0].score = winner.score
        interval = self._interval(winner, search, engine, final)
        gain = averaging_gain(done, winner.weights, self._job.target.task)
        score, interval = corrected(self._job.metric, winner.score, interval, gain)
        predictor = self._predictor(search, done, winner)
        facts = self._facts(search, winner, predictor=predictor, score=score, interval=interval)
        manifest = self._save(predictor, facts)
        board = leaderboard(search, done, winner)
        summary = self._summary(search, winner, score, interval)
        self._run.write_json("leaderboard.json", board)
        self._run.write_json("run.json", {"result": summary, "config": self._job.spec.describe()})
        return FitResult(predictor, manifest, board, self._job.metric, summary)

    def _candidates(self, search: Search) -> tuple[list[Trial], Splits]:
        """Finished trials with their models, and what scores them.

        Where time was too short for any, the best of those that were cut off, or the baseline.
        """
        splits = self._job.splits
        files = search.plan.files
        complete = [t for t in search.trials if t.state is TrialState.COMPLETE]
        done = [t for t in complete if t.number > 0 and files.has_models(t)]
        if done:
            return done, splits
        failed = [t for t in search.trials if t.state is TrialState.FAILED]
        stopped = len(failed) < len(search.trials) - 1 or len(search.trials) == 1
        if complete and stopped:
            best = best_cut_off(search.trials)
            what = "the constant baseline"
            if best is not None:
                what = f"{best.name} with {len(best.outcomes)} of {best.n_folds} folds"
                complete, splits = [best], take_cut_off(best, search.plan)
            logger.warning("The budget ended before any trial did: the model is %s.", what)
            return complete[:1], splits
        raise _nothing_finished(failed)

    # -- jobs of the last minute ----------------------------------------------------------

    def _final_arrays(self, splits: Splits) -> dict[str, np.ndarray]:
        job, rows = self._job, splits.valid_rows
        groups = None if job.group_codes is None else job.group_codes[rows]
        arrays = {"rows": rows, "parts": _parts(splits, rows, job.spec.seed, groups)}
        if job.groups is not None:
            arrays["groups"] = pd.factorize(job.groups[rows])[0]
        return arrays

    def _choose(
        self, done: Sequence[Trial], search: Search, engine: Engine, final: DataRef
    ) -> Winner:
        job, files = self._job, search.plan.files
        if not files.out_of_fold(done[0]).is_file():  # the baseline, without a score
            return Winner(done[0].name, np.ones(1), float("nan"))
        seconds = self._part_of_left(CHOOSE_SECONDS)
        task = ChooseTask(
            job.metric.to_payload(),
            tuple(t.name for t in done),
            tuple(search.loss(t) for t in done),
            tuple(files.out_of_fold(t) for t in done),
            files.work / CHOICE,
            job.spec.ensemble,
            None if search.plan.in_order else seconds,
            job.spec.seed,
        )
        event = self._run_job(
            engine, EngineJob(CHOOSE_WINNER, task, (search.target, final)), 1.5 * seconds, search
        )
        if event is not None and event.kind == "done":
            winner: Winner = event.value
            return winner
        why = "it took too long" if event is None else f"{event.value}"
        logger.warning("The winner could not be chosen with care (%s): the best trial wins.", why)
        best = least([search.loss(t) for t in done])
        return Winner(done[best].name, np.eye(len(done))[best], done[best].score)

    def _interval(
        self, winner: Winner, search: Search, engine: Engine, final: DataRef
    ) -> tuple[float, float] | None:
        choice = search.plan.files.work / CHOICE
        if not choice.is_file():
            return None
        seconds = self._part_of_left(INTERVAL_SECONDS)
        task = IntervalTask(
            self._job.metric.to_payload(),
            choice,
            None if search.plan.in_order else seconds,
            search.limits.score_seconds,
            self._job.spec.seed,
        )
        event = self._run_job(
            engine, EngineJob(SCORE_INTERVAL, task, (search.target, final)), 2 * seconds, search
        )
        if event is None or event.kind != "done" or not np.isfinite(event.value).all():
            return None
        low, high = event.value
        return float(low), float(high)

    def _part_of_left(self, most: float) -> float:
        """Seconds for one of the last jobs."""
        left = self._reserve.left() - self._reserve.saving
        return float(np.clip(CHOOSE_SHARE * left, 0.1, most))

    def _run_job(
        self, engine: Engine, job: EngineJob, seconds: float, search: Search
    ) -> Event | None:
        """Run a job of the end in a worker, killed when it takes too long."""
        if math.isinf(self._reserve.left()):
            seconds = PATIENCE + CALLS * search.limits.score_seconds
        started = time.monotonic()
        number = engine.submit(job)
        while (left := started + seconds - time.monotonic()) > 0 and engine.busy:
            for event in engine.wait(left):
                if event.job == number and event.kind != "progress":
                    self._observe("phase", _phase(job, event))
                    return event
        engine.kill(number)
        for event in engine.wait(KILLING):
            if event.job == number:
                self._observe("phase", _phase(job, event))
        return None

    # -- what is saved ------------------------------------------------------------------

    def _save(self, predictor: Predictor, facts: Mapping[str, Any]) -> dict[str, Any]:
        started = time.monotonic()
        manifest = describe(predictor, facts)
        content = dump_bytes(predictor, manifest)
        write_bytes(content, self._run.model)
        seconds = time.monotonic() - started
        raw = sum(len(c) for m in predictor.members for files in m.files for c in files.values())
        self._reserve.book_save(raw, seconds)
        self._observe("saved", {"seconds": seconds, "bytes": len(content), **_brief(facts)})
        return manifest

    def _predictor(self, search: Search, done: Sequence[Trial], winner: Winner) -> Predictor:
        members = [
            Member(
                t.name,
                t.family.name,
                t.family.encoding(t.params),
                t.params,
                float(w),
                search.plan.files.models(t),
                search.plan.files.folds(t),
            )
            for t, w in zip(done, winner.weights, strict=True)
            if w > 0
        ]
        adjustment = winner.adjustment
        return Predictor(
            self._job.schema,
            self._job.target,
            search.matrices.encoders,
            members,
            adjustment if isinstance(adjustment, Calibration) else None,
            adjustment if isinstance(adjustment, Decision) else None,
        )

    def _facts(
        self,
        search: Search,
        winner: Winner,
        *,
        predictor: Predictor,
        score: float,
        interval: tuple[float, float] | None = None,
    ) -> dict[str, Any]:
        job, baseline = self._job, search.trials[0].score
        seconds = {t.name: round(t.seconds, 3) for t in search.trials}
        return {
            "task": job.target.task,
            "metric": {
                "name": job.metric.name,
                "greater_is_better": job.metric.greater_is_better,
            },
            "positive_label": job.spec.describe()["positive_label"],
            "score": score if math.isfinite(score) else None,
            "score_interval": None if interval is None else list(interval),
            "baseline": baseline if math.isfinite(baseline) else None,
            "winner": winner.name,
            "seconds": {m.name: seconds[m.name] for m in predictor.members},
            "n_rows": job.table.n_rows,
            "weighted": job.weight is not None,
            "weights": job.weights,
            "seed": job.spec.seed,
            "config": job.spec.describe(),
            "profile": self._profile,
        }

    @cached_property
    def _profile(self) -> dict[str, Any]:
        """What the training data looked like, for whoever trains again."""
        job = self._job
        found = Profile.of(job.table, job.y, job.target).to_dict()
        job.table.rest()
        return found

    def _summary(
        self, search: Search, winner: Winner, score: float, interval: tuple[float, float] | None
    ) -> dict[str, Any]:
        job = self._job
        states = [t.state for t in search.trials if t.number > 0]
        return {
            "run": str(self._run.path),
            "model": str(self._run.model),
            "task": job.target.task,
            "metric": job.metric.name,
            "score": score,
            "score_interval": None if interval is None else list(interval),
            "winner": winner.name,
            "n_trials": len(states),
            "n_pruned": states.count(TrialState.PRUNED),
            "n_failed": states.count(TrialState.FAILED),
            "n_rows": job.table.n_rows,
            "elapsed_s": round(job.clock.elapsed, 3),
            "budget_s": job.clock.budget,
            "device": job.resources.device,
            "cross_validated": winner.score,
            "pruning_saved_s": round(sum(t.saved_seconds for t in search.trials), 1),
        }


def _phase(job: EngineJob, event: Event) -> dict[str, Any]:
    """What the events say of a job of the last minute."""
    facts = {
        "name": job.function.partition(":")[2],
        "seconds": event.seconds,
        "cpu_seconds": event.cpu_seconds,
        "pid": event.pid,
        "result": event.kind,
    }
    return facts if event.kind == "done" else facts | {"reason": str(event.value)}


def _brief(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {"winner": facts["winner"], "score": facts["score"]}


def _nothing_finished(failed: Sequence[Trial]) -> AutoMLError:
    if failed:
        why = f"{len(failed)} failed, the first with: {failed[0].reason}"
    else:
        why = "the budget ended before any did; give more time (time_budget)"
    error = NoModelError(f"No trial beyond the constant baseline finished: {why}.")
    error.n_failed = len(failed)
    return error


def _parts(
    splits: Splits, rows: np.ndarray, seed: int, groups: np.ndarray | None = None
) -> np.ndarray:
    """The part of each row for cross-fitting: its fold, or a random fifth of a holdout.

    Rows of a group are in the same part.
    """
    if len(splits.folds) == 1 or not splits.disjoint:
        if groups is not None:
            names, codes = np.unique(groups, return_inverse=True)
            order = np.random.default_rng(seed).permutation(len(names))
            return np.asarray(order[codes] % 5)
        return np.asarray(np.random.default_rng(seed).integers(0, 5, len(rows)))
    part = np.zeros(int(rows.max()) + 1, dtype=np.int64)
    for i, fold in enumerate(splits.folds):
        part[fold.valid] = i
    return np.asarray(part[rows])
