"""What the words of a text tell of the target, learned inside each fold.

For each column of texts a ridge regression of the target on the tf-idf weights of its words and
n-grams. Rows to validate on are scored by the regression of the fold's training rows. A training
row is scored by a regression that saw neither it nor any row to validate on: otherwise a model
would trust the scores more than new rows bear out. Where all rows are trained on, none is left to
validate on: each is scored by a regression of the parts that it is not in, and new rows by one of
all rows.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from automl.features._ridge import solve_together
from automl.features._texts import TextColumn, per_row
from automl.table import Table

if TYPE_CHECKING:
    from scipy import sparse

PENALTY = 5.0
STEPS = 12

INNER_PARTS = 4
"""Into so many parts rows are dealt, each of which is scored by a regression of the others,"""
ENOUGH_FOLDS = 5
"""unless there are so many folds, which then are the parts: a regression without two of them
serves both."""

OUTERMOST = (0.01, 0.99)
"""Quantiles of a numeric target beyond which it is cut off."""

MOST_OUTPUTS = 30
"""Scores of all columns together beyond which there are none: a table has many classes then."""


@dataclass(frozen=True)
class Outcome:
    """The target as regressions see it, and the rows of each fold.

    Parameters
    ----------
    y : ndarray of shape (n_rows, n_outputs)
        Values, or indicators of the classes.
    weight : ndarray of shape (n_rows,)
    folds : sequence of (ndarray, ndarray)
        Rows to train on and to validate on.
    groups : ndarray of shape (n_rows,), optional
        Numbers of groups, whose rows belong together.
    """

    y: np.ndarray
    weight: np.ndarray
    folds: Sequence[tuple[np.ndarray, np.ndarray]]
    groups: np.ndarray | None = None

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray], n_outputs: int) -> "Outcome":
        """Read what workers share: the target, perhaps its weights, and the folds.

        Examples
        --------
        >>> arrays = {"y": np.array([0, 2]), "train_0": np.array([0]), "valid_0": np.array([1])}
        >>> Outcome.of(arrays, 3).y.tolist()
        [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
        """
        y = np.asarray(arrays["y"])
        values = (
            np.eye(n_outputs, dtype=np.float32)[y] if n_outputs > 1 else _within_reason(y)[:, None]
        )
        weight = arrays.get("weight", np.ones(len(y)))
        n_folds = sum(name.startswith("train_") for name in arrays)
        folds = [(arrays[f"train_{i}"], arrays[f"valid_{i}"]) for i in range(n_folds)]
        return cls(values, weight / weight.mean(), folds, arrays.get("groups"))


def _within_reason(y: np.ndarray) -> np.ndarray:
    """Values, the outermost cut off: squares of errors would make them all that counts."""
    y = y.astype(np.float64)
    low, high = np.quantile(y, OUTERMOST)
    return np.clip(y, low, high) if low < high and len(np.unique(y)) > 2 else y


@dataclass(frozen=True, eq=False)
class Told:
    """The regressions of one column.

    Parameters
    ----------
    column : TextColumn
    weights : ndarray of float32 of shape (n_weights + 1, n_folds + 1, n_outputs)
        After the n-grams come the directions of sentences, if they are read; last is what every
        row has. Last of the folds stands for all rows.
    """

    column: TextColumn
    weights: np.ndarray

    @property
    def names(self) -> tuple[str, ...]:
        """Of the scores."""
        n = self.weights.shape[2]
        return tuple(f"{self.column.name}.told{i if n > 1 else ''}" for i in range(n))

    @cached_property
    def _digest(self) -> str:
        return hashlib.sha256(self.column.digest.encode() + self.weights.tobytes()).hexdigest()

    def scores(self, table: Table) -> np.ndarray:
        """Scores of new rows by each fold: float32 of shape (n_folds + 1, n_rows, n_outputs)."""
        texts, (_, n_folds, n_outputs) = table.texts[self.column.name], self.weights.shape
        flat = self.weights.reshape(len(self.weights), -1)

        def work(numbers: np.ndarray | None) -> np.ndarray:
            return np.asarray(self.column.seen(texts, numbers) @ flat[:-1])

        found = per_row(texts, (self._digest, "told"), work, flat.shape[1], 0.0) + flat[-1]
        return np.asarray(found.reshape(len(found), n_folds, n_outputs).transpose(1, 0, 2))


def fit_told(column: TextColumn, table: Table, outcome: Outcome) -> tuple[Told, np.ndarray]:
    """Fit the regressions of one column.

    Returns
    -------
    Told
        For new rows.
    ndarray of shape (n_folds + 1, n_rows, n_outputs), float32
        For these rows: in each fold, and last where all are trained on.
    """
    X, y = _rows(column, table), outcome.y
    plan = _Plan.of(table.n_rows, outcome.folds, outcome.groups)
    mean = np.average(y, axis=0, weights=outcome.weight)
    scale = np.sqrt(np.average((y - mean) ** 2, axis=0, weights=outcome.weight))
    y = (y - mean) / np.where(scale > 0, scale, 1.0)
    masks = plan.masks * outcome.weight.astype(np.float32)
    found = solve_together(X, y, masks, penalty=PENALTY, n_steps=STEPS)
    found = found.astype(np.float16).astype(np.float32)  # as it is saved
    scores = np.zeros((len(outcome.folds) + 1, *y.shape), np.float32)
    for fold, rows, system in plan.scored:
        scores[fold, rows] = X[rows] @ found[system]
    return Told(column, np.ascontiguousarray(found[plan.by_fold].transpose(1, 0, 2))), scores


def _rows(column: TextColumn, table: Table) -> "sparse.csr_matrix":
    """What is seen of each row's text, nothing where it has none, and a column of ones."""
    from scipy import sparse

    texts = table.texts[column.name]
    X = column.seen(texts)
    X = sparse.vstack([X, sparse.csr_matrix((1, X.shape[1]), dtype=np.float32)], format="csr")
    X = X[texts.places]
    ones = sparse.csr_matrix(np.ones((X.shape[0], 1), np.float32))
    return sparse.hstack([X, ones], format="csr")


@dataclass(frozen=True)
class _Plan:
    """Which regressions there are, and which rows each of them scores.

    Parameters
    ----------
    masks : ndarray of float32 of shape (n_systems, n_rows)
        1 for the rows that a regression is fitted on.
    scored : list of (int, ndarray, int)
        In a fold these rows by that regression; the fold after all stands for all rows.
    by_fold : list of int
        Which regression scores new rows, fold by fold.
    """

    masks: np.ndarray
    scored: list[tuple[int, np.ndarray, int]]
    by_fold: list[int]

    @classmethod
    def of(
        cls,
        n_rows: int,
        folds: Sequence[tuple[np.ndarray, np.ndarray]],
        groups: np.ndarray | None = None,
    ) -> "_Plan":
        parts, numbers = _parts(n_rows, folds, groups), dict[bytes, int]()
        masks: list[np.ndarray] = []

        def number(mask: np.ndarray) -> int:
            key = np.packbits(mask).tobytes()
            if key not in numbers:
                numbers[key] = len(masks)
                masks.append(mask)
            return numbers[key]

        scored, by_fold = [], []
        everything = np.arange(n_rows), np.zeros(0, np.intp)
        for fold, (train, valid) in enumerate([*folds, everything]):
            inside = np.zeros(n_rows, bool)
            inside[train] = True
            by_fold.append(number(inside))
            scored.append((fold, valid, by_fold[-1]))
            for part in np.unique(parts[train]):
                rows = np.flatnonzero(inside & (parts == part))
                scored.append((fold, rows, number(inside & (parts != part))))
        return cls(np.array(masks, dtype=np.float32), scored, by_fold)


def _parts(
    n_rows: int,
    folds: Sequence[tuple[np.ndarray, np.ndarray]],
    groups: np.ndarray | None = None,
) -> np.ndarray:
    """The part of each row: its fold, if there are enough and each row is in one, or by chance.

    By chance, rows of a group come into the same part: folds don't split groups anyway.
    """
    times = np.bincount(np.concatenate([valid for _, valid in folds]), minlength=n_rows)
    if len(folds) >= ENOUGH_FOLDS and (times == 1).all():
        parts = np.empty(n_rows, np.intp)
        for i, (_, valid) in enumerate(folds):
            parts[valid] = i
        return parts
    if groups is not None and (n_groups := int(groups.max()) + 1) >= INNER_PARTS:
        return np.asarray(np.random.default_rng(0).permutation(n_groups)[groups] % INNER_PARTS)
    return np.random.default_rng(0).permutation(n_rows) % INNER_PARTS
