"""Which format do the dates of a text column have?"""

import re
from collections.abc import Sequence
from datetime import datetime
from itertools import product

import numpy as np

from automl.table._values import dates

_ZONE = r"(?: ?(?:Z|UTC|[+-]\d{2}:?\d{2}))?"
_TIME = rf"(?:[ T]+\d{{1,2}}:\d{{2}}(?::\d{{2}}(?:[.,]\d+)?)?(?: ?[AP]M)?{_ZONE})?"
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_LOOKS_LIKE = re.compile(
    rf"(?:\d{{4}}([-/.])\d{{1,2}}\1\d{{1,2}}|\d{{1,2}}([-/.])\d{{1,2}}\2(?:\d{{4}}|\d{{2}})"
    rf"|\d{{8}}(?=T)|\d{{1,2}}[- ]{_MONTH}[- ]\d{{2,4}}|{_MONTH} \d{{1,2}}, ?\d{{4}}){_TIME}"
    rf"|\d{{8}}T\d{{4,6}}Z?|(?:19|20)\d\d-(?:0[1-9]|1[0-2])|\d{{1,2}}/(?:19|20)\d\d"
    rf"|{_MONTH}[- ](?:19|20)\d\d|\d{{1,2}}(?::\d{{2}}){{1,2}}(?: ?[AP]M)?|\d{{1,2}} ?[AP]M"
    rf"|\w{{3}},? (?:{_MONTH} \d{{1,2}}|\d{{1,2}} {_MONTH} \d{{4}}) [\d:]{{8}} [+-]\d{{4}}"
    r"(?: \d{4})?",
    re.IGNORECASE | re.ASCII,
)
# Day before month with "." and "-", month before day with "/": the habit where both are possible.
_DAYS = ["%d.%m.%Y", "%d-%m-%Y", "%m/%d/%Y", "%d/%m/%Y", "%m-%d-%Y", "%m.%d.%Y"]
_DAYS += [form.replace("%Y", "%y") for form in _DAYS]
_DAYS += ["%Y/%m/%d", "%Y.%m.%d", "%Y-%m-%d"]
_DAYS += ["%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%d-%b-%y", "%b %d, %Y", "%B %d, %Y"]
_MONTHS = ["%b %Y", "%B %Y", "%b-%Y", "%m/%Y"]
_HOURS = ["%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M%p", "%I:%M:%S %p", "%I %p", "%I%p"]
_MAILS = ["%a, %d %b %Y %H:%M:%S %z", "%a %b %d %H:%M:%S %z %Y"]
_TIMES = ["", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", " %H:%M:%S %z"]
_FORMATS = [day + time for day, time in product(_DAYS, _TIMES)] + _MONTHS + _HOURS + _MAILS
_MOST_FORMATS = 4
_PROBES = 5


def looks_like_dates(values: Sequence[str], share: float) -> bool:
    """Tell whether at least this share of the texts is made like a date.

    Examples
    --------
    >>> looks_like_dates(["2026-01-31", "2026-02-01 10:30"], 0.95)
    True
    >>> looks_like_dates(["10-19", "192.168.1.1", "2026", "1:2"], 0.25)
    False
    >>> looks_like_dates(["2009-10", "2010-11", "2009-10"], 0.95)  # seasons
    False
    """
    if all(_is_season(value) for value in values):
        return False
    alike = sum(_LOOKS_LIKE.fullmatch(value) is not None for value in values)
    return bool(values) and alike >= share * len(values)


def _is_season(value: str) -> bool:
    return (
        len(value) == 7
        and value[4] == "-"
        and value[:4].isdecimal()
        and (value[5:] == f"{(int(value[:4]) + 1) % 100:02}")
    )


def guess_formats(values: Sequence[str]) -> str:
    """Return the formats that together read the texts, the most frequent first.

    ISO 8601 is always read beside them. A second format is only taken if it doesn't swap day and
    month of one before: one of the two is a slip then.

    Examples
    --------
    >>> guess_formats(["2026-01-31", "31.01.2026", "30.01.2026", "Jan 15, 2026"])
    '%d.%m.%Y|%b %d, %Y'
    >>> guess_formats(["01/13/2026", "02/28/2026", "31/01/2026"])
    '%m/%d/%Y'
    """
    chosen: list[str] = []
    left = list(values)
    while left and len(chosen) < _MOST_FORMATS:
        best, share = guess_format(left)
        if share == 0.0 or any(_swapped(best, before) for before in chosen):
            break
        chosen.append(best)
        bad = dates(left, best).bad
        left = [value for value, missed in zip(left, bad.tolist(), strict=True) if missed]
    return "|".join(chosen) or "ISO8601"


def _swapped(one: str, other: str) -> bool:
    """Tell whether two formats with the same sign between numbers differ in what comes first."""
    return {one[:4], other[:4]} in ({f"%d{sign}%", f"%m{sign}%"} for sign in "./-")


def guess_format(values: Sequence[str]) -> tuple[str, float]:
    """Return the format that reads most of the texts, and the share that it reads.

    Examples
    --------
    >>> guess_format(["2026-01-31", "2026-02-01 10:30:00"])
    ('ISO8601', 1.0)
    >>> guess_format(["01-02-2026", "14-02-2026"])
    ('%d-%m-%Y', 1.0)
    >>> guess_format(["01/02/2026", "02/28/2026"])
    ('%m/%d/%Y', 1.0)
    """
    best, best_share = "ISO8601", _share(values, "ISO8601")
    if best_share == 1.0:
        return best, best_share
    spread = np.linspace(0, len(values) - 1, min(_PROBES, len(values))).astype(int)
    probes = [values[i] for i in spread]
    for candidate in _FORMATS:
        if any(_reads(probe, candidate) for probe in probes):
            share = _share(values, candidate)
            if share > best_share:
                best, best_share = candidate, share
    return best, best_share


def _share(values: Sequence[str], date_format: str) -> float:
    return float(np.mean(~dates(values, date_format).bad)) if len(values) else 0.0


def _reads(value: str, date_format: str) -> bool:
    try:
        datetime.strptime(value, date_format)
    except ValueError:
        return False
    return True
