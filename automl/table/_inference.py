"""Which role does a column have? One detector per case, asked in the order of ``DETECTORS``."""

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from automl.exceptions import DataError
from automl.table._blocks import (
    Extent,
    all_distinct,
    goes_up_by_one,
    is_integral,
    refuse_infinity,
)
from automl.table._column import Column, Role
from automl.table._convert import EXPECTED
from automl.table._dates import guess_format, looks_like_dates
from automl.table._look import Look
from automl.table._messages import counted, shown
from automl.table._values import (
    Parsed,
    boolean_spelling,
    booleans,
    canonical,
    dates,
    is_nested,
    numbers,
)
from automl.table._wording import is_spelled, is_text

# From this share of readable values on, the others count as slips of the pen.
READABLE = 0.95
# Fewer rows than this have distinct values by chance.
MIN_IDENTIFIER_ROWS = 20
# Identifiers are short. Texts of this many words on average say something.
TEXT_WORDS = 3
_ID_NAME = re.compile(
    r"(?i:(?:^|[_\s.-])(?:id|uuid|guid|index|rowid|row_number)$)|[a-z0-9](?:Id|ID)$|^Unnamed: 0$"
)
Detector = Callable[[Look], Column | None]


def infer_column(name: str, series: pd.Series, forced: Role | None = None) -> Column:
    """Return the column with the role that fits its values, or with the one that is asked for.

    Raises
    ------
    DataError
        If the column holds infinite, complex or nested values, or none that the forced role
        could read.

    Examples
    --------
    >>> infer_column("paid", pd.Series(["yes", "no", None])).reason
    'yes/no; 1 missing'
    """
    look = Look(name, series)
    if look.series.dtype.kind == "c":
        raise DataError(f"Complex data not supported: column {name!r} holds complex numbers.")
    if forced is not None:
        return _FORCED[forced](look)
    for detector in DETECTORS:
        found = detector(look)
        if found is not None:
            return found
    column = as_categorical(look)
    return replace(column, spelled=True) if is_spelled(look) else column


def detect_typed_numbers(look: Look) -> Column | None:
    """Numeric and boolean dtypes: constant, identifier (integers only), boolean or numeric."""
    values, kind = look.numbers, look.series.dtype.kind
    if values is None:
        return None
    if look.n_missing == len(values):
        return _nothing(look)
    if look.n_missing == 0 and look.extent.low == look.extent.high:
        return _same(look, look.series.iloc[0])
    if kind == "b":
        return look.column(Role.BOOLEAN, "true/false")
    found = _identifier(look, values) if kind in "iu" else None
    return found or as_numeric(look)


def detect_typed_dates(look: Look) -> Column | None:
    """Date dtypes: constant or datetime."""
    stamps = look.dates
    if stamps is None:
        return None
    if look.n_missing == len(stamps):
        return _nothing(look)
    if look.n_missing == 0 and look.extent.low == look.extent.high:
        return _same(look, str(look.series.iloc[0]))
    return as_datetime(look)


def detect_constant(look: Look) -> Column | None:
    """No value at all, or the same text in every row."""
    if not look.frequencies:
        return _nothing(look)
    if len(look.frequencies) == 1 and look.n_missing == 0:
        return _same(look, next(iter(look.frequencies)))
    return None


def detect_category_dtype(look: Look) -> Column | None:
    """The ``category`` dtype says what the column is."""
    return as_categorical(look) if isinstance(look.series.dtype, pd.CategoricalDtype) else None


def detect_boolean(look: Look) -> Column | None:
    """Boolean objects, or text in one of the usual spellings of true and false."""
    if len(look.frequencies) > 6:  # yes, Yes, YES, no, No, NO
        return None
    spelling = boolean_spelling(look.distinct.values)
    if not spelling and all(isinstance(value, bool | np.bool_) for value in look.sample):
        spelling = "true/false"
    return look.column(Role.BOOLEAN, spelling) if spelling else None


def detect_written_numbers(look: Look) -> Column | None:
    """Text and objects that nearly all are plain numbers."""
    if np.mean(~numbers(look.sample).bad) < READABLE / 2:
        return None  # so that long texts are not read twice
    parsed = numbers(look.distinct.values)
    if look.share_read(parsed) < READABLE or _are_codes(look, parsed):
        return None
    found = None if parsed.bad.any() else _identifier(look, look.distinct.rows(parsed).values)
    return found or as_numeric(look)


def detect_nested(look: Look) -> Column | None:
    """Refuse lists and dicts, which no role can read."""
    for code, value in enumerate(look.distinct.values):
        if is_nested(value):
            raise DataError(
                f"Column {look.name!r} holds a {type(value).__name__} in row "
                f"{look.first_row(code)} (counting from 0): {shown(value)}. A cell must be one "
                f"number, text, date or truth value: spread nested values over several columns, "
                f"or drop the column."
            )
    return None


def detect_written_dates(look: Look) -> Column | None:
    """Date objects, or text that looks like dates and can be read as such."""
    sample = [canonical(value) for value in look.sample]
    if not looks_like_dates(sample, READABLE):
        return None
    found = _datetime(look, guess_format(sample)[0])
    if found is None:  # the sample may not have shown which number is the day
        everything = [text for text in look.texts if text is not None]
        found = _datetime(look, guess_format(everything)[0])
    return found


def detect_text(look: Look) -> Column | None:
    """Texts of several words that seldom come twice."""
    return as_text(look) if is_text(look) else None


def detect_written_identifier(look: Look) -> Column | None:
    """Complete, distinct, short texts."""
    n_rows = len(look.series)
    if n_rows < MIN_IDENTIFIER_ROWS or look.n_missing or len(look.frequencies) < n_rows:
        return None
    words = np.mean([len(canonical(value).split()) for value in look.sample])
    if words >= TEXT_WORDS:
        return None
    return look.column(Role.IDENTIFIER, "a different short text in every row")


