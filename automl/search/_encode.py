"""The encoding of the table: a job of a worker, as it may take long and much memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from automl.compute import DataRef, read_shared
from automl.features import fit_encoder, write_matrix
from automl.table import Schema, Table

ENCODE_TABLE = f"{__name__}:encode_table"

BUNDLE = 64
"""Columns in a file, if there are more than so many."""


@dataclass(frozen=True)
class EncodeTask:
    """What a worker must know to encode the table.

    Parameters
    ----------
    kind : str
        Name of the encoding.
    schema : dict
        The schema as plain values.
    table : DataRef
        The typed columns in bundles,
    bundles : tuple of tuple of int
        with the places of each bundle's columns among the schema's features.
    n_rows : int
    folder : Path
        New folder for the matrix.
    """

    kind: str
    schema: Mapping[str, Any]
    table: DataRef
    bundles: tuple[tuple[int, ...], ...]
    n_rows: int
    folder: Path


@dataclass(frozen=True)
class Encoded:
    """A matrix on disk, and how it was made.

    Parameters
    ----------
    encoder : dict
        The fitted encoder as plain values.
    names, sources, cardinalities : tuple
        Of the matrix's columns.
    dtype : str
        Of its values.
    """

    encoder: Mapping[str, Any]
    names: tuple[str, ...]
    sources: tuple[str, ...]
    cardinalities: tuple[int, ...]
    dtype: str


def encode_table(
    task: EncodeTask, data: Sequence[Mapping[str, np.ndarray]], channel: Any
) -> Encoded:
    """Fit an encoder on all rows, encode them, and share the matrix by a file.

    Parameters
    ----------
    task : EncodeTask
    data : sequence
        Nothing: the columns are opened here, so that they are closed again.
    channel : Channel

    Returns
    -------
    Encoded
    """
    schema = Schema.from_dict(task.schema)
    places: dict[int, np.ndarray] = {}
    for columns, values in zip(task.bundles, read_shared(task.table).values(), strict=True):
        places |= dict(zip(columns, values, strict=True))
    arrays = {c.name: places[i] for i, c in enumerate(schema.features)}
    table = Table(schema, arrays, task.n_rows)
    encoder = fit_encoder(task.kind, table)
    task.folder.mkdir(parents=True)
    header = write_matrix(encoder, table, task.folder / "0.npy")
    return Encoded(
        encoder.to_dict(),
        header.names,
        header.sources,
        header.cardinalities,
        header.values.dtype.str,
    )


def bundle(
    columns: Sequence[np.ndarray],
) -> tuple[tuple[tuple[int, ...], ...], dict[str, np.ndarray]]:
    """Put the columns of a wide table together: a file each would take longer than the data.

    Parameters
    ----------
    columns : sequence of ndarray of shape (n_rows,)

    Returns
    -------
    tuple of tuple of int
        The places of each bundle's columns.
    dict of str to ndarray of shape (n_columns, n_rows)
        The bundles; a bundle of one column is a view.

    Examples
    --------
    >>> bundle([np.zeros(3), np.zeros(3, dtype=np.int32)])[0]
    ((0,), (1,))
    """
    size = 1 if len(columns) <= BUNDLE else BUNDLE
    kinds: dict[np.dtype[Any], list[int]] = {}
    for i, values in enumerate(columns):
        kinds.setdefault(values.dtype, []).append(i)
    places = [tuple(k[i : i + size]) for k in kinds.values() for i in range(0, len(k), size)]
    bundles = {
        f"{n}": columns[p[0]][None] if len(p) == 1 else np.stack([columns[i] for i in p])
        for n, p in enumerate(places)
    }
    return tuple(places), bundles


def matrix_ref(folder: Path) -> DataRef:
    """The matrix in a folder that :func:`encode_table` wrote."""
    return DataRef(str(folder), ("values",))
