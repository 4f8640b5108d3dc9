"""The winner: the best single configuration or the ensemble, by the declared metric."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from automl.ensemble._greedy import N_STEPS, greedy_weights

MIN_ROWS = 2000
"""Selection never looks at fewer rows than this, where there are as many."""

MIN_CANDIDATES = 4
MAX_PARTS = 5

BAGS, LEAST_BAGS = 8, 4
"""Ensembles are selected on so many random halves of the rows and averaged, where there is time
for it: a single selection follows the noise of a small table."""

HALF_COST = 0.7
"""What a call of the metric takes on half of few rows, compared with all of them."""

USUAL_SECONDS, USUAL_CALL, USUAL_ROW = 3.0, 2e-4, 1e-7
"""What a selection may take, a call of the metric, and a row of it, where no clock is asked."""


@dataclass(frozen=True)
class Candidate:
    """A finished configuration with its out-of-fold predictions.

    Parameters
    ----------
    name : str
    predictions : ndarray of shape (n_rows, n_outputs)
    loss : float
    """

    name: str
    predictions: np.ndarray
    loss: float


@dataclass(frozen=True)
class Choice:
    """What won.

    Parameters
    ----------
    name : str
        Name of the candidate, or ``"ensemble"``.
    weights : ndarray of shape (n_candidates,)
        Shares of the candidates in it.
    predictions : ndarray of shape (n_rows, n_outputs)
        Predictions for each row by the choice that was made without the row's own part, so that
        their score is not flattered by the choosing.
    ensemble_loss : float
        Loss of the ensemble in the same sense; infinite if none was considered.
    """

    name: str
    weights: np.ndarray
    predictions: np.ndarray
    ensemble_loss: float


def choose(
    candidates: Sequence[Candidate],
    loss: Callable[[np.ndarray, np.ndarray], float],
    parts: np.ndarray,
    *,
    ensemble: bool = True,
    seconds: float | None = 1.0,
    seed: int = 0,
) -> Choice:
    """Choose between the best candidate and a greedy ensemble of all.

    Both choices are cross-fitted: made on all parts but one and scored on that one, in turn. The
    better one is then made again on all rows.

    Parameters
    ----------
    candidates : sequence of Candidate
        At least one.
    loss : callable
        Called with (rows, predictions of those rows).
    parts : ndarray of int of shape (n_rows,)
        The part (fold) of each row.
    ensemble : bool
        Whether an ensemble may win.
    seconds : float, optional
        Time that the selection may take, kept by looking at fewer rows, then at fewer
        candidates; where the metric is too slow even for that, the best candidate wins. ``None``
        where the same must be chosen every time: no clock is asked then.
    seed : int

    Returns
    -------
    Choice
    """
    everything = np.arange(len(parts))
    if len(candidates) == 1:
        only = candidates[0]
        return Choice(only.name, np.ones(1), only.predictions, float("inf"))
    single = least([c.loss for c in candidates])
    parts = parts % MAX_PARTS
    effort = _affordable(candidates, loss, parts, seconds, seed)
    rows = effort.rows
    if not len(effort.library):  # not even comparing the best few can be paid for
        return Choice(
            candidates[single].name,
            np.eye(len(candidates))[single],
            candidates[single].predictions,
            float("inf"),
        )
    pick_ensemble = _selection(effort)
    kinds = {"single": _pick_single, "ensemble": pick_ensemble}
    honest: dict[str, np.ndarray] = {}
    for kind, pick in kinds.items():
        if kind == "ensemble" and not ensemble:
            continue
        honest[kind] = np.empty_like(candidates[0].predictions, dtype=np.float64)
        for part in np.unique(parts):
            weights = pick(candidates, loss, rows[parts[rows] != part])
            inside = parts == part
            honest[kind][inside] = blend([c.predictions[inside] for c in candidates], weights)
    losses = {kind: loss(everything, p) for kind, p in honest.items()}
    if losses.get("ensemble", float("inf")) < losses["single"]:
        weights = pick_ensemble(candidates, loss, rows)
        if (weights > 0).sum() > 1:
            return Choice("ensemble", weights, honest["ensemble"], losses["ensemble"])
        single = int(np.argmax(weights))
    return Choice(
        candidates[single].name,
        np.eye(len(candidates))[single],
        honest["single"],
        losses.get("ensemble", float("inf")),
    )


def blend(predictions: Sequence[np.ndarray], weights: np.ndarray) -> np.ndarray:
    """Weighted mean of predictions.

    Examples
    --------
    >>> blend([np.zeros((1, 1)), np.ones((1, 1))], np.array([0.25, 0.75])).tolist()
    [[0.75]]
    """
    total = np.zeros(predictions[0].shape, dtype=np.float64)
    for p, w in zip(predictions, weights, strict=True):
        if w > 0:
            total += w * p
    return total


Loss = Callable[[np.ndarray, np.ndarray], float]


def _pick_single(candidates: Sequence[Candidate], loss: Loss, rows: np.ndarray) -> np.ndarray:
    losses = [loss(rows, c.predictions[rows]) for c in candidates]
    if not np.isfinite(losses).any():  # one class only in these rows, for instance
        losses = [c.loss for c in candidates]
    return np.asarray(np.eye(len(candidates))[least(losses)])


def least(losses: Sequence[float]) -> int:
    """Position of the smallest loss; one that is undefined is never the smallest."""
    return int(np.argmin(np.where(np.isnan(losses), np.inf, losses)))


@dataclass(frozen=True)
class _Effort:
    """What the selection can look at in its time.

    Parameters
    ----------
    rows : ndarray of int
    library : ndarray of int
        Numbers of candidates; empty if not even a few can be compared.
    bags : int
        Random halves of the rows to select on; 1 for all rows at once.
    seed : int
    """

    rows: np.ndarray
    library: np.ndarray
    bags: int
    seed: int


def _selection(
    effort: _Effort,
) -> Callable[[Sequence[Candidate], Loss, np.ndarray], np.ndarray]:
    """Ensemble selection among the candidates of the library."""

    def pick_on(candidates: Sequence[Candidate], loss: Loss, rows: np.ndarray) -> np.ndarray:
        return greedy_weights(
            [candidates[i].predictions[rows] for i in effort.library], lambda p: loss(rows, p)
        )

    def pick(candidates: Sequence[Candidate], loss: Loss, rows: np.ndarray) -> np.ndarray:
        first = candidates[effort.library[0]].predictions
        halves = [h for h in _halves(rows, effort) if np.isfinite(loss(h, first[h]))]
        weights = np.zeros(len(candidates))
        found = [pick_on(candidates, loss, h) for h in halves or [rows]]
        weights[effort.library] = np.mean(found, axis=0)
        return weights

    return pick


def _halves(rows: np.ndarray, effort: _Effort) -> list[np.ndarray]:
    """Random halves of the rows, none where all rows are looked at together."""
    if effort.bags == 1:
        return []
    rng = np.random.default_rng(effort.seed)
    size = max(1, len(rows) // 2)
    return [np.sort(rng.choice(rows, size, replace=False)) for _ in range(effort.bags)]


def _affordable(
    candidates: Sequence[Candidate],
    loss: Loss,
    parts: np.ndarray,
    seconds: float | None,
    seed: int,
) -> _Effort:
    """Random rows, and the best candidates, that the selection can look at in its time.

    No candidates at all if it could not look at the best four in twice its time.
    """
    order = np.random.default_rng(seed).permutation(len(parts))
    if seconds is None:
        seconds, per_row = USUAL_SECONDS, USUAL_ROW + USUAL_CALL / len(parts)
    else:
        per_row = _seconds_per_row(candidates[0], loss, np.sort(order[:MIN_ROWS]), seconds)
    calls = (N_STEPS + 1) * (len(np.unique(parts)) + 1)
    n_rows = max(MIN_ROWS, int(seconds / (per_row * calls * len(candidates))))
    cost = per_row * calls * min(n_rows, len(parts))  # of selecting from one candidate
    rows = np.sort(order[:n_rows])
    if cost * min(MIN_CANDIDATES, len(candidates)) > 2 * seconds:
        return _Effort(rows, np.empty(0, dtype=np.int64), 1, seed)
    by_loss = np.argsort([c.loss for c in candidates], kind="stable")
    library = np.sort(by_loss[: max(MIN_CANDIDATES, int(seconds / cost))])
    bags = min(BAGS, int(seconds / (HALF_COST * cost * len(candidates))))
    return _Effort(rows, library, bags if bags >= LEAST_BAGS else 1, seed)


def _seconds_per_row(candidate: Candidate, loss: Loss, probe: np.ndarray, seconds: float) -> float:
    """What a call of the metric takes per row, measured in a tenth of the seconds or less."""
    started, n_probes = time.perf_counter(), 0
    while n_probes < 3 and time.perf_counter() - started < seconds / 10:
        loss(probe, candidate.predictions[probe])
        n_probes += 1
    return (time.perf_counter() - started) / max(1, n_probes) / len(probe) + 1e-12
