"""A typed table: what the rest of the package works on."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from automl.table._blocks import Extent, as_floats, blocks, is_integral, refuse_infinity
from automl.table._texts import Texts

if TYPE_CHECKING:
    from automl.table._schema import Schema


@dataclass(frozen=True, eq=False)
class Table:
    """The feature columns of a table as typed arrays.

    Parameters
    ----------
    schema : Schema
        The schema that the columns follow.
    arrays : mapping of str to numpy.ndarray
        One array per feature, in the order of ``schema.features``: codes of categories and
        places of texts as int32, anything else as numpy had it, numbers, truth values or dates.
        They may be views of the caller's data, of which so no second copy is held: don't write to
        them.
    n_rows : int
        Number of rows.
    unchecked : frozenset of str
        Numeric columns that may hold infinite values, which are refused when they are read.
    texts : mapping of str to Texts
        The texts of the columns in ``schema.readable``.

    Attributes
    ----------
    columns : mapping of str to numpy.ndarray
        The same arrays typed. Numeric columns are float64 with NaN; boolean ones float64 of 0, 1
        and NaN; dates float64 seconds since 1970 with NaN; categorical ones int32 codes with -1
        for missing or not seen at fit, texts int32 places with -1 for missing. What is not held
        like that is converted each time that it is asked for; `block` converts some rows only.

    Examples
    --------
    >>> import pandas as pd
    >>> from automl.table import Schema
    >>> frame = pd.DataFrame({"a": [1, 2, 4], "b": ["x", "y", "x"]})
    >>> table = Schema.infer(frame).apply(frame)
    >>> table.arrays["a"].dtype, table.columns["a"].dtype
    (dtype('int64'), dtype('float64'))
    >>> table.block("a", slice(1, 3)).tolist()
    [2.0, 4.0]
    """

    schema: "Schema"
    arrays: Mapping[str, np.ndarray]
    n_rows: int
    unchecked: frozenset[str] = frozenset()
    texts: Mapping[str, Texts] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        """Size of the arrays in bytes."""
        texts = sum(t.buffer.nbytes + t.ends.nbytes for t in self.texts.values())
        return sum(array.nbytes for array in self.arrays.values()) + texts

    def move(self, opened: Callable[[], Mapping[str, np.ndarray]]) -> None:
        """Hold the same values in files from now on: the memory that they had is free then.

        Parameters
        ----------
        opened : callable
            Returns the arrays, mapped from their files. Equal to those there are.
        """
        arrays = opened()
        if list(arrays) != list(self.arrays):
            raise ValueError(f"move needs the columns {list(self.arrays)}, not {list(arrays)}.")
        self.__dict__.update(arrays=arrays, _opened=opened)

    def rest(self) -> None:
        """Give back the memory that what was read from files takes, if columns lie in files."""
        if opened := self.__dict__.get("_opened"):
            self.__dict__["arrays"] = opened()

    @cached_property
    def columns(self) -> Mapping[str, np.ndarray]:
        """The typed columns by name."""
        return _Columns(self)

    def block(self, name: str, rows: slice, *, limit: float = np.inf) -> np.ndarray:
        """Return some rows of a column, typed.

        Parameters
        ----------
        name : str
        rows : slice
        limit : float
            Numbers beyond it on either side are replaced by it.

        Returns
        -------
        numpy.ndarray
            A view where nothing had to be converted.

        Raises
        ------
        DataError
            If a value of an unchecked column is infinite.
        """
        part = self.arrays[name][rows]
        if name in self.schema.coded:
            return part
        floating = part.dtype.kind == "f" and len(part) > 0
        part = as_floats(part)
        if floating and (limit < np.inf or name in self.unchecked):
            low, high = np.fmin.reduce(part), np.fmax.reduce(part)
            if name in self.unchecked and (low == -np.inf or high == np.inf):
                refuse_infinity(self.arrays[name], name)
            if low < -limit or high > limit:
                part = np.clip(part, -limit, limit)
        return part

    def blocks(self, name: str) -> Iterator[np.ndarray]:
        """Yield a column in typed blocks, for what needs no copy of it in one piece.

        Parameters
        ----------
        name : str
        """
        for rows in blocks(self.n_rows):
            yield self.block(name, rows)

    def extent(self, name: str) -> Extent:
        """Return how many values of a numeric, boolean or datetime column are missing, and the
        least and greatest of the others.

        Parameters
        ----------
        name : str
        """
        return Extent.of(self.arrays[name])

    def is_integral(self, name: str) -> bool:
        """Tell whether the values of a numeric column are whole numbers.

        Parameters
        ----------
        name : str
        """
        return is_integral(self.arrays[name])

    def take(self, rows: np.ndarray | slice) -> "Table":
        """Return the table of some rows, in the order given.

        Parameters
        ----------
        rows : numpy.ndarray or slice
            Positions, a mask of all rows, or a slice; only a slice gives views.

        Examples
        --------
        >>> import pandas as pd
        >>> from automl.table import Schema
        >>> frame = pd.DataFrame({"a": [1.5, 2.5, 3.5]})
        >>> table = Schema.infer(frame).apply(frame)
        >>> table.take(np.array([2, 0])).columns["a"].tolist()
        [3.5, 1.5]
        """
        arrays = {name: array[rows] for name, array in self.arrays.items()}
        n_rows = len(np.empty(self.n_rows, dtype=np.bool_)[rows])
        texts = {name: column.take(rows) for name, column in self.texts.items()}
        return Table(self.schema, arrays, n_rows, self.unchecked, texts)


class _Columns(Mapping[str, np.ndarray]):
    def __init__(self, table: Table) -> None:
        self._table = table

    def __getitem__(self, name: str) -> np.ndarray:
        return self._table.block(name, slice(None))

    def __iter__(self) -> Iterator[str]:
        return iter(self._table.arrays)

    def __len__(self) -> int:
        return len(self._table.arrays)
