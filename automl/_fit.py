"""The main job, from a table to a saved model: the rooms in the order in which data passes."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from automl._finish import Finisher
from automl._job import Job
from automl._spec import FitResult, FitSpec
from automl.compute import LocalEngine, resolve_device, warm_up
from automl.exceptions import UsageError
from automl.families import family_names, get_family
from automl.run import EventLog, RunDirectory
from automl.search import Clock, Search, SearchPlan, Trial, TrialState, parse_duration

__all__ = [
    "FitResult",
    "FitSpec",
    "Observer",
    "Progress",
    "fit_table",
    "preload_names",
    "start_workers_early",
]


SAVE_SECONDS_PER_BYTE = 1.6e-8
MEMBERS = 6
"""How fast models are compressed, and how many of the largest may be in the ensemble."""


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
    device = _device(spec.device)
    start_workers_early(spec.families)
    job = Job.prepare(frame, y, spec, clock, sample_weight, groups, device)
    run = RunDirectory.create(spec.run_dir)
    events = EventLog(run.events, clock.started)
    watching = list(observers)
    try:
        return _run(job, run, events, watching, interrupted)
    finally:
        events.close()
        run.remove_work()
        if spec.run_dir is None:
            run.remove()
        for observer in watching:
            observer(Progress("end", ()))


def _clock(spec: FitSpec, started: float) -> Clock:
    budget = spec.time_budget
    if spec.max_trials is not None and spec.max_trials < 1:
        raise UsageError(f"max_trials={spec.max_trials!r} is not allowed: give 1 or more.")
    if budget is None:
        if spec.max_trials is None:
            raise UsageError("Without a time budget, say how many trials may run (max_trials).")
        return Clock(started)
    seconds = parse_duration(budget)
    return Clock(started, seconds)


def _device(wish: str) -> str:
    """The device for families that can use more than the CPU.

    ``auto`` means the CPU until it is measured when a GPU pays; ``cuda`` insists.
    """
    resolve_device(wish)
    return "cpu" if wish == "auto" else wish


def _reserve(budget: float, n_values: int) -> float:
    """Seconds that choosing, saving and leaving take, from what they took before."""
    return min(0.3 * budget, 0.9 + 0.015 * budget + 2e-8 * n_values)


def _run(
    job: Job,
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
    saver = Finisher(job, run)
    reserve, sizes = clock.reserve, list[int]()

    def observe(kind: str, trial: Trial) -> None:
        events.write(kind, trial.summary())
        for observer in observers:
            observer(Progress(kind, search.trials, trial))
        if kind == "ended" and trial.state is TrialState.COMPLETE:
            if trial.predictions is not None:
                run.write_predictions(trial.name, trial.predictions)
            saver.save_first(search, trial)
            sizes.append(search.model_bytes(trial))
            if clock.budget is not None:
                saving = SAVE_SECONDS_PER_BYTE * sum(sorted(sizes)[-MEMBERS:])
                clock.reserve = min(0.3 * clock.budget, reserve + saving)

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
