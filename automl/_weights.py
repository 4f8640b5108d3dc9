"""Weights of rows, as a column of a table holds them."""

from typing import Any

import numpy as np
import pandas as pd

from automl.exceptions import DataError
from automl.table import Role, Schema
from automl.table._messages import close_match, counted, listed, shown
from automl.table._values import numbers


class WeightsError(DataError):
    """The column of weights is missing, or holds what can't be a weight."""


def read_weights(frame: pd.DataFrame, name: str, what: str) -> "pd.Series[float]":
    """Read the weights of a table's rows.

    Parameters
    ----------
    frame : DataFrame
        It keeps the column.
    name : str
    what : str
        How messages call the table.

    Returns
    -------
    Series of shape (n_rows,)
        Numbers, under the column's name and with the index of the table.

    Raises
    ------
    WeightsError
        If there is no such column, or it has a value that is missing, no number or negative, or
        no value above zero.

    Examples
    --------
    >>> frame = pd.DataFrame({"sold": [3, 4], "weight": ["1", "0.5"], "sign": [1, -1]})
    >>> read_weights(frame, "weight", "the table").tolist()
    [1.0, 0.5]
    >>> read_weights(frame, "sign", "the table")
    Traceback (most recent call last):
    ...
    automl._weights.WeightsError: The weights column 'sign' of the table has -1 in row 1 (counting
    from 0). Each row needs a number, zero or above: correct the value, or leave the row out.
    """
    found = {str(column): column for column in frame.columns}
    if name not in found:
        raise WeightsError(
            f"There is no weights column {name!r} in {what}{close_match(name, list(found))}; "
            f"the columns are {listed(found, 20)}."
        )
    given = frame[found[name]]
    values = _numbers(given, name)
    wrong = ~np.isfinite(values) | (values < 0)
    if wrong.any():
        row = int(wrong.argmax())
        value = given.iloc[row]
        told = "no value" if pd.isna(value) else shown(getattr(value, "item", lambda: value)())
        raise WeightsError(
            f"The weights column {name!r} of {what} has {told} in row {row} (counting from 0). "
            "Each row needs a number, zero or above: correct the value, or leave the row out."
        )
    if not values.any():
        raise WeightsError(
            f"The weights column {name!r} of {what} is zero in all {counted(len(values), 'row')}: "
            "nothing would count. Give some rows a weight above zero, or name another column."
        )
    return pd.Series(values, frame.index, name=name)


def name_of_weights(weights: Any) -> str | None:
    """Return the name of the column that weights come from, if they know it.

    Examples
    --------
    >>> name_of_weights(pd.Series([1.0], name="sold")), name_of_weights([1.0])
    ('sold', None)
    """
    name = getattr(weights, "name", None)
    return name if isinstance(name, str) and name else None


def _numbers(series: "pd.Series[Any]", name: str) -> np.ndarray:
    """The values as floats, nan for what is no number."""
    if series.dtype.kind in "iufb":
        return np.array(series.to_numpy(np.float64, na_value=np.nan))  # a view keeps the table
    frame = series.astype("object").astype("str").where(series.notna(), None).to_frame(name)
    try:
        schema = Schema.infer(frame, types={name: Role.NUMERIC.value})
        return np.asarray(schema.apply(frame, fitting=True).columns[name], dtype=np.float64)
    except DataError:  # too few of them are numbers to tell how those are written
        return numbers(frame[name].tolist()).values
