"""How long one fit may take, how much memory it may have, and on how many rows it trains."""

import logging
import math
import time
from dataclasses import dataclass, replace
from statistics import median

from automl.families import Problem
from automl.features import Matrix
from automl.search._card import costed
from automl.search._clock import Clock
from automl.search._cost import Costed, CostModel, Forecast
from automl.search._trial import Trial

logger = logging.getLogger("automl.search")

TEXT_SHARE = 0.2
"""Share of the budget that reading texts may take, about; they are read once for all encodings."""

TRIAL_SHARE = 0.35
"""Share of the budget after which the clock ends one trial, with what it has."""

MIN_CAP = 2.0
"""But no fit is ended by its share before this many seconds."""

SURPRISE = 8.0
"""A fit that takes so many times its forecast's upper bound is ended, too: it hangs."""

PATIENCE = 1.0
"""Least seconds between asking a fit to end and ending its process, while there is time;"""

GRACE = 0.4
"""and at the end of the search, where waiting costs the budget."""

UNKNOWN = 3.0
"""Least seconds for what has no forecast: the baseline, and scoring for the first time."""

FIRST_CALL = 10
"""The first calls of a metric may take one of so many parts of the time that is left: how long
one takes is not known before."""

WORTH = 0.15
"""A fit that stands alone gets fewer rows if less than this share of it could be done with all;"""

ALL_FOLDS = 1.1
"""one of several gets fewer if so many times their forecast is more than there is."""

MIN_ROWS = 1000
"""A fit is never made smaller than this."""

SMALLER = 3
"""How often a fit that ran out of memory is made smaller, each time by half of its rows."""

HEADROOM = 1.3
"""A fit may use this times the memory that was estimated before its process is refused more."""

MIN_MEMORY = 64 * 2**20


@dataclass(frozen=True)
class Allowance:
    """What one fit may use.

    Parameters
    ----------
    soft, hard : float, optional
        ``time.monotonic()`` at which it is asked to end, and at which its process ends.
    share : float
        Share of the training rows.
    memory : int, optional
        Bytes beyond what the worker has.
    forecast : Forecast, optional
    """

    soft: float | None
    hard: float | None
    share: float = 1.0
    memory: int | None = None
    forecast: Forecast | None = None


