"""The best of what there is, where the budget ended before any configuration had all its folds.

A model of some folds is worth more than a constant. It is scored on the rows of these folds
alone, which none of its models saw.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from automl.objective import Splits
from automl.search._plan import SearchPlan
from automl.search._score import join_predictions
from automl.search._trial import WHOLE, Trial, TrialState


def best_cut_off(trials: Sequence[Trial]) -> Trial | None:
    """Find the trial that was stopped and is the best one on the folds it has.

    Trials have different folds, so each is held against the baseline on its own.

    Parameters
    ----------
    trials : sequence of Trial
        The baseline first.

    Returns
    -------
    Trial or None
        ``None`` where nothing is known to be better than the baseline.
    """
    known = {fold: outcome.loss for fold, outcome in trials[0].outcomes.items()}
    known[WHOLE] = float(np.mean(list(known.values())))
    gains = {
        trial.number: _gain(trial, known)
        for trial in trials[1:]
        if trial.state is TrialState.STOPPED and known.keys() >= trial.outcomes.keys() != set()
    }
    best = max(gains, key=lambda number: gains[number], default=0)
    return trials[best] if gains.get(best, 0.0) > 0 else None


def _gain(trial: Trial, known: dict[int, float]) -> float:
    """By how much less a trial loses than the baseline on the same folds."""
    gain = float(np.mean([known[f] - o.loss for f, o in trial.outcomes.items()]))
    return gain if np.isfinite(gain) else 0.0


def take_cut_off(trial: Trial, plan: SearchPlan) -> Splits:
    """Write its out-of-fold predictions as those of a finished trial.

    Parameters
    ----------
    trial : Trial
    plan : SearchPlan

    Returns
    -------
    Splits
        Only those that it has.
    """
    files, splits, folds = plan.files, plan.splits, sorted(trial.outcomes)
    total = join_predictions(
        [(f, files.fold_predictions(trial, f)) for f in folds],
        lambda f: splits.folds[f].valid,
        n_rows=plan.problem.n_rows,
        n_outputs=plan.problem.n_outputs,
    )
    np.save(files.out_of_fold(trial), total)
    if folds == [WHOLE]:
        return splits
    return replace(splits, folds=tuple(splits.folds[f] for f in folds))
