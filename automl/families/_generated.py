"""Columns that are made of other columns: how to make them again, and how to save that."""

import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.exceptions import ArtifactError
from automl.families._arrays import pack, unpack
from automl.families._base import Contributing, Model

PLAN = "generated.json"
NUMBERS = "generated.npz"
"""The two files of a generator."""

DAMAGED = (
    *(ArithmeticError, AttributeError, EOFError, LookupError, NotImplementedError, OSError),
    *(RuntimeError, TypeError, ValueError, zipfile.BadZipFile, zlib.error),
)
"""What readers of JSON and of arrays raise where the content makes no sense."""

FLOAT32_MAX = float(np.finfo(np.float32).max)

OPERATORS = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}


@dataclass(frozen=True)
class Formula:
    """Numbers combined one after the other.

    Parameters
    ----------
    columns : tuple of int
    operators : str
        One of ``+-*/`` before each column but the first.

    Examples
    --------
    >>> Formula((0, 1, 0), "+*").apply(np.array([[2.0, 3.0]])).tolist()
    [10.0]
    """

    columns: tuple[int, ...]
    operators: str

    def apply(self, X: np.ndarray) -> np.ndarray:
        """Float32 of shape (n_rows,); what has no value is missing."""
        with np.errstate(all="ignore"):
            total = X[:, self.columns[0]].astype(np.float64)
            for operator, column in zip(self.operators, self.columns[1:], strict=True):
                total = OPERATORS[operator](total, X[:, column])
            total[~np.isfinite(total)] = np.nan
            return np.clip(total, -FLOAT32_MAX, FLOAT32_MAX).astype(np.float32)


@dataclass(frozen=True)
class Groups:
    """Rows that have the same values in one or a few columns; a missing value is one, too.

    Parameters
    ----------
    columns : tuple of int
    levels : tuple of ndarray
        The known values of each column, in ascending order.
    codes : ndarray of int64 of shape (n_groups,)
        The known combinations, each as one number, in ascending order.

    Examples
    --------
    >>> X = np.array([[1.0, 5.0], [1.0, 6.0], [1.0, 5.0]])
    >>> groups, numbers = Groups.of(X, (0, 1))
    >>> numbers.tolist()
    [0, 1, 0]
    >>> groups.numbers(np.array([[1.0, 6.0], [9.0, 6.0]])).tolist()
    [1, 2]
    """

    columns: tuple[int, ...]
    levels: tuple[np.ndarray, ...]
    codes: np.ndarray

    @classmethod
    def of(cls, X: np.ndarray, columns: tuple[int, ...]) -> tuple["Groups", np.ndarray]:
        """The groups of some rows, and the number of each row's."""
        levels, code = [], np.zeros(len(X), dtype=np.int64)
        for column in columns:
            values, places = np.unique(X[:, column], return_inverse=True)
            levels.append(values.astype(np.float64))
            code = code * len(values) + places
        codes, numbers = np.unique(code, return_inverse=True)
        return cls(columns, tuple(levels), codes), numbers

    def numbers(self, X: np.ndarray) -> np.ndarray:
        """The number of each row's group, and how many there are where it is not known."""
        code, known = np.zeros(len(X), dtype=np.int64), np.ones(len(X), dtype=bool)
        for column, values in zip(self.columns, self.levels, strict=True):
            found, places = _find(values, X[:, column].astype(np.float64))
            known &= found
            code = code * len(values) + places
        found, places = _find(self.codes, code)
        return np.where(known & found, places, len(self.codes))

    def only(self, kept: np.ndarray) -> "Groups":
        """The groups of these numbers, which are in ascending order."""
        return Groups(self.columns, self.levels, self.codes[kept])

    def is_sound(self, n_columns: int) -> bool:
        """Whether the columns exist and all values are in their order."""
        most = np.prod([float(len(v)) for v in self.levels])
        return (
            len(self.columns) == len(self.levels) > 0
            and all(0 <= c < n_columns for c in self.columns)
            and all(v.ndim == 1 and v.dtype == np.float64 and len(v) > 0 for v in self.levels)
            and all(bool((np.diff(v[~np.isnan(v)]) > 0).all()) for v in self.levels)
            and self.codes.ndim == 1
            and self.codes.dtype == np.int64
            and len(self.codes) > 0
            and bool((np.diff(self.codes) > 0).all())
            and bool(self.codes[0] >= 0)
            and bool(float(self.codes[-1]) < most < 2.0**62)
        )


@dataclass(frozen=True)
class Statistic:
    """What is known of each group of rows.

    Parameters
    ----------
    groups : Groups
    values : ndarray of shape (n_groups + 1, n_values), float32
        The last row is for rows of no known group.
    """

    groups: Groups
    values: np.ndarray

    def apply(self, X: np.ndarray) -> np.ndarray:
        """Float32 of shape (n_rows, n_values)."""
        found: np.ndarray = self.values[self.groups.numbers(X)]
        return found

    def is_sound(self, n_columns: int) -> bool:
        """Whether it can be applied to as many columns."""
        return (
            self.groups.is_sound(n_columns)
            and self.values.ndim == 2
            and self.values.dtype == np.float32
            and len(self.values) == len(self.groups.codes) + 1
        )


