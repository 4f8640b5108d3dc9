"""Reading a table from a file or from standard input."""

import csv
import gzip
import json
import sys
import zlib
from collections.abc import Callable, Sequence
from io import BytesIO, TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import TextIO

import pandas as pd
import pyarrow as pa

from automl.exceptions import DataError
from automl.table._frames import from_arrow, granted_threads, refuse_twins
from automl.table._messages import close_match, listed
from automl.table._pieces import read_csv, read_parquet
from automl.table._values import MISSING_TEXTS

Source = Path | BytesIO
Names = Sequence[str] | None
_DELIMITERS = ",;\t|"
_SNIFFED_LINES = 20
_PARQUET_MAGIC, _GZIP_MAGIC = b"PAR1", b"\x1f\x8b"


def read_table(source: str | Path, *, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Read a table; its kind follows from the name of the file.

    Parameters
    ----------
    source : str or pathlib.Path
        A ``.csv``, ``.tsv``, ``.jsonl`` (these also with ``.gz``), ``.parquet``, ``.pq``,
        ``.arrow`` or ``.feather`` file, or ``"-"`` for CSV or Parquet on standard input.
    columns : sequence of str, optional
        Read only these columns, in this order.

    Returns
    -------
    pandas.DataFrame
        Texts stay texts. Empty cells and the usual marks (``NA``, ``null``, ``?``, ...) are
        missing values.

    Raises
    ------
    DataError
        If there is no such file, it can't be read, it has no rows, two columns share a name,
        or a wanted column is not there.

    Notes
    -----
    The delimiter of a text file is the one of comma, semicolon, tab and bar that splits its
    header and its first rows into equally many fields. Text must be UTF-8.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "shops.csv")
    ...     _ = path.write_text("town;area\\nUlm;1,5\\n;2\\n", encoding="utf-8")
    ...     read_table(path)
      town  area
    0  Ulm   1.5
    1  NaN   2.0
    """
    if str(source) == "-":
        shown, frame = "standard input", _read_stdin(columns)
    else:
        shown, frame = repr(str(source)), _read_file(Path(source), columns)
    if frame.empty:
        raise DataError(
            f"The table in {shown} has a header of {frame.shape[1]} columns, but no rows."
        )
    return frame


def _read_stdin(columns: Names) -> pd.DataFrame:
    content = sys.stdin.buffer.read()
    if content.startswith(_GZIP_MAGIC):
        content = gzip.decompress(content)
    if not content.strip():
        raise DataError("Standard input is empty: a table with a header and rows is needed.")
    reader = _read_parquet if content.startswith(_PARQUET_MAGIC) else _read_csv
    return _explained(reader, BytesIO(content), "standard input", columns)


def _read_file(path: Path, columns: Names) -> pd.DataFrame:
    reader = next(
        (r for suffix, r in _READERS.items() if path.name.lower().endswith(suffix)), None
    )
    if path.is_dir():
        raise DataError(f"{str(path)!r} is a directory; name one file in it.")
    if not path.exists():
        folder = path.parent
        others = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
        raise DataError(f"There is no file {str(path)!r}{close_match(path.name, others)}.")
    if reader is None:
        raise DataError(
            f"The kind of {str(path)!r} is not known; the name must end in {listed(_READERS)}."
        )
    if path.stat().st_size == 0:
        raise DataError(f"The file {str(path)!r} is empty.")
    return _explained(reader, path, repr(str(path)), columns)


def _explained(
    reader: Callable[[Source, Names], pd.DataFrame], source: Source, shown: str, columns: Names
) -> pd.DataFrame:
    """Read, and turn what the libraries raise into an error that names the file."""
    try:
        return reader(source, columns)
    except DataError as error:
        raise DataError(f"{shown}: {error}") from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{shown} is not UTF-8 text ({error.reason} at byte {error.start}). Convert it, as "
            f"in: iconv -f WINDOWS-1252 -t UTF-8."
        ) from error
    except (OSError, EOFError, ValueError, zlib.error, pa.ArrowException) as error:
        raise DataError(f"{shown} can't be read: {error}") from error


def _read_csv(source: Source, columns: Names) -> pd.DataFrame:
    with _opened(source) as handle:
        lines = list(islice(handle, _SNIFFED_LINES))
    delimiter = _delimiter(lines)
    rows = _fields(lines, delimiter)
    if not rows:
        raise DataError("there is no text in it, but a header and rows are needed")
    _check_header(rows)
    _check_wanted(rows[0], columns)
    options = {
        "sep": delimiter,
        "decimal": _decimal(rows, delimiter),
        "usecols": None if columns is None else list(columns),
        "encoding": "utf-8-sig",
        "skipinitialspace": True,
        "na_values": list(MISSING_TEXTS),
        "compression": "infer" if isinstance(source, Path) else None,
    }
    frame = read_csv(source, len(rows[0]), options)
    return frame if columns is None else frame[list(columns)]


def _opened(source: Source) -> TextIO:
    if isinstance(source, BytesIO):
        return TextIOWrapper(BytesIO(source.getbuffer()), encoding="utf-8-sig", newline="")
    if source.name.lower().endswith(".gz"):
        return gzip.open(source, "rt", encoding="utf-8-sig", newline="")
    return source.open(encoding="utf-8-sig", newline="")


def _fields(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    """Split the first lines of a file; a quoted cell may span several of them."""
    rows = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    try:
        return [row for row in rows if row]
    except csv.Error:
        return []


def _delimiter(lines: Sequence[str]) -> str:
    best, most = ",", 1
    for delimiter in _DELIMITERS:
        rows = _fields(lines, delimiter)
        if len(rows) == _SNIFFED_LINES - 1 or len(lines) == _SNIFFED_LINES:
            rows = rows[: max(2, len(rows) - 1)]  # the last one may be cut inside a quoted cell
        widths = {len(row) for row in rows}
        if len(widths) == 1 and (width := widths.pop()) > most:
            best, most = delimiter, width
    if most > 1:
        return best
    # Rows of unequal length: trust the header if one delimiter splits it.
    counts = {
        delimiter: len((_fields(lines[:1], delimiter) or [[]])[0]) for delimiter in _DELIMITERS
    }
    return max(counts, key=lambda delimiter: counts[delimiter])


def _decimal(rows: Sequence[Sequence[str]], delimiter: str) -> str:
    """Return "," where the first rows write 1,5 and never 1.5, as much of Europe does."""
    if delimiter == ",":
        return "."
    cells = [cell.strip().lstrip("+-") for row in rows[1:] for cell in row]
    comma, point = (
        any(cell.count(mark) == 1 and cell.replace(mark, "").isdecimal() for cell in cells)
        for mark in ",."
    )
    return "," if comma and not point else "."


def _check_header(rows: Sequence[Sequence[str]]) -> None:
    names = pd.Index([name for name in rows[0] if name])
    if not names.is_unique:
        twins = names[names.duplicated()].unique()
        raise DataError(f"several columns are called {listed(twins, 5)}; rename them")
    if len(rows) > 1 and len(rows[1]) > len(rows[0]):
        raise DataError(
            f"the header names {len(rows[0])} columns, but the first row has {len(rows[1])} cells"
        )


def _check_wanted(names: Sequence[str], columns: Names) -> None:
    lacking = [name for name in columns or () if name not in set(names)]
    if lacking:
        told = ", ".join(f"{name!r}{close_match(name, names)}" for name in lacking)
        raise DataError(f"there is no column {told}; the columns are {listed(names, 20)}")


def _read_parquet(source: Source, columns: Names) -> pd.DataFrame:
    import pyarrow.parquet as pq

    names = pq.read_schema(source).names
    _check_wanted(names, columns)
    refuse_twins(names)
    return read_parquet(source, names if columns is None else list(columns))


def _read_arrow(source: Source, columns: Names) -> pd.DataFrame:
    from pyarrow import feather

    with granted_threads() as n_threads:
        table = feather.read_table(source, use_threads=n_threads > 1)
    _check_wanted(table.column_names, columns)
    return from_arrow(table if columns is None else table.select(list(columns)))


def _read_jsonl(source: Source, columns: Names) -> pd.DataFrame:
    with _opened(source) as handle:
        records = [json.loads(line) for line in handle if line.strip()]
    if not all(isinstance(record, dict) for record in records):
        raise DataError('every line must be one JSON object, as in {"a": 1, "b": "x"}')
    frame = pd.DataFrame(records)
    _check_wanted([str(name) for name in frame.columns], columns)
    return frame if columns is None else frame[list(columns)]


_READERS: dict[str, Callable[[Source, Names], pd.DataFrame]] = {
    ".csv": _read_csv,
    ".csv.gz": _read_csv,
    ".tsv": _read_csv,
    ".tsv.gz": _read_csv,
    ".parquet": _read_parquet,
    ".pq": _read_parquet,
    ".jsonl": _read_jsonl,
    ".jsonl.gz": _read_jsonl,
    ".arrow": _read_arrow,
    ".feather": _read_arrow,
}
