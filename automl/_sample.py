"""Fewer rows, where time or memory would not last for all of them."""

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from automl.objective import draw_rows
from automl.search import Clock

logger = logging.getLogger("automl")

SECONDS_PER_CELL = 3e-7
"""For understanding, typing, encoding and sharing one value of the table."""

TIME_SHARE = 0.3
"""Share of the time left that may go into that."""

COPIES = 2.0
"""The table is held so many times more at the most, typed and encoded,"""

OVERHEAD = 500 * 2**20
"""and this is what the programs themselves need, one worker included."""

LEAST = 10_000
"""Rows below which nothing is left out for want of time; for want of memory, a tenth of it."""


@dataclass(frozen=True)
class Rows:
    """Rows of a fit: their features, targets, weights and groups."""

    frame: pd.DataFrame
    y: Any
    sample_weight: Any = None
    groups: Any = None

    def take(self, rows: np.ndarray) -> "Rows":
        """Some of the rows."""
        return Rows(
            self.frame.iloc[rows],
            _take(self.y, rows),
            _take(self.sample_weight, rows),
            _take(self.groups, rows),
        )


def sample_rows(data: Rows, clock: Clock, memory: int | None, seed: int) -> tuple[Rows, str]:
    """Leave rows out at random where the table is too large for the budget or the memory.

    Parameters
    ----------
    data : Rows
    clock : Clock
    memory : int, optional
        Bytes that all processes of the run may use together.
    seed : int

    Returns
    -------
    Rows
        The same where nothing had to be left out. The order of the rows is kept.
    str
        Why rows were left out; empty where none were.

    Examples
    --------
    >>> data = Rows(pd.DataFrame({"a": range(50_000)}), np.zeros(50_000))
    >>> few, why = sample_rows(data, Clock(0.0, 1e-3), None, seed=0)
    >>> len(few.frame), why
    (10000, '10,000 of 50,000 rows, as many as the time budget allows')
    """
    n_rows, n_columns = data.frame.shape
    wanted, why = n_rows, ""
    if clock.budget is not None:
        seconds = TIME_SHARE * max(0.0, clock.left)
        n = max(LEAST, int(seconds / (SECONDS_PER_CELL * max(1, n_columns))))
        if n < wanted:
            wanted, why = n, "the time budget"
    if memory is not None:
        used = float(data.frame.memory_usage(index=False, deep=False).sum())
        free = memory - OVERHEAD - used
        n = max(LEAST // 10, int(n_rows * free / (COPIES * used + 1)))
        if n < wanted:
            wanted, why = n, "the memory"
    if not why:
        return data, ""
    codes, _ = pd.factorize(np.asarray(data.y), use_na_sentinel=True)
    rows = draw_rows(codes, wanted, np.random.default_rng(seed))
    reason = f"{len(rows):,} of {n_rows:,} rows, as many as {why} allows"
    logger.warning("Training on %s.", reason)
    return data.take(rows), reason


def _take(values: Any, rows: np.ndarray) -> Any:
    if values is None:
        return None
    if hasattr(values, "iloc"):
        return values.iloc[rows]
    return np.asarray(values)[rows]
