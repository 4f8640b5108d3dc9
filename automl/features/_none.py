"""The encoding of models that look at no column."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.features._matrix import Encoder, Matrix
from automl.features._text_encoder import NO_TEXTS
from automl.table import Schema, Table


@dataclass(frozen=True)
class NoneEncoder(Encoder):
    """A matrix without columns, which costs nothing on a table of any size."""

    kind = "none"
    texts = NO_TEXTS

    def header(self, schema: Schema) -> Matrix:
        """Return the matrix of a table without its rows."""
        return Matrix(np.empty((0, 0), np.float32), (), (), ())

    def _write(self, table: Table, rows: slice, out: np.ndarray) -> None:
        """Nothing to write."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"kind": self.kind}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> "NoneEncoder":
        """Inverse of :meth:`to_dict`."""
        return cls()
