"""Indicators of values, and of values that meet: a wide sparse matrix from a narrow one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import comb
from typing import TYPE_CHECKING

import numpy as np

from automl.families._base import FitData, Problem
from automl.families._screen import NAMES, REPEATED, Judge, as_outputs, mean_one

if TYPE_CHECKING:
    from scipy import sparse

MOST_TABLES = 300
"""Combinations of columns that are made indicators of."""

MOST_VALUES = 40
"""Distinct whole numbers that are always taken for values and not for points on a line; of more,
values must tell `NAMES` times as much as ranges do."""

MOST_PLACES = 2.0**62
"""Places that all tables together may have."""

JUDGED = 10_000
"""Training rows by which columns are judged."""

CHUNK = 2_000_000
"""Cells that are looked up at a time."""


@dataclass(frozen=True)
class Levels:
    """The numbers of a column's values, or of the ranges that they fall into.

    Parameters
    ----------
    column : int
    known : ndarray of float64
        Values, or the edges between ranges, in ascending order; a missing value may be the last.
    ranges : bool

    Examples
    --------
    >>> x = np.array([1.0, 2.0, 7.0, np.nan])
    >>> Levels(0, np.array([1.0, 7.0]), False).numbers(x).tolist()
    [0, -1, 1, -1]
    >>> Levels(0, np.array([1.0, 7.0]), True).numbers(x).tolist()
    [1, 1, 2, 3]
    """

    column: int
    known: np.ndarray
    ranges: bool

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self.known) + (2 if self.ranges else 0)

    def numbers(self, values: np.ndarray) -> np.ndarray:
        """Int64 of the shape of `values`; -1 stands for a value that is not known."""
        if self.ranges:
            places = np.searchsorted(self.known, values, side="right")
            return np.where(np.isnan(values), len(self.known) + 1, places)
        places = np.minimum(np.searchsorted(self.known, values), len(self.known) - 1)
        found = self.known[places]
        return np.where((found == values) | (np.isnan(found) & np.isnan(values)), places, -1)


@dataclass(frozen=True)
class Crossing:
    """Which combinations of columns have indicators, and for which of their values.

    Parameters
    ----------
    levels : tuple of Levels
        Of the columns that are used.
    tables : tuple of tuple of int
        Places in `levels`: single columns first, then pairs, then triples.
    places : ndarray of int64, ascending
        Of the combinations of values that have an indicator: all tables one after the other.

    Examples
    --------
    >>> X = np.array([[0.0, 5.0], [0.0, 5.0], [1.0, 6.0], [1.0, 6.0], [1.0, 5.0]])
    >>> levels = [Levels(0, np.array([0.0, 1.0]), False), Levels(1, np.array([5.0, 6.0]), False)]
    >>> crossing = Crossing.fit(X, levels, order=2, least=2)
    >>> crossing.tables, len(crossing.places)
    (((0,), (1,), (0, 1)), 6)
    >>> (crossing.matrix(X[3:]).toarray() > 0).astype(int).tolist()
    [[0, 1, 0, 1, 0, 1], [0, 1, 1, 0, 0, 0]]
    """

    levels: tuple[Levels, ...]
    tables: tuple[tuple[int, ...], ...]
    places: np.ndarray

    @classmethod
    def fit(
        cls,
        X: np.ndarray,
        levels: Sequence[Levels],
        *,
        order: int,
        least: int,
        most: int = 1_000_000,
    ) -> "Crossing":
        """Take all that some rows have in common.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_columns)
        levels : sequence of Levels
            The columns that tell most first; long combinations are made of these.
        order : int
            Columns of the longest combination.
        least : int
            Rows that an indicator must have.
        most : int
            Indicators that there may be; those of most rows stay.
        """
        tables = _tables([v.size for v in levels], order)
        new = cls(tuple(levels), tables, np.empty(0, np.int64))
        numbers = new._numbers(X)
        found, counts = [new.places], [new.places]
        for table, offset in zip(tables, new._offsets, strict=True):
            places = new._places(numbers, [table])[:, 0]
            values, rows = np.unique(places[places >= 0], return_counts=True)
            found.append(values[rows >= least] + offset)
            counts.append(rows[rows >= least])
        places, rows = np.concatenate(found), np.concatenate(counts)
        if len(places) > most:
            places = places[rows > np.partition(rows, -most)[-most]]
        return cls(new.levels, tables, places)

    def matrix(self, X: np.ndarray) -> "sparse.csr_matrix":
        """Float32 of shape (n_rows, n_indicators), its rows of length 1 where all is known.

        A column of zeros stands where nothing has an indicator.
        """
        from scipy import sparse

        indices, counts = [np.empty(0, np.int32)], [np.zeros(1, np.int64)]
        step = max(1, CHUNK // max(1, len(self.tables)))
        for start in range(0, len(X), step):
            cells = self._cells(X[start : start + step])
            at = np.searchsorted(self.places, cells)
            at[at == len(self.places)] = 0
            there = (cells >= 0) & ((self.places[at] == cells) if len(self.places) else False)
            indices.append(at[there].astype(np.int32))
            counts.append(there.sum(axis=1))
        taken, ends = np.concatenate(indices), np.cumsum(np.concatenate(counts))
        values = np.full(len(taken), 1 / np.sqrt(max(1, len(self.tables))), dtype=np.float32)
        return sparse.csr_matrix((values, taken, ends), shape=(len(X), max(1, len(self.places))))

    @cached_property
    def _sizes(self) -> np.ndarray:
        return np.array([v.size for v in self.levels], dtype=np.int64)

    @cached_property
    def _offsets(self) -> np.ndarray:
        """Where the places of each table begin."""
        sizes = [int(np.prod(self._sizes[list(table)])) for table in self.tables]
        return np.concatenate([[0], np.cumsum(sizes)])[:-1].astype(np.int64)

    def _cells(self, X: np.ndarray) -> np.ndarray:
        """Each row's place in each table, of shape (n_rows, n_tables); -1 where a value is not
        known."""
        numbers = self._numbers(X)
        lengths = sorted({len(table) for table in self.tables})
        blocks = [np.empty((len(X), 0), np.int64)]
        for length in lengths:
            blocks.append(self._places(numbers, [t for t in self.tables if len(t) == length]))
        places = np.hstack(blocks)
        return np.where(places >= 0, places + self._offsets, -1)

    def _numbers(self, X: np.ndarray) -> np.ndarray:
        """Of each row's values, of shape (n_rows, n_levels)."""
        numbers = np.empty((len(X), len(self.levels)), np.int64)
        for i, levels in enumerate(self.levels):
            numbers[:, i] = levels.numbers(X[:, levels.column].astype(np.float64))
        return numbers

    def _places(self, numbers: np.ndarray, tables: Sequence[tuple[int, ...]]) -> np.ndarray:
        """Of each row within tables of one length, of shape (n_rows, n_tables)."""
        places = np.zeros((len(numbers), len(tables)), np.int64)
        known = np.ones(places.shape, dtype=bool)
        for columns in np.array(tables).T:
            part = numbers[:, columns]
            places = places * self._sizes[columns] + part
            known &= part >= 0
        return np.where(known, places, -1)

    def save(self) -> dict[str, np.ndarray]:
        """Plain arrays."""
        ends = np.cumsum([len(v.known) for v in self.levels])
        tables = np.full((len(self.tables), max(map(len, self.tables), default=1)), -1)
        for row, table in zip(tables, self.tables, strict=True):
            row[: len(table)] = table
        return {
            "columns": np.array([v.column for v in self.levels], np.int64),
            "ranges": np.array([v.ranges for v in self.levels], bool),
            "known": np.concatenate([np.empty(0), *(v.known for v in self.levels)]),
            "ends": np.array(ends, np.int64),
            "tables": tables,
            "places": self.places,
        }

    @classmethod
    def load(cls, arrays: Mapping[str, np.ndarray]) -> "Crossing":
        """Read what :meth:`save` gave."""
        known = np.split(arrays["known"], arrays["ends"])[:-1]
        levels = zip(arrays["columns"].tolist(), known, arrays["ranges"].tolist(), strict=True)
        tables = (tuple(i for i in row if i >= 0) for row in arrays["tables"].tolist())
        return cls(tuple(Levels(*v) for v in levels), tuple(tables), arrays["places"])


