"""The main job, from a table to a saved model: the rooms in the order in which data passes."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from automl.artifact import dump_bytes, load_bytes, write_bytes
from automl.compute import LocalEngine, plan_workers, resolve_device, warm_up
from automl.ensemble import Candidate, Choice, Member, Predictor, choose
from automl.exceptions import AutoMLError, NoModelError, UsageError
from automl.families import Problem, Resources, choose_families, family_names, get_family
from automl.objective import Metric, bootstrap_interval, get_metric, make_splits
from automl.run import EventLog, RunDirectory
from automl.search import (
    Clock,
    Search,
    SearchPlan,
    Trial,
    TrialState,
    choose_n_folds,
    parse_duration,
)
from automl.table import Schema, Target

logger = logging.getLogger("automl")

ABSOLUTE_ERRORS = ("mae", "mean_absolute_error", "median_absolute_error", "mape")
"""Metrics that medians win; a leading ``neg_`` does not matter."""

ENSEMBLE_SHARE = 0.5
"""Share of the reserve that choosing the winner may take; saving gets the rest."""


@dataclass(frozen=True)
class FitSpec:
    """What a user may declare about a fit; see :class:`automl.AutoModel`."""

    metric: str | Callable[..., Any] = "auto"
    time_budget: float | str | None = 60
    max_trials: int | None = None
    task: str = "auto"
    families: str | Sequence[str] = "auto"
    ensemble: bool = True
    cv: Any = "auto"
    n_jobs: int | None = -1
    device: str = "auto"
    seed: int = 0
    run_dir: str | Path | None = None
    positive_label: Any = None
    types: Mapping[str, str] = field(default_factory=dict)
    drop: Sequence[str] = ()
    pruning: bool = True

    def describe(self) -> dict[str, Any]:
        """The effective configuration as JSON values."""
        plain = asdict(self) | {"run_dir": None if self.run_dir is None else str(self.run_dir)}
        for name in ("metric", "cv"):
            if not isinstance(plain[name], str | int):
                plain[name] = getattr(plain[name], "__name__", type(plain[name]).__name__)
        plain["families"] = (
            plain["families"]
            if plain["families"] == "auto"
            else list(
                [plain["families"]] if isinstance(plain["families"], str) else plain["families"]
            )
        )
        return plain


@dataclass(frozen=True)
class Progress:
    """What an observer of a run is told.

    Parameters
    ----------
    event : {"look", "started", "fold", "ended", "choose", "end"}
        ``look`` comes once, when the table was understood; ``choose`` when the search is over;
        ``end`` last, however the run ended.
    trials : sequence of Trial
        All trials so far, the baseline first.
    trial : Trial, optional
        The one that the event is about.
    facts : mapping
        With ``look``: task, metric, reasons, folds, families, workers.
    """

    event: str
    trials: Sequence[Trial]
    trial: Trial | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


Observer = Callable[[Progress], None]


@dataclass(frozen=True)
class FitResult:
    """What a fit brought: a predictor and everything that is said of it."""

    predictor: Predictor
    manifest: Mapping[str, Any]
    leaderboard: list[dict[str, Any]]
    metric: Metric
    summary: Mapping[str, Any]


def preload_names(families: str | Sequence[str] = "auto") -> tuple[str, ...]:
    """Modules that workers of these families import before they fit."""
    wanted = [families] if isinstance(families, str) else list(families)
    names = [n.strip() for w in wanted for n in w.split(",")]
    names = family_names() if names == ["auto"] else [n for n in names if n in family_names()]
    modules = ["automl.search._fold"]
    for name in names:
        modules += [m for m in get_family(name).preload if m not in modules]
    return tuple(modules)


def start_workers_early(families: str | Sequence[str] = "auto") -> None:
    """Let the workers' imports overlap with the reading of the data."""
    warm_up(preload_names(families))


