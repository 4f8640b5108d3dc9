"""A challenger: a trained model, and how it does against the champion on the recent rows."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from automl._spec import FitResult
from automl.exceptions import DataError
from automl.objective import bootstrap_interval
from automl.retrain._batch import Batch
from automl.retrain._champion import Champion, predictions_for
from automl.retrain._compare import Comparison, Demands, compare_slices, judge, paired
from automl.retrain._probe import constant_score
from automl.retrain._recipe import Recipe
from automl.retrain._service import saved

CALLS = 5
"""Predictions of one row whose median is its latency; one more before them loads the model."""

BOOTSTRAP_CALLS = 250
"""Of the metric, that the interval of one score takes."""


@dataclass(frozen=True)
class Challenger:
    """A trained model and how it compared.

    Parameters
    ----------
    kind : {"refit", "search"}
    fit : FitResult
    recipe : Recipe
        By which it can be made again.
    comparison : Comparison
    expected : mapping
        What it should score on new rows, if it comes to serve.
    """

    kind: str
    fit: FitResult
    recipe: Recipe
    comparison: Comparison
    expected: Mapping[str, Any]

    def describe(self) -> dict[str, Any]:
        """As JSON values."""
        manifest = self.fit.manifest
        return {
            "kind": self.kind,
            "winner": manifest["winner"],
            "n_rows": manifest["n_rows"],
            "score": self.comparison.overall.challenger,
        }

    def lineage(self, model: FitResult, how: str) -> dict[str, Any]:
        """What its version says of where the model comes from.

        Parameters
        ----------
        model : FitResult
            That will lie in the registry.
        how : str
            How that was made.
        """
        return {
            "mode": self.kind,
            "model": how,
            "configuration": model.manifest.get("config"),
            "seed": model.manifest.get("seed"),
            "scores": {
                "cross_validated": model.manifest.get("score"),
                "recent_rows": self.comparison.overall.challenger,
            },
        }

    def record(self, decision: str, metric: str) -> dict[str, Any]:
        """What its version says of the decision."""
        return {
            "decision": decision,
            "reason": self.comparison.reason,
            "metric": metric,
            "comparison": self.comparison.overall.to_dict(),
            "slices": self.slices,
            "expected": dict(self.expected),
        }

    @property
    def slices(self) -> dict[str, Any]:
        """The comparisons on slices as JSON values."""
        return {name: one.to_dict() for name, one in self.comparison.slices.items()}


def compare(
    champion: Champion,
    fit: FitResult,
    recent: Batch,
    demands: Demands,
    *,
    slices: Sequence[str] = (),
    seed: int = 0,
    seconds: float | None = None,
) -> tuple[Comparison, dict[str, Any]]:
    """Compare on the recent rows, which neither model was trained on.

    Parameters
    ----------
    champion : Champion
    fit : FitResult
    recent : Batch
    demands : Demands
    slices : sequence of str
    seed : int
    seconds : float, optional
        That it may take: where the metric is slow, there are fewer resamples.

    Returns
    -------
    Comparison
    dict
        What the challenger should score on new rows.

    Raises
    ------
    DataError
        If the challenger does not know the champion's classes.
    """
    metric, target = champion.metric, champion.predictor.target
    if fit.predictor.target.to_dict() != target.to_dict():
        raise DataError(
            f"The rows to train on do not have all classes of {target.name!r}: give more of "
            "the old data, or a wider window."
        )
    y, w = target.encode(recent.y), recent.weights
    old, new = (
        predictions_for(metric, p, recent, n_jobs=champion.n_jobs)
        for p in (champion.predictor, fit.predictor)
    )
    began = time.monotonic()
    baseline = constant_score(metric, y, target, w)
    cost, third = time.monotonic() - began, None if seconds is None else seconds / 3
    overall = paired(metric, y, old, new, sample_weight=w, seed=seed, seconds=third)
    by_slice = compare_slices(
        metric, y, (old, new), recent.frame, slices, sample_weight=w, seed=seed, seconds=third
    )
    comparison = judge(metric, overall, baseline, by_slice, demands)
    broken = broken_limit(fit, recent, demands) if comparison.promote else ""
    if broken:
        comparison = replace(comparison, promote=False, reason=broken)
    interval = (math.nan, math.nan)
    if third is None or cost * BOOTSTRAP_CALLS <= third:
        interval = bootstrap_interval(metric, y, new, sample_weight=w, random_state=seed)
    return comparison, {
        "score": overall.challenger,
        "interval": list(interval),
        "baseline": baseline,
        "n_rows": len(y),
    }


def broken_limit(fit: FitResult, recent: Batch, demands: Demands) -> str:
    """Return which of the declared limits a model breaks, empty if none.

    Parameters
    ----------
    fit : FitResult
    recent : Batch
        Of which a row is predicted.
    demands : Demands
    """
    if demands.max_bytes is not None:
        size = len(saved(fit.predictor, fit.manifest))
        if size > demands.max_bytes:
            return f"the challenger has {size:,} bytes; {demands.max_bytes:,} are allowed"
    if demands.max_latency is not None:
        taken = _latency(fit, recent)
        if taken > demands.max_latency:
            return (
                f"the challenger takes {1000 * taken:.2g} ms to predict a row; "
                f"{1000 * demands.max_latency:g} are allowed"
            )
    return ""


def _latency(fit: FitResult, recent: Batch) -> float:
    """Median seconds to predict one row."""
    row, taken = recent.frame.head(1), []
    for _ in range(CALLS + 1):
        began = time.perf_counter()
        fit.predictor.predict_raw(row)
        taken.append(time.perf_counter() - began)
    return float(np.median(taken[1:]))
