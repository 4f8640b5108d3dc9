"""The main job, from a table to a saved model: the rooms in the order in which data passes."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from automl._finish import Finisher
from automl._job import Job
from automl._preload import JOB_MODULES
from automl._reserve import Reserve
from automl._sample import Rows, sample_rows
from automl._spec import FitResult, FitSpec
from automl.compute import (
    Device,
    LocalEngine,
    memory_limit,
    parse_size,
    release_memory,
    resident,
    resolve_device,
    warm_up,
)
from automl.exceptions import UsageError
from automl.families import family_names, get_family
from automl.features import check_text_encoder
from automl.run import EventLog, RunDirectory
from automl.search import (
    Clock,
    Search,
    SearchPlan,
    Trial,
    TrialFiles,
    TrialState,
    parse_duration,
)
from automl.table import Role, Schema

__all__ = [
    "FitResult",
    "FitSpec",
    "Observer",
    "Progress",
    "fit_job",
    "fit_table",
    "preload_names",
    "prepare_table",
    "start_workers_early",
]


logger = logging.getLogger("automl")

SERVER_BYTES = 230 * 2**20
"""What the worker server with its libraries takes; workers share most of it."""

WORKER_BYTES = 60 * 2**20
"""What a worker has of its own before its first fit."""

LEAST_FIT = 200 * 2**20
"""With less than this for each worker's fit there are fewer workers."""

USABLE = 0.92
"""Share of the memory that is planned with."""


@dataclass(frozen=True)
class Progress:
    """What an observer of a run is told.

    Parameters
    ----------
    event : {"look", "phase", "started", "fit", "score", "ended", "aside", "choose", \
"saved", "end"}
        ``look`` comes once, when the table was understood; ``choose`` when the search is over;
        ``end`` last, however the run ended. The others are described in ``docs/events.md``.
    trials : sequence of Trial
        All trials so far, the baseline first.
    trial : Trial, optional
        The one that the event is about.
    facts : mapping
        What the line of the event log says.
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
    modules = list(JOB_MODULES)
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
    """Search, choose, save: :func:`prepare_table` and :func:`fit_job` in one.

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
    rows = Rows(frame, y, sample_weight, groups)
    job = prepare_table(rows, spec, started=started)
    return fit_job(job, observers=observers, interrupted=interrupted)


def prepare_table(rows: Rows, spec: FitSpec, *, started: float | None = None) -> Job:
    """Understand the data.

    The job does not keep the frame: its memory is free for the fit, unless the caller keeps it.

    Parameters
    ----------
    rows : Rows
    spec : FitSpec
    started : float, optional
        ``time.monotonic()`` at which the budget began to count; now by default.

    Returns
    -------
    Job

    Raises
    ------
    UsageError, DataError
        If the declaration or the data can't be used.
    """
    sentences = check_text_encoder(spec.text_encoder)
    clock = _clock(spec, time.monotonic() if started is None else started)
    card = _card(spec, clock)
    memory = memory_limit() if spec.memory is None else parse_size(spec.memory)
    start_workers_early(spec.families)
    began, left_out = clock.elapsed, ""
    if isinstance(spec.cv, str | int | None):  # splitters of the user's know rows by number
        rows, left_out = sample_rows(rows, clock, memory, spec.seed)
    job = Job.prepare(rows, spec, clock, card, memory=memory, left_out=left_out)
    if sentences:
        _note_texts(job.schema)
    return replace(job, sentences=sentences, began=began)


def fit_job(
    job: Job,
    *,
    observers: Iterable[Observer] = (),
    interrupted: Callable[[], bool] = lambda: False,
) -> FitResult:
    """Search, choose, save.

    Parameters
    ----------
    job : Job
    observers : iterable of callable
        Each is called with a :class:`Progress`.
    interrupted : callable
        True once the run should end with what it has.

    Returns
    -------
    FitResult

    Raises
    ------
    NoModelError
        If nothing beyond the baseline finished.
    """
    release_memory()
    run = RunDirectory.create(job.spec.run_dir)
    log = RunLog(EventLog(run.events, job.clock.started), observers)
    log.write("phase", {"name": "start", "seconds": job.began})
    log.write("phase", {"name": "prepare", "seconds": job.clock.elapsed - job.began})
    try:
        return _run(job, run, log, interrupted)
    finally:
        log.close()
        run.remove_work()
        if job.spec.run_dir is None:
            run.remove()


class RunLog:
    """Tells the event log and the observers what happens."""

    def __init__(self, events: EventLog, observers: Iterable[Observer]) -> None:
        self._events, self._observers = events, list(observers)
        self.trials: Sequence[Trial] = ()

    def write(self, event: str, facts: Mapping[str, Any], trial: Trial | None = None) -> None:
        """Write a line, then tell the observers."""
        self._events.write(event, facts)
        for observer in self._observers:
            observer(Progress(event, self.trials, trial, facts))

    def close(self) -> None:
        """Tell the observers that the run is over, however it ended."""
        self._events.close()
        for observer in self._observers:
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


