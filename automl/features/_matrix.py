"""The matrix that a model family is given."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Matrix:
    """Numbers for a model, with what each column means.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns), float32 or float64
        Missing values are NaN. A categorical column holds codes 0, 1, ....
    names : tuple of str
        One name per matrix column.
    sources : tuple of str
        For each matrix column the column of the user's table that it comes from.
    cardinalities : tuple of int
        Number of categories of a matrix column, 0 where it is a number.

    Examples
    --------
    >>> Matrix(np.zeros((2, 2), dtype=np.float32), ("age", "city"), ("age", "city"), (0, 3)
    ...        ).categorical
    (1,)
    """

    values: np.ndarray
    names: tuple[str, ...]
    sources: tuple[str, ...]
    cardinalities: tuple[int, ...]

    @property
    def categorical(self) -> tuple[int, ...]:
        """Positions of the categorical columns."""
        return tuple(i for i, n in enumerate(self.cardinalities) if n > 0)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.values.shape[0], self.values.shape[1]
