"""Takes over the splits of the user's splitter or list, after checking each."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from automl.exceptions import UsageError
from automl.objective._splits import Split, Splits
from automl.objective._types import Array, Codes


def user_splits(cv: Any, y: Array, groups: Array | None) -> Splits:
    """Collect and check the splits of a splitter or of an iterable of pairs."""
    is_splitter = hasattr(cv, "split")
    name = f"splitter {type(cv).__name__}" if is_splitter else "splits"
    folds = tuple(
        _checked(pair, number, len(y)) for number, pair in enumerate(_pairs(cv, y, groups, name))
    )
    if not folds:
        raise UsageError(f"cv: the {name} gave no split; at least one is needed")
    return Splits(folds, f"user's {name}, {len(folds)} folds", random=False)


def _pairs(cv: Any, y: Array, groups: Array | None, name: str) -> list[Any]:
    if isinstance(cv, type):
        raise UsageError(f"cv is the class {cv.__name__}; pass an instance: {cv.__name__}(...)")
    if not hasattr(cv, "split") and not isinstance(cv, Iterable):
        raise UsageError(
            f"cv is {cv!r}; use 'auto', a number of folds, a splitter of scikit-learn or a "
            "list of (train, valid) row numbers"
        )
    try:
        if hasattr(cv, "split"):
            # Splitters look at the number of rows of X only.
            return list(cv.split(np.zeros((len(y), 1)), y, groups))
        return list(cv)
    except (TypeError, ValueError) as error:
        raise UsageError(f"cv: the {name} can't split these {len(y)} rows: {error}") from error


def _checked(pair: Any, number: int, n_rows: int) -> Split:
    try:
        train, valid = pair
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"cv: split {number} is {pair!r}; it must be a pair (train, valid) of row numbers"
        ) from error
    split = Split(
        _rows(train, f"the training part of split {number}", n_rows),
        _rows(valid, f"the validation part of split {number}", n_rows),
    )
    if len(np.unique(split.valid)) < len(split.valid):
        raise UsageError(f"cv: the validation part of split {number} holds a row twice")
    both = np.intersect1d(split.train, split.valid)
    if both.size:
        raise UsageError(
            f"cv: {both.size} rows of split {number} are in both parts, row {both[0]} is the "
            "first; a score is honest only on rows that were not trained on"
        )
    return split


def _rows(part: Any, where: str, n_rows: int) -> Codes:
    rows = np.asarray(part)
    if rows.dtype == np.bool_ and rows.shape == (n_rows,):
        rows = np.flatnonzero(rows)
    if rows.size == 0:
        raise UsageError(f"cv: {where} is empty")
    if rows.ndim != 1 or rows.dtype.kind not in "iu":
        raise UsageError(
            f"cv: {where} has shape {rows.shape} and type {rows.dtype}; it must be a list of "
            "row numbers"
        )
    outside = rows[(rows < 0) | (rows >= n_rows)]
    if outside.size:
        raise UsageError(
            f"cv: {where} holds row {outside[0]}; the table's rows are 0 to {n_rows - 1}"
        )
    return np.sort(rows.astype(np.intp, copy=False))
