"""When a search has stopped to pay."""

import time
from collections.abc import Callable

GAIN = 0.002
"""A leader counts as better if its error, or its way from the baseline, is by this share."""

TRIALS, SECONDS, SHARE = 100, 300.0, 0.5
"""A search ends after so many trials, so many seconds, and such a share of all its seconds
without a better leader."""


class Plateau:
    """Notices that no better leader has been found for long.

    It takes a long budget to get there: a search of ten minutes or less is never ended.

    Parameters
    ----------
    optimum : float
        The smallest loss that there can be; minus infinity if unknown.
    clock : callable
        Seconds since some moment.

    Examples
    --------
    >>> now = 0.0
    >>> plateau = Plateau(0.0, lambda: now)
    >>> for loss in [0.5, *[0.5] * 200]:
    ...     now += 5.0
    ...     plateau.book(loss)
    >>> plateau.reached
    True
    """

    def __init__(self, optimum: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._optimum, self._clock = optimum, clock
        self._started = self._since = clock()
        self._best = self.baseline = float("inf")
        self._n_trials = 0

    def book(self, loss: float | None) -> None:
        """Take a trial that has ended; ``None`` unless it is complete."""
        self._n_trials += 1
        if loss is None or not loss < self._best - self._least_gain():
            return
        self._best, self._since, self._n_trials = loss, self._clock(), 0

    @property
    def reached(self) -> bool:
        """Whether it is time to end."""
        now = self._clock()
        waited = now - self._since
        long = waited >= max(SECONDS, SHARE * (now - self._started))
        return self._n_trials >= TRIALS and long

    def _least_gain(self) -> float:
        """How much smaller a loss must be to count."""
        if self._best == float("inf"):
            return 0.0
        error, way = self._best - self._optimum, self.baseline - self._best
        return GAIN * max(0.0, min(error, way))