def fit_table(
    frame: pd.DataFrame,
    y: Any,
    spec: FitSpec,
    *,
    sample_weight: Any = None,
    groups: Any = None,
    started: float | None = None,
    observers: Iterable[Observer] = (),
    interrupted: Callable[[], bool] = lambda: False,
) -> FitResult:
    """Search, choose, save.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
    y : array-like of shape (n_rows,)
    spec : FitSpec
    sample_weight, groups : array-like of shape (n_rows,), optional
    started : float, optional
        ``time.monotonic()`` at which the budget began to count; now by default.
    observers : iterable of callable
        Each is called with a :class:`Progress`.
    interrupted : callable
        True once the run should end with what it has.

    Returns
    -------
    FitResult

    Raises
    ------
    UsageError, DataError
        If the declaration or the data can't be used.
    NoModelError
        If nothing beyond the baseline finished.
    """
    clock = _clock(spec, time.monotonic() if started is None else started)
    device = resolve_device(spec.device)
    start_workers_early(spec.families)
    job = _Job.prepare(frame, y, spec, clock, sample_weight, groups, device)
    run = RunDirectory.create(spec.run_dir)
    events = EventLog(run.events, clock.started)
    watching = list(observers)
    try:
        return _run(job, run, events, watching, interrupted)
    finally:
        for observer in watching:
            observer(Progress("end", ()))
        events.close()
        run.remove_work()
        if spec.run_dir is None:
            run.remove()


@dataclass(frozen=True)
class _Job:
    """A declared fit with its data understood."""

    spec: FitSpec
    clock: Clock
    schema: Schema
    target: Target
    table: Any
    y: np.ndarray
    weight: np.ndarray | None
    groups: np.ndarray | None
    metric: Metric
    problem: Problem
    families: tuple[Any, ...]
    splits: Any
    n_workers: int
    resources: Resources
    reason: str

    @classmethod
    def prepare(
        cls,
        frame: pd.DataFrame,
        y: Any,
        spec: FitSpec,
        clock: Clock,
        sample_weight: Any,
        groups: Any,
        device: str,
    ) -> "_Job":
        schema = Schema.infer(frame, types=dict(spec.types), drop=tuple(spec.drop))
        target, codes, reason = Target.fit(y, task=spec.task, name=_name_of(y))
        table = schema.apply(frame, fitting=True)
        metric = get_metric(
            spec.metric,
            task=target.task,
            classes=target.classes,
            positive_label=spec.positive_label,
        )
        problem = Problem(
            target.task,
            table.n_rows,
            len(schema.features),
            0 if target.classes is None else len(target.classes),
            metric.name.removeprefix("neg_") in ABSOLUTE_ERRORS,
        )
        plan = plan_workers(spec.n_jobs)
        core_seconds = None if clock.budget is None else clock.budget * plan.n_workers
        splits = make_splits(
            codes,
            task=target.task,
            cv=spec.cv,
            groups=groups,
            n_folds_hint=choose_n_folds(problem, core_seconds),
            random_state=spec.seed,
        )
        weight = None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        return cls(
            spec,
            clock,
            schema,
            target,
            table,
            codes,
            weight,
            None if groups is None else np.asarray(groups),
            metric,
            problem,
            tuple(choose_families(spec.families, problem)),
            splits,
            plan.n_workers,
            Resources(spec.seed, plan.threads_per_worker, device),
            reason,
        )

    def facts(self) -> dict[str, Any]:
        """What was understood and decided before the first fit."""
        return {
            "task": self.target.task,
            "reason": self.reason,
            "metric": self.metric.name,
            "greater_is_better": self.metric.greater_is_better,
            "rows": self.table.n_rows,
            "columns": len(self.schema.columns),
            "roles": {c.name: [str(c.role), c.reason] for c in self.schema.columns},
            "validation": self.splits.kind,
            "families": [f.name for f in self.families],
            "workers": self.n_workers,
            "device": self.resources.device,
        }


def _name_of(y: Any) -> str:
    """The target's own name, which messages and ``automl evaluate`` use."""
    name = getattr(y, "name", None)
    return name if isinstance(name, str) and name else "target"


def _clock(spec: FitSpec, started: float) -> Clock:
    budget = spec.time_budget
    if budget is None:
        if spec.max_trials is None:
            raise UsageError("Without a time budget, say how many trials may run (max_trials).")
        return Clock(started)
    if spec.max_trials is not None and spec.max_trials < 1:
        raise UsageError(f"max_trials={spec.max_trials!r} is not allowed: give 1 or more.")
    seconds = parse_duration(budget)
    return Clock(started, seconds)


