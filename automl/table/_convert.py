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
import pyarrow as pa

from automl.table._blocks import count_codes, look_up
from automl.table._column import Column, Role
from automl.table._texts import Texts
from automl.table._values import (
    EPOCH,
    EPOCH_UNITS,
    Parsed,
    booleans,
    canonical,
    dates,
    is_missing,
    is_nested,
    numbers,
)

# Up to here, reading value by value is quicker than finding the distinct ones first.
SHORT = 64
NOTHING_BAD = np.zeros(0, dtype=bool)


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
            if isinstance(series.dtype, pd.StringDtype) and series.dtype.storage == "pyarrow":
                return cls(*_encoded(series))
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
        return count_codes(self.codes, len(self.values))

    def spread(self, per_value: np.ndarray, missing: float) -> np.ndarray:
        """Carry one result per distinct value back to the rows."""
        if self.one_each:
            return per_value
        table = np.append(per_value, np.array([missing], dtype=per_value.dtype))
        return look_up(table, self.codes)

    def rows(self, parsed: Parsed) -> Parsed:
        """Carry what was read from the distinct values back to the rows."""
        if self.one_each:
            return parsed
        bad = self.spread(parsed.bad, False) if parsed.bad.any() else NOTHING_BAD
        return Parsed(self.spread(parsed.values, np.nan), bad)


def _encoded(series: pd.Series) -> tuple[np.ndarray, list[Any]]:
    """Find the distinct texts of an Arrow column, in the order in which they come."""
    encoded = pa.array(series.array).dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    codes = encoded.indices.fill_null(-1) if encoded.null_count else encoded.indices
    return codes.to_numpy(), encoded.dictionary.to_pylist()


@dataclass(frozen=True)
class ReadTexts(Parsed):
    """Codes or places of a column, and its texts."""

    texts: Texts


Converter = Callable[[pd.Series, Column], Parsed]


def plain_numbers(series: pd.Series) -> np.ndarray | None:
    """Return the column as numbers or truth values if its dtype is numeric, else None.

    What numpy holds stays as it is, up to 8 bytes a value, and is made float64 where it is used.
    """
    dtype = series.dtype
    if dtype.kind in "fiub":
        if isinstance(dtype, np.dtype):
            return series.to_numpy(np.float64) if dtype.itemsize > 8 else series.to_numpy()
        return series.to_numpy(np.float64, na_value=np.nan)
    if dtype.kind == "m" and isinstance(dtype, np.dtype):
        lengths = series.to_numpy()
        seconds: np.ndarray = lengths / np.timedelta64(1, "s")
        return seconds
    return None


def to_numeric(series: pd.Series, column: Column) -> Parsed:
    """Return numbers, NaN where missing."""
    values = plain_numbers(series)
    if values is None:
        distinct = Distinct.of(series)
        parsed = distinct.rows(numbers(distinct.values, column.number_format))
    else:
        parsed = Parsed(values, NOTHING_BAD)
    if not column.sentinels:
        return parsed
    return Parsed(without(parsed.values, column.sentinels), parsed.bad)


def without(values: np.ndarray, sentinels: Sequence[float]) -> np.ndarray:
    """Return the numbers with NaN in place of those that stand for "not known".

    Examples
    --------
    >>> without(np.array([1, -999, 3]), [-999.0]).tolist()
    [1.0, nan, 3.0]
    """
    found = np.isin(values, np.array(sentinels))
    return np.where(found, np.nan, values) if found.any() else values


def to_boolean(series: pd.Series, _: Column) -> Parsed:
    """Return 1.0, 0.0 and NaN, or truth values."""
    values = plain_numbers(series) if series.dtype.kind == "b" else None
    if values is not None:
        return Parsed(values, NOTHING_BAD)
    distinct = Distinct.of(series)
    return distinct.rows(booleans(distinct.values))


def plain_dates(series: pd.Series) -> np.ndarray | None:
    """Return the column as ``datetime64`` in UTC if its dtype is a date or a period, else None."""
    dtype = series.dtype
    if isinstance(dtype, pd.PeriodDtype):
        series = series.dt.to_timestamp()
    elif isinstance(dtype, pd.DatetimeTZDtype):
        series = series.dt.tz_convert(None)
    elif not isinstance(dtype, np.dtype) or dtype.kind != "M":
        return None
    return series.to_numpy()


def to_datetime(series: pd.Series, column: Column) -> Parsed:
    """Return ``datetime64`` in UTC, or seconds since 1970 with NaN where missing."""
    stamps = plain_dates(series)
    if stamps is not None:
        return Parsed(stamps, NOTHING_BAD)
    values = plain_numbers(series) if column.date_format.startswith(EPOCH) else None
    if values is not None:
        seconds = values / EPOCH_UNITS[column.date_format.removeprefix(EPOCH)]
        endless = np.isinf(seconds)
        if endless.any():
            return Parsed(np.where(endless, np.nan, seconds), endless)
        return Parsed(seconds, NOTHING_BAD)
    distinct = Distinct.of(series)
    return distinct.rows(dates(distinct.values, column.date_format))


def to_categorical(series: pd.Series, column: Column) -> Parsed:
    """Return the codes of the column's categories, -1 where missing or not seen at fit."""
    distinct = Distinct.of(series)
    values = distinct.values
    codes, nested = np.full(len(values), -1, dtype=np.int32), []
    for position, value in enumerate(values):
        if isinstance(value, str):
            codes[position] = column.code(value)
        elif is_nested(value):
            nested.append(position)
        elif not is_missing(value):
            codes[position] = column.code(canonical(value))
    rows = distinct.spread(codes, -1)
    bad = _spread_bad(distinct, nested)
    return ReadTexts(rows, bad, _texts(distinct)) if column.spelled else Parsed(rows, bad)


def to_text(series: pd.Series, _: Column) -> Parsed:
    """Return texts, and for each row the place of its own, -1 where missing."""
    distinct = Distinct.of(series)
    texts = _texts(distinct)
    nested = [i for i, value in enumerate(distinct.values) if is_nested(value)]
    return ReadTexts(texts.places, _spread_bad(distinct, nested), texts)


def _texts(distinct: Distinct) -> Texts:
    read = Texts.of([None if is_missing(v) else canonical(v) for v in distinct.values])
    return Texts(distinct.spread(read.places, -1), read.buffer, read.ends)


def _spread_bad(distinct: Distinct, nested: Sequence[int]) -> np.ndarray:
    """Tell the rows of nested values."""
    if not nested:
        return NOTHING_BAD
    bad = np.zeros(len(distinct.values), dtype=bool)
    bad[nested] = True
    return distinct.spread(bad, False)


CONVERTERS: dict[Role, Converter] = {
    Role.NUMERIC: to_numeric,
    Role.BOOLEAN: to_boolean,
    Role.DATETIME: to_datetime,
    Role.CATEGORICAL: to_categorical,
    Role.TEXT: to_text,
}
EXPECTED = {
    Role.NUMERIC: "a number",
    Role.BOOLEAN: "true or false (yes/no, 1/0, ...)",
    Role.DATETIME: "a date",
    Role.CATEGORICAL: "a single value",
    Role.TEXT: "a single text",
}
