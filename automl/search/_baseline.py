"""The constant baseline where no worker was up in time to fit it."""

import numpy as np

from automl.families import FitData, Resources, Watch
from automl.features import Matrix
from automl.search._fold import write_model
from automl.search._plan import SearchPlan
from automl.search._trial import FoldOutcome, Trial, TrialState


def keep_plain_baseline(
    trial: Trial, plan: SearchPlan, y: np.ndarray, weight: np.ndarray | None
) -> None:
    """Fit the constant in this process, without a score: the metric may be anybody's code.

    Parameters
    ----------
    trial : Trial
        The baseline; it is complete afterwards.
    plan : SearchPlan
    y : ndarray of shape (n_rows,)
    weight : ndarray of shape (n_rows,), optional
    """
    fold = plan.splits.folds[0]
    matrix = Matrix(np.zeros((len(y), 0), np.float32), (), (), ())
    data = FitData(matrix, y, fold.train, fold.valid, weight)
    model = trial.family.fit({}, data, Watch(), problem=plan.problem, resources=Resources())
    write_model(model.save(), plan.files.model(trial, 0))
    trial.outcomes = {0: FoldOutcome(float("nan"), 1)}
    trial.state, trial.reason = TrialState.COMPLETE, "the budget ended before it was scored"
