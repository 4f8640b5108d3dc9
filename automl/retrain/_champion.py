"""The model in service, with what is known of it."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from automl._job import problem_of
from automl.artifact import load_bytes
from automl.compute import resolve_n_jobs
from automl.ensemble import Predictor
from automl.exceptions import UsageError
from automl.families import Problem
from automl.objective import Metric, get_metric
from automl.registry import Version
from automl.retrain._batch import Batch
from automl.retrain._times import ORDERED
from automl.table import Column, Profile


@dataclass(frozen=True)
class Expected:
    """What the champion should score on new rows.

    Parameters
    ----------
    score : float
    interval : (float, float)
    baseline : float
        Score of a constant on the same rows.
    """

    score: float
    interval: tuple[float, float]
    baseline: float


@dataclass(frozen=True)
class Champion:
    """The model in service.

    Parameters
    ----------
    name : str
        How messages call it.
    content : bytes
        The saved model.
    predictor : Predictor
    manifest : mapping
        Of the saved model.
    metric : Metric
    version : Version, optional
        Where it lies in a registry.
    earlier : tuple of mapping
        Manifests of all versions of the registry, the newest first.
    n_jobs : int, optional
        Cores to predict with.
    """

    name: str
    content: bytes
    predictor: Predictor
    manifest: Mapping[str, Any]
    metric: Metric
    version: Version | None = None
    earlier: tuple[Mapping[str, Any], ...] = ()
    n_jobs: int | None = -1

    @classmethod
    def read(
        cls,
        content: bytes,
        name: str,
        *,
        metric: Any = None,
        version: Version | None = None,
        earlier: tuple[Mapping[str, Any], ...] = (),
    ) -> "Champion":
        """Open a saved model.

        Parameters
        ----------
        content : bytes
        name : str
        metric : str or callable, optional
            Instead of the one that it was chosen by.
        version : Version, optional
        earlier : tuple of mapping, optional

        Raises
        ------
        ArtifactError
            If the model is damaged.
        UsageError
            If its metric was a function that can't be found here.
        """
        predictor, manifest = load_bytes(content, name)
        found = _metric(predictor, manifest, metric)
        return cls(name, content, predictor, manifest, found, version, earlier)

    @cached_property
    def profile(self) -> Profile | None:
        """What its training data looked like; none in a model saved before there were profiles."""
        state = self.manifest.get("profile")
        return None if state is None else Profile.from_dict(state)

    @property
    def target(self) -> str:
        """Name of the target's column."""
        return self.predictor.target.name

    def problem(self, y: Any) -> Problem:
        """What families are told of a table with its columns and this target."""
        predictor = self.predictor
        target = predictor.target
        return problem_of(predictor.schema, target, target.encode(y), self.metric)

    @property
    def weights(self) -> str | None:
        """Name of the column of weights that it was fitted with, if it was, and knows the name."""
        name = self.manifest.get("weights")
        return name if isinstance(name, str) else None

    @cached_property
    def expected(self) -> Expected:
        """What it scored where it was chosen: on recent rows, if it comes from a retraining.

        All nan if that was by another metric.
        """
        decision = {} if self.version is None else self.version.manifest.get("decision") or {}
        stored, name = decision.get("expected"), decision.get("metric")
        if not stored or name != self.metric.name:
            name, stored = (
                self.manifest["metric"]["name"],
                {
                    "score": self.manifest.get("score"),
                    "interval": self.manifest.get("score_interval"),
                    "baseline": self.manifest.get("baseline"),
                },
            )
        if name != self.metric.name:  # of another unit
            return Expected(math.nan, (math.nan, math.nan), math.nan)
        score, low, high, baseline = (
            math.nan if v is None else float(v)
            for v in (stored["score"], *(stored["interval"] or (None, None)), stored["baseline"])
        )
        return Expected(score, (low, high), baseline)

    def time_column(self, name: str) -> Column | None:
        """How it reads the time, or how the job did from which it comes."""
        for feature in self.predictor.schema.features:
            if feature.name == name and feature.role in ORDERED:
                return feature
        lineage = {} if self.version is None else self.version.manifest.get("lineage", {})
        stored = lineage.get("time")
        column = None if stored is None else Column.from_dict(stored)
        return column if column is not None and column.name == name else None

    def batches(self) -> Iterator[Mapping[str, Any]]:
        """The fingerprints of the new data of earlier retrainings, the newest first."""
        for manifest in self.earlier:
            data = manifest.get("lineage", {}).get("data")
            if isinstance(data, Mapping) and "sha256" in data:
                yield data

    def describe(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "name": self.name,
            "version": None if self.version is None else self.version.number,
            "winner": self.manifest.get("winner"),
            "n_rows": self.manifest.get("n_rows"),
            "created": self.manifest.get("created"),
        }


def predictions_for(
    metric: Metric, predictor: Predictor, batch: Batch, *, n_jobs: int | None = -1
) -> np.ndarray:
    """Return what a metric sees of a model: where it looks at labels, those decided for.

    Parameters
    ----------
    metric : Metric
    predictor : Predictor
    batch : Batch
    n_jobs : int, optional

    Returns
    -------
    ndarray of shape (n_rows, n_outputs)
    """
    frame = batch.shown_to(predictor.schema)
    raw = predictor.predict_raw(frame, n_threads=resolve_n_jobs(n_jobs))
    return predictor.decided(raw) if metric.needs == "label" else raw


def skill(metric: Metric, score: float, baseline: float) -> float:
    """Return how much of the way from a constant to perfection a score is; nan if unknown.

    Where the metric has no best value, the way is as long as the constant's loss.

    Examples
    --------
    >>> skill(get_metric("roc_auc", task="binary"), 0.9, 0.5)
    0.8
    >>> skill(get_metric("rmse", task="regression"), 3.0, 4.0)
    0.25
    """
    worst, best = metric.loss(baseline), metric.loss(metric.optimum)
    way = worst - best if math.isfinite(best) else abs(worst)
    return (worst - metric.loss(score)) / way if way > 0 else math.nan


def _metric(predictor: Predictor, manifest: Mapping[str, Any], wanted: Any) -> Metric:
    target = predictor.target
    name = manifest["metric"]["name"] if wanted is None else wanted
    try:
        return get_metric(
            name,
            task=target.task,
            classes=target.classes,
            positive_label=manifest.get("positive_label"),
        )
    except UsageError as error:
        if wanted is not None:
            raise
        raise UsageError(
            f"The champion was chosen by the metric {name!r}, which can't be found here: {error} "
            "Name the metric (metric)."
        ) from error
