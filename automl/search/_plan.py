"""What a search is told, and how many folds its budget can carry."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from automl.compute import Device
from automl.families import Family, Problem, Resources
from automl.objective import Metric, Splits
from automl.search._clock import Clock
from automl.search._files import TrialFiles
from automl.search._trial import Trial

SECONDS_PER_ROW = 2e-5
SECONDS_PER_CELL = 1.4e-6
"""Seconds of one core for 300 boosting rounds: per row, and per row and column."""

SECONDS_PER_FIT = 0.1
TRIALS = 10
"""Configurations that a search should be able to finish."""

SMALL = 3000
FOLDS = (5, 3)
MANY_FOLDS = 8
AMPLE = 4
"""Tables beyond `SMALL` rows get many folds where so many times as many configurations could be
finished: with eight in place of five the error was 0.2, 1.4, 0.0 and 0.3 % lower, at 1.6 times
the work (four tables of 3,300 to 13,800 rows, the same four configurations)."""
UNLIMITED = 600.0

KEPT = 0.2
"""Share of a card's memory that each process may fill with what later fits need again."""


def choose_n_folds(problem: Problem, core_seconds: float | None) -> int:
    """Folds that leave time for about ten configurations; 1 stands for a holdout.

    Parameters
    ----------
    problem : Problem
    core_seconds : float, optional
        Seconds of the budget times workers; ``None`` without a time budget.

    Returns
    -------
    int

    Examples
    --------
    >>> small = Problem("binary", n_rows=1000, n_columns=20, n_classes=2)
    >>> large = Problem("binary", n_rows=3_000_000, n_columns=20, n_classes=2)
    >>> choose_n_folds(small, 120.0), choose_n_folds(large, 120.0)
    (8, 1)
    """
    per_row = SECONDS_PER_ROW + SECONDS_PER_CELL * problem.n_columns
    seconds = (per_row * problem.n_rows + SECONDS_PER_FIT) * problem.n_outputs
    available = (core_seconds or UNLIMITED) / TRIALS
    ample = (core_seconds or 0.0) / TRIALS / AMPLE
    if MANY_FOLDS * seconds <= (available if problem.n_rows <= SMALL else ample):
        return MANY_FOLDS
    for n in FOLDS:
        if n * seconds <= available or problem.n_rows <= SMALL:
            return n
    return 1


@dataclass(frozen=True, kw_only=True)
class SearchPlan:
    """Everything that a search needs to know.

    Parameters
    ----------
    problem : Problem
    metric : Metric
    families : tuple of Family
    splits : Splits
    clock : Clock
    resources : Resources
        Seed, threads and device of one fit.
    files : TrialFiles
    journal : Path
        Optuna's journal.
    interrupted : callable
        True once the user wants the run to end with what it has.
    observe : callable
        Called with (kind, trial or None, facts): ``phase``, ``started``, ``fit``, ``score``,
        ``aside``, ``ended``.
    n_workers : int
    max_trials : int, optional
        Trials beyond the baseline; ``None`` where the clock alone limits.
    pruning : bool
    early_stopping : bool
        Whether a search that no longer pays ends before its budget.
    memory_per_worker : int, optional
        Bytes that each worker may have for a fit; ``None`` where that is not limited.
    table_bytes : int
        Size of the typed table.
    configurations : sequence of (str, mapping), optional
        Families with parameters: these are tried, and nothing else.
    starts : sequence of (str, mapping), optional
        Families with parameters: these are tried before anything else.
    card : Device, optional
        The card that fits may run on, beside the CPU.
    groups : ndarray of shape (n_rows,), optional
        The number of each row's group.
    insists : bool
        Whether every fit that can run on the card shall, whatever is quicker.
    sentences : bool
        Whether texts become vectors of sentences, too.
    """

    problem: Problem
    metric: Metric
    families: tuple[Family, ...]
    splits: Splits
    clock: Clock
    resources: Resources
    files: TrialFiles
    journal: Path
    interrupted: Callable[[], bool]
    observe: Callable[[str, Trial | None, Mapping[str, Any]], None]
    n_workers: int = 1
    max_trials: int | None = None
    pruning: bool = True
    early_stopping: bool = True
    memory_per_worker: int | None = None
    table_bytes: int = 0
    groups: np.ndarray | None = None
    configurations: Sequence[tuple[str, Mapping[str, Any]]] = ()
    starts: Sequence[tuple[str, Mapping[str, Any]]] = ()
    card: Device | None = None
    insists: bool = False
    sentences: bool = False

    @property
    def in_order(self) -> bool:
        """Whether the search follows from the numbers of its trials alone, and not from a clock.

        So it is without a time budget: two runs with as many workers then do the same.
        """
        return self.clock.budget is None

    @property
    def lag(self) -> int | None:
        """In order, by how many numbers a trial must come later to know of another."""
        return self.n_workers if self.in_order else None

    def resources_for(self, fold: int, n_threads: int, device: str = "cpu") -> Resources:
        """What the fit of one fold may use: a seed of its own, and a part of the card's memory."""
        kept = 0.0 if self.card is None or device == "cpu" else KEPT * self.card.memory_bytes
        return Resources(self.resources.seed + max(0, fold), n_threads, device, kept)