def _card(spec: FitSpec, clock: Clock) -> Device | None:
    """The card that the run may use.

    Sums on a card depend on the order in which its threads end, so a run that is to be the same
    again, one without a time budget, uses a card only where it is insisted on.
    """
    if spec.device == "auto" and clock.budget is None:
        return None
    return resolve_device(spec.device)


def _note_texts(schema: Schema) -> None:
    """Say so where sentences are to be read and there are none."""
    if not any(column.role is Role.TEXT for column in schema.features):
        logger.warning(
            "text_encoder 'sentences' changes nothing: no column is text. "
            "Declare one as in types={'remarks': 'text'}."
        )


def _memory_per_worker(job: Job, n_workers: int) -> int | None:
    """Bytes that each worker's fit may take, beside what is there anyway."""
    if job.memory is None:
        return None
    matrix = job.table.n_rows * len(job.schema.features) * 4
    free = USABLE * job.memory - resident() - SERVER_BYTES - 2 * matrix
    return max(0, int(free / n_workers) - WORKER_BYTES)


def _n_workers(job: Job) -> int:
    """As many workers as there are cores, or fewer if their memory would be too small."""
    n = job.n_workers
    while n > 1 and (_memory_per_worker(job, n) or LEAST_FIT) < LEAST_FIT:
        n -= 1
    return n


def _run(
    job: Job,
    run: RunDirectory,
    log: RunLog,
    interrupted: Callable[[], bool],
) -> FitResult:
    spec, clock = job.spec, job.clock
    reserve = Reserve(clock, job.table.n_rows * job.problem.n_outputs)
    n_workers = _n_workers(job)
    log.write("look", {**job.facts(), "workers": n_workers})
    saver = Finisher(job, run, reserve, log.write)

    def observe(kind: str, trial: Trial | None, facts: Mapping[str, Any]) -> None:
        log.trials = search.trials
        log.write(kind, {**_about(trial, kind), **facts}, trial)
        if kind == "fit" and facts["device"] == "cpu":  # on a card the cores have little to do
            reserve.book_fit(facts["seconds"], facts["cpu_seconds"])
        if trial is None or trial.number == 0:
            return
        if (kind == "fit" and facts["result"] == "done") or (
            kind == "ended" and trial.state is TrialState.COMPLETE
        ):
            saver.save_early(search, trial)
        if kind == "ended" and trial.state is TrialState.COMPLETE:
            reserve.book_model(plan.files.model_bytes(trial))
        if kind == "ended" and trial.state is TrialState.FAILED:
            run.write_failure(trial.name, _failure(trial, job))

    plan = SearchPlan(
        problem=job.problem,
        metric=job.metric.at_best(),
        families=job.families,
        splits=job.splits,
        clock=clock,
        resources=job.resources,
        files=TrialFiles(run.work / "models", run.predictions),
        journal=run.journal,
        interrupted=interrupted,
        observe=observe,
        n_workers=n_workers,
        max_trials=spec.max_trials,
        pruning=spec.pruning,
        early_stopping=spec.early_stopping and job.clock.budget is not None,
        memory_per_worker=_memory_per_worker(job, n_workers),
        table_bytes=job.table.nbytes,
        groups=job.group_codes,
        configurations=job.configurations,
        starts=job.starts,
        card=job.card,
        insists=spec.device.startswith("cuda"),
        sentences=job.sentences,
    )
    with LocalEngine(
        n_workers=n_workers,
        threads_per_worker=job.resources.n_threads,
        preload=preload_names(spec.families),
        scratch=run.work,
        memory_limit=job.memory,
    ) as engine:
        search = Search(plan, engine, job.table, y=job.y, weight=job.weight)
        search.run()
        log.write("choose", {"trials": len(search.trials)})
        result = saver.finish(search, engine)
        log.write("result", {**result.summary, "peak_bytes": engine.peak_bytes})
    return result


WHOLE_TRIAL = ("started", "ended")
"""Events that carry the trial's summary; the others carry its name."""


def _about(trial: Trial | None, kind: str) -> dict[str, Any]:
    """What an event says of its trial."""
    if trial is None:
        return {}
    if kind in WHOLE_TRIAL:
        return trial.summary()
    return {"name": trial.name, "family": trial.family.name}


def _failure(trial: Trial, job: Job) -> dict[str, Any]:
    """What is needed to see a trial fail again."""
    return {
        "family": trial.family.name,
        "params": trial.params,
        "seed": job.spec.seed,
        "share": trial.share,
        "reason": trial.reason,
        "traceback": trial.traceback,
    }