def _reserve(budget: float, n_values: int) -> float:
    """Seconds that choosing, saving and leaving take, from what they took before."""
    return min(0.3 * budget, 0.7 + 0.012 * budget + 3e-7 * n_values)


def _run(
    job: _Job,
    run: RunDirectory,
    events: EventLog,
    observers: Sequence[Observer],
    interrupted: Callable[[], bool],
) -> FitResult:
    spec, clock = job.spec, job.clock
    if clock.budget is not None:
        clock.reserve = _reserve(clock.budget, job.table.n_rows * job.problem.n_outputs * 30)
    facts = job.facts()
    events.write("run", facts)
    for observer in observers:
        observer(Progress("look", (), facts=facts))
    saver = _Saver(job, run)

    def observe(kind: str, trial: Trial) -> None:
        events.write(kind, trial.summary())
        for observer in observers:
            observer(Progress(kind, search.trials, trial))
        if kind == "ended" and trial.state is TrialState.COMPLETE:
            if trial.predictions is not None:
                run.write_predictions(trial.name, trial.predictions)
            saver.save_first(search, trial)

    plan = SearchPlan(
        job.problem,
        job.metric,
        job.families,
        job.splits,
        clock,
        spec.max_trials,
        spec.seed,
        spec.pruning,
        job.resources,
        run.work / "models",
        run.journal,
        interrupted,
        observe,
    )
    with LocalEngine(
        n_workers=job.n_workers,
        threads_per_worker=job.resources.n_threads,
        preload=preload_names(spec.families),
        scratch=run.work,
    ) as engine:
        search = Search(plan, engine, job.table, y=job.y, weight=job.weight)
        search.run()
        for observer in observers:
            observer(Progress("choose", search.trials))
        result = saver.finish(search)
    events.write("run", {"result": result.summary})
    return result


class _Saver:
    """Turns finished trials into a saved model, first early and then for good."""

    def __init__(self, job: _Job, run: RunDirectory) -> None:
        self._job, self._run = job, run
        self._saved = False

    def save_first(self, search: Search, trial: Trial) -> None:
        """Keep a valid model on disk from the first finished trial on."""
        if self._saved or trial.number == 0 or self._job.spec.run_dir is None:
            return
        self._saved = True
        choice = Choice(trial.name, np.ones(1), np.empty(0), float("inf"))
        predictor = self._predictor(search, [trial], choice)
        write_bytes(
            dump_bytes(predictor, self._manifest(choice, trial.score, None)), self._run.model
        )

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
        score = job.metric.score(job.y[rows], choice.predictions, weight)
        interval = bootstrap_interval(
            job.metric,
            job.y[rows],
            choice.predictions,
            sample_weight=weight,
            groups=None if job.groups is None else job.groups[rows],
            random_state=job.spec.seed,
        )
        predictor = self._predictor(search, done, choice)
        content = dump_bytes(predictor, self._manifest(choice, score, interval))
        write_bytes(content, self._run.model)
        board = _leaderboard(search, done, choice, score)
        summary = self._summary(search, choice, score, interval)
        self._run.write_json("leaderboard.json", board)
        self._run.write_json("run.json", {"result": summary, "config": job.spec.describe()})
        predictor, manifest = load_bytes(content)
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
            return job.metric.loss(job.metric.score(y[part], predictions, w))

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

    def _manifest(
        self, choice: Choice, score: float, interval: tuple[float, float] | None
    ) -> dict[str, Any]:
        job = self._job
        return {
            "task": job.target.task,
            "metric": {
                "name": job.metric.name,
                "greater_is_better": job.metric.greater_is_better,
            },
            "positive_label": job.spec.positive_label,
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


def _parts(splits: Any, rows: np.ndarray, seed: int) -> np.ndarray:
    """The part of each row for cross-fitting: its fold, or a random fifth of a holdout."""
    if len(splits.folds) == 1 or not splits.disjoint:
        return np.asarray(np.random.default_rng(seed).integers(0, 5, len(rows)))
    part = np.zeros(int(rows.max()) + 1, dtype=np.int64)
    for i, fold in enumerate(splits.folds):
        part[fold.valid] = i
    return part[rows]


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
