"""Reading a table from a file, from several that belong together, or from standard input."""

from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd

from automl.exceptions import DataError
from automl.table._content import ARROW, EXCEL, JSON, PARQUET, TEXT, kind_of
from automl.table._csv import read_texts
from automl.table._excel import read_excel
from automl.table._frames import from_arrow, granted_threads, refuse_twins
from automl.table._json_records import read_json
from automl.table._parts import check_same_columns, check_wanted, find_parts
from automl.table._pieces import read_parquet, refuse_mixed, stacked
from automl.table._settle import without_infinities
from automl.table._source import Source, explained

Names = Sequence[str] | None
Part = tuple[Source, Mapping[str, Any]]


def read_table(
    source: str | Path,
    *,
    columns: Sequence[str] | None = None,
    texts: Sequence[str] = (),
    skip_bad_rows: bool = False,
) -> pd.DataFrame:
    """Read a table; what kind it is follows from its content and its name.

    Parameters
    ----------
    source : str or pathlib.Path
        A file of CSV or TSV, JSON, Parquet, Arrow, Feather or Excel, which may be compressed by
        gzip, zstd, bzip2 or xz; a folder of such files or a pattern such as ``"data/*.csv"``,
        whose tables are put one below the other; or ``"-"`` for standard input.
    columns : sequence of str, optional
        Read only these columns, in this order.
    texts : sequence of str, default=()
        Columns of a text file whose cells stay as they are spelled, whatever they look like.
    skip_bad_rows : bool, default=False
        Leave out rows of a text file that have more cells than the header, and say so, as long
        as they are one or at most 1 % of the rows. Otherwise the first is an error, so that row
        *i* of the result is row *i* of the file.

    Returns
    -------
    pandas.DataFrame
        Texts stay texts. Empty cells, the usual marks (``NA``, ``null``, ``?``, ...) and
        infinite values are missing values.

    Raises
    ------
    DataError
        If there is no such file, it can't be read, it has no rows, a wanted column is not
        there, or the parts of a table have different columns. It names the file, and the line
        where there is one.
    MissingDependencyError
        If it is an Excel workbook and openpyxl is not installed.

    Notes
    -----
    The delimiter of a text is the one of comma, semicolon, tab and bar (else runs of spaces)
    that splits its header and its first rows into equally many fields. Rows that are too short
    end in missing values. Text is UTF-8, or UTF-16 or UTF-32 by its mark, or else Windows-1252,
    which is logged. Of columns of the same name, the second is called ``name.2``, and so on.

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
        parts: list[Part] = [(Source.of_standard_input(), {})]
    else:
        parts = [(Source.of_file(path), keys) for path, keys in find_parts(source)]
    shown = parts[0][0].shown if len(parts) == 1 else repr(str(source))
    frame = _read(parts, columns, texts=texts, lenient=skip_bad_rows)
    if frame.empty:
        raise DataError(
            f"The table in {shown} has a header of {frame.shape[1]} columns, but no rows."
        )
    return without_infinities(frame, shown)


def _read(
    parts: Sequence[Part], columns: Names, *, texts: Sequence[str], lenient: bool
) -> pd.DataFrame:
    kinds = []
    for source, _ in parts:
        with explained(source.shown):
            kinds.append(kind_of(source))
    if set(kinds) == {TEXT}:
        return read_texts(parts, columns, texts=texts, lenient=lenient)
    frames: list[pd.DataFrame] = []
    for kind, part in zip(kinds, parts, strict=True):
        if kind == TEXT:
            frame = read_texts([part], columns, texts=texts, lenient=lenient)
        else:
            frame = _read_part(kind, part, columns)
        if frames:
            shown = [parts[0][0].shown, part[0].shown]
            check_same_columns(list(frames[0].columns), list(frame.columns), shown)
            refuse_mixed(frames[0], frame, shown)
        frames.append(frame)
    return stacked(frames, list(frames[0].columns))


def _read_part(kind: str, part: Part, columns: Names) -> pd.DataFrame:
    source, keys = part
    own = None if columns is None else [name for name in columns if name not in keys]
    with explained(source.shown):
        frame = _READERS[kind](source, own)
        if keys:
            frame = frame.assign(**keys)
    return frame if columns is None else frame[list(columns)]


def _read_parquet(source: Source, columns: Names) -> pd.DataFrame:
    import pyarrow.parquet as pq

    at = source.seekable()
    names = pq.read_schema(at).names
    check_wanted(names, columns)
    refuse_twins(names)
    return read_parquet(at, names if columns is None else list(columns))


def _read_arrow(source: Source, columns: Names) -> pd.DataFrame:
    from pyarrow import feather

    at = source.seekable()
    with granted_threads() as n_threads:
        table = feather.read_table(
            at if isinstance(at, BytesIO) else str(at), use_threads=n_threads > 1
        )
    check_wanted(table.column_names, columns)
    return from_arrow(table if columns is None else table.select(list(columns)))


_READERS: dict[str, Callable[[Source, Names], pd.DataFrame]] = {
    PARQUET: _read_parquet,
    ARROW: _read_arrow,
    JSON: read_json,
    EXCEL: read_excel,
}
