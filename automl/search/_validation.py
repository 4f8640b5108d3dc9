"""The rows that score a fit: what a family watches, what others are told, and the fold's loss."""

from collections.abc import Callable
from typing import Any

import numpy as np

from automl.families import Problem, Watch
from automl.objective import Metric, get_metric, loss_of


class Validation:
    """The declared metric on the rows of one fold.

    Parameters
    ----------
    metric : Metric
    problem : Problem
    y : ndarray of shape (n_valid,)
    weight : ndarray of shape (n_valid,), optional
    judged : ndarray of int, optional
        Those of the rows by which trials are compared while they run; all by default.
    """

    def __init__(
        self,
        metric: Metric,
        problem: Problem,
        y: np.ndarray,
        weight: np.ndarray | None,
        *,
        judged: np.ndarray | None = None,
    ) -> None:
        self._metric, self._y, self._weight, self._judged = metric, y, weight, judged
        self._watched = _watched(metric, problem, y, weight)

    def declared_loss(self, predictions: np.ndarray) -> float:
        """The declared metric on all rows."""
        return self._metric.loss(self._metric.score(self._y, predictions, self._weight))

    def judged_loss(self, predictions: np.ndarray) -> float:
        """The loss by which trials are compared while they run; nan where it is not defined."""
        if self._judged is not None:
            loss = loss_of(self._metric, self._y, self._weight)
            return loss(self._judged, predictions[self._judged])
        return self._metric.loss(self._metric.score_or_nan(self._y, predictions, self._weight))

    def watch(self, stopped: Callable[[], bool], report: Callable[[Any], None] | None) -> Watch:
        """A watch for one fit.

        Parameters
        ----------
        stopped : callable
            Whether the fit should end with what it has.
        report : callable, optional
            Called with (step, loss to judge by, whether the curve can be judged).
        """

        def tell(step: int, value: float, mature: bool) -> None:
            assert report is not None
            assert watch.best_predictions is not None
            if self._watched is not self._metric or self._judged is not None:
                value = self.judged_loss(watch.best_predictions)
            if np.isfinite(value):
                report((step, value, mature))

        n = len(self._y)
        watch = Watch(
            self._loss,
            half=np.random.default_rng(n).permutation(n) % 2 == 0,
            half_loss=loss_of(self._watched, self._y, self._weight),
            stopped=stopped,
            report=None if report is None else tell,
        )
        return watch

    def _loss(self, predictions: np.ndarray) -> float:
        return self._watched.loss(self._watched.score_or_nan(self._y, predictions, self._weight))


def _watched(metric: Metric, problem: Problem, y: np.ndarray, weight: np.ndarray | None) -> Metric:
    """The declared metric; log loss or RMSE where it is not defined for any predictions.

    An area under the curve has no value on a fold of one class, and a fit that watches nothing
    would keep its first step. Where it is decided later which class to name, by F1 for instance,
    good probabilities are what helps: log loss follows these with less noise.
    """
    rng = np.random.default_rng(0)
    if problem.task == "regression":
        probe = (rng.permutation(y) + np.mean(y))[:, None] / 2  # none is beyond the target's range
    else:
        probe = rng.dirichlet(np.ones(max(2, problem.n_outputs)), len(y))[:, -problem.n_outputs :]
    if not metric.decides and np.isfinite(metric.score_or_nan(y, probe, weight)):
        return metric
    name = "rmse" if problem.task == "regression" else "log_loss"
    return get_metric(name, task=problem.task, classes=np.arange(problem.n_classes))
