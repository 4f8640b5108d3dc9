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
    r"|\d{8}T\d{4,6}Z?",
    re.IGNORECASE | re.ASCII,
)
# Day before month with "." and "-", month before day with "/": the habit where both are possible.
_DAYS = ["%d.%m.%Y", "%d-%m-%Y", "%m/%d/%Y", "%d/%m/%Y", "%m-%d-%Y", "%m.%d.%Y"]
_DAYS += [form.replace("%Y", "%y") for form in _DAYS]
_DAYS += ["%Y/%m/%d", "%Y.%m.%d", "%Y-%m-%d"]
_DAYS += ["%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%d-%b-%y", "%b %d, %Y", "%B %d, %Y"]
_TIMES = ["", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", " %H:%M:%S %z"]
_FORMATS = [day + time for day, time in product(_DAYS, _TIMES)]
_PROBES = 5


def looks_like_dates(values: Sequence[str], share: float) -> bool:
    """Tell whether at least this share of the texts is made like a date.

    Examples
    --------
    >>> looks_like_dates(["2026-01-31", "2026-02-01 10:30"], 0.95)
    True
    >>> looks_like_dates(["10-19", "192.168.1.1", "2026", "10:30"], 0.25)
    False
    """
    alike = sum(_LOOKS_LIKE.fullmatch(value) is not None for value in values)
    return bool(values) and alike >= share * len(values)


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
