"""Seconds at the end of the budget that belong to choosing, saving and leaving."""

import time
from dataclasses import dataclass, field

import numpy as np

from automl.search import Clock

BASE = 0.6
SHARE = 0.006
"""Of the budget, beside the base, for choosing the winner and its interval."""

SMALL, CAREFUL, LONGEST = 5000, 0.025, 1.5
"""A table of so few predictions is worth this share of the budget, and so many seconds at most,
for choosing with more care."""

SECONDS_PER_VALUE = 2e-8
"""For reading and weighing the out-of-fold predictions of thirty trials."""

SECONDS_PER_BYTE = 1.6e-8
"""How fast models are read, compressed and written, until it was measured here."""

MEMBERS = 6
"""How many of the largest models may be in the ensemble."""

MOST = 0.3
"""Share of the budget that is never exceeded,"""

SLOWEST = 4.0
"""nor a machine so many times slower than its cores expected."""


@dataclass
class Reserve:
    """Works out the reserve from what is measured while the search goes on.

    Parameters
    ----------
    clock : Clock
        Its ``reserve`` is kept up to date.
    n_values : int
        Rows times outputs of a prediction.

    Examples
    --------
    >>> reserve = Reserve(Clock(0.0, 60.0), n_values=1000)
    >>> before = reserve.clock.reserve
    >>> reserve.book_model(100_000_000)
    >>> before < reserve.clock.reserve < 60.0
    True
    """

    clock: Clock
    n_values: int
    _sizes: list[int] = field(default_factory=list)
    _rate: float = SECONDS_PER_BYTE
    _wall: float = 0.0
    _cpu: float = 0.0

    def __post_init__(self) -> None:
        self._update()

    def book_fit(self, seconds: float, cpu_seconds: float) -> None:
        """Learn from a fit how much of the cores this run really gets."""
        self._wall += seconds
        self._cpu += cpu_seconds
        self._update()

    def book_model(self, n_bytes: int) -> None:
        """Learn how large the models are that may have to be saved."""
        self._sizes.append(n_bytes)
        self._update()

    def book_save(self, n_bytes: int, seconds: float) -> None:
        """Learn how fast they are saved."""
        if n_bytes > 1_000_000:
            self._rate = max(SECONDS_PER_BYTE / 2, seconds / n_bytes)
            self._update()

    @property
    def slowdown(self) -> float:
        """How many times longer things take than their processor time."""
        if self._cpu < 1.0:
            return 1.0
        return float(np.clip(self._wall / self._cpu, 1.0, SLOWEST))

    @property
    def saving(self) -> float:
        """Seconds that saving the largest models would take."""
        return self._rate * sum(sorted(self._sizes)[-MEMBERS:])

    def left(self) -> float:
        """Seconds to the end of the budget; infinite without one."""
        clock = self.clock
        if clock.budget is None:
            return float("inf")
        return clock.started + clock.budget - time.monotonic()

    def _update(self) -> None:
        budget = self.clock.budget
        if budget is None:
            return
        choosing = BASE + SHARE * budget + 30 * SECONDS_PER_VALUE * self.n_values
        if self.n_values <= SMALL:
            choosing += min(LONGEST, CAREFUL * budget)
        self.clock.reserve = min(MOST * budget, self.slowdown * choosing + self.saving)
