"""The end of a run: choose the winner, save it, write down what happened."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from automl._job import Job
from automl._spec import FitResult
from automl.artifact import describe, dump_bytes, write_bytes
from automl.ensemble import Candidate, Choice, Member, Predictor, choose
from automl.exceptions import AutoMLError, NoModelError
from automl.objective import MetricError, Splits, bootstrap_interval
from automl.run import RunDirectory
from automl.search import Search, Trial, TrialState

BOOTSTRAP_SECONDS = 1.5
"""For the interval, kept by fewer resamples of a slow metric."""

ENSEMBLE_SHARE = 0.5
"""Share of the reserve that choosing the winner may take; saving gets the rest."""


class Finisher:
    """Turns finished trials into a saved model, first early and then for good."""

    def __init__(self, job: Job, run: RunDirectory) -> None:
        self._job, self._run = job, run
        self._saved = False

    def save_first(self, search: Search, trial: Trial) -> None:
        """Keep a valid model on disk from the first finished trial on."""
        if self._saved or trial.number == 0 or self._job.spec.run_dir is None:
            return
        self._saved = True
        choice = Choice(trial.name, np.ones(1), np.empty(0), float("inf"))
        predictor = self._predictor(search, [trial], choice)
        manifest = describe(predictor, self._facts(choice, trial.score, None))
        write_bytes(dump_bytes(predictor, manifest), self._run.model)

    def finish(self, search: Search) -> FitResult:
        """Choose the winner, save it, write the leaderboard."""
        job = self._job
        done = [
            t
            for t in search.trials
            if t.number > 0 and t.state is TrialState.COMPLETE and search.has_models(t)
        ]
        if not done:
            raise self._nothing_finished(search)
        rows = job.splits.valid_rows
        choice = self._choose(done, search, rows)
        weight = None if job.weight is None else job.weight[rows]
        started = time.perf_counter()
        score = job.metric.score(job.y[rows], choice.predictions, weight)
        per_call = time.perf_counter() - started + 1e-9
        interval = bootstrap_interval(
            job.metric,
            job.y[rows],
            choice.predictions,
            sample_weight=weight,
            groups=None if job.groups is None else job.groups[rows],
            n_resamples=int(np.clip(BOOTSTRAP_SECONDS / per_call, 40, 200)),
            random_state=job.spec.seed,
        )
        predictor = self._predictor(search, done, choice)
        manifest = describe(predictor, self._facts(choice, score, interval))
        write_bytes(dump_bytes(predictor, manifest), self._run.model)
        board = _leaderboard(search, done, choice, score)
        summary = self._summary(search, choice, score, interval)
        self._run.write_json("leaderboard.json", board)
        self._run.write_json("run.json", {"result": summary, "config": job.spec.describe()})
        return FitResult(predictor, manifest, board, job.metric, summary)

    def _choose(self, done: Sequence[Trial], search: Search, rows: np.ndarray) -> Choice:
        job = self._job
        candidates = [
            Candidate(t.name, t.predictions[rows], search.loss(t))
            for t in done
            if t.predictions is not None
        ]
        y = job.y[rows]
        weight = None if job.weight is None else job.weight[rows]

        def loss(part: np.ndarray, predictions: np.ndarray) -> float:
            w = None if weight is None else weight[part]
            try:
                return job.metric.loss(job.metric.score(y[part], predictions, w))
            except MetricError:  # not defined on these rows
                return float("nan")

        seconds = 2.0 if job.clock.budget is None else ENSEMBLE_SHARE * job.clock.reserve
        return choose(
            candidates,
            loss,
            _parts(job.splits, rows, job.spec.seed),
            ensemble=job.spec.ensemble,
            seconds=seconds,
            seed=job.spec.seed,
        )

    def _predictor(self, search: Search, done: Sequence[Trial], choice: Choice) -> Predictor:
        members = [
            Member(
                t.name,
                t.family.name,
                t.family.encoding(t.params),
                t.params,
                float(w),
                search.model_files(t),
            )
            for t, w in zip(done, choice.weights, strict=True)
            if w > 0
        ]
        for member in members:
            search.matrices.get(member.encoding)
        return Predictor(self._job.schema, self._job.target, search.matrices.encoders, members)

    def _facts(
        self, choice: Choice, score: float, interval: tuple[float, float] | None
    ) -> dict[str, Any]:
        job = self._job
        return {
            "task": job.target.task,
            "metric": {
                "name": job.metric.name,
                "greater_is_better": job.metric.greater_is_better,
            },
            "positive_label": job.spec.describe()["positive_label"],
            "score": score,
            "score_interval": None if interval is None else list(interval),
            "winner": choice.name,
            "n_rows": job.table.n_rows,
            "seed": job.spec.seed,
            "config": job.spec.describe(),
        }

    def _summary(
        self, search: Search, choice: Choice, score: float, interval: tuple[float, float]
    ) -> dict[str, Any]:
        job = self._job
        states = [t.state for t in search.trials if t.number > 0]
        return {
            "run": str(self._run.path),
            "model": str(self._run.model),
            "task": job.target.task,
            "metric": job.metric.name,
            "score": score,
            "score_interval": list(interval),
            "winner": choice.name,
            "n_trials": len(states),
            "n_pruned": states.count(TrialState.PRUNED),
            "n_failed": states.count(TrialState.FAILED),
            "elapsed_s": round(job.clock.elapsed, 3),
            "budget_s": job.clock.budget,
            "device": job.resources.device,
        }

    def _nothing_finished(self, search: Search) -> AutoMLError:
        failed = [t for t in search.trials if t.state is TrialState.FAILED]
        if failed:
            why = f"{len(failed)} failed, the first with: {failed[0].reason}"
        else:
            why = "the budget ended before any did; give more time (time_budget)"
        return NoModelError(f"No trial beyond the constant baseline finished: {why}.")


def _parts(splits: Splits, rows: np.ndarray, seed: int) -> np.ndarray:
    """The part of each row for cross-fitting: its fold, or a random fifth of a holdout."""
    if len(splits.folds) == 1 or not splits.disjoint:
        return np.asarray(np.random.default_rng(seed).integers(0, 5, len(rows)))
    part = np.zeros(int(rows.max()) + 1, dtype=np.int64)
    for i, fold in enumerate(splits.folds):
        part[fold.valid] = i
    return np.asarray(part[rows])


def _leaderboard(
    search: Search, done: Sequence[Trial], choice: Choice, score: float
) -> list[dict[str, Any]]:
    """All trials and the ensemble, the best first, those without a score last."""
    shares = {t.name: float(w) for t, w in zip(done, choice.weights, strict=True)}
    rows = [t.summary() | {"weight": shares.get(t.name, 0.0)} for t in search.trials]
    metric = search.plan.metric
    if np.isfinite(choice.ensemble_loss):
        value = metric.loss(choice.ensemble_loss)
        rows.append(
            {
                "name": "ensemble",
                "family": "ensemble",
                "state": "complete",
                "score": score if choice.name == "ensemble" else value,
                "seconds": 0.0,
                "folds": search.trials[0].n_folds,
                "reason": "",
                "params": {n: round(w, 4) for n, w in shares.items() if w > 0}
                if choice.name == "ensemble"
                else {},
                "weight": 0.0,
            }
        )
    for row in rows:
        row["winner"] = row["name"] == choice.name

    def order(row: Mapping[str, Any]) -> tuple[bool, bool, float]:
        complete = row["state"] == "complete"
        value = metric.loss(row["score"]) if complete else 0.0
        return not complete, not row["winner"], value

    return sorted(rows, key=order)
