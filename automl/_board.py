"""The leaderboard of a run, as rows of plain values."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from automl.ensemble import Winner
from automl.search import Search, Trial


def leaderboard(search: Search, done: Sequence[Trial], winner: Winner) -> list[dict[str, Any]]:
    """All trials and the ensemble, the best first, those without a score last.

    Parameters
    ----------
    search : Search
    done : sequence of Trial
        Those that could win.
    winner : Winner
        With a weight for each of them.

    Returns
    -------
    list of dict
    """
    shares = {t.name: float(w) for t, w in zip(done, winner.weights, strict=True)}
    rows = [t.summary() | {"weight": shares.get(t.name, 0.0)} for t in search.trials]
    metric = search.plan.metric
    if math.isfinite(winner.ensemble_loss):
        row = _ensemble_row(winner, shares, metric.loss(winner.ensemble_loss))
        rows.append(row | {"folds": search.trials[0].n_folds})
    for row in rows:
        row["winner"] = row["name"] == winner.name

    def order(row: Mapping[str, Any]) -> tuple[bool, bool, float]:
        complete = row["state"] == "complete" or row["winner"]
        value = metric.loss(row["score"]) if complete else 0.0
        return not complete, not row["winner"], math.inf if math.isnan(value) else value

    return sorted(rows, key=order)


def _ensemble_row(winner: Winner, shares: Mapping[str, float], score: float) -> dict[str, Any]:
    won = winner.name == "ensemble"
    return {
        "name": "ensemble",
        "family": "ensemble",
        "state": "complete",
        "score": winner.score if won else score,
        "seconds": 0.0,
        "cpu_seconds": 0.0,
        "share": 1.0,
        "device": "",
        "reason": "",
        "params": {n: round(w, 4) for n, w in shares.items() if w > 0} if won else {},
        "weight": 0.0,
    }
