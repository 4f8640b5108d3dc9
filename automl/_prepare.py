"""From a declaration and a table to a job: what is checked and understood before the search."""

import logging
import time
from collections.abc import Sequence
from dataclasses import replace

from automl._job import Job
from automl._preload import JOB_MODULES
from automl._sample import Rows, sample_rows
from automl._spec import FitSpec
from automl.compute import Device, memory_limit, parse_size, resolve_device, warm_up
from automl.exceptions import UsageError
from automl.families import family_names, get_family
from automl.features import check_text_encoder
from automl.search import Clock, parse_duration
from automl.table import Role, Schema

logger = logging.getLogger("automl")


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
