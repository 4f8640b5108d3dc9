"""Reading large files piece by piece, so that hardly more than the frame itself is held at once.

Read whole, a text file is held as its fields and as their values, three to five times the frame;
a Parquet file compressed, as Arrow columns and as numpy arrays.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from automl.exceptions import DataError
from automl.table._frames import from_arrow, granted_threads

CELLS = 1 << 18
"""Cells of a text file that are read at once: few enough for the processor's cache, which makes
pandas twice as fast as on pieces of eight times the size.
"""

LEAST_ROWS = 256

BYTES = 1 << 25
"""Bytes of a Parquet file's columns that are held twice at once."""

_SIMPLE = frozenset("ifbOU")


def read_parquet(source: Path | BytesIO, names: Sequence[str]) -> pd.DataFrame:
    """Read columns of a Parquet file some at a time: the file stores them one after the other.

    Parameters
    ----------
    source : pathlib.Path or io.BytesIO
    names : sequence of str
        The columns, in the order wanted.
    """
    frames = list(held(map(from_arrow, _parquet_pieces(source, names)), "the table"))
    pa.default_memory_pool().release_unused()
    if len(frames) == 1:
        return frames[0]
    return pd.concat([frame.reset_index(drop=True) for frame in frames], axis=1)


def _parquet_pieces(source: Path | BytesIO, names: Sequence[str]) -> Iterator[pa.Table]:
    import pyarrow.parquet as pq

    from automl.compute import memory_limit

    with granted_threads() as n_threads, pq.ParquetFile(source, pre_buffer=False) as file:
        least = file.metadata.num_rows * len(names)  # a few bytes may stand for many equal rows
        refuse_too_large(least, memory_limit(), "the table")
        at_once = max(n_threads, BYTES // (8 * max(1, file.metadata.num_rows)))
        for start in range(0, max(1, len(names)), at_once):
            some = list(names[start : start + at_once])
            # select: to the reader, "a" is also the beginning of a column called "a.b"
            yield file.read(columns=some, use_threads=n_threads > 1).select(some)


Pieces = Callable[[int | None, Sequence[str]], Iterator[pd.DataFrame]]
"""Reads a table from its beginning: rows of a piece (None: all at once), columns read as text."""


def read_csv(
    pieces: Pieces, names: Sequence[str], *, n_columns: int, shown: str = "the table"
) -> pd.DataFrame:
    """Put a text table together of pieces; each column gets the type of all of its values.

    Parameters
    ----------
    pieces : callable
    names : sequence of str
        The columns.
    n_columns : int
        How many columns the text has, of which ``names`` may be some.
    shown : str
        What messages call it.

    Raises
    ------
    DataError
        If there is not enough memory.

    Examples
    --------
    >>> def pieces(size, texts):
    ...     return iter([pd.DataFrame({"a": [1, 2], "b": ["x", None]})])
    >>> read_csv(pieces, ["a", "b"], n_columns=2).dtypes.astype(str).tolist()
    ['int64', 'str']
    """
    size = max(LEAST_ROWS, CELLS // max(1, n_columns))
    frames = list(held(pieces(size, ()), shown))
    if not frames:
        return pd.DataFrame(columns=list(names))
    if len(frames) == 1:
        return frames[0]
    found = _taken_apart(frames)
    kinds = {name: _kinds(piece[name] for piece in found) for name in names}
    if any(not letters <= _SIMPLE for letters in kinds.values()):
        del found
        return stacked(list(held(pieces(None, ()), shown)), names)
    texts = [name for name, letters in kinds.items() if _is_text(letters)]
    columns = _joined(found, {n: letters for n, letters in kinds.items() if n not in texts})
    del found
    if texts:  # what looked like numbers up to some row must be read again as text
        again = [piece[texts] for piece in held(pieces(size, texts), shown)]
        columns |= _joined(_taken_apart(again), dict.fromkeys(texts, {"U"}))
    return pd.DataFrame({name: columns[name] for name in names}, copy=False)


def stacked(frames: list[pd.DataFrame], names: Sequence[str]) -> pd.DataFrame:
    """Put frames of the same columns one below the other; the frames are emptied meanwhile.

    Examples
    --------
    >>> stacked([pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [2.5]})], ["a"])["a"].tolist()
    [1.0, 2.5]
    """
    if len(frames) == 1:
        return frames[0]
    parts = _taken_apart(frames)
    kinds = {name: _kinds(part[name] for part in parts) for name in names}
    return pd.DataFrame(_joined(parts, kinds), copy=False)


def refuse_mixed(first: pd.DataFrame, other: pd.DataFrame, shown: Sequence[str]) -> None:
    """Refuse a part in which a column of numbers is one of texts, or the other way round.

    Raises
    ------
    DataError
        Naming the column and the part.
    """
    for name in first.columns:
        kinds = [_kinds([frame[name]]) for frame in (first, other)]
        if _is_text(kinds[0] | kinds[1]) and all(kinds):
            told = ["texts" if "U" in letters else "numbers or truth values" for letters in kinds]
            raise DataError(
                f"The column {name!r} holds {told[1]} in {shown[1]}, but {told[0]} in {shown[0]}. "
                f"The parts of a table must have the same types."
            )


def _taken_apart(frames: list[pd.DataFrame]) -> list[dict[str, pd.Series]]:
    """Turn frames into their columns, which cost nothing to take out; the list is emptied."""
    parts: list[dict[str, pd.Series]] = []
    while frames:
        parts.append({str(name): series for name, series in frames.pop(0).items()})
    return parts


def _joined(
    pieces: Sequence[dict[str, pd.Series]], kinds: Mapping[str, set[str]]
) -> dict[str, pd.Series]:
    """Join the columns one after the other, so that only one is held twice."""
    return {
        name: pd.concat([_as_kind(piece.pop(name), found) for piece in pieces], ignore_index=True)
        for name, found in kinds.items()
    }


def held(frames: Iterable[pd.DataFrame], shown: str) -> Iterator[pd.DataFrame]:
    """Pass frames on as long as there is memory for all of them.

    Raises
    ------
    DataError
        If there is not.
    """
    from automl.compute import memory_limit

    limit, size = memory_limit(), 0
    for frame in frames:
        size += _size(frame)
        refuse_too_large(size, limit, shown)
        yield frame


def refuse_too_large(size: int, limit: int | None, shown: str) -> None:
    """Refuse a table of more bytes than this process may use."""
    if limit is not None and size > limit:
        raise DataError(
            f"{shown} does not fit into memory: it takes {size / 2**20:,.0f} MiB or more, but "
            f"this process may use {limit / 2**20:,.0f} MiB. Take a sample of its rows, or leave "
            f"out columns."
        )


def _size(frame: pd.DataFrame) -> int:
    """Return the bytes of a frame; pandas' own way takes long for thousands of columns."""
    return sum(
        dtype.itemsize * len(frame) if isinstance(dtype, np.dtype) else frame[name].array.nbytes
        for name, dtype in frame.dtypes.items()
    )


def _kinds(pieces: Iterable[pd.Series]) -> set[str]:
    """Return letters for the types of a column's pieces; one without values has none."""
    found = set()
    for piece in pieces:
        dtype = piece.dtype
        if isinstance(dtype, pd.StringDtype):
            found.add("U")
        elif dtype.kind == "O":
            found.update(_kind_of_objects(piece))
        elif dtype.kind != "f" or not np.isnan(piece.to_numpy()).all():
            found.add(dtype.kind)
    return found


def _kind_of_objects(piece: pd.Series) -> set[str]:
    """Return U for categories that are texts, O for truth values, and "large" for integers beyond
    64 bits."""
    if isinstance(piece.dtype, pd.CategoricalDtype):
        piece = piece.cat.categories.to_series()
        if isinstance(piece.dtype, pd.StringDtype):
            return {"U"}
    values = piece.dropna().head()
    if values.empty:
        return set()
    return {"O"} if all(isinstance(value, bool) for value in values) else {"large"}


def _is_text(kinds: set[str]) -> bool:
    """Tell whether pieces of these types make a column of texts that some were not read as."""
    numbers, truths = kinds & {"i", "f"}, kinds & {"b", "O"}
    return len(kinds) > 1 and bool("U" in kinds or (numbers and truths))


def _as_kind(piece: pd.Series, kinds: set[str]) -> pd.Series:
    """Give a piece the type of the others where they are texts."""
    known = isinstance(piece.dtype, pd.StringDtype)
    return piece.astype("str") if kinds == {"U"} and not known else piece
