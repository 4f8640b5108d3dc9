"""Numbers that are dates: 20140513, 201405, and seconds or parts of them since 1970."""

import re

import numpy as np

from automl.table._blocks import Extent, is_integral
from automl.table._values import EPOCH, EPOCH_UNITS, dates, is_time_of_day

# Fewer different months than this may be other numbers, unless the name says what they are.
_FEW_MONTHS, _FEW_DAYS = 12, 5
# Without such a name, some year must have more months than this: 201001, 201101 are numbers.
_FEW_OF_A_YEAR = 3
# From 1990 to 2040, in seconds.
_FIRST, _LAST = 631_152_000, 2_208_988_800
# Whole words, and the last part of compounds such as "birthdate", but for those of other meaning.
_NAME = re.compile(
    r"(?i:(?:^|[_\s.-])(?:(?:date|time|month|period|stamp|epoch)s?|datetime|timestamp|created"
    r"|updated|modified|yyyymm(?:dd)?)(?:$|[_\s.-]))"
    r"|(?i:(?<!candi)(?<!man)(?<!vali)(?:date|(?<!life)(?<!over)(?<!run)(?<!some)time|stamp)$)"
    r"|(?i:(?:^|[_\s.-])(?:at|on|ts|day|ym|ymd|dt)$)|[a-z](?:At|On|Ts|Day|Month|Period)$"
)
_LENGTH = re.compile(
    r"(?i:duration|elapsed|delay|(?<![a-z])lag|spent|length|uptime|interval"
    r"|(?:^|[_\s.-])(?:laps?|pace|splits?)(?:$|[_\s.-])|laptime)"
)
_CODE = re.compile(
    r"(?i:code|zip|plz|phone|version|ratio|sku|npk|(?:^|[_\s.-])(?:part|course|model)(?:$|[_\s.-]))"
)


def is_named_date(name: str) -> bool:
    """Tell whether a column is called like a moment.

    Examples
    --------
    >>> [is_named_date(name) for name in ("birthdate", "created_at", "time (UTC)", "startTime")]
    [True, True, True, True]
    >>> [is_named_date(name) for name in ("candidate_pay", "sentiment", "lifetime", "delay_time")]
    [False, False, False, False]
    """
    return bool(_NAME.search(name)) and not is_named_length(name)


def is_named_length(name: str) -> bool:
    """Tell whether a column is called like a span of time."""
    return bool(_LENGTH.search(name))


def is_named_code(name: str) -> bool:
    """Tell whether a column is called like something that is numbered."""
    return bool(_CODE.search(name))


def number_date_format(
    name: str, values: np.ndarray, extent: Extent, *, named: bool = False
) -> str:
    """Return how whole numbers are read as dates, "" if they are only numbers.

    Parameters
    ----------
    name : str
        The name of the column; a number of seconds is only a date under a name of dates.
    values : numpy.ndarray
        Numbers, NaN where missing.
    extent : Extent
        The least and the greatest of them.
    named : bool, default=False
        Whether they are known to be dates whatever the name is.

    Examples
    --------
    >>> def of(name, *values):
    ...     array = np.array(values)
    ...     return number_date_format(name, array, Extent.of(array))
    >>> of("day", 20140513, 20140601, 20150101), of("day", 20140513, 20140641, 20150101)
    ('%Y%m%d', '')
    >>> of("created_at", 1.4e9, 1.5e9), of("created", 1.4e12, 1.5e12), of("amount", 1.4e9, 1.5e9)
    ('epoch:s', 'epoch:ms', '')
    """
    if not named and is_named_code(name):
        return ""
    named = named or is_named_date(name)
    if _within(extent, 19000101, 21001231):
        return _compact(values, "%Y%m%d", 0 if named else _FEW_DAYS)
    if _within(extent, 190001, 210012):
        return _compact(values, "%Y%m", 0 if named else _FEW_MONTHS)
    if not named:
        return ""
    for unit, scale in EPOCH_UNITS.items():
        if _within(extent, _FIRST * scale, _LAST * scale) and is_integral(values):
            return EPOCH + unit
    return ""


def _within(extent: Extent, low: float, high: float) -> bool:
    return low <= extent.low and extent.high <= high


def _compact(values: np.ndarray, date_format: str, few: int) -> str:
    """Return the format if it reads all numbers, and they are not few."""
    if not is_integral(values):
        return ""
    known = np.unique(values)
    known = known[~np.isnan(known)]
    if len(known) < few:
        return ""
    months = known % 100 if date_format == "%Y%m" else known // 100 % 100
    if ((months < 1) | (months > 12)).any():  # most other numbers end here
        return ""
    of_a_year = np.unique(known // 100, return_counts=True)[1]
    if date_format == "%Y%m" and few and of_a_year.max() <= _FEW_OF_A_YEAR:
        return ""
    parsed = dates(known.astype(np.int64).tolist(), date_format)
    return "" if parsed.bad.any() else date_format


def told_dates(low: float, high: float, date_format: str = "") -> str:
    """Return the first and the last date, in seconds since 1970, in words.

    Examples
    --------
    >>> told_dates(0.0, 86400.0), told_dates(0.0, 3600.0, "%H:%M")
    ('dates from 1970-01-01 to 1970-01-02', 'times of day from 00:00 to 01:00')
    """
    if np.isnan(low):
        return "dates"
    if is_time_of_day(date_format):
        first, last = (f"{s // 3600:02.0f}:{s % 3600 // 60:02.0f}" for s in (low, high))
        return f"times of day from {first} to {last}"
    first, last = (str(np.datetime64(int(s // 86400), "D")) for s in (low, high))
    return f"dates from {first} to {last}"
