"""Validation splits: by task and size, or the user's own.

The folds are made here and not by :mod:`sklearn.model_selection`, because its stratified
splitters warn or raise on classes with fewer rows than folds, and such classes are common
in tables as they are found.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from automl.exceptions import DataError, UsageError
from automl.objective._types import Array, Codes, check_task

logger = logging.getLogger("automl.objective")

CrossValidation: TypeAlias = str | int | Iterable[tuple[Any, Any]] | Any

_HOLDOUT_FOLDS = 5  # one of them is the validation part: 20 %


@dataclass(frozen=True)
class Split:
    """Row numbers of a training part and of the part that scores it.

    Examples
    --------
    >>> import numpy as np
    >>> split = Split(train=np.array([0, 1]), valid=np.array([2]))
    >>> len(split.train), len(split.valid)
    (2, 1)
    """

    train: Codes
    valid: Codes


@dataclass(frozen=True)
class Splits:
    """All splits of a run.

    Parameters
    ----------
    folds : tuple of Split
        The splits, in order.
    kind : str
        How they were made, for people: "stratified 5-fold", "holdout 20 %", ...
    random : bool
        True where rows were dealt to the folds at random, one by one: they are exchangeable
        then. False for groups and for the user's own splits.

    Examples
    --------
    >>> import numpy as np
    >>> splits = make_splits(np.array([0, 1] * 10), task="binary", n_folds_hint=4)
    >>> splits.kind, len(splits.folds), splits.disjoint, len(splits.valid_rows)
    ('stratified 4-fold', 4, True, 20)
    """

    folds: tuple[Split, ...]
    kind: str
    random: bool

    @property
    def valid_rows(self) -> Codes:
        """The rows that are in a validation part, sorted, each once."""
        return np.unique(np.concatenate([fold.valid for fold in self.folds]))

    @property
    def disjoint(self) -> bool:
        """Whether no row is in two validation parts."""
        return len(self.valid_rows) == sum(len(fold.valid) for fold in self.folds)


def make_splits(
    y: Array,
    *,
    task: str,
    cv: CrossValidation = "auto",
    groups: Any = None,
    n_folds_hint: int = 5,
    random_state: int = 0,
) -> Splits:
    """Split the rows for validation.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
        The encoded target. Folds are stratified by class, or by the order of the values.
    task : {"binary", "multiclass", "regression"}
        The task.
    cv : "auto", int, splitter or iterable, default="auto"
        "auto" takes `n_folds_hint` folds, an integer that many. A splitter has a method
        ``split(X, y, groups)`` as those of scikit-learn; an iterable holds pairs of row
        numbers ``(train, valid)``. Splits of the user may leave rows out, and may validate
        a row more than once.
    groups : array-like of shape (n_rows,), optional
        Rows of one group stay together. Rows without a group form one.
    n_folds_hint : int, default=5
        How many folds can be afforded. With 1 a fifth of the rows is held out.
    random_state : int, default=0
        Seed of the folds made here.

    Returns
    -------
    Splits

    Raises
    ------
    DataError
        If there are fewer than two rows or groups.
    UsageError
        If `cv` is not one of the above, or a split of the user is unusable.

    Notes
    -----
    Fewer rows (or groups) than folds give fewer folds, at least two. A class with fewer
    rows than folds is spread over as many folds as it has rows, so that each training part
    has it if it has two rows. Groups are dealt one after another, the largest first, each
    to the fold that keeps the class frequencies most even.

    Examples
    --------
    >>> import numpy as np
    >>> y = np.array([0, 0, 0, 0, 1, 1])
    >>> splits = make_splits(y, task="binary", cv=2)
    >>> [np.bincount(y[fold.valid]).tolist() for fold in splits.folds]
    [[2, 1], [2, 1]]
    >>> make_splits(np.arange(50.0), task="regression", n_folds_hint=1).kind
    'holdout 20 %'
    """
    check_task(task)
    y = np.asarray(y)
    if len(y) < 2:
        rows = "1 sample" if len(y) == 1 else "0 samples"
        raise DataError(
            f"the table has {rows} (n_samples = {len(y)}); training needs at least 2 rows, "
            "one to learn from and one to validate on"
        )
    codes = None if groups is None else _training_groups(groups, len(y))
    if not isinstance(cv, str) and not _is_number(cv):
        from automl.objective._user_splits import user_splits

        return user_splits(cv, y, None if groups is None else np.asarray(groups))
    n_folds = _fold_count(cv, n_folds_hint)
    splits = _own_splits(y, task, codes, n_folds, np.random.default_rng(random_state))
    if cv != "auto" and len(splits.folds) < n_folds:
        logger.warning(
            "cv=%s: %d folds were made, the table has no more %s",
            cv,
            len(splits.folds),
            "rows" if codes is None else "groups",
        )
    return splits


def _is_number(cv: object) -> bool:
    return isinstance(cv, (bool, int, float, np.number))


def _fold_count(cv: Any, hint: int) -> int:
    if isinstance(cv, str):
        if cv != "auto":
            raise UsageError(
                f"cv is {cv!r}; use 'auto', a number of folds, a splitter of scikit-learn "
                "or a list of (train, valid) row numbers"
            )
        return max(int(hint), 1)
    if isinstance(cv, bool) or not isinstance(cv, (int, np.integer)) or cv < 2:
        raise UsageError(f"cv is {cv!r}; as a number it must be an integer of at least 2")
    return int(cv)


def _own_splits(
    y: Array, task: str, groups: Codes | None, n_folds: int, rng: np.random.Generator
) -> Splits:
    holdout = n_folds == 1
    units = len(y) if groups is None else int(groups.max()) + 1
    k = max(2, min(_HOLDOUT_FOLDS if holdout else n_folds, units))
    strata = y if task != "regression" else None
    if groups is not None:
        fold_of = _deal_groups(groups, strata, k, rng)
    elif strata is not None:
        fold_of = _deal_classes(strata, k, rng)
    else:
        fold_of = _deal_values(y, k, rng)
    kind = f"{'' if groups is None else 'grouped '}{k}-fold"
    kind = kind if strata is None else f"stratified {kind}"
    splits = Splits(tuple(_split(fold_of == f) for f in range(k)), kind, random=groups is None)
    return _holdout(splits, strata, groups) if holdout else splits


def _split(valid: Array) -> Split:
    return Split(train=np.flatnonzero(~valid), valid=np.flatnonzero(valid))


def _deal_classes(y: Array, k: int, rng: np.random.Generator) -> Codes:
    """Deal the rows like cards, class after class.

    Fold sizes differ by at most one row, and so do the counts of each class.
    """
    shuffled = rng.permutation(len(y))
    order = shuffled[np.argsort(y[shuffled], kind="stable")]
    fold_of = np.empty(len(y), dtype=np.intp)
    fold_of[order] = rng.permutation(k)[np.arange(len(y)) % k]
    return fold_of


def _deal_values(y: Array, k: int, rng: np.random.Generator) -> Codes:
    """Deal each k rows that are neighbours in value to k folds, in random order.

    Folds then have nearly the same distribution of the target, which makes their scores
    comparable on small tables.
    """
    shuffled = rng.permutation(len(y))
    order = shuffled[np.argsort(y[shuffled], kind="stable")]
    blocks = np.tile(np.arange(k), (-(-len(y) // k), 1))
    fold_of = np.empty(len(y), dtype=np.intp)
    fold_of[order] = rng.permuted(blocks, axis=1).ravel()[: len(y)]
    return fold_of


def _deal_groups(groups: Codes, y: Array | None, k: int, rng: np.random.Generator) -> Codes:
    """Deal whole groups, the largest first, to the fold that has least of what they hold.

    The fold is the one that adds least to the sum of squared shares, over the classes and
    over the rows.
    """
    sizes = np.bincount(groups).astype(np.float64)
    columns: list[Array] = [sizes]
    if y is not None:
        columns += [
            np.bincount(groups, weights=y == c, minlength=len(sizes)) for c in np.unique(y)
        ]
    content = np.column_stack(columns)
    content /= content.sum(axis=0)
    shuffled = rng.permutation(len(sizes))
    order = shuffled[np.argsort(-sizes[shuffled], kind="stable")]
    filled = np.zeros((k, content.shape[1]))
    fold_of = np.empty(len(sizes), dtype=np.intp)
    for group in order:
        fold = int(np.argmin(filled @ content[group]))
        fold_of[group] = fold
        filled[fold] += content[group]
    return fold_of[groups]


def _holdout(splits: Splits, y: Array | None, groups: Codes | None) -> Splits:
    """Keep the one fold that is nearest to a fifth of the rows, of those with the most classes."""
    n_rows = sum(len(fold.valid) for fold in splits.folds)

    def unfit(fold: Split) -> tuple[int, float]:
        n_classes = 0 if y is None else len(np.unique(y[fold.valid]))
        return -n_classes, abs(len(fold.valid) - n_rows / _HOLDOUT_FOLDS)

    best = min(splits.folds, key=unfit)
    if y is not None and groups is None:
        # A class with a single row is of no use for validation, but can be learned.
        single = np.bincount(y)[y[best.valid]] == 1
        if not single.all():
            best = Split(np.union1d(best.train, best.valid[single]), best.valid[~single])
    share = round(100 * len(best.valid) / n_rows)
    kind = f"holdout {share} %" if groups is None else f"grouped holdout {share} %"
    return replace(splits, folds=(best,), kind=kind)


def factorize_groups(groups: Any, n_rows: int) -> Codes:
    """Return codes 0, 1, ... of the groups; a missing group is a group of its own."""
    import pandas as pd

    values = np.asarray(groups)
    if values.shape != (n_rows,):
        raise UsageError(
            f"groups has shape {values.shape}; it must hold one group for each of the "
            f"{n_rows} rows"
        )
    codes, _ = pd.factorize(values, use_na_sentinel=False)
    return codes.astype(np.intp, copy=False)


def _training_groups(groups: Any, n_rows: int) -> Codes:
    codes = factorize_groups(groups, n_rows)
    if codes.max() == 0:
        raise DataError(
            f"groups holds one group only ({np.asarray(groups)[0]!r}); validation needs at "
            "least 2 groups"
        )
    return codes
