"""Choosing columns to generate: those that tell what a short fit of boosting left open."""

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from typing import Any, TypeVar

import numpy as np

from automl.families._base import FitData, Problem, Resources
from automl.families._generated import Formula

PARTS = 5
SMOOTHING = 10.0
"""Inner parts, and rows of the overall mean that are added to each group."""

KEYS, NUMBERS = 10, 10
"""Columns that are combined as categories, and as numbers: those that the short fit used most."""

LEVELS = 3
"""Fewest distinct values of a column that is combined,"""

REPEATED = 1.5
"""and how many rows a value of a category has at least, on average."""

NAMES = 1.2
"""How much more than its ranges the values of an integer tell if they are names of things."""

EXTENDED = 8
"""Pairs that are tried with a third column."""

CLEAR = 1.5
"""A cross must explain so many standard errors more than chance. What the other rows of a small
group tell of its target is, read backwards, what each row's own target is: columns of noise do
harm, other than numbers that are computed from columns alone."""

MOST_CLASSES = 8
"""Classes that candidates are judged by."""

BINS = 32
"""Ranges that a number is judged by."""

SHORT = {
    "learning_rate": 0.15,
    "num_leaves": 16,
    "min_data_in_leaf": 10,
    "lambda_l2": 1.0,
    "verbosity": -1,
    "deterministic": True,
    "force_row_wise": True,
    "seed": 0,
}
SHORT_ROUNDS = 40
SHORT_BINS = 63
"""The short fit."""

Combination = TypeVar("Combination", tuple[int, ...], Formula)


def choose(
    kind: str, data: FitData, rows: np.ndarray, *, problem: Problem, resources: Resources
) -> tuple[list[tuple[int, ...]], list[Formula]]:
    """Crosses and formulas that explain anything, the best of each first.

    Parameters
    ----------
    kind : {"crosses", "arithmetic", "both"}
    data : FitData
    rows : ndarray of int
        Training rows to judge by.
    problem : Problem
    resources : Resources
    """
    left, used = leftovers(data, rows, problem, resources)
    X, weight = data.matrix.values[rows], mean_one(data.weight, rows)
    judge = Judge(X, left, weight)
    order = [int(i) for i in np.argsort(-used, kind="stable")]
    cardinalities = data.matrix.cardinalities
    crosses: list[tuple[int, ...]] = []
    formulas: list[Formula] = []
    if kind in ("crosses", "both") and can_cross(problem):
        y = as_outputs(data.y[rows], problem)
        alone = Judge(X, y - weight @ y / weight.sum(), weight)
        crosses = choose_crosses(judge, _keys(alone, cardinalities, order))
    if kind in ("arithmetic", "both"):
        formulas = choose_formulas(judge, _numbers(judge, cardinalities, order))
    return crosses, formulas


def can_cross(problem: Problem) -> bool:
    """Whether crosses are generated at all: with one statistic per class they did harm."""
    return problem.n_outputs == 1


class Judge:
    """Says how much of what a short fit left open a division of the rows explains.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_columns)
    left : ndarray of shape (n_rows, n_outputs)
        What is left to explain.
    weight : ndarray of shape (n_rows,)
    """

    def __init__(self, X: np.ndarray, left: np.ndarray, weight: np.ndarray) -> None:
        self.X = X
        classes = np.sort(np.argsort(-left.var(axis=0), kind="stable")[:MOST_CLASSES])
        self._left, self._weight = left[:, classes], weight
        self._parts = inner_parts(len(X))
        self._codes: dict[int, tuple[np.ndarray, int]] = {}

    def of_cross(self, columns: tuple[int, ...]) -> float:
        """What groups of equal values explain."""
        code, size = self.codes(columns[0])
        for column in columns[1:]:
            places, n = self.codes(column)
            code, size = code * n + places, size * n
            if size > 4 * len(code):
                _, code = np.unique(code, return_inverse=True)
                size = int(code.max()) + 1
        return self.of_groups(code, size, clear=CLEAR)

    def of_formula(self, formula: Formula) -> float:
        """What bins of a computed number explain."""
        return self.of_groups(*quantile_bins(formula.apply(self.X)))

    def of_groups(self, numbers: np.ndarray, n_groups: int, *, clear: float = 0.0) -> float:
        """Share of the squares that is explained by the means of the other parts of each group.

        Negative where the means are those of chance, 0 where they are less than so many standard
        errors from it.
        """
        means = out_of_part(numbers, n_groups, self._left, self._weight, self._parts)[0]
        explained = (2 * self._left * means - means**2).sum(axis=1) * self._weight
        share = explained.sum() / max(1e-300, (self._left**2).sum(axis=1) @ self._weight)
        by_chance = explained.sum() < clear * np.sqrt(len(explained)) * explained.std()
        return float(min(share, 0.0) if by_chance else share)

    def codes(self, column: int) -> tuple[np.ndarray, int]:
        """Each row's place among the distinct values of a column, and how many there are."""
        if column not in self._codes:
            values, places = np.unique(self.X[:, column], return_inverse=True)
            self._codes[column] = places, len(values)
        return self._codes[column]