DETECTORS: tuple[Detector, ...] = (
    detect_typed_numbers,
    detect_typed_dates,
    detect_constant,
    detect_category_dtype,
    detect_boolean,
    detect_written_numbers,
    detect_nested,
    detect_written_dates,
    detect_text,
    detect_written_identifier,
)


def as_numeric(look: Look) -> Column:
    """Take the column as numbers."""
    if look.numbers is not None:
        if np.isinf([look.extent.low, look.extent.high]).any():
            refuse_infinity(look.numbers, look.name)
        noun = "lengths of time in seconds," if look.series.dtype.kind == "m" else ""
        return look.column(Role.NUMERIC, _range(look.numbers, look.extent, noun))
    parsed = numbers(look.distinct.values)
    _must_read(look, parsed, Role.NUMERIC)
    refuse_infinity(look.distinct.rows(parsed).values, look.name)
    noun = "numbers written as text," if isinstance(look.series.dtype, pd.StringDtype) else ""
    told = _range(parsed.values, Extent.of(parsed.values), noun)
    return look.column(Role.NUMERIC, told, parsed=parsed)


def as_categorical(look: Look) -> Column:
    """Take the column as categories, the most frequent first."""
    detect_nested(look)
    ordered = sorted(look.frequencies.items(), key=lambda item: (-item[1], item[0]))
    noun = "string" if isinstance(look.series.dtype, pd.StringDtype) else "value"
    reason = counted(len(ordered), f"distinct {noun}")
    return look.column(Role.CATEGORICAL, reason, categories=[text for text, _ in ordered])


def as_text(look: Look) -> Column:
    """Take the column as texts that are worth reading."""
    detect_nested(look)
    words = float(np.mean([len(canonical(v).split()) for v in look.sample])) if look.sample else 0
    different = counted(len(look.frequencies), "distinct text")
    return look.column(Role.TEXT, f"{different} of {words:.0f} words on average")


def as_boolean(look: Look) -> Column:
    """Take the column as true or false."""
    parsed = booleans(look.distinct.values)
    _must_read(look, parsed, Role.BOOLEAN)
    return look.column(Role.BOOLEAN, "true/false", parsed=parsed)


def as_datetime(look: Look) -> Column:
    """Take the column as dates."""
    if look.dates is not None:
        return look.column(Role.DATETIME, _days(look.extent))
    known = [text for text in look.texts if text is not None]
    date_format = guess_format(known)[0]
    _must_read(look, dates(look.distinct.values, date_format), Role.DATETIME)
    column = _datetime(look, date_format, share=0.0)
    assert column is not None
    return column


def _datetime(look: Look, date_format: str, share: float = READABLE) -> Column | None:
    parsed = dates(look.distinct.values, date_format)
    if look.share_read(parsed) < share:
        return None
    reason = _days(Extent.of(parsed.values))
    return look.column(Role.DATETIME, reason, parsed=parsed, date_format=date_format)


def _are_codes(look: Look, parsed: Parsed) -> bool:
    """Tell codes such as 250, 401 and V57 from numbers with slips.

    Slips are a few marks, or different each time. Many different ones that come back again and
    again mean something.
    """
    rows = look.distinct.counts[parsed.bad]
    return len(rows) >= 10 and bool(rows.mean() >= 3)


def _must_read(look: Look, parsed: Parsed, role: Role) -> None:
    if look.frequencies and look.share_read(parsed) == 0.0:
        value = look.sample[0]
        raise DataError(
            f"Column {look.name!r} was declared {role.value!r}, but none of its values can be "
            f"read as {EXPECTED[role]}; the first is {shown(value)}."
        )


def _set_aside(role: Role) -> Callable[[Look], Column]:
    return lambda look: Column(look.name, role, "as declared")


_FORCED: dict[Role, Callable[[Look], Column]] = {
    Role.NUMERIC: as_numeric,
    Role.CATEGORICAL: as_categorical,
    Role.BOOLEAN: as_boolean,
    Role.DATETIME: as_datetime,
    Role.TEXT: as_text,
    Role.IDENTIFIER: _set_aside(Role.IDENTIFIER),
    Role.DROPPED: _set_aside(Role.DROPPED),
}
DECLARABLE = tuple(role.value for role in _FORCED)


def _identifier(look: Look, values: np.ndarray) -> Column | None:
    """Tell row numbers and keys from amounts: complete, distinct, in step or named so."""
    if len(values) < MIN_IDENTIFIER_ROWS or Extent.of(values).n_missing or not is_integral(values):
        return None
    if goes_up_by_one(values):
        return look.column(Role.IDENTIFIER, "integers that go up by 1 from row to row")
    if _ID_NAME.search(look.name) and all_distinct(values):
        return look.column(Role.IDENTIFIER, "distinct integers under the name of a key")
    return None


def _nothing(look: Look) -> Column:
    return Column(look.name, Role.CONSTANT, "no value in any row")


def _same(look: Look, value: object) -> Column:
    told = canonical(value) if look.numbers is not None else shown(canonical(value))
    return Column(look.name, Role.CONSTANT, f"{told} in every row")


def _range(values: np.ndarray, extent: Extent, noun: str) -> str:
    if extent.n_missing == len(values):
        return "numbers"
    noun = noun or ("integers" if is_integral(values) else "numbers")
    return f"{noun} from {extent.low:,.10g} to {extent.high:,.10g}"


def _days(extent: Extent) -> str:
    if np.isnan(extent.low):
        return "dates"
    first, last = (
        np.datetime64(int(second // 86400), "D") for second in (extent.low, extent.high)
    )
    return f"dates from {first} to {last}"
