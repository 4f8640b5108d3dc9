"""Old rows that are new ones, too: files that grow hold both."""

import logging
from typing import Any

import numpy as np
import pandas as pd

from automl.exceptions import AutoMLError
from automl.retrain._batch import Batch
from automl.table import Column, Role, Schema
from automl.table._messages import counted

logger = logging.getLogger("automl.retrain")

MOST_ALIKE = 0.1
"""Where more of the new rows than this equal another one, equal rows need not be the same one.
They count as such only if the old data ends with all the new rows, in their order."""


def without_new(old: Batch, new: Batch, schema: Schema) -> Batch:
    """Return the old rows, less those that are among the new ones.

    A row that is new twice is left out twice at the most.

    Parameters
    ----------
    old, new : Batch
        With labels as the champion has them.
    schema : Schema
        The champion's, by which 3 and 3.0 are equal.
    """
    names = [
        name for name in new.frame.columns if name in old.frame.columns and name not in new.aside
    ]
    if not names or not len(new) or not len(old):
        return old
    before, now = (_hashes(batch, names, schema) for batch in (old, new))
    counts = pd.Series(now).value_counts()
    if len(counts) < (1 - MOST_ALIKE) * len(now):
        same = np.zeros(len(old), dtype=bool)
        same[-len(now) :] = np.array_equal(before[-len(now) :], now)
    else:
        backwards = pd.Series(before[::-1])
        times = backwards.groupby(backwards).cumcount().to_numpy()[::-1]
        same = times < pd.Series(before).map(counts).fillna(0).to_numpy()
    if not same.any():
        return old
    told = counted(int(same.sum()), "row")
    logger.warning("%s of the old data are among the new ones, and left out.", told)
    return old.take(np.flatnonzero(~same))


def _hashes(batch: Batch, names: list[str], schema: Schema) -> np.ndarray:
    """A number for each row; rows that the champion reads as equal have the same one."""
    columns = {column.name: column for column in schema.features}
    parts = [batch.y.astype("str"), *(_values(batch.frame[n], columns.get(n)) for n in names)]
    table = pd.DataFrame({i: np.asarray(part) for i, part in enumerate(parts)})
    return np.asarray(pd.util.hash_pandas_object(table, index=False))


def _values(series: "pd.Series[Any]", column: Column | None) -> np.ndarray:
    """The values of a column as they are compared."""
    if column is not None and column.role is not Role.TEXT:
        try:
            frame = series.to_frame()
            typed = Schema((column,)).apply(frame, fitting=True).columns[column.name]
            return np.nan_to_num(np.asarray(typed, dtype=np.float64), nan=np.inf) + 0.0
        except AutoMLError:
            pass  # values of another type, which are compared as texts
    texts = series.astype("str").to_numpy(dtype=object)
    if series.dtype.kind == "M":
        return texts
    numbers = pd.to_numeric(series, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    return np.where(np.isnan(numbers), texts, numbers.astype(str))
