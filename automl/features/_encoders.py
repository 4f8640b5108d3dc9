"""The table of encodings by name."""

from collections.abc import Mapping
from typing import Any, Literal, Protocol

import numpy as np

from automl.features._dense import DenseEncoder
from automl.features._matrix import Matrix
from automl.features._none import NoneEncoder
from automl.features._tree import TreeEncoder
from automl.table import Schema, Table


class Encoder(Protocol):
    """What every fitted encoding can do."""

    @property
    def kind(self) -> str:
        """Name of the encoding."""

    def header(self, schema: Schema) -> Matrix:
        """The matrix of a table of the schema of the fit, without its rows: names and dtype."""

    def transform(
        self,
        table: Table,
        *,
        out: np.ndarray | None = None,
        order: Literal["C", "F"] = "C",
        n_threads: int = 1,
    ) -> Matrix:
        """Encode the rows of `table`, into `out` if it is given, some at a time.

        `out` is an array of the width and dtype of `header`, such as one that lies in a file. A
        new array lies row by row (``"C"``), as fits need it, or column by column (``"F"``), as it
        is filled several times as fast.
        """

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""


ENCODINGS = ("tree", "scaled", "piecewise", "none")


def fit_encoder(kind: str, table: Table) -> Encoder:
    """Fit the encoding named `kind` on all rows of `table`.

    Parameters
    ----------
    kind : {"tree", "scaled", "piecewise", "none"}
    table : Table

    Returns
    -------
    Encoder
    """
    if kind == "tree":
        return TreeEncoder.fit(table)
    if kind == "none":
        return NoneEncoder()
    return DenseEncoder.fit(table, kind)


def encoder_from_dict(state: Mapping[str, Any]) -> Encoder:
    """Read an encoder that ``to_dict`` wrote."""
    if state["kind"] == "tree":
        return TreeEncoder.from_dict(state)
    if state["kind"] == "none":
        return NoneEncoder.from_dict(state)
    return DenseEncoder.from_dict(state)
