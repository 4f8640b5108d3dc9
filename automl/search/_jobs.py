"""The jobs that a search gives to its engine."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from automl.compute import DataRef, Engine, Job
from automl.families import Problem
from automl.objective import Splits
from automl.search._fold import FIT_FOLD, FoldTask
from automl.search._limits import Allowance, Limits
from automl.search._matrices import Matrices
from automl.search._outlying import outlying_rows
from automl.search._plan import SearchPlan
from automl.search._score import SCORE_TRIAL, ScoreTask
from automl.search._trial import WHOLE, Trial

LOOK = 0.2
"""Seconds between two looks at the clock and at the user."""

NOTHING = f"{__name__}:nothing"


def nothing(payload: Any, data: Any, channel: Any) -> None:
    """The first job: its end tells that a worker is up."""


def await_workers(engine: Engine, over: Callable[[], bool]) -> dict[str, Any]:
    """Wait until the first job has ended, or it is all over; say what it took, and what went
    wrong."""
    started, lost = time.monotonic(), dict[str, Any]()
    while engine.busy and not over():
        for event in engine.wait(LOOK):
            if event.kind != "done":  # another takes its place
                lost = {"result": event.kind, "pid": event.pid, "reason": str(event.value)}
    return {"seconds": time.monotonic() - started, **lost}


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

    def fit(
        self, trial: Trial, fold: int, n_threads: int, device: str = "cpu"
    ) -> tuple[Job, Allowance]:
        """The fit of one fold; it must not be submitted if its share of the rows is 0."""
        plan, n_train = self._plan, self.n_train(fold)
        encoding = trial.family.encoding(trial.params)
        reference, matrix = self._matrices.get(encoding)
        if trial.number == 0:
            allowance = self._limits.for_call()
        else:
            allowance = self._limits.for_fit(trial, n_train, matrix, device)
        task = FoldTask(
            trial.family.name,
            trial.params,
            plan.problem,
            self._metric,
            fold,
            plan.resources_for(fold, n_threads, device),
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
            place="" if device == "cpu" else device,
        )
        return job, allowance

    def n_train(self, fold: int) -> int:
        """Training rows of a fold."""
        folds = self._plan.splits.folds
        return self._plan.problem.n_rows if fold == WHOLE else len(folds[fold].train)

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
    problem: Problem,
    splits: Splits,
    y: np.ndarray,
    weight: np.ndarray | None = None,
    groups: np.ndarray | None = None,
) -> Mapping[str, np.ndarray]:
    """What workers share beside the matrix: the target, its weights, and the rows of each fold.

    The number of each row's group is among it where rows of a group belong together, and the rows
    by which no trial is judged, if there are any.
    """
    arrays = {"y": y} if weight is None else {"y": y, "weight": weight}
    arrays |= {} if groups is None else {"groups": groups}
    outlying = outlying_rows(problem, y, len(splits.folds[0].valid), weight)
    arrays |= {"outlying": outlying} if len(outlying) else {}
    for i, fold in enumerate(splits.folds):
        arrays |= {f"train_{i}": fold.train, f"valid_{i}": fold.valid}
    return arrays
