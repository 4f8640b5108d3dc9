"""A saved model as an estimator again."""

import logging
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from automl._spec import FitResult
from automl.artifact import load_bytes
from automl.ensemble import Predictor
from automl.exceptions import UsageError
from automl.model import AutoClassifier, AutoModel, AutoRegressor
from automl.objective import Metric, get_metric
from automl.registry import read_model

logger = logging.getLogger("automl")


def load(path: str | Path) -> AutoModel:
    """Load a saved model.

    Parameters
    ----------
    path : str or Path
        The file, the folder of a run, or a registry: then the version that serves.

    Returns
    -------
    AutoModel
        Fitted, with ``score_``, ``score_interval_`` and ``winner_`` as they were saved; an
        :class:`AutoClassifier` or :class:`AutoRegressor`, by its task.

    Raises
    ------
    ArtifactError
        If the file is missing, damaged, was changed, or is of a newer format.
    """
    predictor, manifest = load_bytes(read_model(path), str(path))
    return _restore(predictor, manifest)


def _restore(predictor: Predictor, manifest: Mapping[str, Any]) -> AutoModel:
    make = AutoRegressor if predictor.target.classes is None else AutoClassifier
    model = make(metric=manifest["metric"]["name"], random_state=manifest["seed"])
    interval = manifest.get("score_interval") or (float("nan"), float("nan"))
    summary = {
        "score": math.nan if manifest["score"] is None else manifest["score"],
        "score_interval": interval,
        "winner": manifest["winner"],
    }
    model._take(FitResult(predictor, manifest, [], _metric_of(predictor, manifest), summary))
    names = predictor.schema.names
    model.n_features_in_ = len(names)
    model.feature_names_in_ = np.asarray(names, dtype=object)
    return model


def _metric_of(predictor: Predictor, manifest: Mapping[str, Any]) -> Metric:
    """The declared metric; the task's default where it was a function that can't be found."""
    task, classes = predictor.target.task, predictor.target.classes
    name = manifest["metric"]["name"]
    try:
        return get_metric(
            name, task=task, classes=classes, positive_label=manifest["positive_label"]
        )
    except UsageError as e:
        metric = get_metric(task=task, classes=classes)
        logger.warning("The metric %s can't be found (%s); using %s.", name, e, metric.name)
        return metric
