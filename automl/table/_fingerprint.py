"""The fingerprint of a table: the same for the same rows in the same order, else another."""

import hashlib
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from automl.table._frames import to_frame


def fingerprint(frame: Any, *, time: str | None = None) -> dict[str, Any]:
    """Tell a table apart from any other.

    Names, types, values and the order of rows and columns count; the index, and how the table
    lies in memory, do not. Give the whole table, the target included, or a change of labels
    alone would not be seen.

    Parameters
    ----------
    frame : table
        Anything that :func:`to_frame` takes.
    time : str, optional
        Name of a column whose range is noted.

    Returns
    -------
    dict
        JSON values: ``sha256``, ``n_rows``, ``columns`` (name to type, in their order) and, where
        `time` is given, ``time`` with ``column``, ``first`` and ``last``.

    Examples
    --------
    >>> one = fingerprint(pd.DataFrame({"a": [1, 2], "b": ["x", None]}), time="a")
    >>> one["n_rows"], one["columns"], one["time"]
    (2, {'a': 'int64', 'b': 'str'}, {'column': 'a', 'first': '1', 'last': '2'})
    >>> other = fingerprint(pd.DataFrame({"a": [2, 1], "b": ["x", None]}))
    >>> one["sha256"] == other["sha256"]
    False
    """
    table = to_frame(frame)
    total = hashlib.sha256()
    columns = {}
    for name, series in table.items():
        columns[str(name)] = str(series.dtype)
        # Each part has a fixed length: no two tables give the same sequence of bytes.
        total.update(hashlib.sha256(f"{name}\0{series.dtype}".encode()).digest())
        total.update(_digest(series))
    total.update(str(len(table)).encode())
    found = {"sha256": total.hexdigest(), "n_rows": len(table), "columns": columns}
    if time is not None and time in table.columns:
        found["time"] = {"column": time, **_range(table[time])}
    return found


def _range(series: "pd.Series[Any]") -> dict[str, str | None]:
    known = series.dropna()
    if known.empty:
        return {"first": None, "last": None}
    if not isinstance(known.dtype, pd.StringDtype) and known.dtype.kind == "O":
        known = known.astype("str")  # without an order, or of several types
    return {"first": str(known.min()), "last": str(known.max())}


def _digest(series: "pd.Series[Any]") -> bytes:
    """Of the values of a column."""
    dtype = series.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "biufmM":
        return _of_numbers(series.to_numpy())
    if isinstance(dtype, pd.StringDtype):
        return _of_texts(series)
    if isinstance(dtype, pd.CategoricalDtype):
        codes = series.cat.codes.to_numpy()
        return _of_numbers(codes) + _digest(series.cat.categories.to_series())
    if isinstance(dtype, pd.DatetimeTZDtype):
        return _of_numbers(series.dt.tz_convert(None).to_numpy())
    plain = getattr(dtype, "numpy_dtype", None)  # of nullable numbers
    if plain is not None and plain.kind in "biuf":
        known = series.fillna(False if plain.kind == "b" else 0).to_numpy(dtype=plain)
        return _of_numbers(series.isna().to_numpy()) + _of_numbers(known)
    texts = series.astype(object).map(_named)
    return _of_numbers(pd.util.hash_array(texts.to_numpy(dtype=object)))


def _of_numbers(values: np.ndarray) -> bytes:
    if values.dtype.kind == "f":
        values = np.where(np.isnan(values), np.nan, values)  # there are many bit patterns for it
    return hashlib.sha256(np.ascontiguousarray(values).view(np.uint8).data).digest()


def _of_texts(series: "pd.Series[Any]") -> bytes:
    """Of lengths and characters, so that it does not matter where pieces of the column end."""
    array = pa.array(series, type=pa.large_string(), from_pandas=True)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if array.offset:
        array = pa.concat_arrays([array])
    if array.null_count:
        missing = np.asarray(array.is_null())
        array = array.fill_null("")
    else:
        missing = np.zeros(len(array), dtype=bool)
    _, offsets, characters = array.buffers()
    ends = np.frombuffer(offsets, dtype=np.int64)[array.offset : array.offset + len(array) + 1]
    total = hashlib.sha256(_of_numbers(missing))
    total.update(_of_numbers(np.diff(ends)))
    if characters is not None:
        total.update(memoryview(characters)[int(ends[0]) : int(ends[-1])])
    return total.digest()


def _named(value: object) -> str:
    """A value as text that tells 1 from "1"."""
    return f"{type(value).__name__} {value}"
