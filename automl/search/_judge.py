"""Reports of a running trial to Optuna's pruner, and what it says to them."""

import numpy as np

from automl.objective import Metric
from automl.search._race import FOLD_STEPS, RaceTable
from automl.search._trial import Trial


class Judge:
    """Reports each point of a first fold's learning curve, then the mean of the folds so far.

    Parameters
    ----------
    race : RaceTable
    metric : Metric
    """

    def __init__(self, race: RaceTable, metric: Metric) -> None:
        self._race, self._metric = race, metric

    def see_curve(self, trial: Trial, step: int, loss: float, mature: bool) -> str:
        """Take a point of a learning curve; return why the trial should end, if it should."""
        curve = self._race.curves.setdefault(trial.number, [])
        if curve and step <= curve[-1][0]:  # a fit that is tried again
            return ""
        curve.append((step, loss))
        if trial.record is None or trial.given_up:
            return ""
        trial.record.report(self._signed(loss), step)
        prune = mature and trial.record.should_prune()
        return f"learning curve at step {step}" if prune else ""

    def see_folds(self, trial: Trial) -> str:
        """Compare what folds there are, from the first on; return why the trial should end."""
        losses = trial.fold_losses[: trial.n_folds - 1]
        if trial.record is None:
            return ""
        for n in range(trial.judged + 1, len(losses) + 1):
            trial.judged = n
            trial.record.report(self._signed(float(np.mean(losses[:n]))), FOLD_STEPS + n - 1)
            if trial.record.should_prune():
                return _behind(n)
        return ""

    def look_again(self, trial: Trial) -> str:
        """Compare its folds with what others have shown since; return why it should end."""
        n = trial.judged
        if trial.record is None or not n or not self._race.sees_enough(trial):
            return ""
        return _behind(n) if trial.record.should_prune() else ""

    def _signed(self, loss: float) -> float:
        return -loss if self._metric.greater_is_better else loss


def _behind(n: int) -> str:
    return f"behind others after {n} fold{'s' if n > 1 else ''}"
