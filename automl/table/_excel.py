"""Reading Excel workbooks, if openpyxl is installed."""

import logging
from collections.abc import Sequence
from itertools import islice

import pandas as pd

from automl.exceptions import DataError, MissingDependencyError
from automl.table._dialect import unique_names
from automl.table._messages import listed
from automl.table._parts import check_wanted
from automl.table._source import Source
from automl.table._values import is_missing

logger = logging.getLogger("automl.table")


def read_excel(source: Source, columns: Sequence[str] | None) -> pd.DataFrame:
    """Read the first sheet of a workbook; its first row that is not empty is the header.

    Raises
    ------
    DataError
        If the sheet is empty.
    MissingDependencyError
        If openpyxl is not installed.
    """
    try:
        import openpyxl
    except ImportError as error:
        raise MissingDependencyError(
            f"{source.shown} is an Excel workbook, for which openpyxl is needed. Install it with: "
            f"pip install 'automl[excel]' - or save the sheet as CSV."
        ) from error
    book = openpyxl.load_workbook(source.seekable(), read_only=True, data_only=True)
    try:
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # some programs write wrong ones
        rows = [
            row for row in sheet.iter_rows(values_only=True) if any(c is not None for c in row)
        ]
        if len(book.worksheets) > 1:
            told = listed([other.title for other in book.worksheets[1:]], 3)
            logger.warning("%s: only the first sheet is read, not %s", source.shown, told)
    finally:
        book.close()
    if not rows:
        raise DataError("its first sheet is empty, but a header and rows are needed")
    header = [("" if cell is None else str(cell)) for cell in rows[0]]
    while header and not header[-1]:
        header.pop()
    names, notes = unique_names(header)
    for note in notes:
        logger.warning("%s: %s", source.shown, note)
    check_wanted(names, columns)
    frame = pd.DataFrame({name: _column(rows, place) for place, name in enumerate(names)})
    return frame if columns is None else frame[list(columns)]


def _column(rows: Sequence[tuple[object, ...]], place: int) -> pd.Series:
    cells = (row[place] if place < len(row) else None for row in islice(rows, 1, None))
    return pd.Series([None if is_missing(cell) else cell for cell in cells]).infer_objects()
