"""The score of a whole trial: a job of a worker, as the metric may be the user's own code."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from automl.compute import Channel
from automl.objective import Metric
from automl.search._trial import WHOLE

SCORE_TRIAL = f"{__name__}:score_trial"


@dataclass(frozen=True)
class ScoreTask:
    """What a worker must know to score a trial.

    Parameters
    ----------
    metric : bytes
        The metric by value.
    n_outputs : int
    parts : tuple of (int, Path)
        Each fold with the file of its predictions.
    out : Path
        Where the predictions for all rows go.
    """

    metric: bytes
    n_outputs: int
    parts: tuple[tuple[int, Path], ...]
    out: Path


@dataclass(frozen=True)
class Scored:
    """What came of it.

    Parameters
    ----------
    score : float
        In the metric's own sign; nan where it is not defined.
    seconds : float
        That the metric took.
    """

    score: float
    seconds: float


def join_predictions(
    parts: Iterable[tuple[int, Path]],
    valid: Callable[[int], np.ndarray],
    *,
    n_rows: int,
    n_outputs: int,
) -> np.ndarray:
    """Mean prediction for each row, of shape (n_rows, n_outputs), nan where no fold has it.

    Parameters
    ----------
    parts : iterable of (int, Path)
        Each fold, or ``WHOLE``, with the file of its predictions.
    valid : callable
        Called with a fold; returns its validation rows.
    n_rows, n_outputs : int
    """
    total = np.zeros((n_rows, n_outputs), dtype=np.float32)
    seen = np.zeros(n_rows, dtype=np.float32)
    for fold, path in parts:
        rows = slice(None) if fold == WHOLE else valid(fold)
        total[rows] += np.load(path)
        seen[rows] += 1
    with np.errstate(invalid="ignore"):
        total /= seen[:, None]
    return total


def score_trial(
    task: ScoreTask, data: Sequence[Mapping[str, np.ndarray]], channel: Channel
) -> Scored:
    """Put the predictions of the folds together, keep them, and score them as a whole.

    Parameters
    ----------
    task : ScoreTask
    data : sequence of one mapping
        The target with its folds (``y``, ``valid_0``, ..., perhaps ``weight``).
    channel : Channel

    Returns
    -------
    Scored

    Raises
    ------
    MetricError
        If the metric fails.
    """
    (target,) = data
    y, weight = target["y"], target.get("weight")
    total = join_predictions(
        task.parts, lambda f: target[f"valid_{f}"], n_rows=len(y), n_outputs=task.n_outputs
    )
    np.save(task.out, total)
    covered = ~np.isnan(total[:, 0])
    if not covered.all():
        y, total = y[covered], total[covered]
        weight = None if weight is None else weight[covered]
    metric = Metric.from_payload(task.metric)
    started = time.perf_counter()
    score = metric.score(y, total, weight)
    return Scored(score, time.perf_counter() - started)
