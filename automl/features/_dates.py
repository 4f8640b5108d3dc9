"""Parts of a moment that a model can use."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

DAY = 86_400.0
PARTS = ("days", "month", "weekday", "day_of_year", "day", "hour")

_CHUNK = 1 << 12
_LONGEST = 1 << 17
"""Days of a calendar that is kept, in chunks of about eleven years; most tables need few."""


def date_parts(seconds: np.ndarray, names: Sequence[str] = PARTS) -> dict[str, np.ndarray]:
    """Split moments into numbers.

    Parameters
    ----------
    seconds : ndarray of shape (n_rows,), float64
        Seconds since 1970-01-01 UTC, NaN where missing.
    names : sequence of str
        The parts that are wanted.

    Returns
    -------
    dict of str to ndarray of shape (n_rows,), float64
        ``days`` since 1970, ``month`` (1-12), ``weekday`` (0 = Monday), ``day_of_year``,
        ``day`` of the month and ``hour`` with its fraction; NaN where the moment is missing.

    Examples
    --------
    >>> parts = date_parts(np.array([0.0, 86_400.0 * 31 + 6 * 3600, np.nan]))
    >>> parts["month"].tolist(), parts["weekday"].tolist(), parts["hour"].tolist()
    ([1.0, 2.0, nan], [3.0, 6.0, nan], [0.0, 6.0, nan])
    """
    if not len(seconds):
        return {name: np.zeros(0) for name in names}
    missing = ~np.isfinite(seconds)
    has_missing = bool(missing.any())
    if has_missing:
        seconds = np.where(missing, 0.0, seconds)
    days = np.floor(seconds / DAY)
    by_day = _by_day(days, [name for name in names if name not in ("days", "hour")])
    parts: dict[str, np.ndarray] = {}
    for name in names:
        if name == "days":
            part = seconds / DAY
        elif name == "hour":
            part = (seconds - days * DAY) / 3600
        else:
            part = by_day[name]
        if has_missing:
            part[missing] = np.nan
        parts[name] = part
    return parts


def _by_day(days: np.ndarray, names: Sequence[str]) -> dict[str, np.ndarray]:
    """The parts that follow from the day, looked up where the days are not too far apart."""
    if not names:
        return {}
    first, last = (int(day) // _CHUNK for day in (days.min(), days.max()))
    if (last - first + 1) * _CHUNK > _LONGEST:
        return _split(days)
    places = (days - first * _CHUNK).astype(np.intp)
    calendar = _calendar(first, last)
    return {name: calendar[name][places] for name in names}


@lru_cache(maxsize=8)
def _calendar(first: int, last: int) -> dict[str, np.ndarray]:
    return _split(np.arange(first * _CHUNK, (last + 1) * _CHUNK, dtype=np.float64))


def _split(days: np.ndarray) -> dict[str, np.ndarray]:
    moments = days.astype("datetime64[D]")
    months = moments.astype("datetime64[M]")
    years = moments.astype("datetime64[Y]")
    return {
        "month": months.astype(np.int64) % 12 + 1.0,
        "weekday": (days + 3) % 7,
        "day_of_year": (moments - years).astype(np.int64) + 1.0,
        "day": (moments - months).astype(np.int64) + 1.0,
    }
