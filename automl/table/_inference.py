"""Which role does a column have? One detector per case, asked in the order of ``DETECTORS``."""

import logging
import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from automl.exceptions import DataError
from automl.table._blocks import Extent
from automl.table._calendar import is_named_code, is_named_date, told_dates
from automl.table._column import Column, Role
from automl.table._dates import guess_formats, looks_like_dates
from automl.table._look import Look
from automl.table._messages import counted, shown
from automl.table._numbers import (
    MIN_IDENTIFIER_ROWS,
    are_named_codes,
    as_declared_numeric,
    as_numeric,
    detect_durations,
    detect_written_numbers,
    identifier,
    must_read,
    number_dates,
)
from automl.table._quantities import READABLE
from automl.table._values import (
    boolean_spelling,
    booleans,
    canonical,
    dates,
    is_nested,
    is_time_of_day,
    numbers,
)
from automl.table._wording import TEXT_WORDS, is_spelled, is_text, is_wordy

logger = logging.getLogger("automl.table")

_SHORT_DATE = re.compile(
    r"(?P<first>\d{1,2})(?P<sign>[-/.])(?P<second>\d{1,2})(?P=sign)\d{2}|\d{4}-\d{2}"
)
# Fewer different times of day are names of parts of the day.
FEW_TIMES = 10
Detector = Callable[[Look], Column | None]


def infer_column(
    name: str, series: pd.Series, forced: Role | None = None, like: Column | None = None
) -> Column:
    """Return the column with the role that fits its values, or with the one that is asked for.

    Parameters
    ----------
    name : str
    series : Series
    forced : Role, optional
    like : Column, optional
        The same of an earlier table. Dates and numbers are read as they were there, where all
        of them can be: few rows may not show which number is the day.

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
    look = Look(name, series, like)
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


def detect_codes(look: Look) -> Column | None:
    """Integers that are names: zip codes, keys of other tables."""
    if not are_named_codes(look):
        return None
    return as_categorical(look, "distinct integer", " under the name of a code")


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
    found = identifier(look, values) if kind in "iu" else None
    found = found or (number_dates(look, values, look.extent) if kind in "iuf" else None)
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


def detect_nested(look: Look) -> Column | None:
    """Lists and dicts, which no model can use: they are set aside."""
    for code, value in enumerate(look.distinct.values):
        if is_nested(value):
            reason = f"a {type(value).__name__} in row {look.first_row(code)} (counting from 0)"
            logger.warning(
                "Column %r is left out: it holds %s: %s. Spread nested values over several "
                "columns to use them.",
                look.name,
                reason,
                shown(value),
            )
            return Column(look.name, Role.NESTED, reason)
    return None


def refuse_nested(look: Look) -> None:
    """Refuse lists and dicts where the caller wants categories."""
    for code, value in enumerate(look.distinct.values):
        if is_nested(value):
            raise DataError(
                f"Column {look.name!r} holds a {type(value).__name__} in row "
                f"{look.first_row(code)} (counting from 0): {shown(value)}. A cell must be one "
                f"number, text, date or truth value: spread nested values over several columns, "
                f"or drop the column."
            )


def detect_written_dates(look: Look) -> Column | None:
    """Date objects, or text that looks like dates and can be read as such."""
    sample = [canonical(value) for value in look.sample]
    if not looks_like_dates(sample, READABLE):
        return None
    found = _datetime(look, guess_formats(sample))
    if found is None:  # the sample may not have shown which number is the day
        everything = [text for text in look.texts if text is not None]
        found = _datetime(look, guess_formats(everything))
    if found is None or not is_time_of_day(found.date_format):
        return None if found is None or not _is_certain(look, found.date_format) else found
    return None if len(look.frequencies) < FEW_TIMES else found


def _is_certain(look: Look, date_format: str) -> bool:
    """Tell dates from versions (1.10.12) and numbered parts (2001-01), if the name doesn't."""
    if is_named_date(look.name):
        return True
    texts = [text for text in look.texts if text is not None]
    if is_named_code(look.name):
        return not all(_SHORT_DATE.fullmatch(text) for text in texts)
    if "%y" not in date_format or "%b" in date_format:
        return True
    short = [found for text in texts if (found := _SHORT_DATE.fullmatch(text)) and found["first"]]
    padded = all(len(found["first"]) == len(found["second"]) == 2 for found in short)
    return not short or (
        padded and any(max(int(f["first"]), int(f["second"])) > 12 for f in short)
    )


