"""The last jobs of a run, in a worker as the metric may be the user's own code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from automl.ensemble._adjust import Adjustment, adjustments
from automl.ensemble._candidate import Candidate
from automl.ensemble._choose import choose
from automl.objective import MOST_ROWS, Metric, bootstrap_interval, loss_of

CHOOSE_WINNER = f"{__name__}:choose_winner"
SCORE_INTERVAL = f"{__name__}:score_interval"

RESAMPLES = (40, 200)
"""Of the bootstrap: fewer for a slow metric, and no interval if even these take too long."""

JACKKNIFE = 40
"""Calls of the metric that the interval needs beside its resamples."""


@dataclass(frozen=True)
class ChooseTask:
    """What a worker must know to choose the winner.

    Parameters
    ----------
    metric : bytes
        The metric by value.
    names : tuple of str
        Of the candidates,
    losses : tuple of float
        their losses,
    predictions : tuple of Path
        and the files of their out-of-fold predictions for all rows.
    out : Path
        Where the predictions of the choice go, for the rows that count.
    ensemble : bool
        Whether an ensemble may win.
    seconds : float, optional
        ``None`` where the same must be chosen every time.
    seed : int
    """

    metric: bytes
    names: tuple[str, ...]
    losses: tuple[float, ...]
    predictions: tuple[Path, ...]
    out: Path
    ensemble: bool
    seconds: float | None
    seed: int


@dataclass(frozen=True)
class Winner:
    """What was chosen.

    Parameters
    ----------
    name : str
        Of the candidate, or ``"ensemble"``.
    weights : ndarray of shape (n_candidates,)
    score : float
        Without the flattery of having been chosen on the rows that score it.
    ensemble_loss : float
        Infinite if no ensemble was considered.
    adjustment : Calibration or Decision, optional
        What is done to predictions, or to choose labels.
    """

    name: str
    weights: np.ndarray
    score: float
    ensemble_loss: float = float("inf")
    adjustment: Adjustment | None = None


def choose_winner(
    task: ChooseTask, data: Sequence[Mapping[str, np.ndarray]], channel: Any
) -> Winner:
    """Choose between the candidates and their ensemble, and score the choice.

    Parameters
    ----------
    task : ChooseTask
    data : sequence of two mappings
        The target (``y``, perhaps ``weight``), and ``rows`` that count with their ``parts``.
    channel : Channel

    Returns
    -------
    Winner

    Raises
    ------
    MetricError
        If the metric fails on all rows.
    """
    metric = Metric.from_payload(task.metric)
    y, weight, rows = _counting(data)
    candidates = [
        Candidate(name, _load(path, rows, len(data[0]["y"])), loss)
        for name, path, loss in zip(task.names, task.predictions, task.losses, strict=True)
    ]

    choice = choose(
        candidates,
        loss_of(metric.at_best(), y, weight),
        data[1]["parts"],
        ensemble=task.ensemble,
        adjustments=adjustments(metric, y, weight, candidates[0].predictions, task.seconds),
        seconds=task.seconds,
        seed=task.seed,
    )
    np.save(task.out, choice.predictions)
    score = metric.score(y, choice.predictions, weight)
    return Winner(choice.name, choice.weights, score, choice.ensemble_loss, choice.adjustment)


@dataclass(frozen=True)
class IntervalTask:
    """What a worker must know to give the interval of a score.

    Parameters
    ----------
    metric : bytes
        The metric by value.
    predictions : Path
        For the rows that count.
    seconds : float, optional
        ``None`` where the same must come out every time.
    seconds_per_call : float
        Of the metric on all rows.
    seed : int
    """

    metric: bytes
    predictions: Path
    seconds: float | None
    seconds_per_call: float
    seed: int


def score_interval(
    task: IntervalTask, data: Sequence[Mapping[str, np.ndarray]], channel: Any
) -> tuple[float, float]:
    """Bootstrap the score of the winner.

    Parameters
    ----------
    task : IntervalTask
    data : sequence of two mappings
        The target, and ``rows`` that count, perhaps with their ``groups`` as numbers.
    channel : Channel

    Returns
    -------
    tuple of float
        Both nan where the metric is too slow for the seconds there are.
    """
    y, weight, _ = _counting(data)
    part = min(1.0, MOST_ROWS / len(y))  # of the rows that each resample looks at
    jackknife, calls = (JACKKNIFE if part == 1 else 1 / part), float(RESAMPLES[1])
    if task.seconds is not None:
        calls = task.seconds / (part * task.seconds_per_call + 1e-9) - jackknife
    if calls < RESAMPLES[0]:
        return float("nan"), float("nan")
    return bootstrap_interval(
        Metric.from_payload(task.metric),
        y,
        np.load(task.predictions),
        sample_weight=weight,
        groups=data[1].get("groups"),
        n_resamples=int(min(calls, RESAMPLES[1])),
        random_state=task.seed,
    )


def _counting(
    data: Sequence[Mapping[str, np.ndarray]],
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    """Target and weight of the rows that count, and which these are."""
    target, final = data
    rows = final["rows"]
    weight = target.get("weight")
    if len(rows) == len(target["y"]):
        return target["y"], weight, rows
    return target["y"][rows], None if weight is None else weight[rows], rows


def _load(path: Path, rows: np.ndarray, n_rows: int) -> np.ndarray:
    predictions = np.load(path, mmap_mode="r")
    return np.asarray(predictions if len(rows) == n_rows else predictions[rows])
