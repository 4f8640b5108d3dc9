"""The encoding of models that look at no column."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from automl.features._matrix import Matrix
from automl.table import Schema, Table


@dataclass(frozen=True)
class NoneEncoder:
    """A matrix without columns, which costs nothing on a table of any size."""

    kind = "none"

    def header(self, schema: Schema) -> Matrix:
        """Return the matrix of a table without its rows."""
        return Matrix(np.empty((0, 0), np.float32), (), (), ())

    def transform(
        self,
        table: Table,
        *,
        out: np.ndarray | None = None,
        order: Literal["C", "F"] = "C",
        n_threads: int = 1,
    ) -> Matrix:
        """Keep the number of rows."""
        values = np.zeros((table.n_rows, 0), np.float32) if out is None else out
        return Matrix(values, (), (), ())

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"kind": self.kind}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> "NoneEncoder":
        """Inverse of :meth:`to_dict`."""
        return cls()
