"""The matrix that a model family is given, and how it is filled."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from automl.features._text_encoder import TextEncoder
from automl.table import Schema, Table

BLOCK_BYTES = 1 << 19
"""What is filled at once of a matrix that lies row by row: as much as stays in cache."""

LEAST_BLOCK = 1 << 10
LONG_BLOCK = 1 << 15
"""Rows that are filled at once where a matrix lies column by column."""


@dataclass(frozen=True)
class Matrix:
    """Numbers for a model, with what each column means.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns), float32 or float64
        Missing values are NaN. A categorical column holds codes 0, 1, ....
    names : tuple of str
        One name per matrix column.
    sources : tuple of str
        For each matrix column the column of the user's table that it comes from.
    cardinalities : tuple of int
        Number of categories of a matrix column, 0 where it is a number.

    Examples
    --------
    >>> Matrix(np.zeros((2, 2), dtype=np.float32), ("age", "city"), ("age", "city"), (0, 3)
    ...        ).categorical
    (1,)
    """

    values: np.ndarray
    names: tuple[str, ...]
    sources: tuple[str, ...]
    cardinalities: tuple[int, ...]

    @property
    def categorical(self) -> tuple[int, ...]:
        """Positions of the categorical columns."""
        return tuple(i for i, n in enumerate(self.cardinalities) if n > 0)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.values.shape[0], self.values.shape[1]


Write = Callable[[Table, slice, np.ndarray], None]
"""Encodes some rows of a table into the same rows of the matrix."""


def fill(
    header: Matrix,
    table: Table,
    write: Write,
    *,
    out: np.ndarray | None,
    order: Literal["C", "F"],
    n_threads: int,
) -> Matrix:
    """Encode a table block by block.

    Parameters
    ----------
    header : Matrix of shape (0, n_columns)
        The matrix without its rows.
    table : Table
    write : callable
        Encodes some rows.
    out : ndarray of shape (n_rows, n_columns), optional
        An array to fill, such as one that lies in a file; a new one by default.
    order : {"C", "F"}
        How a new one lies in memory: row by row, which fits need, or column by column, which is
        filled several times as fast.
    n_threads : int
        How many blocks of rows are encoded at the same time.
    """
    shape, dtype = (table.n_rows, header.shape[1]), header.values.dtype
    if out is None:
        out = np.empty(shape, dtype, order=order)
    elif out.shape != shape or out.dtype != dtype:
        raise ValueError(
            f"out is {out.dtype} of the shape {out.shape}, but the matrix is {dtype} of the "
            f"shape {shape}; make it with the dtype of header(schema)."
        )
    values = np.asarray(out)  # indexing a memmap takes longer
    longest = LONG_BLOCK
    if values.flags.c_contiguous and shape[1] > 1:
        longest = int(np.clip(BLOCK_BYTES // (shape[1] * dtype.itemsize), LEAST_BLOCK, LONG_BLOCK))
    slices = _slices(table.n_rows, longest, n_threads)
    if n_threads > 1 and len(slices) > 1:
        with ThreadPoolExecutor(n_threads) as pool:
            list(pool.map(lambda rows: write(table, rows, values[rows]), slices))
    else:
        for rows in slices:
            write(table, rows, values[rows])
    return replace(header, values=values)


def _slices(n_rows: int, longest: int, n_threads: int) -> list[slice]:
    """Blocks of about equal size, as many for each thread."""
    wanted = max(1, -(-n_rows // longest))
    wanted = min(-(-wanted // n_threads) * n_threads, max(1, n_rows // LEAST_BLOCK))
    size = max(1, -(-n_rows // wanted))
    return [slice(start, min(start + size, n_rows)) for start in range(0, n_rows, size)]


class Encoder(ABC):
    """A fitted encoding: a frozen dataclass of plain values, and perhaps columns of texts."""

    kind: str
    texts: TextEncoder

    @abstractmethod
    def header(self, schema: Schema) -> Matrix:
        """The matrix of a table of the schema of the fit, without its rows: names and dtype."""

    def origins(self, schema: Schema) -> tuple[tuple[str, ...], ...]:
        """For each matrix column the columns of the user's table that it is made of."""
        return tuple((source,) for source in self.header(schema).sources)

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""

    @abstractmethod
    def _write(self, table: Table, rows: slice, out: np.ndarray) -> None:
        """Encode some rows of `table` into `out`."""

    def transform(
        self,
        table: Table,
        *,
        out: np.ndarray | None = None,
        order: Literal["C", "F"] = "C",
        n_threads: int = 1,
    ) -> Matrix:
        """Encode the rows of `table`, which has the schema of the fit.

        Parameters
        ----------
        table : Table
        out : ndarray of shape (n_rows, n_columns), optional
            An array to fill, of the dtype and width of `header`, such as one that lies in a file.
        order : {"C", "F"}
            Whether a new array lies row by row, as fits need it, or column by column, as it is
            filled several times as fast.
        n_threads : int
        """
        header = self.header(table.schema)
        for column in self.texts.columns if n_threads > 1 else ():
            column.of_texts(table.texts[column.name])  # once, and not in each thread
        return fill(header, table, self._write, out=out, order=order, n_threads=n_threads)
