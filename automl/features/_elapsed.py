"""Time that passes between two moments of a row."""

from itertools import combinations

import numpy as np

from automl.features._dates import DAY
from automl.table import Role, Table

MOST_COLUMNS = 5
"""Columns of moments, from the first on, of which each pair is looked at."""

Pairs = tuple[tuple[str, str], ...]


def elapsed_pairs(table: Table) -> Pairs:
    """Pairs of datetime columns between which not always the same time passes.

    Examples
    --------
    >>> import pandas as pd
    >>> from automl.table import Schema
    >>> days = pd.to_datetime(["2024-01-01", "2024-02-01", "2024-03-01"])
    >>> frame = pd.DataFrame({"sold": days, "next_day": days + pd.Timedelta("1D")})
    >>> frame["sent"] = pd.to_datetime(["2024-01-02", "2024-02-05", "2024-03-01"])
    >>> table = Schema.infer(frame).apply(frame)
    >>> elapsed_pairs(table)
    (('sold', 'sent'), ('next_day', 'sent'))
    >>> elapsed_days(table, ("sold", "sent"), slice(None)).tolist()
    [1.0, 4.0, 0.0]
    """
    moments = [c for c in table.schema.features if c.role is Role.DATETIME][:MOST_COLUMNS]
    pairs = [
        (one.name, other.name)
        for one, other in combinations(moments, 2)
        if one.on_the_clock == other.on_the_clock  # no time passes from 9:30 to a date
    ]
    return tuple(pair for pair in pairs if _varies(table, pair))


def elapsed_days(table: Table, pair: tuple[str, str], rows: slice) -> np.ndarray:
    """Days from the first moment to the second, NaN where one is missing."""
    first, second = (table.block(name, rows) for name in pair)
    return np.asarray((second - first) / DAY)


def elapsed_name(pair: tuple[str, str]) -> str:
    """Of the number."""
    return f"{pair[1]}-{pair[0]}"


def _varies(table: Table, pair: tuple[str, str]) -> bool:
    days = elapsed_days(table, pair, slice(None))
    known = days[np.isfinite(days)]
    return len(known) > 0 and bool(known.min() < known.max())