def choose_crosses(judge: Judge, keys: Sequence[int]) -> list[tuple[int, ...]]:
    """Single columns, pairs and triples whose groups explain most, the best first."""
    first = [c for n in (1, 2) for c in combinations(sorted(keys), n)]

    def longer(cross: tuple[int, ...]) -> Iterable[tuple[int, ...]]:
        return (tuple(sorted((*cross, k))) for k in keys if k not in cross)

    return _best(first, longer, judge.of_cross)


def choose_formulas(judge: Judge, numbers: Sequence[int]) -> list[Formula]:
    """Two or three columns computed, the best way for each set of columns, the best first."""
    first = [Formula(c, o) for c in combinations(sorted(numbers), 2) for o in "+-*/"]

    def longer(formula: Formula) -> Iterable[Formula]:
        more = (n for n in numbers if n not in formula.columns)
        return (
            Formula((*formula.columns, n), formula.operators + o) for n in more for o in "+-*/"
        )

    found = _best(first, longer, judge.of_formula)
    by_columns: dict[frozenset[int], Formula] = {}
    for formula in found:
        by_columns.setdefault(frozenset(formula.columns), formula)
    return list(by_columns.values())


def _best(
    first: Iterable[Combination],
    longer: Callable[[Combination], Iterable[Combination]],
    gain: Callable[[Combination], float],
) -> list[Combination]:
    """Combinations that explain anything, the best first; the best pairs are made longer."""
    gains = {c: gain(c) for c in first}
    pairs = (c for c in gains if len(c if isinstance(c, tuple) else c.columns) == 2)
    for pair in sorted(pairs, key=lambda c: -gains[c])[:EXTENDED]:
        for triple in longer(pair):
            if triple not in gains:
                gains[triple] = gain(triple)
    return sorted((c for c in gains if gains[c] > 0), key=lambda c: -gains[c])


def _keys(judge: Judge, cardinalities: Sequence[int], order: Sequence[int]) -> list[int]:
    """Columns whose values may stand for groups of rows, of those that the short fit used.

    They are the categories, and integers that tell more of the target by their values than by
    ranges of them: codes of things do, counts and measured numbers don't.
    """
    found: list[int] = []
    for i in order:
        if len(found) == KEYS:
            break
        if cardinalities[i] == 0 and not _whole(judge.X[:, i]):
            continue
        places, n = judge.codes(i)
        if n < LEVELS or n > len(places) / REPEATED:
            continue
        by_ranges = max(0.0, judge.of_groups(*quantile_bins(judge.X[:, i])))
        if cardinalities[i] > 0 or judge.of_groups(places, n) > NAMES * by_ranges:
            found.append(i)
    return found


def _numbers(judge: Judge, cardinalities: Sequence[int], order: Sequence[int]) -> list[int]:
    numbers = (i for i in order if cardinalities[i] == 0)
    return [i for i in numbers if judge.codes(i)[1] >= LEVELS][:NUMBERS]


