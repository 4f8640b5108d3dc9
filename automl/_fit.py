"""The main job, from a table to a saved model: the rooms in the order in which data passes."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pandas as pd

from automl._finish import Finisher
from automl._job import Job
from automl._prepare import preload_names, prepare_table
from automl._progress import Observer, Progress, RunLog, about
from automl._reserve import Reserve
from automl._sample import Rows
from automl._spec import FitResult, FitSpec
from automl.compute import LocalEngine, release_memory, resident
from automl.run import EventLog, RunDirectory
from automl.search import Search, SearchPlan, Trial, TrialFiles, TrialState

__all__ = [
    "FitResult",
    "FitSpec",
    "Observer",
    "Progress",
    "fit_job",
    "fit_table",
    "prepare_table",
]

SERVER_BYTES = 230 * 2**20
"""What the worker server with its libraries takes; workers share most of it."""

WORKER_BYTES = 60 * 2**20
"""What a worker has of its own before its first fit."""

LEAST_FIT = 200 * 2**20
"""With less than this for each worker's fit there are fewer workers."""

USABLE = 0.92
"""Share of the memory that is planned with."""


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


def _run(job: Job, run: RunDirectory, log: RunLog, interrupted: Callable[[], bool]) -> FitResult:
    n_workers = _n_workers(job)
    log.write("look", {**job.facts(), "workers": n_workers})
    keeper = _Keeper(job, run, log)
    plan = _plan(job, run, n_workers, observe=keeper, interrupted=interrupted)
    with LocalEngine(
        n_workers=n_workers,
        threads_per_worker=job.resources.n_threads,
        preload=preload_names(job.spec.families),
        scratch=run.work,
        memory_limit=job.memory,
    ) as engine:
        search = keeper.search = Search(plan, engine, job.table, y=job.y, weight=job.weight)
        release_memory()  # the columns lie in files by now
        search.run()
        log.write("choose", {"trials": len(search.trials)})
        result = keeper.saver.finish(search, engine)
        log.write("result", {**result.summary, "peak_bytes": engine.peak_bytes})
    return result


def _plan(
    job: Job,
    run: RunDirectory,
    n_workers: int,
    *,
    observe: "_Keeper",
    interrupted: Callable[[], bool],
) -> SearchPlan:
    """What the search is told."""
    spec = job.spec
    return SearchPlan(
        problem=job.problem,
        metric=job.metric.at_best(),
        families=job.families,
        splits=job.splits,
        clock=job.clock,
        resources=job.resources,
        files=observe.files,
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


class _Keeper:
    """Hears what the search does: writes it down, and keeps the best model so far on disk.

    Parameters
    ----------
    job : Job
    run : RunDirectory
    log : RunLog

    Attributes
    ----------
    saver : Finisher
    files : TrialFiles
    search : Search
        That it hears from.
    """

    search: Search

    def __init__(self, job: Job, run: RunDirectory, log: RunLog) -> None:
        self._job, self._run, self._log = job, run, log
        self._reserve = Reserve(job.clock, job.table.n_rows * job.problem.n_outputs)
        self.saver = Finisher(job, run, self._reserve, log.write)
        self.files = TrialFiles(run.work / "models", run.predictions)

    def __call__(self, kind: str, trial: Trial | None, facts: Mapping[str, Any]) -> None:
        """As :class:`SearchPlan` describes it."""
        self._log.trials = self.search.trials
        self._log.write(kind, {**about(trial, kind), **facts}, trial)
        if kind == "fit" and facts["device"] == "cpu":  # on a card the cores have little to do
            self._reserve.book_fit(facts["seconds"], facts["cpu_seconds"])
        if trial is None or trial.number == 0:
            return
        complete = kind == "ended" and trial.state is TrialState.COMPLETE
        if complete or (kind == "fit" and facts["result"] == "done"):
            self.saver.save_early(self.search, trial)
        if complete:
            self._reserve.book_model(self.files.model_bytes(trial))
        if kind == "ended" and trial.state is TrialState.FAILED:
            self._run.write_failure(trial.name, _failure(trial, self._job))


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
