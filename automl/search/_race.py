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

MIN_PEERS = 1
"""Trials that must have got as far before one is compared with the best of them."""

MIN_OWN = 3
FAMILY_SHARE = 1 / 3
"""A proposal must keep up with the better third of its family's finished trials, once there are
three."""

SAME_FAMILY = 0.05
"""A starting configuration is different on purpose, but not worth its folds if its error is
larger than its family's smallest by more than this share."""

HOPELESS = 0.18
"""A trial whose error (its distance to the best possible score) is larger than the smallest one
by more than this share has no weight in an ensemble either."""

TELLING = 1000
"""Rows of a fold from which it is evidence whichever trial ended it first. On fewer a lucky fold
of one would end all others: what they get wrong are single rows."""

GAP_SHARE = 0.25
"""The same where the best possible score is not known: share of the way from the baseline to
the best."""


def optimistic_end(curve: Sequence[tuple[int, float]]) -> float:
    """Where a learning curve may still go, if things go well for it.

    The gains over the last two doublings of the step are compared. They are taken to go on
    shrinking at that rate for ever, but never faster than by half a doubling, and a pause is
    not taken for the end.

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
    >>> round(optimistic_end([(8, 1.0), (16, 0.6), (32, 0.4)]), 3)
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
    if earlier <= 0:
        return float(now - max(later, 0.0))
    later = max(later, earlier / 4)
    ratio = float(np.clip(later / earlier, 0.5, 0.95))
    return float(now - later * ratio / (1 - ratio))


class RaceTable:
    """The evidence of all trials of a run, whatever their family.

    Parameters
    ----------
    optimum : float
        The smallest loss that there can be; minus infinity if unknown.
    lag : int, optional
        A trial is compared only with those whose numbers are at least so much smaller.

    Attributes
    ----------
    baseline : list of float
        Loss of the constant baseline on each fold.
    curves : dict of int to list of (step, loss)
        Learning curve of each trial on its first fold.
    """

    def __init__(self, optimum: float = float("-inf"), lag: int | None = None) -> None:
        self.optimum, self._lag = optimum, lag
        self.baseline: list[float] = []
        self.curves: dict[int, list[tuple[int, float]]] = {}
        self._trials: list[Trial] = []

    def enter(self, trial: Trial) -> None:
        """Take up a trial that starts."""
        self._trials.append(trial)

    def find(self, family: str, number: int) -> Trial | None:
        """The trial with this number in the study of its family."""
        for trial in self._trials:
            record = trial.record
            if record is not None and trial.family.name == family and record.number == number:
                return trial
        return None

    def hopeless(self, trial: Trial) -> bool:
        """Whether a running trial can't matter any more, by its curve or its folds so far."""
        losses = trial.fold_losses[: trial.judged]
        losses = losses or [optimistic_end(self.curves.get(trial.number, []))]
        if not np.isfinite(losses).all():
            return False
        if trial.whole:
            return self._whole_hopeless(trial, losses[0])
        others = [
            t
            for t in self._others(trial)
            if t.fold_losses
            and np.isfinite(t.fold_losses[: len(losses)]).all()
            and t.state in (TrialState.COMPLETE, TrialState.RUNNING)
        ]
        if not others:
            return False
        if self.sees_enough(trial):  # then as many folds as another has, too, are compared
            losses = losses[: max(len(t.fold_losses) for t in others)]
        n = len(losses)
        peers = [t for t in others if len(t.fold_losses) >= n]
        own = [
            float(np.mean(t.fold_losses[:n]))
            for t in peers
            if t.family is trial.family and t.state is TrialState.COMPLETE
        ]
        return self._far_behind(losses, peers) or self._behind_family(trial, losses, own)

    def sees_enough(self, trial: Trial) -> bool:
        """Whether folds have so many rows that any of them is evidence."""
        return trial.n_rows >= TELLING * trial.n_folds

    def _others(self, trial: Trial) -> list[Trial]:
        """The trials that this one may be compared with."""
        others = [t for t in self._trials if t is not trial]
        if self._lag is None:
            return others
        return [t for t in others if t.number <= trial.number - self._lag]

    def _whole_hopeless(self, trial: Trial, loss: float) -> bool:
        """The same for a trial that has no folds: against the means of the folds of others."""
        ended, means = [], []
        for t in self._others(trial):
            mean = (
                float(np.mean([o.judged for o in t.outcomes.values()])) if t.outcomes else np.nan
            )
            alive = t.state in (TrialState.COMPLETE, TrialState.RUNNING)
            if alive and np.isfinite(mean):
                ended.append(t)
                means.append(mean)
        if len(ended) < MIN_PEERS:
            return False
        best = min(means)
        allowed = self._allowed(best, float(np.mean(self.baseline)))
        if loss - best > allowed + self._doubt(best, trial.n_rows):
            return True
        own = [
            m
            for t, m in zip(ended, means, strict=True)
            if t.family is trial.family and t.state is TrialState.COMPLETE
        ]
        return self._behind_family(trial, [loss], own)

    def _far_behind(self, losses: Sequence[float], peers: Sequence[Trial]) -> bool:
        """Whether the best is so far ahead that no ensemble would want this one."""
        n = len(losses)
        if len(peers) < MIN_PEERS:
            return False
        best = min((t.fold_losses[:n] for t in peers), key=lambda v: float(np.mean(v)))
        behind = np.asarray(losses) - np.asarray(best)
        mean = float(np.mean(best))
        if n > 1:
            doubt = float(behind.std(ddof=1)) / np.sqrt(n)
        else:
            doubt = self._doubt(mean, peers[0].n_rows // peers[0].n_folds)
        allowed = self._allowed(mean, float(np.mean(self.baseline[:n])))
        return bool(behind.mean() > allowed + doubt)

    def _allowed(self, best: float, baseline: float) -> float:
        """How far behind the best a trial may be and still matter."""
        error, gap = best - self.optimum, baseline - best
        if np.isfinite(error):
            return HOPELESS * error
        return GAP_SHARE * gap if gap > 0 else float("inf")

    def _doubt(self, best: float, n_rows: int) -> float:
        """How much a difference on this many rows may be chance."""
        error = best - self.optimum
        return 0.0 if np.isinf(error) else 2 * error / np.sqrt(n_rows)

    def _behind_family(self, trial: Trial, losses: Sequence[float], own: Sequence[float]) -> bool:
        """Whether its own family's finished trials are ahead of it, by their means `own`."""
        mean = float(np.mean(losses))
        if not trial.is_start:
            return len(own) >= MIN_OWN and mean > float(np.quantile(own, FAMILY_SHARE))
        error = min(own, default=float("nan")) - self.optimum
        if not own or not np.isfinite(error):
            return False
        n_rows = trial.n_rows if trial.whole else trial.n_rows * len(losses) // trial.n_folds
        return mean - min(own) > SAME_FAMILY * error + self._doubt(min(own), max(1, n_rows))


class RacePruner(BasePruner):
    """Prune by the whole run's evidence, across families, which have a study each.

    Inside the first fold a trial ends when even an optimistic continuation of its learning
    curve falls behind; between folds when its mean so far falls behind the means of others over
    the same folds. Behind means: an error larger than the best one by more than 18 per cent and
    what may be chance; for a proposal also: behind the better third of its own family.

    Parameters
    ----------
    table : RaceTable
    """

    def __init__(self, table: RaceTable) -> None:
        self._table = table

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Whether Optuna should prune `trial`; its values have been reported before."""
        entry = self._table.find(study.study_name, trial.number)
        return entry is not None and self._table.hopeless(entry)


def no_pruner() -> BasePruner:
    """The pruner that lets everything run to its end."""
    return optuna.pruners.NopPruner()
