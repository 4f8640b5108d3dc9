"""Numbers: which columns of text hold some, which numbers are keys or dates, which are marks."""

import re
from collections import Counter

import numpy as np
import pandas as pd

from automl.exceptions import DataError
from automl.table._blocks import (
    Extent,
    all_distinct,
    count_distinct,
    goes_up_by_one,
    is_integral,
    refuse_infinity,
)
from automl.table._calendar import (
    is_named_code,
    is_named_date,
    is_named_length,
    number_date_format,
    told_dates,
)
from automl.table._column import Column, Role
from automl.table._convert import EXPECTED, without
from automl.table._look import Look
from automl.table._messages import shown
from automl.table._quantities import CLOCK, READABLE, are_codes, choose_format, read_quantity
from automl.table._sentinels import find_sentinels
from automl.table._values import Parsed, dates, has_zeros_in_front, is_marker, numbers

# Fewer rows than this have distinct values by chance.
MIN_IDENTIFIER_ROWS = 20
# What can't be read but comes back this often on average is no slip: it means something.
REPEATED = 3
ID_NAME = re.compile(
    r"(?i:(?:^|[_\s.-])(?:id|uuid|guid|rowid|row_number|key|nbr|uid|pk)$)"
    r"|(?i:^(?:row[_\s.-]?)?index$)|[a-z0-9](?:Id|ID|Key)$|^Unnamed: 0$"
)
# Amounts that go up by 1 where the rows are in the order of time.
_STEP_NAME = re.compile(
    r"(?i:(?:^|[_\s.-])(?:year|quarter|month|week|day|hour|minute|second|age)s?(?:$|[_\s.-]))"
    r"|[a-z](?:Year|Quarter|Month|Week|Day|Hour)s?$"
)
_CODE_NAME = re.compile(
    r"(?i:(?:^|[_\s.-])(?:id|code|key|zip|zip_?code|post_?code|postal_?code|plz)$)"
    r"|[a-z0-9](?:Id|ID|Code|Key|Zip)$"
)
# Names come back; an amount under such a name is rarer than this per value.
_ROWS_PER_CODE, _MIN_CODES = 5, 3
# Codes with zeros in front come back, too, whatever their name.
_ROWS_PER_PADDED = 2
# Of more codes the order of their numbers tells a forest as much as their names do.
_MAX_CODES = 500


def are_named_codes(look: Look) -> bool:
    """Tell zip codes and keys of other tables from amounts: integers that come back, by name."""
    if not _CODE_NAME.search(look.name) or look.series.dtype.kind in "bmM":
        return False
    values = look.numbers
    if values is None:
        parsed = numbers(look.distinct.values)
        if parsed.bad.any() or isinstance(look.series.dtype, pd.CategoricalDtype):
            return False
        values = look.distinct.rows(parsed).values
    if not is_integral(values):
        return False
    known = values[~np.isnan(values)]
    n_distinct = count_distinct(known)
    few = _MIN_CODES <= n_distinct <= _MAX_CODES
    return few and len(known) >= _ROWS_PER_CODE * n_distinct


def detect_written_numbers(look: Look) -> Column | None:
    """Text and objects that nearly all are numbers, plain or as people write them."""
    if np.mean(~numbers(look.sample).bad) >= READABLE / 2:  # so that long texts are read once
        parsed = numbers(look.distinct.values)
        if look.share_read(parsed) >= READABLE and not _are_codes(look, parsed):
            if are_codes(look.distinct.values):
                return None
            return None if _padded_with_zeros(look) else _plain_numbers(look, parsed)
    number_format = _number_format(look)
    if not number_format:
        return None
    parsed = numbers(look.distinct.values, number_format)
    rows = look.distinct.counts[parsed.bad]
    if look.share_read(parsed) < READABLE or (len(rows) and rows.mean() >= REPEATED):
        return None
    return as_numeric(look, number_format)


def _plain_numbers(look: Look, parsed: Parsed) -> Column:
    """Tell keys, dates and amounts apart among numbers written as text."""
    if parsed.bad.any():  # perhaps the others are numbers too: "2100 - 2850", "1,200"
        number_format = _number_format(look)
        better = numbers(look.distinct.values, number_format)
        fewer = number_format and better.bad.sum() < parsed.bad.sum()
        return as_numeric(look, number_format if fewer else "")
    rows = look.distinct.rows(parsed).values
    found = identifier(look, rows) or number_dates(look, rows, Extent.of(parsed.values))
    return found or as_numeric(look)


def detect_durations(look: Look) -> Column | None:
    """Lengths of time such as 4:05, which only the name tells from times of day."""
    if not is_named_length(look.name) or look.numbers is not None or not look.sample:
        return None
    values, wanted = look.distinct.values, f". {CLOCK}"
    if not any(isinstance(value, str) and ":" in value for value in look.sample):
        return None
    return (
        as_numeric(look, wanted) if look.share_read(numbers(values, wanted)) >= READABLE else None
    )


def as_declared_numeric(look: Look) -> Column:
    """Take the column as numbers, however they are written."""
    if look.numbers is not None or not look.frequencies:
        return as_numeric(look)
    as_before = "" if look.like is None else look.like.number_format
    if as_before and not numbers(look.distinct.values, as_before).bad.any():
        return as_numeric(look, as_before)
    plain = numbers(look.distinct.values)
    if not plain.bad.any():
        return as_numeric(look)
    formats = ["", _number_format(look, declared=True), f". {CLOCK}"]
    n_bad = [numbers(look.distinct.values, form).bad.sum() for form in formats]
    return as_numeric(look, formats[int(np.argmin(n_bad))])  # the first where others are as good


