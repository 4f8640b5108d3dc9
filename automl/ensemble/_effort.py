"""What choosing the winner can look at in its time."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from automl.ensemble._candidate import Candidate
from automl.ensemble._greedy import N_STEPS
from automl.objective import Loss

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
class Effort:
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


def affordable(
    candidates: Sequence[Candidate],
    loss: Loss,
    parts: np.ndarray,
    seconds: float | None,
    seed: int,
) -> Effort:
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
        return Effort(rows, np.empty(0, dtype=np.int64), 1, seed)
    by_loss = np.argsort([c.loss for c in candidates], kind="stable")
    library = np.sort(by_loss[: max(MIN_CANDIDATES, int(seconds / cost))])
    bags = min(BAGS, int(seconds / (HALF_COST * cost * len(candidates))))
    return Effort(rows, library, bags if bags >= LEAST_BAGS else 1, seed)


def _seconds_per_row(candidate: Candidate, loss: Loss, probe: np.ndarray, seconds: float) -> float:
    """What a call of the metric takes per row, measured in a tenth of the seconds or less."""
    started, n_probes = time.perf_counter(), 0
    while n_probes < 3 and time.perf_counter() - started < seconds / 10:
        loss(probe, candidate.predictions[probe])
        n_probes += 1
    return (time.perf_counter() - started) / max(1, n_probes) / len(probe) + 1e-12


def random_halves(rows: np.ndarray, effort: Effort) -> list[np.ndarray]:
    """Random halves of the rows, none where all rows are looked at together."""
    if effort.bags == 1:
        return []
    rng = np.random.default_rng(effort.seed)
    size = max(1, len(rows) // 2)
    return [np.sort(rng.choice(rows, size, replace=False)) for _ in range(effort.bags)]