@dataclass(frozen=True)
class Generator:
    """Makes the generated columns of new rows.

    Parameters
    ----------
    n_columns : int
        Columns of the matrix that it was fitted on.
    statistics : tuple of Statistic
    formulas : tuple of Formula
    """

    n_columns: int
    statistics: tuple[Statistic, ...] = ()
    formulas: tuple[Formula, ...] = ()

    def transform(self, X: np.ndarray) -> np.ndarray:
        """The generated columns, float32 of shape (n_rows, n_generated)."""
        blocks = [s.apply(X) for s in self.statistics]
        blocks += [f.apply(X)[:, None] for f in self.formulas]
        return np.hstack([np.empty((len(X), 0), np.float32), *blocks])

    def extend(self, X: np.ndarray) -> np.ndarray:
        """The columns of `X`, then the generated ones."""
        if X.shape[1] != self.n_columns:
            raise ArtifactError(
                f"The saved model makes its columns of {self.n_columns}, not of {X.shape[1]}."
            )
        return np.hstack([X, self.transform(X)])

    @property
    def parents(self) -> tuple[tuple[int, ...], ...]:
        """For each generated column those that it is made of."""
        found = [s.groups.columns for s in self.statistics for _ in range(s.values.shape[1])]
        return (*found, *(f.columns for f in self.formulas))

    def to_parents(self, values: np.ndarray) -> np.ndarray:
        """Values of all columns, with those of the generated ones shared among their parents."""
        out = values[: self.n_columns].copy()
        for value, parents in zip(values[self.n_columns :], self.parents, strict=True):
            np.add.at(out, list(parents), value / len(parents))
        return out

    def save(self) -> dict[str, bytes]:
        """Two files: what is made of what as JSON, and the numbers."""
        arrays: dict[str, np.ndarray] = {}
        for i, s in enumerate(self.statistics):
            arrays |= {f"codes_{i}": s.groups.codes, f"values_{i}": s.values}
            arrays |= {f"levels_{i}_{j}": v for j, v in enumerate(s.groups.levels)}
        plan = {
            "n_columns": self.n_columns,
            "statistics": [list(s.groups.columns) for s in self.statistics],
            "formulas": [[list(f.columns), f.operators] for f in self.formulas],
        }
        return {PLAN: json.dumps(plan).encode(), NUMBERS: pack(arrays)}

    @classmethod
    def load(cls, files: Mapping[str, bytes]) -> "Generator":
        """Read and check what :meth:`save` wrote.

        Raises
        ------
        ArtifactError
            If it was damaged.
        """
        try:
            generator = cls._read(json.loads(files[PLAN]), unpack(files[NUMBERS]))
        except DAMAGED as e:
            raise ArtifactError(f"The saved model's generated columns can't be read: {e}.") from e
        if not generator._is_sound():
            raise ArtifactError("The saved model's generated columns are damaged.")
        return generator

    @classmethod
    def _read(cls, plan: Any, arrays: Mapping[str, np.ndarray]) -> "Generator":
        statistics = []
        for i, entry in enumerate(plan["statistics"]):
            columns = tuple(int(c) for c in entry)
            levels = tuple(arrays[f"levels_{i}_{j}"] for j in range(len(columns)))
            groups = Groups(columns, levels, arrays[f"codes_{i}"])
            statistics.append(Statistic(groups, arrays[f"values_{i}"]))
        formulas = (Formula(tuple(int(c) for c in f[0]), str(f[1])) for f in plan["formulas"])
        return cls(int(plan["n_columns"]), tuple(statistics), tuple(formulas))

    def _is_sound(self) -> bool:
        return all(s.is_sound(self.n_columns) for s in self.statistics) and all(
            len(f.columns) == len(f.operators) + 1
            and set(f.operators) <= set(OPERATORS)
            and all(0 <= c < self.n_columns for c in f.columns)
            for f in self.formulas
        )


class GeneratedModel:
    """A model of the columns of a matrix and of those that are generated from them.

    Parameters
    ----------
    model : Model
        Of all these columns.
    generator : Generator
    """

    def __init__(self, model: Model, generator: Generator) -> None:
        self._model, self._generator = model, generator

    def predict(self, X: np.ndarray, *, n_threads: int = 1) -> np.ndarray:
        """Predictions of shape (n_rows, n_outputs)."""
        return self._model.predict(self._generator.extend(X), n_threads=n_threads)

    def contributions(self, X: np.ndarray) -> np.ndarray:
        """Mean absolute contribution of each column of the matrix, and of what is made of it."""
        assert isinstance(self._model, Contributing)
        return self._generator.to_parents(self._model.contributions(self._generator.extend(X)))

    def save(self) -> dict[str, bytes]:
        """The files of the model and of the generator."""
        return self._model.save() | self._generator.save()


def _find(known: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether each value is one of the known, and where; a missing one may be known, too."""
    places = np.minimum(np.searchsorted(known, values), len(known) - 1)
    there = known[places]
    found = there == values
    if values.dtype.kind == "f":
        found |= np.isnan(there) & np.isnan(values)
    return found, places
