"""The time of rows: read in one way, in all files and in all nights."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from automl.exceptions import AutoMLError, DataError
from automl.table import Column, Role, Schema

ORDERED = (Role.NUMERIC, Role.DATETIME)


def time_column(
    name: str, tables: Sequence[pd.DataFrame], known: Column | None = None
) -> Column | None:
    """Return how the time is read; None if no table has it.

    Parameters
    ----------
    name : str
    tables : sequence of DataFrame
        What no single one of them tells, such as whether 03/04 is in March, all together may.
    known : Column, optional
        How the champion reads it; it counts unless there are values that it can't read so.

    Examples
    --------
    >>> old, new = pd.DataFrame({"day": ["25/04/2026"]}), pd.DataFrame({"day": ["03/05/2026"]})
    >>> time_column("day", [old, new]).date_format
    '%d/%m/%Y'
    """
    found = [table[name] for table in tables if name in table.columns]
    if not found:
        return None
    if known is not None and all(_can_be_read(series, known) for series in found):
        return known
    found = [series for series in found if series.dtype.kind != "M"] or found[:1]
    frame = pd.concat(found, ignore_index=True).to_frame(name)
    if frame[name].dtype.kind not in "iuf":
        return Schema.infer(frame, types={name: Role.DATETIME.value}).columns[0]
    column = Schema.infer(frame, allow_empty=True).columns[0]
    return column if column.role is Role.DATETIME else Column(name, Role.NUMERIC, "an order")


def _can_be_read(series: "pd.Series[Any]", column: Column) -> bool:
    try:
        Schema((column,)).apply(series.to_frame(column.name), fitting=True)
    except AutoMLError:
        return False
    return True


def read_times(series: "pd.Series[Any]", column: Column, what: str) -> np.ndarray:
    """Read times as numbers: seconds where they are dates.

    Parameters
    ----------
    series : Series
    column : Column
        From `time_column`.
    what : str
        How messages call the table.

    Raises
    ------
    DataError
        If a row has none that can be read.
    """
    table = Schema((column,)).apply(series.to_frame(column.name), fitting=True)
    values = np.asarray(table.columns[column.name], dtype=np.float64)
    if not np.isfinite(values).all():
        row = int((~np.isfinite(values)).argmax())
        raise DataError(
            f"The time column {column.name!r} of {what} has no value that can be read in row "
            f"{row} (counting from 0): each row needs its time."
        )
    return values
