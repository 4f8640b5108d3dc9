"""The table of encodings by name."""

from collections.abc import Mapping
from typing import Any, Protocol

from automl.features._dense import DenseEncoder
from automl.features._matrix import Matrix
from automl.features._tree import TreeEncoder
from automl.table import Table


class Encoder(Protocol):
    """What every fitted encoding can do."""

    @property
    def kind(self) -> str:
        """Name of the encoding."""

    def transform(self, table: Table) -> Matrix:
        """Encode the rows of `table`."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""


ENCODINGS = ("tree", "scaled", "piecewise")


def fit_encoder(kind: str, table: Table) -> Encoder:
    """Fit the encoding named `kind` on all rows of `table`.

    Parameters
    ----------
    kind : {"tree", "scaled", "piecewise"}
    table : Table

    Returns
    -------
    Encoder
    """
    if kind == "tree":
        return TreeEncoder.fit(table)
    return DenseEncoder.fit(table, kind)


def encoder_from_dict(state: Mapping[str, Any]) -> Encoder:
    """Read an encoder that ``to_dict`` wrote."""
    if state["kind"] == "tree":
        return TreeEncoder.from_dict(state)
    return DenseEncoder.from_dict(state)
