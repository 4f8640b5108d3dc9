"""Small models that tell old rows from new, or whether the labels can be learned at all."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from automl.exceptions import DataError
from automl.families import quick_predictions
from automl.objective import Metric, get_metric, make_splits, weighted_median
from automl.table import Column, Role, Schema, Target, explained, target_scores

MOST_ROWS = 5000
"""Of each kind, drawn at random: more would make the answer no clearer."""

FOLDS = 3

LESS_LEFT = 4.0
"""A column that explains the target is a leak only if it leaves so many times less unexplained
than before: what always was a good column is none."""

LEAST_OTHERS = 5
"""Rows of other classes than the most frequent one, with fewer of which anything explains them."""

SURE_ROWS, SHUFFLES, CHANCE = 1000, 20, 0.5
"""Below so many rows a column of many categories explains much of any target. It is no leak if it
explains so large a share of what it does after some shuffle of the target, too."""


def telling_apart(
    old: Mapping[str, np.ndarray], new: Mapping[str, np.ndarray], seed: int
) -> tuple[float, float]:
    """Let a classifier tell old rows from new ones.

    Parameters
    ----------
    old, new : mapping of str to ndarray
        Typed columns; those in both are looked at.
    seed : int

    Returns
    -------
    auc : float
        Cross-validated: 0.5 where nothing tells them apart.
    chance : float
        What it hardly exceeds by chance.
    """
    names = [name for name in new if name in old]
    rng = np.random.default_rng(seed)
    parts = []
    for table in (old, new):
        matrix = np.column_stack([np.asarray(table[n], dtype=np.float64) for n in names])
        parts.append(matrix[np.sort(rng.permutation(len(matrix))[:MOST_ROWS])])
    y = np.repeat([0, 1], [len(part) for part in parts])
    predictions = _out_of_fold(np.vstack(parts), y, "binary", 2, seed)
    auc = get_metric("roc_auc", task="binary").score(y, predictions)
    n_old, n_new = (len(part) for part in parts)
    spread = ((n_old + n_new + 1) / (12 * n_old * n_new)) ** 0.5
    return auc, 0.5 + 3 * float(spread)


def learnable(
    columns: Mapping[str, np.ndarray],
    y: np.ndarray,
    target: Target,
    metric: Metric,
    *,
    sample_weight: np.ndarray | None = None,
    seed: int = 0,
) -> tuple[float, float]:
    """Let a small model learn the target from the new rows alone.

    Parameters
    ----------
    columns : mapping of str to ndarray
    y : ndarray of shape (n_rows,)
        Encoded.
    target : Target
    metric : Metric
    sample_weight : ndarray of shape (n_rows,), optional
    seed : int

    Returns
    -------
    score : float
        Cross-validated, on at most 5,000 rows.
    baseline : float
        That of a constant.
    """
    rows = np.sort(np.random.default_rng(seed).permutation(len(y))[:MOST_ROWS])
    matrix = np.column_stack([np.asarray(v, dtype=np.float64)[rows] for v in columns.values()])
    y, n_classes = y[rows], 0 if target.classes is None else len(target.classes)
    w = None if sample_weight is None else sample_weight[rows]
    predictions = _out_of_fold(matrix, y, target.task, n_classes, seed, w)
    return metric.score(y, predictions, w), constant_score(metric, y, target, w)


def constant_score(
    metric: Metric, y: np.ndarray, target: Target, sample_weight: np.ndarray | None = None
) -> float:
    """Return the score of the best constant: class shares, or the better of mean and median.

    Parameters
    ----------
    metric : Metric
    y : ndarray of shape (n_rows,)
    target : Target
    sample_weight : ndarray of shape (n_rows,), optional

    Examples
    --------
    >>> y, amounts = np.array([0.0, 0.0, 9.0]), Target("regression", "y", None)
    >>> mae = get_metric("mae", task="regression")
    >>> constant_score(mae, y, amounts), constant_score(mae, y, amounts, np.array([1, 1, 8]))
    (3.0, 1.8)
    """
    w = sample_weight
    if w is not None and not w.any():
        return math.nan
    if target.classes is None:
        guesses = [np.array([np.average(y, weights=w)]), np.array([weighted_median(y, w)])]
    else:
        counts = np.bincount(y, weights=w, minlength=len(target.classes))
        shares = counts / counts.sum()
        guesses = [shares[1:] if target.task == "binary" else shares]
    scores = [metric.score(y, np.tile(guess, (len(y), 1)), w) for guess in guesses]
    best = scores[0]
    for score in scores[1:]:
        best = score if metric.is_better(score, best) else best
    return best


def leaks(
    frame: pd.DataFrame, y: np.ndarray, target: Target, before: Mapping[str, float]
) -> list[tuple[float, float, str, str]]:
    """Find columns that explain the target by themselves, and did not before.

    Columns are read as the new rows suggest and not as they were: a target may have taken the
    place of anything.

    Parameters
    ----------
    frame : DataFrame
    y : ndarray of shape (n_rows,)
    target : Target
    before : mapping of str to float
        What each column explained in the champion's training data.

    Returns
    -------
    list of (value, threshold, column, message)
    """
    rows = np.linspace(0, len(y) - 1, min(len(y), MOST_ROWS)).astype(np.intp)
    part, score = frame.iloc[rows].reset_index(drop=True), target_scores(y[rows], target)
    if target.classes is not None and len(y) - np.bincount(y).max() < LEAST_OTHERS:
        return []
    found = []
    for name, values, column in _read_afresh(part):
        is_category = column.role is Role.CATEGORICAL
        share, was = explained(values, score, is_category=is_category), before.get(name, 0.0)
        value = share if (1 - share) * LESS_LEFT <= 1 - was else 0.0
        if value and by_chance(values, score, is_category=is_category) > CHANCE * share:
            value = 0.0
        known = f"it explained {was:.0%}" if name in before else "the column is new"
        message = f"{name!r} alone explains {share:.0%} of the target ({known}): a leak?"
        found.append((value, 0.0, name, message))
    return found


def by_chance(values: np.ndarray, score: np.ndarray, *, is_category: bool) -> float:
    """Return the most that a column explains of the target shuffled; 0 where rows are many.

    Parameters
    ----------
    values : ndarray of shape (n_rows,)
    score : ndarray of shape (n_rows, n_outputs)
        See :func:`automl.table.explained`.
    is_category : bool

    Examples
    --------
    >>> town = np.array([f"t{i}" for i in range(38)]).argsort() % 37  # of one row, nearly all
    >>> round(by_chance(town, np.eye(2)[(np.arange(38) < 5) * 1], is_category=True), 1)
    1.0
    """
    if len(values) >= SURE_ROWS:
        return 0.0
    rng = np.random.default_rng(0)
    return max(
        explained(values, rng.permutation(score), is_category=is_category) for _ in range(SHUFFLES)
    )


def _read_afresh(frame: pd.DataFrame) -> Any:
    """Each usable column with its values as the rows themselves suggest."""
    try:
        schema = Schema.infer(frame)
    except DataError:  # no column is of use, which other checks tell
        return
    table = schema.apply(frame, fitting=True)
    for column in (c for c in schema.features if c.role is not Role.TEXT):
        yield column.name, table.columns[column.name], column
    unused: list[Column] = [c for c in schema.columns if c.role is Role.IDENTIFIER]
    for column in unused:  # a target without equal values looks like a number of the row
        values = pd.to_numeric(frame[column.name], errors="coerce").to_numpy(np.float64)
        if np.isfinite(values).any():
            yield column.name, values, column


def _out_of_fold(
    matrix: np.ndarray,
    y: np.ndarray,
    task: str,
    n_classes: int,
    seed: int,
    weight: np.ndarray | None = None,
) -> np.ndarray:
    """Predictions of a small model for rows that it was not trained on."""
    folds = make_splits(y, task=task, n_folds_hint=FOLDS, random_state=seed).folds
    found = np.zeros((len(y), n_classes if task == "multiclass" else 1))
    for fold in folds:
        train, n = fold.train, n_classes if task == "multiclass" else 0
        w = None if weight is None or not weight[train].any() else weight[train]
        found[fold.valid] = quick_predictions(
            matrix[train],
            y[train],
            matrix[fold.valid],
            task=task,
            n_classes=n,
            seed=seed,
            weight=w,
        )
    return found
