"""Encoded tables, made when first asked for and shared with the workers."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from automl.features import Encoder, Matrix, fit_encoder
from automl.table import Table


class Matrices:
    """The encodings of one training table.

    Parameters
    ----------
    table : Table
    put : callable
        Called with (name, arrays); shares them with the workers and returns a reference.
    """

    def __init__(self, table: Table, put: Callable[[str, Mapping[str, np.ndarray]], Any]) -> None:
        self._table = table
        self._put = put
        self.encoders: dict[str, Encoder] = {}
        self._shared: dict[str, tuple[Any, Matrix]] = {}

    def get(self, encoding: str) -> tuple[Any, Matrix]:
        """Reference to the shared values, and the matrix without them."""
        if encoding not in self._shared:
            encoder = fit_encoder(encoding, self._table)
            matrix = encoder.transform(self._table)
            reference = self._put(encoding, {"values": matrix.values})
            empty = Matrix(
                matrix.values[:0].copy(), matrix.names, matrix.sources, matrix.cardinalities
            )
            self.encoders[encoding] = encoder
            self._shared[encoding] = (reference, empty)
        return self._shared[encoding]
