"""Reading Excel workbooks, if openpyxl is installed."""

import logging
import zipfile
from collections.abc import Sequence
from itertools import islice
from typing import Any

import pandas as pd

from automl.exceptions import DataError, MissingDependencyError
from automl.table._dialect import unique_names
from automl.table._messages import listed
from automl.table._parts import check_wanted
from automl.table._source import Source
from automl.table._values import is_missing

logger = logging.getLogger("automl.table")


_QUICK = {"read_only": True, "data_only": True}
_DAMAGED = (zipfile.BadZipFile, KeyError, SyntaxError, TypeError, AttributeError)
"""What openpyxl raises on files that are not as they should be, beside OSError and ValueError."""


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
            f"pip install openpyxl - or save the sheet as CSV."
        ) from error
    try:
        rows, others = _first_sheet(openpyxl.load_workbook(source.seekable(), **_QUICK))
    except _DAMAGED as error:
        raise DataError(f"can't be read: the workbook is damaged ({error})") from error
    if others:
        told = listed(others, 3)
        logger.warning("%s: only the first sheet is read, not %s", source.shown, told)
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


def _first_sheet(book: Any) -> tuple[list[tuple[Any, ...]], list[str]]:
    """Return the rows of the first sheet that are not empty, and the names of the others."""
    try:
        sheet, *others = book.worksheets
        sheet.reset_dimensions()  # some programs write wrong ones
        rows = sheet.iter_rows(values_only=True)
        filled = [row for row in rows if any(cell is not None for cell in row)]
        return filled, [other.title for other in others]
    finally:
        book.close()


def _column(rows: Sequence[tuple[object, ...]], place: int) -> pd.Series:
    cells = (row[place] if place < len(row) else None for row in islice(rows, 1, None))
    return pd.Series([None if is_missing(cell) else cell for cell in cells]).infer_objects()