def _number_format(look: Look, *, declared: bool = False) -> str:
    """Return how a column writes numbers that are not plain, "" if it holds none."""
    if not declared:
        rows = Counter(value if isinstance(value, str) else None for value in look.sample)
        alike = sum(n for text, n in rows.items() if text is None or _may_be_quantity(text))
        if alike < READABLE / 2 * len(look.sample):
            return ""
    values, counts = look.distinct.values, look.distinct.counts
    wanted = [i for i in np.flatnonzero(look.known).tolist() if not is_marker(values[i])]
    return choose_format([values[i] for i in wanted], counts[wanted], declared=declared)


def _may_be_quantity(text: str) -> bool:
    return is_marker(text) or any(read_quantity(text, decimal) for decimal in ".,")


def _padded_with_zeros(look: Look) -> bool:
    """Tell codes such as 01234, whose zeros say something, from numbers.

    Codes have one length, or zeros in front of some and none in front of others that are shorter.
    Numbers that are filled up with zeros may outgrow these: then there are longer ones and no
    shorter ones. Where the lengths don't tell, the name does (a zip code, a month), or how often
    the values come back: a code does, a measurement hardly.
    """
    digits = [text for text in look.frequencies if text.isdecimal()]
    padded = [text for text in digits if has_zeros_in_front(text)]
    if not padded or len(digits) < len(look.frequencies):
        return False
    lengths = {len(text) for text in digits}
    if len(lengths) == 1:
        if is_named_code(look.name):
            return True
        in_time = _STEP_NAME.search(look.name) or is_named_date(look.name)
        come_back = len(digits) * _ROWS_PER_PADDED <= sum(look.frequencies.values())
        return come_back and not in_time
    filled_up = {len(text) for text in padded} == {min(lengths)}
    return not filled_up and len(padded) * 20 >= len(digits)


def number_dates(
    look: Look, values: np.ndarray, extent: Extent, *, declared: bool = False
) -> Column | None:
    """Dates that are written as one number."""
    date_format = number_date_format(look.name, values, extent, named=declared)
    if not date_format:
        return None
    ends = dates([extent.low, extent.high], date_format).values.tolist()
    return look.column(
        Role.DATETIME, told_dates(ends[0], ends[1], date_format), date_format=date_format
    )


def as_numeric(look: Look, number_format: str = "") -> Column:
    """Take the column as numbers."""
    if look.numbers is not None:
        if np.isinf([look.extent.low, look.extent.high]).any():
            refuse_infinity(look.numbers, look.name)
        noun = "lengths of time in seconds," if look.series.dtype.kind == "m" else ""
        marks = find_sentinels(look.numbers, look.extent)
        told = told_range(look.numbers, look.extent, noun, marks)
        return look.column(Role.NUMERIC, told, sentinels=marks)
    parsed = numbers(look.distinct.values, number_format)
    must_read(look, parsed, Role.NUMERIC)
    rows = look.distinct.rows(parsed).values
    refuse_infinity(rows, look.name)
    noun = "numbers written as text," if isinstance(look.series.dtype, pd.StringDtype) else ""
    if number_format:
        noun = f"numbers written like {shown(_written_example(look, parsed))},"
    extent = Extent.of(parsed.values)
    marks = find_sentinels(rows, extent)
    return look.column(
        Role.NUMERIC,
        told_range(parsed.values, extent, noun, marks),
        parsed=parsed,
        number_format=number_format,
        sentinels=marks,
    )


def _written_example(look: Look, parsed: Parsed) -> str:
    """Return the most frequent text that is a number, but not written plainly."""
    values = look.distinct.values
    plain = numbers(values)
    rows = np.where(plain.bad & ~parsed.bad, look.distinct.counts, -1)
    return str(values[int(rows.argmax())]).strip()


def _are_codes(look: Look, parsed: Parsed) -> bool:
    """Tell codes such as 250, 401 and V57 from numbers with slips.

    Slips are a few marks, or different each time. Many different ones that come back again and
    again mean something.
    """
    rows = look.distinct.counts[parsed.bad]
    return len(rows) >= 10 and bool(rows.mean() >= REPEATED)


def must_read(look: Look, parsed: Parsed, role: Role) -> None:
    """Refuse a declared role that can read none of the values."""
    if look.frequencies and np.isnan(parsed.values).all():
        value = look.sample[0]
        raise DataError(
            f"Column {look.name!r} was declared {role.value!r}, but none of its values can be "
            f"read as {EXPECTED[role]}; the first is {shown(value)}."
        )


def identifier(look: Look, values: np.ndarray) -> Column | None:
    """Tell row numbers and keys from amounts: complete, distinct, in step or named so."""
    if len(values) < MIN_IDENTIFIER_ROWS or Extent.of(values).n_missing or not is_integral(values):
        return None
    in_time = _STEP_NAME.search(look.name) or is_named_date(look.name)
    if not in_time and goes_up_by_one(values):
        return look.column(Role.IDENTIFIER, "integers that go up by 1 from row to row")
    if ID_NAME.search(look.name) and all_distinct(values):
        return look.column(Role.IDENTIFIER, "distinct integers under the name of a key")
    return None


def told_range(
    values: np.ndarray, extent: Extent, noun: str, marks: tuple[float, ...] = ()
) -> str:
    """Return the least and the greatest number in words."""
    if extent.n_missing == len(values):
        return "numbers"
    noun = noun or ("integers" if is_integral(values) else "numbers")
    if marks:
        extent = Extent.of(without(values, marks))
    told = f"{noun} from {extent.low:,.10g} to {extent.high:,.10g}"
    named = " and ".join(f"{mark:.10g}" for mark in marks)
    return f"{told}; {named} taken as missing" if marks else told
