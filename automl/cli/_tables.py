"""What several commands do with tables."""

from typing import TYPE_CHECKING

from automl.exceptions import DataError
from automl.table._messages import close_match, listed

if TYPE_CHECKING:
    import pandas as pd


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


def shown_source(source: str) -> str:
    """How a message calls the table.

    Examples
    --------
    >>> shown_source("-"), shown_source("a.csv")
    ('standard input', "'a.csv'")
    """
    return "standard input" if source == "-" else repr(source)
