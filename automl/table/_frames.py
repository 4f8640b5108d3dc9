"""Whatever people hold their table in becomes a pandas frame."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import pyarrow as pa

from automl.exceptions import DataError
from automl.table._messages import listed

_HOW = (
    "Pass a pandas or polars DataFrame, a pyarrow Table, a 2D array, a list of rows, or a dict "
    "of columns."
)
_SHARES_OF_DENSE = 3
"""The table, the matrix that workers share, and what they make of it."""


def to_frame(data: Any) -> pd.DataFrame:
    """Return the table as a pandas frame with string labels; its index means nothing.

    Columns are not copied where that can be avoided. Columns without a name, as in an array,
    are called ``x0``, ``x1``, ... by their position.

    Parameters
    ----------
    data : object
        pandas DataFrame or Series, polars DataFrame, LazyFrame or Series, pyarrow Table, 2-D
        array, sparse matrix or array of SciPy, which is made dense, list of rows (lists or
        dicts), or dict of columns.

    Returns
    -------
    pandas.DataFrame
        At least one row and one column.

    Raises
    ------
    DataError
        If there are no rows or columns, two columns share a name, or the shape or type is not
        that of a table, or a sparse matrix is too large to be made dense. It is a
        ``ValueError`` too, in scikit-learn's words where it has some.

    Examples
    --------
    >>> to_frame([[1, "a"], [2, "b"]]).columns.tolist()
    ['x0', 'x1']
    >>> to_frame({"size": [1, 2]}).shape
    (2, 1)
    """
    frame = data if isinstance(data, pd.DataFrame) else _frame_of(data)
    frame = _with_string_labels(frame)
    n_rows, n_columns = frame.shape
    if n_rows == 0 or n_columns == 0:
        what = "sample(s)" if n_rows == 0 else "feature(s)"
        raise DataError(
            f"Found array with 0 {what} (shape=({n_rows}, {n_columns})) while a minimum of 1 "
            f"is required."
        )
    return frame


def is_unnamed(data: Any) -> bool:
    """Tell whether the columns of the table have no names of their own, only positions."""
    if isinstance(data, pd.DataFrame):
        labels = data.columns
        return isinstance(labels, pd.RangeIndex) and labels.start == 0 and labels.step == 1
    if isinstance(data, np.ndarray):
        return data.dtype.names is None
    if isinstance(data, Sequence):
        return not (len(data) and isinstance(data[0], Mapping))
    return _is_sparse(data) or hasattr(data, "__array__") and not hasattr(data, "columns")


def _frame_of(data: Any) -> pd.DataFrame:
    if _is_sparse(data):
        return _from_sparse(data)
    if isinstance(data, pd.Series):
        return data.to_frame("x0" if data.name is None else data.name)
    table = _arrow(data)
    if table is not None:
        return from_arrow(table)
    if isinstance(data, Mapping):
        return _from_dict(data)
    if isinstance(data, list | tuple):
        return _from_rows(data)
    if hasattr(data, "__array__"):
        return _from_array(np.asarray(data))
    if isinstance(data, int | float | complex):
        return _from_array(np.asarray(data))
    raise DataError(f"A {type(data).__name__} is not a table. {_HOW}")


def _is_sparse(data: Any) -> bool:
    return type(data).__module__.startswith("scipy.sparse")


def _from_sparse(matrix: Any) -> pd.DataFrame:
    """Make a sparse matrix dense, column after column, if there is memory for it."""
    from automl.compute import memory_limit

    if matrix.ndim != 2:
        raise DataError(f"Found array with dim {matrix.ndim}, while dim <= 2 is required.")
    n_rows, n_columns = matrix.shape
    size, limit = n_rows * n_columns * matrix.dtype.itemsize, memory_limit()
    if limit is not None and _SHARES_OF_DENSE * size > limit:
        raise DataError(
            f"The sparse matrix of {n_rows:,} rows and {n_columns:,} columns takes "
            f"{size / 2**20:,.0f} MiB when it is made dense, and a search {_SHARES_OF_DENSE} "
            f"times that, but this process may use {limit / 2**20:,.0f} MiB. Reduce its columns, "
            f"as with sklearn.decomposition.TruncatedSVD, or take a sample of its rows."
        )
    return _from_array(matrix.toarray(order="F"))


def _arrow(data: Any) -> pa.Table | None:
    """Return an Arrow table of anything that narwhals knows as a frame or a column."""
    if isinstance(data, pa.Table):
        return data
    try:
        known = nw.from_native(data, pass_through=True, allow_series=True)
        if isinstance(known, nw.LazyFrame):
            known = known.collect("pyarrow")
        if isinstance(known, nw.DataFrame):
            _refuse_python_objects(known)
            return known.to_arrow()
        if isinstance(known, nw.Series):
            return known.alias(known.name or "x0").to_frame().to_arrow()
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise DataError(f"The {type(data).__name__} can't be read: {error}") from error
    return None


def _refuse_python_objects(frame: nw.DataFrame[Any]) -> None:
    """Arrow would take the addresses of Python objects for their values."""
    names = [name for name, dtype in frame.schema.items() if dtype == nw.Object]
    if names:
        raise DataError(
            f"The columns {listed(names, 5)} hold Python objects; convert them to numbers or text."
        )


def from_arrow(table: pa.Table) -> pd.DataFrame:
    """Return an Arrow table as a frame whose dates are dates, not Python objects.

    What was the index of a pandas frame is a column, if it had a name.
    """
    refuse_twins(table.column_names)
    with granted_threads() as n_threads:
        frame: pd.DataFrame = table.to_pandas(date_as_object=False, use_threads=n_threads > 1)
    named = [name for name in frame.index.names if name is not None]
    if not named:
        return frame
    frame = frame.reset_index(named).reset_index(drop=True)
    return frame[[name for name in table.column_names if name in frame.columns]]


@contextmanager
def granted_threads() -> Iterator[int]:
    """Keep Arrow from using more threads than this process was granted cores; yield how many."""
    from automl.compute import granted_cores

    before = pa.cpu_count()
    granted = min(before, granted_cores())
    pa.set_cpu_count(granted)
    try:
        yield granted
    finally:
        pa.set_cpu_count(before)


def _from_array(array: np.ndarray) -> pd.DataFrame:
    if array.dtype.kind == "c":
        raise DataError(f"Complex data not supported\n{array!r}\n")
    if array.dtype.names is not None:
        return pd.DataFrame(array)
    if array.ndim < 2:
        kind = "scalar" if array.ndim == 0 else "1D"
        raise DataError(
            f"Expected 2D array, got {kind} array instead:\narray={array!r}.\n"
            f"Reshape your data either using array.reshape(-1, 1) if your data has a single "
            f"feature or array.reshape(1, -1) if it contains a single sample."
        )
    if array.ndim > 2:
        raise DataError(f"Found array with dim {array.ndim}, while dim <= 2 is required.")
    return _numbered(pd.DataFrame(array, copy=False))


def _from_rows(rows: Sequence[Any]) -> pd.DataFrame:
    if not rows or not isinstance(rows[0], list | tuple | np.ndarray | Mapping):
        return _from_array(np.asarray(rows))
    if isinstance(rows[0], Mapping):
        return pd.DataFrame(list(rows))
    widths = {len(row) if isinstance(row, list | tuple | np.ndarray) else -1 for row in rows}
    if len(widths) > 1:
        raise DataError(f"The rows have different lengths: {sorted(widths)}. {_HOW}")
    if widths != {0} and np.ndim(rows[0][0]) > 0:
        return _from_array(np.asarray(rows))
    return _numbered(pd.DataFrame(list(rows)))


def _from_dict(columns: Mapping[Any, Any]) -> pd.DataFrame:
    try:
        return pd.DataFrame(dict(columns))
    except ValueError as error:
        raise DataError(
            f"The dict is not a table: {error}. Each key must name a column, each value list "
            f"the cells of that column, all of one length."
        ) from error


def _numbered(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.set_axis([f"x{i}" for i in range(frame.shape[1])], axis=1)


def _with_string_labels(frame: pd.DataFrame) -> pd.DataFrame:
    labels = frame.columns
    if not (
        isinstance(labels.dtype, pd.StringDtype) or all(type(label) is str for label in labels)
    ):
        frame = frame.set_axis([str(label) for label in labels], axis=1)
    if not frame.columns.is_unique:
        refuse_twins(frame.columns)
    return frame


def refuse_twins(names: Sequence[str] | pd.Index) -> None:
    labels = pd.Index(names)
    if not labels.is_unique:
        twins = labels[labels.duplicated()].unique()
        raise DataError(
            f"Column names must be unique (as text, too), but several columns are called "
            f"{listed(twins, 5)}. Rename them."
        )
