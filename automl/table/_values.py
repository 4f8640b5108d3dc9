"""Reading single values: is it missing, which number, which date, which category text.

The functions take the distinct values of a column (or all values of a short one) as Python
objects and read them one by one. So a table gives the same result whether it came as CSV text,
as a typed frame or as rows of objects.
"""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from automl.table._quantities import reader

# What pandas reads as missing in a CSV file, plus the "?" of many public tables. A text column
# treats them alike, or a table would change its meaning on the way through a CSV file.
MISSING_TEXTS = frozenset(
    ["", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"]
    + ["<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null", "?"]
)
# Words that say "not known" among numbers or dates. Among categories, they are one more.
MARKERS = frozenset(
    ["-", "--", "---", ".", "–", "—", "na", "n.a.", "n.a", "nil", "none", "null", "nan", "nat"]
    + ["missing", "unknown", "undefined", "unspecified", "not available", "not applicable", "n/a"]
    + ["tbd", "tba", "(null)", "\\n", "#value!", "#ref!", "#div/0!", "#name?", "varies", "blank"]
    + ["not known", "not given", "no data", "k.a.", "keine angabe", "inconnu", "desconocido"]
)
BOOLEAN_PAIRS = (
    *(("true", "false"), ("yes", "no"), ("y", "n"), ("t", "f"), ("on", "off")),
    *(("ja", "nein"), ("oui", "non"), ("si", "no"), ("sí", "no"), ("sim", "não"), ("j", "n")),
    *(("wahr", "falsch"), ("vrai", "faux"), ("tak", "nie"), ("да", "нет"), ("ja", "nej")),
)
_TRUTH = {"1": 1.0, "0": 0.0}
_TRUTH |= {text: float(text == pair[0]) for pair in BOOLEAN_PAIRS for text in pair}

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_INTEGRAL = re.compile(r"-?(0|[1-9]\d*)\.0*", re.ASCII)
EPOCH = "epoch:"
EPOCH_UNITS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
"""Units of times that are written as numbers since 1970, and how many make a second."""

_NESTED = (list, tuple, set, frozenset, dict, np.ndarray)


@dataclass(frozen=True)
class Parsed:
    """Values as floats or codes, and where the input could not be read."""

    values: np.ndarray
    bad: np.ndarray


def is_missing(value: Any) -> bool:
    """Tell whether a single value stands for "not known".

    Examples
    --------
    >>> [is_missing(value) for value in (None, float("nan"), "  ", "NA", 0, "no")]
    [True, True, True, True, False, False]
    """
    if isinstance(value, str):
        return value in MISSING_TEXTS or value.strip() in MISSING_TEXTS
    if value is None or value is pd.NA or value is pd.NaT:
        return True
    if isinstance(value, float | np.floating | Decimal):
        return math.isnan(value)
    return isinstance(value, np.datetime64 | np.timedelta64) and bool(np.isnat(value))


def is_nested(value: Any) -> bool:
    """Tell whether a cell holds a container in place of one value."""
    return isinstance(value, _NESTED)


def canonical(value: Any) -> str:
    """Return the text by which a category is known, whatever type it came with.

    Examples
    --------
    >>> canonical(1), canonical(1.0), canonical("1"), canonical(" 1.0 "), canonical(True)
    ('1', '1', '1', '1', 'True')
    >>> canonical("01234"), canonical("1.10"), canonical(0.5)
    ('01234', '1.10', '0.5')
    """
    if isinstance(value, str):
        text = value.strip()
        return text[: text.index(".")] if _INTEGRAL.fullmatch(text) else text
    if isinstance(value, float | np.floating):
        return str(int(value)) if np.isfinite(value) and value == int(value) else str(value)
    if isinstance(value, date | np.datetime64):
        stamp = pd.Timestamp(value)
        return str(stamp.date() if stamp == stamp.normalize() else stamp)
    if isinstance(value, bytes):
        return canonical(value.decode("utf-8", "replace"))
    return canonical(str(value)) if isinstance(value, Decimal) else str(value)


def comes_as(text: str) -> str:
    """Return the category that a text is after a file, where all of its column look alike.

    What reads a file takes numbers and truth values for what they are, and their letters are lost.

    Examples
    --------
    >>> comes_as("3.10"), comes_as("true"), comes_as("01234"), comes_as("x"), comes_as("7")
    ('3.1', 'True', '1234', 'x', '7')
    """
    if text.casefold() in ("true", "false"):
        return text.capitalize()
    number = _number(text)
    if number is None:
        return text
    return str(int(text)) if text.isdecimal() else canonical(number)


def _number(value: Any) -> float | None:
    """Return the number that a value stands for, or None if it stands for none."""
    if isinstance(value, str):
        text = value.strip()
        number = float(text) if _NUMBER.fullmatch(text) else math.inf
        return number if math.isfinite(number) else None  # 5E999 is a code
    if isinstance(value, timedelta | np.timedelta64):
        return pd.Timedelta(value).total_seconds()
    if isinstance(value, int | float | np.number | np.bool_ | Decimal) and not isinstance(
        value, np.complexfloating
    ):
        return float(value)
    return None


def _truth(value: Any) -> float | None:
    """Return 1.0, 0.0, or None where a value is neither true nor false."""
    return None if is_nested(value) else _TRUTH.get(canonical(value).casefold())


def is_marker(value: Any) -> bool:
    """Tell whether a text among numbers or dates says that the value is not known.

    Examples
    --------
    >>> is_marker(" Unknown "), is_marker("-"), is_marker("cheap")
    (True, True, False)
    """
    return isinstance(value, str) and value.strip().casefold() in MARKERS


def has_zeros_in_front(digits: str) -> bool:
    """Tell whether digits begin with a zero that says nothing of the number.

    Examples
    --------
    >>> has_zeros_in_front("01234"), has_zeros_in_front("0")
    (True, False)
    """
    return len(digits) > 1 and digits.startswith("0")


def _parse(
    values: Sequence[Any], read: Callable[[Any], float | None], *, markers: bool = False
) -> Parsed:
    out = np.full(len(values), np.nan)
    bad = np.zeros(len(values), dtype=bool)
    for position, value in enumerate(values):
        if is_missing(value):
            continue
        number = read(value)
        if number is None:
            bad[position] = not (markers and is_marker(value))
        else:
            out[position] = number
    return Parsed(out, bad)


def numbers(values: Sequence[Any], number_format: str = "") -> Parsed:
    """Read numbers; a word that says "not known" is missing.

    Parameters
    ----------
    values : sequence of object
    number_format : str, default=""
        How texts are read, from `choose_format`. By default plainly: no thousands separators, no
        units, a point for the decimals.

    Examples
    --------
    >>> parsed = numbers(["3.5", " 1e3 ", "", "unknown", 7, "12 kg"])
    >>> parsed.values.tolist(), parsed.bad.tolist()
    ([3.5, 1000.0, nan, nan, 7.0, nan], [False, False, False, False, False, True])
    >>> numbers(["3,5 kg", "500 g", 7], ", kg").values.tolist()
    [3.5, 0.5, 7.0]
    """
    if not number_format:
        return _parse(values, _number, markers=True)
    read = reader(number_format)
    return _parse(values, lambda v: read(v) if isinstance(v, str) else _number(v), markers=True)


def booleans(values: Sequence[Any]) -> Parsed:
    """Read truth values: booleans, 1 and 0, and the usual spellings in any case.

    Examples
    --------
    >>> parsed = booleans(["Yes", "off", True, 0, None, "perhaps"])
    >>> parsed.values.tolist(), parsed.bad.tolist()
    ([1.0, 0.0, 1.0, 0.0, nan, nan], [False, False, False, False, False, True])
    """
    return _parse(values, _truth)


def boolean_spelling(values: Iterable[Any]) -> str:
    """Return how the non-missing values spell true and false, "" if they don't.

    Numbers don't count: 0 and 1 may be amounts.

    Examples
    --------
    >>> boolean_spelling(["Y", "n", "N", None]), boolean_spelling([True, False])
    ('y/n', 'true/false')
    >>> [boolean_spelling(values) for values in (["yes", "false"], ["yes", None], [0, 1])]
    ['', '', '']
    """
    seen: set[str] = set()
    for value in values:
        if is_missing(value):
            continue
        if not isinstance(value, str | bool | np.bool_):
            return ""
        seen.add(canonical(value).casefold())
        if len(seen) > 2:
            return ""
    return next(("/".join(pair) for pair in BOOLEAN_PAIRS if seen == set(pair)), "")


def dates(values: Sequence[Any], date_format: str) -> Parsed:
    """Read dates as seconds since 1970 in UTC; a date without a zone is taken as UTC.

    Text is read by ``date_format`` first and as ISO 8601 where that fails. Several formats are
    separated by ``|`` and tried in turn; ``epoch:`` and a unit means numbers since 1970.

    Examples
    --------
    >>> dates(["02-01-1970", "1970-01-02", date(1970, 1, 2)], "%d-%m-%Y").values.tolist()
    [86400.0, 86400.0, 86400.0]
    """
    if date_format.startswith(EPOCH):
        return _since_epoch(values, date_format)
    known = np.array([not is_missing(value) for value in values], dtype=bool)
    objects = [isinstance(value, date | np.datetime64) for value in values]
    is_object = np.array(objects, dtype=bool) & known
    is_text = known & ~is_object
    out = np.full(len(values), np.nan)
    if is_object.any():
        out[is_object] = _seconds([values[i] for i in np.flatnonzero(is_object).tolist()], None)
    if is_text.any():
        chosen = [_date_text(values[i]) for i in np.flatnonzero(is_text).tolist()]
        out[is_text] = _by_formats(chosen, date_format)
    bad = known & np.isnan(out)
    for position in np.flatnonzero(bad).tolist():
        bad[position] = not is_marker(values[position])
    return Parsed(out, bad)


def _by_formats(texts: Sequence[str], date_format: str) -> np.ndarray:
    """Read what the first format reads, of the others what the next one reads, and so on."""
    formats = [part for part in date_format.split("|") if part]
    seconds = np.full(len(texts), np.nan)
    for part in formats if "ISO8601" in formats else [*formats, "ISO8601"]:
        missed = np.flatnonzero(np.isnan(seconds)).tolist()
        if missed:
            found = _seconds([texts[i] for i in missed], part)
            seconds[missed] = found % 86400.0 if is_time_of_day(part) else found
    return seconds


def is_time_of_day(date_format: str) -> bool:
    """Tell whether a format has hours and no day.

    Examples
    --------
    >>> is_time_of_day("%H:%M"), is_time_of_day("%d.%m.%Y %H:%M"), is_time_of_day("")
    (True, False, False)
    """
    return "%" in date_format and not set("dYyfjm") & set(re.findall(r"%(\w)", date_format))


def _since_epoch(values: Sequence[Any], date_format: str) -> Parsed:
    """Read numbers of seconds or parts of them since 1970; dates are read as such."""
    parsed = numbers(values)
    seconds = parsed.values / EPOCH_UNITS[date_format.removeprefix(EPOCH)]
    bad = parsed.bad | np.isinf(seconds)
    seconds[bad] = np.nan
    if not parsed.bad.any():
        return Parsed(seconds, bad)
    others = np.flatnonzero(parsed.bad).tolist()
    written = dates([values[i] for i in others], "ISO8601")
    seconds[others], bad[others] = written.values, written.bad
    return Parsed(seconds, bad)


def _date_text(value: Any) -> str:
    """Return the text to read a date from; a number counts as its digits (20260131)."""
    return "" if is_nested(value) else canonical(value)


def _seconds(values: list[Any], date_format: str | None) -> np.ndarray:
    if date_format is None:
        stamps = pd.to_datetime(values, utc=True, errors="coerce")
    else:
        stamps = pd.to_datetime(values, utc=True, errors="coerce", format=date_format)
    return seconds_since_epoch(stamps.tz_convert(None).to_numpy())


def seconds_since_epoch(stamps: np.ndarray) -> np.ndarray:
    """Return ``datetime64`` values of any unit as float seconds, NaN where they are missing.

    Examples
    --------
    >>> seconds_since_epoch(np.array(["1970-01-02", "NaT"], dtype="datetime64[D]")).tolist()
    [86400.0, nan]
    """
    micro = stamps.astype("datetime64[us]")
    out: np.ndarray = micro.astype(np.int64) / 1e6
    missing = np.isnat(micro)
    if missing.any():
        out[missing] = np.nan
    return out