class Limits:
    """Works out the allowance of each fit from the clock, the memory and what fits cost so far.

    Parameters
    ----------
    clock : Clock
    costs : CostModel
    problem : Problem
    memory : int, optional
        Bytes that each worker may have for a fit; ``None`` where that is not limited.
    """

    def __init__(
        self, clock: Clock, costs: CostModel, problem: Problem, memory: int | None
    ) -> None:
        self._clock, self._costs, self._problem = clock, costs, problem
        self._memory = memory
        self._factors: dict[str, float] = {}
        self._calls: list[float] = []

    def for_fit(self, trial: Trial, n_rows: int, matrix: Matrix, device: str = "cpu") -> Allowance:
        """The allowance of one fit.

        Parameters
        ----------
        trial : Trial
            Its ``share`` is the least that was found before.
        n_rows : int
            Training rows of the fold.
        matrix : Matrix
            The encoding, for its columns and the size of its numbers.
        device : str
            Where it will run. On a card its process is refused no memory: CUDA has its own ways
            to get some.

        Returns
        -------
        Allowance
            Its share is 0 where no number of rows would fit into the memory.
        """
        share, memory = self._within_memory(trial, n_rows, matrix)
        if share <= 0:
            return Allowance(None, None, 0.0)
        width, family = len(matrix.names), costed(trial.family, device)
        memory = memory if device == "cpu" else None
        forecast = self._forecast(family, trial, share * n_rows, width)
        now = time.monotonic()
        seconds = self._seconds(trial, forecast)
        excess = self._excess(trial, forecast, seconds)
        if excess > 1 and not trial.whole and not trial.outcomes:
            share = min(share, max(share / excess, MIN_ROWS / n_rows))
            forecast = self._forecast(family, trial, share * n_rows, width)
        if math.isinf(seconds):
            return Allowance(None, None, share, memory, forecast)
        soft = now + seconds
        hard = min(soft + max(PATIENCE, seconds / 2), self.end)
        return Allowance(soft, hard, share, memory, forecast)

    def for_call(self) -> Allowance:
        """The allowance of a call of the metric, or of a fit of the baseline."""
        if self._clock.budget is None:
            return Allowance(None, None)
        left = self._clock.left
        seconds = min(20 * self.score_seconds, left / 4) if self._calls else left / FIRST_CALL
        hard = min(time.monotonic() + max(UNKNOWN, seconds), self.end)
        return Allowance(hard, hard)

    def for_encoding(self) -> Allowance:
        """The allowance of encoding the table."""
        memory = None if self._memory is None else max(MIN_MEMORY, int(self._memory * HEADROOM))
        if self._clock.budget is None:
            return Allowance(None, None, memory=memory)
        seconds = max(UNKNOWN, TRIAL_SHARE * self._clock.budget)
        hard = min(time.monotonic() + seconds, self.end)
        return Allowance(hard, hard, memory=memory)

    def for_texts(self) -> float:
        """Seconds that reading texts may take in an encoding, about."""
        budget = self._clock.budget
        return math.inf if budget is None else TEXT_SHARE * budget

    def book_call(self, seconds: float) -> None:
        """Learn how long the metric takes on all rows."""
        self._calls.append(seconds)

    @property
    def score_seconds(self) -> float:
        """What the metric usually took on all rows; 0 before it was called."""
        return median(self._calls) if self._calls else 0.0

    @property
    def end(self) -> float:
        """``time.monotonic()`` at which the last process of the search ends."""
        deadline = self._clock.deadline
        return math.inf if deadline is None else deadline + GRACE

    def halve(self, trial: Trial, *, on_card: bool = False) -> bool:
        """Let a trial that ran out of memory go on with half of its rows, if that may help.

        Its family is then taken to need more than was estimated, unless it was a card's memory
        that was wanting.
        """
        if trial.whole:
            return False
        name = trial.family.name
        if not on_card:
            self._factors[name] = 2 * self._factors.get(name, 1.0)
        if trial.share <= 0.5**SMALLER:
            return False
        trial.share /= 2
        logger.warning("%s ran out of memory; going on with half of its rows.", trial.name)
        return True

    def _forecast(self, family: Costed, trial: Trial, n_rows: float, width: int) -> Forecast:
        problem = replace(self._problem, n_rows=max(2, round(n_rows)))
        return self._costs.forecast(family, trial.params, problem, width=width)

    def _excess(self, trial: Trial, forecast: Forecast, seconds: float) -> float:
        """How many times too long the trial would take."""
        if math.isinf(seconds) or seconds <= 0:
            return 1.0
        if trial.n_folds == 1:
            return forecast.seconds * WORTH / seconds
        return forecast.seconds * ALL_FOLDS * trial.n_folds / max(seconds, self._clock.left)

    def _seconds(self, trial: Trial, forecast: Forecast) -> float:
        """Seconds for one fit: its share of the budget, far above its forecast, and no more than
        there are."""
        if self._clock.budget is None:
            return math.inf
        fits = 1 if trial.whole else trial.n_folds
        cap = max(MIN_CAP, TRIAL_SHARE * self._clock.budget / fits)
        cap = min(cap, max(PATIENCE, SURPRISE * forecast.at(0.95)))
        return max(0.0, min(cap, self._clock.left))

    def _within_memory(
        self, trial: Trial, n_rows: int, matrix: Matrix
    ) -> tuple[float, int | None]:
        """Share of the rows that fits into the memory, and the bytes to allow."""
        if self._memory is None:
            return trial.share, None
        share, least = trial.share, min(1.0, MIN_ROWS / n_rows)
        while self._need(trial, share, matrix) > self._memory:
            if trial.whole or share <= least:
                return 0.0, None
            share = max(share / 1.5, least)
        return share, max(MIN_MEMORY, int(self._memory * HEADROOM))

    def _need(self, trial: Trial, share: float, matrix: Matrix) -> float:
        """Bytes for a fit on a share of all rows, those that score it among them."""
        problem = replace(self._problem, n_rows=max(2, round(share * self._problem.n_rows)))
        need = trial.family.memory(
            trial.params,
            problem,
            width=len(matrix.names),
            itemsize=matrix.values.dtype.itemsize,
        )
        return self._factors.get(trial.family.name, 1.0) * need
