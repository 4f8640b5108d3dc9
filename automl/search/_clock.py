"""The budget: how much time is left, and what of it is already spoken for."""

import re
import time
from dataclasses import dataclass

from automl.exceptions import UsageError

UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def parse_duration(text: str | float) -> float:
    """Read a length of time.

    Parameters
    ----------
    text : str or number
        ``90``, ``"90s"``, ``"10m"``, ``"1.5h"`` or ``"1d"``; a bare number is seconds.

    Returns
    -------
    float
        Seconds.

    Raises
    ------
    UsageError
        If it can't be read or is not above zero.

    Examples
    --------
    >>> parse_duration("10m"), parse_duration(2.5)
    (600.0, 2.5)
    """
    match = re.fullmatch(r"\s*([0-9]*\.?[0-9]+(?:e[0-9]+)?)\s*([smhd]?)\s*", str(text).lower())
    seconds = float(match[1]) * UNITS[match[2]] if match else 0.0
    if not 0 < seconds < float("inf"):
        raise UsageError(
            f"A time budget of {text!r} can't be read: give seconds above zero, or a number with "
            "a unit, such as 90s, 10m or 1h."
        )
    return seconds


@dataclass
class Clock:
    """Wall-clock time of one run.

    Parameters
    ----------
    started : float
        ``time.monotonic()`` at which the budget began to count.
    budget : float, optional
        Seconds; ``None`` means that only the number of trials limits the run.
    reserve : float
        Seconds at the end that belong to the ensemble, the saving and the exit.
    """

    started: float
    budget: float | None = None
    reserve: float = 0.0

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    @property
    def deadline(self) -> float | None:
        """``time.monotonic()`` at which the search must have ended."""
        return None if self.budget is None else self.started + self.budget - self.reserve

    @property
    def left(self) -> float:
        """Seconds left to the search; infinite without a budget."""
        return float("inf") if self.deadline is None else self.deadline - time.monotonic()
