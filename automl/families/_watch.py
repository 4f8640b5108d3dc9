"""The learning curve of one fit: what is best so far, and when to stop."""

import time
from collections.abc import Callable
from math import isfinite

import numpy as np

RESOLUTION = 0.04
"""Of the step at which predictions are looked at."""

MANY_ROWS = 10_000
COARSE = 4
"""On so many validation rows a look takes as long as a step, so the first steps are looked at one
in four."""

MATURE = 100
"""Steps after which any learning curve can be judged."""


class Watch:
    """Follows one fit step by step.

    A family calls :meth:`due` after each step (a boosting round, an epoch, a batch of trees),
    and where it is due :meth:`observe` with its predictions for the validation rows. The watch
    scores them by the declared metric, keeps the best, reports the curve at geometric steps,
    and says when to stop: no progress, no time, or hopeless in comparison with others.

    Parameters
    ----------
    loss : callable, optional
        From predictions of shape (n_valid, n_outputs) to a number, smaller is better. ``None``
        where there is nothing to validate on: then only the step limit and the clock count.
    half : ndarray of bool of shape (n_valid,), optional
        One half of the validation rows, with
    half_loss : callable, optional
        from (row numbers, predictions of those rows) to a loss. With both, each half is also
        predicted by the step that is best for the other half: :attr:`honest_predictions`.
    limit : int, optional
        Largest step; a refit takes it from the folds.
    stopped : callable, optional
        Called often; returns True when the fit must end and keep what it has.
    report : callable, optional
        Called with (step, best loss so far, whether the curve can be judged) at geometric steps;
        it can be judged once the fit has gone on for as long as its patience.
    patience : float
        Stop after this many steps without progress,
    patience_share : float
        or after this share of the best step, whichever is larger.

    Attributes
    ----------
    keeps_last : bool
        Set by families whose later steps are better by nature, such as averages of trees: then
        "best" means last, and validation rows don't choose the step.
    best_step : int
    best_loss : float
    best_predictions : ndarray of shape (n_valid, n_outputs), float32
    curve : list of (int, float)
        What was reported.
    interrupted : bool
        Whether the fit was told to end before its own rules did.
    last_step : int
        The latest that was observed.
    device : str
        Where the library says that it trained, set by families that ask it.
    copies : int
        Tables that the fit copied to the card, set by families that train on one.
    closing : float
        Seconds that the model takes to write after the last step, set by families where they
        grow with the steps; a fit is told to end so much earlier.

    Examples
    --------
    >>> watch = Watch(lambda p: float(p.mean()), patience=2, patience_share=0.0)
    >>> for step, value in enumerate([3.0, 1.0, 2.0, 2.0, 2.0], start=1):
    ...     if watch.observe(step, np.full((4, 1), value)):
    ...         break
    >>> step, watch.best_step, watch.best_loss
    (5, 2, 1.0)
    """

    def __init__(
        self,
        loss: Callable[[np.ndarray], float] | None = None,
        *,
        half: np.ndarray | None = None,
        half_loss: Callable[[np.ndarray, np.ndarray], float] | None = None,
        limit: int | None = None,
        stopped: Callable[[], bool] | None = None,
        report: Callable[[int, float, bool], None] | None = None,
        patience: float = 50,
        patience_share: float = 0.3,
    ) -> None:
        self.limit = limit
        self.keeps_last = False
        self.best_step = 0
        self.best_loss = float("inf")
        self.best_predictions: np.ndarray | None = None
        self._halves: np.ndarray | None = None
        self.curve: list[tuple[int, float]] = []
        self.interrupted = False
        self.last_step = 0
        self.device, self.copies = "cpu", 0
        self.closing = 0.0
        self._loss = loss
        self._parts = () if half is None else (np.flatnonzero(half), np.flatnonzero(~half))
        self._half_loss = half_loss
        self._half_losses = [float("inf"), float("inf")]
        self._stopped = stopped
        self._report = report
        self._patience = (patience, patience_share)
        self._next_report = 1.0
        self._next_due = 1
        self._last = limit
        self._started = time.perf_counter()

    @property
    def validates(self) -> bool:
        """Whether there are validation rows to watch."""
        return self._loss is not None

    def with_patience(self, patience: float, share: float) -> "Watch":
        """Set how long the fit may go on without progress, in steps of the family."""
        self._patience = (patience, share)
        return self

    def steps(self, default: int) -> range:
        """Steps to take, 1 to the limit (or to `default` where none is set)."""
        self._last = self.limit or default
        return range(1, self._last + 1)

    def due(self, step: int) -> bool:
        """Whether predictions are wanted after `step`.

        At first after each, then after 4 % more steps than the last time: a resolution that is
        finer than what folds can tell apart, and costs little. The last step is due, also where
        the fit is told to end.
        """
        if not self.validates:
            return False
        return step >= self._next_due or step == self._last or self.out_of_time()

    def observe(self, step: int, predictions: np.ndarray) -> bool:
        """Take the predictions after `step`; True when the fit should end."""
        assert self._loss is not None
        predictions = np.array(predictions, dtype=np.float32)  # what is kept is what is scored
        value = self._loss(predictions)
        self.last_step = step
        stride = COARSE if len(predictions) >= MANY_ROWS else 1
        self._next_due = step + max(stride, int(step * RESOLUTION))
        scored = isfinite(value)
        better = scored and (value < self.best_loss or self.keeps_last)
        if better or (self.best_loss == float("inf") and self.best_predictions is None):
            self.best_loss, self.best_step = value if scored else float("inf"), step
            self.best_predictions = predictions
        self._observe_halves(predictions)
        if step >= self._next_report:
            self._next_report = step * 1.3
            self.curve.append((step, self.best_loss))
            if self._report is not None and isfinite(self.best_loss):
                self._report(step, self.best_loss, step >= min(self._patience[0], MATURE))
        patience, share = self._patience
        if step - self.best_step > max(patience, share * self.best_step):
            return True
        return self.out_of_time()

    def _observe_halves(self, predictions: np.ndarray) -> None:
        """Take the predictions of each half if the other half finds this step its best."""
        if not self._parts or self._half_loss is None or self.keeps_last:
            return
        if self._halves is None:
            self._halves = predictions.copy()
        for i, judge in enumerate(self._parts):
            value = self._half_loss(judge, predictions[judge])
            if value < self._half_losses[i]:
                self._half_losses[i] = value
                judged = self._parts[1 - i]
                self._halves[judged] = predictions[judged]

    @property
    def honest_predictions(self) -> np.ndarray | None:
        """For each row, predictions of a step that was not chosen by the row's own half.

        Both halves have a say in when the fit stops, so in which steps there are to choose from.

        Of shape (n_valid, n_outputs), float32; the same as ``best_predictions`` where no half
        was given, or the metric is not defined on it.
        """
        undefined = not all(isfinite(v) for v in self._half_losses)
        return self.best_predictions if undefined else self._halves

    def out_of_time(self) -> bool:
        """Whether the fit was told to end now with what it has."""
        if self._stopped is not None and self._stopped():
            self.interrupted = True
        return self.interrupted

    @property
    def seconds(self) -> float:
        """Wall-clock seconds since the watch was made."""
        return time.perf_counter() - self._started
