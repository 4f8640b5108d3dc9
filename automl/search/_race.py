"""Who is worth going on with: an Optuna pruner over one table of all trials' evidence."""

from collections.abc import Sequence

import numpy as np
import optuna
from optuna.pruners import BasePruner
from optuna.study import Study
from optuna.trial import FrozenTrial

from automl.search._trial import Trial, TrialState

FOLD_STEPS = 1_000_000
"""Reports at steps below are rounds inside the first fold; step 1,000,000 + k is the mean over
the folds 0 to k. (A step can be reported once only, and a fit has fewer rounds.)"""

MIN_PEERS = 3
HOPELESS = 0.25
"""A trial further behind the best than this share of the way from the baseline to the best has
no weight in an ensemble either."""


def optimistic_end(curve: Sequence[tuple[int, float]]) -> float:
    """Where a learning curve may still go, if things go well for it.

    The gains over the last two doublings of the step are compared; gains are taken to go on
    shrinking at that rate, but never faster than by half a doubling, for ever.

    Parameters
    ----------
    curve : sequence of (step, loss)
        Best loss so far, at increasing steps.

    Returns
    -------
    float
        A loss; minus infinity where the curve is too short to say.

    Examples
    --------
    >>> optimistic_end([(8, 1.0), (16, 0.6), (32, 0.4)])
    0.2
    >>> optimistic_end([(8, 1.0)])
    -inf
    """
    if not curve:
        return float("-inf")
    last, now = curve[-1]
    steps = np.array([s for s, _ in curve], dtype=float)
    losses = np.array([v for _, v in curve])
    if last / 4 < steps[0]:
        return float("-inf")
    half, quarter = np.interp(np.log([last / 2, last / 4]), np.log(steps), losses)
    earlier, later = quarter - half, half - now
    if later <= 0:
        return float(now)
    ratio = float(np.clip(later / max(earlier, 1e-300), 0.5, 0.95))
    return float(now - later * ratio / (1 - ratio))


class RaceTable:
    """The evidence of all trials of a run, whatever their family.

    Parameters
    ----------
    baseline : sequence of float
        Loss of the constant baseline on each fold.
    """

    def __init__(self, baseline: Sequence[float]) -> None:
        self.baseline = list(baseline)
        self.trials: dict[tuple[str, int], Trial] = {}
        self.curves: dict[int, list[tuple[int, float]]] = {}

    def enter(self, study: str, number: int, trial: Trial) -> None:
        """Take up a trial that starts; `number` is its number in its study."""
        self.trials[study, number] = trial

    def hopeless(self, trial: Trial) -> bool:
        """Whether a running trial can't matter any more, by its curve or its folds so far."""
        losses = trial.fold_losses
        if not losses:
            losses = [optimistic_end(self.curves.get(trial.number, []))]
        mean = float(np.mean(losses))
        limit = self._limit(trial, len(losses))
        return bool(np.isfinite(mean) and mean > limit)

    def _limit(self, trial: Trial, n_folds: int) -> float:
        """The mean loss over the first folds beyond which a trial is given up."""
        means = {
            t.number: float(np.mean(t.fold_losses[:n_folds]))
            for t in self.trials.values()
            if len(t.fold_losses) >= n_folds
            and t is not trial
            and t.state in (TrialState.COMPLETE, TrialState.RUNNING)
        }
        if len(means) < MIN_PEERS:
            return float("inf")
        best = min(means.values())
        gap = float(np.mean(self.baseline[:n_folds])) - best
        limit = best + HOPELESS * gap if gap > 0 else float("inf")
        if trial.is_start:
            return limit
        own = [
            means[t.number]
            for t in self.trials.values()
            if t.family is trial.family and t.number in means and t.state is TrialState.COMPLETE
        ]
        if len(own) >= MIN_PEERS:
            limit = min(limit, float(np.median(own)))
        return limit


class RacePruner(BasePruner):
    """Prune by the whole run's evidence, across families, which have a study each.

    Inside the first fold a trial ends when even an optimistic continuation of its learning
    curve falls behind; between folds when its mean so far falls behind the means of others over
    the same folds. Behind means: further from the best than a quarter of what the best gained
    over the baseline, and for a proposal also behind the median of its own family.

    Parameters
    ----------
    table : RaceTable
    """

    def __init__(self, table: RaceTable) -> None:
        self._table = table

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Whether Optuna should prune `trial`; its values have been reported before."""
        entry = self._table.trials.get((study.study_name, trial.number))
        return entry is not None and self._table.hopeless(entry)


def no_pruner() -> BasePruner:
    """The pruner that lets everything run to its end."""
    return optuna.pruners.NopPruner()
