"""What several commands do with tables."""

import logging
from typing import TYPE_CHECKING

from automl.exceptions import DataError
from automl.table._messages import close_match, listed

if TYPE_CHECKING:
    import pandas as pd

    from automl._sample import Rows
    from automl.model import AutoModel

logger = logging.getLogger("automl.cli")


def read_rows(data: str, target: str, *, groups: str | None, weights: str | None) -> "Rows":
    """Read the table of a fit.

    Parameters
    ----------
    data : str
        A file, folder or pattern; - for standard input.
    target : str
    groups, weights : str, optional
        These columns stay in the table, too; the schema sets them aside, so that predict knows
        them.

    Returns
    -------
    Rows

    Raises
    ------
    DataError
        If the table can't be read, or a column is missing or can't be used.
    """
    from automl._sample import Rows
    from automl._weights import read_weights
    from automl.table import read_table

    frame = read_table(data, skip_bad_rows=True)
    y = take_column(frame, target, what="target", source=data)
    if not len(frame.columns):
        raise DataError(
            f"The table {shown_source(data)} has no column beside the target {target!r}: there is "
            "nothing to predict it from."
        )
    weight = None if weights is None else read_weights(frame, weights, shown_source(data))
    if groups is None:
        return Rows(frame, y, weight)
    values = take_column(frame, groups, what="groups", source=data)
    frame[groups] = values
    return Rows(frame, y, weight, values.to_numpy())


def take_column(frame: "pd.DataFrame", name: str, *, what: str, source: str) -> "pd.Series":
    """Take a column out of a table.

    Parameters
    ----------
    frame : DataFrame
        It loses the column.
    name : str
    what : str
        What the column is for, such as ``"target"``.
    source : str
        Where the table came from, for the message.

    Returns
    -------
    Series

    Raises
    ------
    DataError
        If there is no such column.
    """
    found = {str(column): column for column in frame.columns}
    if name not in found:
        raise DataError(
            f"There is no {what} column {name!r} in {shown_source(source)}"
            f"{close_match(name, list(found))}; the columns are {listed(found, 20)}."
        )
    return frame.pop(found[name])


def known_weights(
    model: "AutoModel", frame: "pd.DataFrame", *, source: str
) -> "pd.Series[float] | None":
    """Return the weights of rows, where a model was fitted with a column of them.

    Parameters
    ----------
    model : AutoModel
    frame : DataFrame
        If it lacks the column, that is said.
    source : str
        Where it came from, for messages.

    Raises
    ------
    DataError
        If a value of the column is no weight.
    """
    from automl._weights import read_weights

    name = model._facts.get("weights")
    if name is None:
        return None
    if name not in frame.columns:
        where = shown_source(source)
        logger.warning("%s has no column %r of weights: all its rows count alike.", where, name)
        return None
    return read_weights(frame, name, shown_source(source))


def shown_source(source: str) -> str:
    """How a message calls the table.

    Examples
    --------
    >>> shown_source("-"), shown_source("a.csv")
    ('standard input', "'a.csv'")
    """
    return "standard input" if source == "-" else repr(source)