def choose_levels(data: FitData, problem: Problem, *, bins: int) -> list[Levels]:
    """Values or ranges of each column, those that tell most of the target by themselves first."""
    rows = data.train
    if len(rows) > JUDGED:
        rows = np.sort(np.random.default_rng(0).choice(rows, JUDGED, replace=False))
    X, y, weight = (
        data.matrix.values,
        as_outputs(data.y[rows], problem),
        mean_one(data.weight, rows),
    )
    judge = Judge(X[rows], y - weight @ y / weight.sum(), weight)
    found = []
    for column, cardinality in enumerate(data.matrix.cardinalities):
        values = X[data.train, column].astype(np.float64)
        options = _levels(column, values, bins, categorical=cardinality > 0)
        told = [judge.of_groups(v.numbers(judge.X[:, column]) + 1, v.size + 1) for v in options]
        best = 1 if len(options) > 1 and told[1] > NAMES * max(0.0, told[0]) else 0
        if options and options[best].size > 1:
            found.append((told[best], options[best]))
    found.sort(key=lambda pair: -pair[0])
    return [levels for _, levels in found]


def _levels(column: int, values: np.ndarray, bins: int, *, categorical: bool) -> list[Levels]:
    """Ranges, then values, as far as a column can have them."""
    known = np.unique(values)
    by_value = Levels(column, known, False)
    finite = np.sort(values[np.isfinite(values)])
    whole = bool((finite == np.floor(finite)).all())
    if categorical or (whole and len(known) <= MOST_VALUES):
        return [by_value]
    edges = np.unique(finite[np.arange(1, bins) * len(finite) // bins])
    by_range = Levels(column, edges, True)
    repeated = whole and len(known) <= len(values) / REPEATED
    return [by_range, by_value] if repeated else [by_range]


def _tables(sizes: Sequence[int], order: int) -> tuple[tuple[int, ...], ...]:
    """Combinations of the first columns, as many of each length as there is room for."""
    found: list[tuple[int, ...]] = []
    places = 0.0
    for length in range(1, order + 1):
        room, n = MOST_TABLES - len(found), len(sizes)
        while n > length and comb(n, length) > room:
            n -= 1
        for table in combinations(range(n), length):
            size = float(np.prod([float(sizes[i]) for i in table]))
            if len(found) < MOST_TABLES and places + size < MOST_PLACES:
                places += size
                found.append(table)
    return tuple(found)
