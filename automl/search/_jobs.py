"""The jobs that a search gives to its engine."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from automl.compute import DataRef, Job
from automl.objective import Splits
from automl.search._fold import FIT_FOLD, FoldTask
from automl.search._limits import Allowance, Limits
from automl.search._matrices import Matrices
from automl.search._plan import SearchPlan
from automl.search._score import SCORE_TRIAL, ScoreTask
from automl.search._trial import WHOLE, Trial

NOTHING = f"{__name__}:nothing"


def nothing(payload: Any, data: Any, channel: Any) -> None:
    """The first job: its end tells that a worker is up."""


class Jobs:
    """Writes down what a worker must know, with what it may use.

    Parameters
    ----------
    plan : SearchPlan
    limits : Limits
    matrices : Matrices
    target : DataRef
        The shared target with its folds.
    """

    def __init__(
        self, plan: SearchPlan, limits: Limits, matrices: Matrices, target: DataRef
    ) -> None:
        self._plan, self._limits = plan, limits
        self._matrices, self._target = matrices, target
        self._metric = plan.metric.to_payload()

    def fit(self, trial: Trial, fold: int, n_threads: int) -> tuple[Job, Allowance]:
        """The fit of one fold; it must not be submitted if its share of the rows is 0."""
        plan, folds = self._plan, self._plan.splits.folds
        encoding = trial.family.encoding(trial.params)
        reference, matrix = self._matrices.get(encoding)
        n_train = plan.problem.n_rows if fold == WHOLE else len(folds[fold].train)
        if trial.number == 0:
            allowance = self._limits.for_call()
        else:
            allowance = self._limits.for_fit(trial, n_train, matrix)
        task = FoldTask(
            trial.family.name,
            trial.params,
            plan.problem,
            self._metric,
            fold,
            plan.resources_for(trial.family, fold, n_threads),
            encoding,
            (matrix.names, matrix.sources, matrix.cardinalities),
            plan.files.model(trial, fold),
            plan.files.fold_predictions(trial, fold),
            self._matrices.folder(encoding),
            report=fold in (0, WHOLE) and trial.number > 0,
            share=allowance.share,
        )
        job = Job(
            FIT_FOLD,
            task,
            (self._target, reference),
            soft_deadline=allowance.soft,
            hard_deadline=allowance.hard,
            memory=allowance.memory,
        )
        return job, allowance

    def encode(self, encoding: str) -> Job:
        """The encoding of the table."""
        allowance = self._limits.for_encoding()
        return self._matrices.job(
            encoding,
            seconds=self._limits.for_texts(),
            hard_deadline=allowance.hard,
            memory=allowance.memory,
        )

    def score(self, trial: Trial) -> tuple[Job, Allowance]:
        """The score of a trial whose folds are all fitted."""
        files, allowance = self._plan.files, self._limits.for_call()
        parts = tuple((f, files.fold_predictions(trial, f)) for f in trial.outcomes)
        n_outputs = self._plan.problem.n_outputs
        task = ScoreTask(self._metric, n_outputs, parts, files.out_of_fold(trial))
        return Job(SCORE_TRIAL, task, (self._target,), hard_deadline=allowance.hard), allowance


def target_arrays(
    splits: Splits, y: np.ndarray, weight: np.ndarray | None
) -> Mapping[str, np.ndarray]:
    """What workers share beside the matrix: the target, its weights, and the rows of each fold."""
    arrays = {"y": y} if weight is None else {"y": y, "weight": weight}
    for i, fold in enumerate(splits.folds):
        arrays |= {f"train_{i}": fold.train, f"valid_{i}": fold.valid}
    return arrays
