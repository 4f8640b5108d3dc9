"""Reading large files piece by piece, so that hardly more than the frame itself is held at once.

Read whole, a text file is held as its fields and as their values, three to five times the frame;
a Parquet file compressed, as Arrow columns and as numpy arrays.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from automl.table._frames import from_arrow, granted_threads

CELLS = 1 << 21
"""Cells of a text file that are read at once."""

LEAST_ROWS = 1024

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
    frames = list(map(from_arrow, _parquet_pieces(source, names)))
    pa.default_memory_pool().release_unused()
    if len(frames) == 1:
        return frames[0]
    return pd.concat([frame.reset_index(drop=True) for frame in frames], axis=1)


def _parquet_pieces(source: Path | BytesIO, names: Sequence[str]) -> Iterator[pa.Table]:
    import pyarrow.parquet as pq

    with granted_threads() as n_threads, pq.ParquetFile(source, pre_buffer=False) as file:
        at_once = max(n_threads, BYTES // (8 * max(1, file.metadata.num_rows)))
        for start in range(0, max(1, len(names)), at_once):
            some = list(names[start : start + at_once])
            # select: to the reader, "a" is also the beginning of a column called "a.b"
            yield file.read(columns=some, use_threads=n_threads > 1).select(some)


def read_csv(source: Path | BytesIO, n_columns: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Read a text file with pandas in pieces; each column gets the type of all of its values.

    Parameters
    ----------
    source : pathlib.Path or io.BytesIO
    n_columns : int
    options : mapping
        Arguments of `pandas.read_csv`.

    Examples
    --------
    >>> read_csv(BytesIO(b"a,b\\n1,x\\n2,\\n"), 2, {}).dtypes.astype(str).tolist()
    ['int64', 'str']
    """
    size = max(LEAST_ROWS, CELLS // max(1, n_columns))
    pieces = list(_csv_pieces(source, options, size))
    if len(pieces) == 1:
        return pieces[0]
    kinds = {name: _kinds(piece[name] for piece in pieces) for name in pieces[0].columns}
    if any(not found <= _SIMPLE for found in kinds.values()):
        del pieces
        return _whole(source, options)
    texts = [name for name, found in kinds.items() if _is_text(found)]
    columns = {
        name: pd.concat([_as_kind(piece.pop(name), found) for piece in pieces], ignore_index=True)
        for name, found in kinds.items()
        if name not in texts
    }
    del pieces
    if texts:  # what looked like numbers up to some row must be read again as text
        again = dict(options) | {"dtype": dict.fromkeys(texts, "str")}
        pieces = [piece[texts] for piece in _csv_pieces(source, again, size)]
        read = pd.concat(pieces, ignore_index=True)
        columns |= {name: read[name] for name in texts}
    return pd.DataFrame({name: columns[name] for name in kinds}, copy=False)


def _csv_pieces(
    source: Path | BytesIO, options: Mapping[str, Any], size: int
) -> Iterator[pd.DataFrame]:
    if isinstance(source, BytesIO):
        source.seek(0)
    with pd.read_csv(source, low_memory=False, chunksize=size, **options) as reader:
        yield from reader


def _whole(source: Path | BytesIO, options: Mapping[str, Any]) -> pd.DataFrame:
    if isinstance(source, BytesIO):
        source.seek(0)
    frame: pd.DataFrame = pd.read_csv(source, low_memory=False, **options)
    return frame


def _kinds(pieces: Iterable[pd.Series]) -> set[str]:
    """Return letters for the types of a column's pieces; one without values has none."""
    found = set()
    for piece in pieces:
        dtype = piece.dtype
        if isinstance(dtype, pd.StringDtype):
            found.add("U")
        elif dtype.kind == "O" and not all(isinstance(v, bool) for v in piece.dropna().head()):
            found.add("large")  # integers beyond 64 bits
        elif dtype.kind != "f" or not np.isnan(piece.to_numpy()).all():
            found.add(dtype.kind)
    return found


def _is_text(kinds: set[str]) -> bool:
    """Tell whether pieces of these types make a column of texts that some were not read as."""
    numbers, truths = kinds & {"i", "f"}, kinds & {"b", "O"}
    return len(kinds) > 1 and bool("U" in kinds or (numbers and truths))


def _as_kind(piece: pd.Series, kinds: set[str]) -> pd.Series:
    """Give a piece without values the type of the others where they are texts."""
    return piece.astype("str") if kinds == {"U"} and piece.dtype.kind == "f" else piece
