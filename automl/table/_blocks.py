"""Going through long columns in blocks: what is worked on stays in the processor's cache.

A column may also be a strided view of the caller's matrix, of which each pass would read every
cache line anew; a block is copied once. And no intermediate result is as long as the table.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from automl.exceptions import DataError
from automl.table._values import seconds_since_epoch

BLOCK = 1 << 15


def blocks(n_rows: int, size: int = BLOCK) -> Iterator[slice]:
    """Yield slices that together are all rows, in their order.

    Examples
    --------
    >>> list(blocks(5, 2))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    for start in range(0, n_rows, size):
        yield slice(start, min(n_rows, start + size))


def as_floats(values: np.ndarray) -> np.ndarray:
    """Return numbers and truth values as float64, dates as float64 seconds since 1970.

    Examples
    --------
    >>> as_floats(np.array([True, False])).tolist()
    [1.0, 0.0]
    >>> as_floats(np.array(["1970-01-02", "NaT"], dtype="datetime64[s]")).tolist()
    [86400.0, nan]
    """
    if values.dtype.kind == "M":
        return seconds_since_epoch(values)
    return values.astype(np.float64, copy=False)


def look_up(table: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return ``table[codes]``; code -1 takes the last entry.

    Examples
    --------
    >>> look_up(np.array([1.5, 2.5, np.nan]), np.array([1, -1, 0], dtype=np.int32)).tolist()
    [2.5, nan, 1.5]
    """
    out = np.empty(len(codes), dtype=table.dtype)
    for rows in blocks(len(codes)):
        np.take(table, codes[rows], out=out[rows], mode="wrap")  # twice as fast as indexing
    return out


def count_codes(codes: np.ndarray, n_codes: int) -> np.ndarray:
    """Return the rows of each code from 0 on; -1 is not counted.

    Examples
    --------
    >>> count_codes(np.array([2, 0, -1, 2]), 3).tolist()
    [1, 0, 2]
    """
    counts = np.zeros(n_codes + 1, dtype=np.int64)
    for rows in blocks(len(codes), max(BLOCK, 4 * n_codes)):
        counts += np.bincount(codes[rows].astype(np.intp) + 1, minlength=n_codes + 1)
    return counts[1:]


@dataclass(frozen=True)
class Extent:
    """How many values are missing, and the least and greatest of the others (NaN if none)."""

    n_missing: int
    low: float
    high: float

    @classmethod
    def of(cls, values: np.ndarray) -> "Extent":
        """Measure numbers, truth values or dates.

        Examples
        --------
        >>> Extent.of(np.array([2.0, np.nan, -1.0]))
        Extent(n_missing=1, low=-1.0, high=2.0)
        """
        if values.dtype.kind in "iub" and len(values):  # floats keep the order of integers
            return cls(0, float(values.min()), float(values.max()))
        n_missing, low, high = 0, np.nan, np.nan
        for rows in blocks(len(values)):
            block = np.ascontiguousarray(as_floats(values[rows]))
            n_missing += int(np.count_nonzero(np.isnan(block)))
            low = np.fmin(low, np.fmin.reduce(block))
            high = np.fmax(high, np.fmax.reduce(block))
        return cls(n_missing, float(low), float(high))


def is_integral(values: np.ndarray) -> bool:
    """Tell whether all numbers are whole, the missing ones left out.

    Examples
    --------
    >>> is_integral(np.array([1.0, np.nan])), is_integral(np.array([1.0, 0.5]))
    (True, False)
    """
    if values.dtype.kind in "iub":
        return True
    for rows in blocks(len(values)):
        block = np.ascontiguousarray(as_floats(values[rows]))
        odd = np.count_nonzero(block != np.floor(block))
        if odd and odd > np.count_nonzero(np.isnan(block)):
            return False
    return True


def goes_up_by_one(values: np.ndarray) -> bool:
    """Tell whether each number is the one before it plus 1.

    Examples
    --------
    >>> goes_up_by_one(np.array([3, 4, 5])), goes_up_by_one(np.array([3, 5, 4]))
    (True, False)
    """
    return all(
        bool((np.diff(as_floats(values[rows.start : rows.stop + 1])) == 1).all())
        for rows in blocks(len(values))
    )


def count_distinct(values: np.ndarray) -> int:
    """Return how many different numbers there are; none may be missing.

    Examples
    --------
    >>> count_distinct(np.array([3, 1, 3]))
    2
    """
    head = values[:BLOCK]
    found = len(np.unique(head))
    if len(values) <= BLOCK:
        return found
    # Hashing is faster than sorting where values come again and again.
    return len(pd.unique(values) if found < BLOCK // 2 else np.unique(values))


def all_distinct(values: np.ndarray) -> bool:
    """Tell whether no number comes twice; none may be missing.

    Examples
    --------
    >>> all_distinct(np.array([3, 1, 2])), all_distinct(np.array([3, 1, 3]))
    (True, False)
    """
    head = as_floats(values[:BLOCK])
    if len(np.unique(head)) < len(head):
        return False
    return len(values) <= BLOCK or len(np.unique(as_floats(values))) == len(values)


def refuse_infinity(values: np.ndarray, name: str) -> None:
    """Raise a DataError that names the first infinite value of a column."""
    if values.dtype.kind != "f":
        return
    if any(np.isinf(values[rows]).any() for rows in blocks(len(values))):
        infinite = np.isinf(values)
        row = int(infinite.argmax())
        raise DataError(
            f"Input X contains infinity or a value too large for dtype('float64'): column "
            f"{name!r} has {values[row]} in row {row} (counting from 0), "
            f"{int(infinite.sum()):,} such rows in all. Replace infinite values by missing ones "
            f"(NaN) or by a number."
        )