def detect_text(look: Look) -> Column | None:
    """Texts of several words that seldom come twice."""
    return as_text(look) if is_text(look) else None


def detect_written_identifier(look: Look) -> Column | None:
    """Complete, distinct texts of few words: keys, or names that are worth reading."""
    n_rows = len(look.series)
    if n_rows < MIN_IDENTIFIER_ROWS or look.n_missing or len(look.frequencies) < n_rows:
        return None
    if look.words >= TEXT_WORDS:
        return None
    if is_wordy(look):
        return as_text(look)
    return look.column(Role.IDENTIFIER, "a different short text in every row")


DETECTORS: tuple[Detector, ...] = (
    detect_codes,
    detect_typed_numbers,
    detect_typed_dates,
    detect_constant,
    detect_category_dtype,
    detect_boolean,
    detect_written_numbers,
    detect_nested,
    detect_durations,
    detect_written_dates,
    detect_text,
    detect_written_identifier,
)


def as_categorical(look: Look, noun: str = "", why: str = "") -> Column:
    """Take the column as categories, the most frequent first."""
    refuse_nested(look)
    ordered = sorted(look.frequencies.items(), key=lambda item: (-item[1], item[0]))
    kind = "string" if isinstance(look.series.dtype, pd.StringDtype) else "value"
    reason = counted(len(ordered), noun or f"distinct {kind}") + why
    return look.column(Role.CATEGORICAL, reason, categories=[text for text, _ in ordered])


def as_text(look: Look) -> Column:
    """Take the column as texts that are worth reading."""
    refuse_nested(look)
    different = counted(len(look.frequencies), "distinct text")
    return look.column(
        Role.TEXT, f"{different} of {counted(round(look.words), 'word')} on average"
    )


def as_boolean(look: Look) -> Column:
    """Take the column as true or false."""
    parsed = booleans(look.distinct.values)
    must_read(look, parsed, Role.BOOLEAN)
    return look.column(Role.BOOLEAN, "true/false", parsed=parsed)


def as_datetime(look: Look) -> Column:
    """Take the column as dates."""
    if look.dates is not None:
        return look.column(Role.DATETIME, told_dates(look.extent.low, look.extent.high))
    values = look.numbers
    if values is None:
        parsed = numbers(look.distinct.values)
        values = None if parsed.bad.any() else look.distinct.rows(parsed).values
    if values is not None:
        found = number_dates(look, values, Extent.of(values), declared=True)
        if found is not None:
            return found
    if look.like is not None and look.like.date_format:
        as_before = _datetime(look, look.like.date_format, share=1.0)
        if as_before is not None:
            return as_before
    known = [text for text in look.texts if text is not None]
    date_format = guess_formats(known)
    must_read(look, dates(look.distinct.values, date_format), Role.DATETIME)
    column = _datetime(look, date_format, share=0.0)
    assert column is not None
    return column


def _datetime(look: Look, date_format: str, share: float = READABLE) -> Column | None:
    parsed = dates(look.distinct.values, date_format)
    if look.share_read(parsed) < share:
        return None
    extent = Extent.of(parsed.values)
    reason = told_dates(extent.low, extent.high, date_format)
    column = look.column(Role.DATETIME, reason, parsed=parsed, date_format=date_format)
    # What no clock shows, such as 25:10, is a slip, whether there were some at fit or not.
    return replace(column, tolerant=True) if column.on_the_clock else column


def _set_aside(role: Role) -> Callable[[Look], Column]:
    return lambda look: Column(look.name, role, "as declared")


_FORCED: dict[Role, Callable[[Look], Column]] = {
    Role.NUMERIC: as_declared_numeric,
    Role.CATEGORICAL: as_categorical,
    Role.BOOLEAN: as_boolean,
    Role.DATETIME: as_datetime,
    Role.TEXT: as_text,
    Role.IDENTIFIER: _set_aside(Role.IDENTIFIER),
    Role.DROPPED: _set_aside(Role.DROPPED),
}
DECLARABLE = tuple(role.value for role in _FORCED)


def _nothing(look: Look) -> Column:
    return Column(look.name, Role.CONSTANT, "no value in any row")


def _same(look: Look, value: object) -> Column:
    told = canonical(value) if look.numbers is not None else shown(canonical(value))
    return Column(look.name, Role.CONSTANT, f"{told} in every row")
