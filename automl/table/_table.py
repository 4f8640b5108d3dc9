"""A typed table: what the rest of the package works on."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from automl.table._schema import Schema


@dataclass(frozen=True, eq=False)
class Table:
    """The feature columns of a table as typed arrays.

    Parameters
    ----------
    schema : Schema
        The schema that the columns follow.
    columns : dict of str to numpy.ndarray
        One array per feature, in the order of ``schema.features``. Numeric columns are float64
        with NaN; boolean ones float64 of 0, 1 and NaN; dates float64 seconds since 1970 with
        NaN; categorical ones int32 codes with -1 for missing or not seen at fit. The arrays may
        be views of the caller's data: don't write to them.
    n_rows : int
        Number of rows.
    """

    schema: "Schema"
    columns: dict[str, np.ndarray]
    n_rows: int

    @property
    def nbytes(self) -> int:
        """Size of the arrays in bytes."""
        return sum(column.nbytes for column in self.columns.values())

    def take(self, rows: np.ndarray | slice) -> "Table":
        """Return the table of some rows, in the order given.

        Parameters
        ----------
        rows : numpy.ndarray or slice
            Positions, a mask of all rows, or a slice; only a slice gives views.

        Examples
        --------
        >>> import pandas as pd
        >>> from automl.table import Schema
        >>> frame = pd.DataFrame({"a": [1.5, 2.5, 3.5]})
        >>> table = Schema.infer(frame).apply(frame)
        >>> table.take(np.array([2, 0])).columns["a"].tolist()
        [3.5, 1.5]
        """
        columns = {name: column[rows] for name, column in self.columns.items()}
        n_rows = len(np.empty(self.n_rows, dtype=np.bool_)[rows])
        return Table(self.schema, columns, n_rows)