def _whole(values: np.ndarray) -> bool:
    known = values[np.isfinite(values)]
    return bool((known == np.floor(known)).all())


def leftovers(
    data: FitData, rows: np.ndarray, problem: Problem, resources: Resources
) -> tuple[np.ndarray, np.ndarray]:
    """What two short fits, each on one half of the rows, leave open of the other half.

    Returns
    -------
    ndarray of shape (n_rows, n_outputs)
        Target minus prediction.
    ndarray of shape (n_columns,)
        How much each column was used.
    """
    import lightgbm as lgb

    settings: dict[str, Any] = SHORT | {"objective": problem.task}
    settings["num_threads"] = resources.n_threads
    if problem.task == "multiclass":
        settings["num_class"] = problem.n_classes
    binning = {"max_bin": SHORT_BINS, "verbosity": -1, "num_threads": resources.n_threads}
    left = as_outputs(data.y[rows], problem)
    used = np.zeros(data.matrix.shape[1])
    half = np.random.default_rng(len(rows)).permutation(len(rows)) % 2 == 0
    for learn, judged in ((half, ~half), (~half, half)):
        train = lgb.Dataset(
            data.matrix.values[rows[learn]],
            data.y[rows[learn]],
            weight=None if data.weight is None else data.weight[rows[learn]],
            categorical_feature=list(data.matrix.categorical),
            params=binning,
        )
        booster = lgb.train(settings, train, SHORT_ROUNDS)
        values = data.matrix.values[rows[judged]]
        out = np.asarray(booster.predict(values, num_threads=resources.n_threads))
        left[judged] -= out.reshape(len(out), -1)
        used += booster.feature_importance("gain")
    return left, used


def out_of_part(
    numbers: np.ndarray, n_groups: int, y: np.ndarray, weight: np.ndarray, parts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Smoothed means of each row's group over the rows of other parts, and their weight.

    Parameters
    ----------
    numbers : ndarray of int of shape (n_rows,)
    n_groups : int
    y : ndarray of shape (n_rows, n_outputs)
        With a mean of about zero.
    weight : ndarray of shape (n_rows,)
    parts : ndarray of int of shape (n_rows,)
    """
    cells, shape = numbers * PARTS + parts, (n_groups, PARTS)
    mass = np.bincount(cells, weight, n_groups * PARTS).reshape(shape)
    others = mass.sum(axis=1, keepdims=True) - mass
    means = np.empty(y.shape)
    for k in range(y.shape[1]):
        sums = np.bincount(cells, weight * y[:, k], n_groups * PARTS).reshape(shape)
        found = (sums.sum(axis=1, keepdims=True) - sums) / (others + SMOOTHING)
        means[:, k] = found.ravel()[cells]
    return means, others.ravel()[cells]


def inner_parts(n_rows: int) -> np.ndarray:
    """A part for each row, all of about equal size."""
    parts: np.ndarray = np.random.default_rng(n_rows).permutation(n_rows) % PARTS
    return parts


def quantile_bins(values: np.ndarray) -> tuple[np.ndarray, int]:
    """Bins of about as many rows each, with one for missing values, and how many there are."""
    known = np.sort(values[~np.isnan(values)])
    if not len(known):
        return np.zeros(len(values), dtype=np.int64), 1
    edges = np.unique(known[np.arange(1, BINS) * len(known) // BINS])
    bins = np.searchsorted(edges, values, side="right")
    return np.where(np.isnan(values), len(edges) + 1, bins), len(edges) + 2


def as_outputs(y: np.ndarray, problem: Problem) -> np.ndarray:
    """The target as predictions are: a column, or one per class."""
    if problem.task == "multiclass":
        return np.asarray(y[:, None] == np.arange(problem.n_classes), dtype=np.float64)
    return np.array(y, dtype=np.float64)[:, None]


def mean_one(weight: np.ndarray | None, rows: np.ndarray) -> np.ndarray:
    """Weights of some rows with a mean of one."""
    if weight is None:
        return np.ones(len(rows))
    return np.asarray(weight[rows] / max(weight[rows].mean(), 1e-300))
