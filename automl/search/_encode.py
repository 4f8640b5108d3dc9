"""The encoding of the table: a job of a worker, as it may take long and much memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from automl.compute import DataRef, read_shared
from automl.features import fit_encoder
from automl.table import Schema, Table

ENCODE_TABLE = f"{__name__}:encode_table"


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
        The typed columns, in the order of the schema's features.
    n_rows : int
    folder : Path
        New folder for the matrix.
    """

    kind: str
    schema: Mapping[str, Any]
    table: DataRef
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
    arrays = list(read_shared(task.table).values())
    names = [column.name for column in schema.features]
    table = Table(schema, dict(zip(names, arrays, strict=True)), task.n_rows)
    encoder = fit_encoder(task.kind, table)
    matrix = encoder.transform(table)
    task.folder.mkdir(parents=True)
    np.save(task.folder / "0.npy", matrix.values)
    return Encoded(
        encoder.to_dict(),
        matrix.names,
        matrix.sources,
        matrix.cardinalities,
        matrix.values.dtype.str,
    )


def matrix_ref(folder: Path) -> DataRef:
    """The matrix in a folder that :func:`encode_table` wrote."""
    return DataRef(str(folder), ("values",))
