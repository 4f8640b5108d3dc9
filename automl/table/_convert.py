"""From a column of a frame to the typed array of its role.

``CONVERTERS`` is the one place that knows how a role becomes numbers: a role that is not in it
is not a feature. A new role needs a function here and a detector in ``_inference``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from automl.exceptions import DataError
from automl.table._column import Column, Role
from automl.table._values import (
    Parsed,
    booleans,
    canonical,
    dates,
    is_missing,
    is_nested,
    numbers,
    seconds_since_epoch,
)

# Up to here, reading value by value is quicker than finding the distinct ones first.
SHORT = 64


@dataclass(frozen=True)
class Distinct:
    """A column as its distinct values and, for each row, which of them it holds (-1: missing)."""

    codes: np.ndarray
    values: Sequence[Any]
    one_each: bool = False  # every row is taken as a value of its own

    @classmethod
    def of(cls, series: pd.Series) -> "Distinct":
        """Find the distinct values; cells that can't be compared stay one value each."""
        if isinstance(series.dtype, pd.CategoricalDtype):
            return cls(series.cat.codes.to_numpy(), list(series.cat.categories.to_numpy()))
        if len(series) > SHORT:
            try:
                codes, values = pd.factorize(series)
            except TypeError:  # lists or dicts among the cells
                pass
            else:
                return cls(codes, list(values.to_numpy()))
        return cls(np.arange(len(series)), list(series.array), one_each=True)

    @cached_property
    def counts(self) -> np.ndarray:
        """Rows of each distinct value."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.values))

    def spread(self, per_value: np.ndarray, missing: float) -> np.ndarray:
        """Carry one result per distinct value back to the rows."""
        if self.one_each:
            return per_value
        table = np.append(per_value, np.array([missing], dtype=per_value.dtype))
        out: np.ndarray = table[self.codes]
        return out

    def rows(self, parsed: Parsed) -> Parsed:
        """Carry what was read from the distinct values back to the rows."""
        if self.one_each:
            return parsed
        return Parsed(self.spread(parsed.values, np.nan), self.spread(parsed.bad, False))


Converter = Callable[[pd.Series, Column], Parsed]
_NOTHING_BAD = np.zeros(0, dtype=bool)


def plain_numbers(series: pd.Series) -> np.ndarray | None:
    """Return the column as floats if its dtype is numeric, else None."""
    kind = series.dtype.kind
    if kind in "fiub":
        if isinstance(series.dtype, np.dtype):
            return series.to_numpy(np.float64)
        return series.to_numpy(np.float64, na_value=np.nan)
    if kind == "m" and isinstance(series.dtype, np.dtype):
        lengths = series.to_numpy()
        seconds: np.ndarray = lengths / np.timedelta64(1, "s")
        return seconds
    return None


def refuse_infinity(values: np.ndarray, name: str) -> None:
    """Raise a DataError that names the first infinite value of a column."""
    infinite = np.isinf(values)
    if infinite.any():
        row = int(infinite.argmax())
        raise DataError(
            f"Input X contains infinity or a value too large for dtype('float64'): column "
            f"{name!r} has {values[row]} in row {row} (counting from 0), "
            f"{int(infinite.sum()):,} such rows in all. Replace infinite values by missing ones "
            f"(NaN) or by a number."
        )


def to_numeric(series: pd.Series, column: Column) -> Parsed:
    """Return floats, NaN where missing."""
    values = plain_numbers(series)
    if values is None:
        distinct = Distinct.of(series)
        parsed = distinct.rows(numbers(distinct.values))
    else:
        parsed = Parsed(values, _NOTHING_BAD)
    refuse_infinity(parsed.values, column.name)
    return parsed


def to_boolean(series: pd.Series, _: Column) -> Parsed:
    """Return 1.0, 0.0 and NaN."""
    if series.dtype.kind == "b":
        return Parsed(series.to_numpy(np.float64, na_value=np.nan), _NOTHING_BAD)
    distinct = Distinct.of(series)
    return distinct.rows(booleans(distinct.values))


def plain_dates(series: pd.Series) -> np.ndarray | None:
    """Return the column as seconds since 1970 if its dtype is a date or a period, else None."""
    dtype = series.dtype
    if isinstance(dtype, pd.PeriodDtype):
        return seconds_since_epoch(series.dt.to_timestamp().to_numpy())
    if isinstance(dtype, pd.DatetimeTZDtype):
        return seconds_since_epoch(series.dt.tz_convert(None).to_numpy())
    if isinstance(dtype, np.dtype) and dtype.kind == "M":
        return seconds_since_epoch(series.to_numpy())
    return None


def to_datetime(series: pd.Series, column: Column) -> Parsed:
    """Return seconds since 1970 in UTC, NaN where missing."""
    seconds = plain_dates(series)
    if seconds is not None:
        return Parsed(seconds, _NOTHING_BAD)
    distinct = Distinct.of(series)
    return distinct.rows(dates(distinct.values, column.date_format))


def to_categorical(series: pd.Series, column: Column) -> Parsed:
    """Return the codes of the column's categories, -1 where missing or not seen at fit."""
    distinct = Distinct.of(series)
    values = distinct.values
    codes, bad = np.full(len(values), -1, dtype=np.int32), np.zeros(len(values), dtype=bool)
    known = column.codes
    for position, value in enumerate(values):
        if is_nested(value):
            bad[position] = True
        elif not is_missing(value):
            codes[position] = known.get(canonical(value), -1)
    return Parsed(distinct.spread(codes, -1), distinct.spread(bad, False))


CONVERTERS: dict[Role, Converter] = {
    Role.NUMERIC: to_numeric,
    Role.BOOLEAN: to_boolean,
    Role.DATETIME: to_datetime,
    Role.CATEGORICAL: to_categorical,
}
EXPECTED = {
    Role.NUMERIC: "a number",
    Role.BOOLEAN: "true or false (yes/no, 1/0, ...)",
    Role.DATETIME: "a date",
    Role.CATEGORICAL: "a single value",
}
