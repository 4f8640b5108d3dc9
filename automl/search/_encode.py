"""The encoding of the table: a job of a worker, as it may take long and much memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from automl.compute import DataRef, read_shared
from automl.features import Outcome, TextEncoder, fit_encoder, write_matrix
from automl.search._texts import fitted_texts, scores_of
from automl.table import Schema, Table, Texts

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
    texts : DataRef, optional
        The texts of the columns that have some, as ``"<place>.<part>"``.
    n_outputs : int
        Columns of a prediction.
    seconds : float
        What texts may take, about.
    memory : float, optional
        Bytes that the job may have.
    sentences : bool
        Whether vectors of sentences are made, too.
    """

    kind: str
    schema: Mapping[str, Any]
    table: DataRef
    bundles: tuple[tuple[int, ...], ...]
    n_rows: int
    folder: Path
    texts: DataRef | None = None
    n_outputs: int = 1
    seconds: float = np.inf
    memory: float | None = None
    sentences: bool = False


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
    texts : TextEncoder
        What the encoder holds beside plain values.
    n_told : int
        How many of the columns differ from fold to fold: the last, which lie in an array of
        their own, of shape (n_folds + 1, n_rows, n_told).
    """

    encoder: Mapping[str, Any]
    names: tuple[str, ...]
    sources: tuple[str, ...]
    cardinalities: tuple[int, ...]
    dtype: str
    texts: TextEncoder
    n_told: int = 0


def encode_table(
    task: EncodeTask, data: Sequence[Mapping[str, np.ndarray]], channel: Any
) -> Encoded:
    """Fit an encoder on all rows, encode them, and share the matrix by a file.

    Parameters
    ----------
    task : EncodeTask
    data : sequence
        The target with its folds, which only what texts tell of it is learned from. The columns
        are opened here, so that they are closed again.
    channel : Channel

    Returns
    -------
    Encoded
    """
    table = _open_table(task)
    texts, shared = TextEncoder(), task.folder.with_name("texts")
    if table.texts:
        tells = bool(data) and TextEncoder.tells(table, task.n_outputs)
        outcome = Outcome.of(data[0], task.n_outputs) if tells else None
        texts = fitted_texts(
            shared,
            table,
            outcome,
            seconds=task.seconds,
            memory=task.memory,
            sentences=task.sentences,
        )
    encoder = fit_encoder(task.kind, table, texts)
    task.folder.mkdir(parents=True)
    header = write_matrix(encoder, table, task.folder / "0.npy")
    if texts.told:
        scores_of(shared, task.folder / "1.npy")
    names, sources = zip(*texts.told_names, strict=True) if texts.told else ((), ())
    return Encoded(
        encoder.to_dict(),
        header.names + names,
        header.sources + sources,
        header.cardinalities + (0,) * len(names),
        header.values.dtype.str,
        texts,
        len(names),
    )


def _open_table(task: EncodeTask) -> Table:
    schema = Schema.from_dict(task.schema)
    arrays = open_columns(task.table, task.bundles, [c.name for c in schema.features])
    parts: dict[str, dict[str, np.ndarray]] = {}
    for key, values in (read_shared(task.texts) if task.texts else {}).items():
        place, _, part = key.partition(".")
        parts.setdefault(schema.features[int(place)].name, {})[part] = values
    texts = {name: Texts.from_arrays(own) for name, own in parts.items()}
    return Table(schema, arrays, task.n_rows, texts=texts)


def open_columns(
    ref: DataRef, bundles: Sequence[Sequence[int]], names: Sequence[str]
) -> dict[str, np.ndarray]:
    """Open the shared columns of a table.

    Parameters
    ----------
    ref : DataRef
        Bundles as :func:`bundle` made them,
    bundles : sequence of sequence of int
        the places of their columns,
    names : sequence of str
        and the names of all columns.
    """
    columns: dict[int, np.ndarray] = {}
    for places, values in zip(bundles, read_shared(ref).values(), strict=True):
        columns |= dict(zip(places, values, strict=True))
    return {name: columns[i] for i, name in enumerate(names)}


def text_arrays(table: Table) -> dict[str, np.ndarray]:
    """The texts of a table by the place of their column and the name of the part."""
    return {
        f"{i}.{part}": values
        for i, column in enumerate(table.schema.features)
        if column.name in table.texts
        for part, values in table.texts[column.name].to_arrays().items()
    }


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


def matrix_ref(folder: Path, n_told: int = 0) -> DataRef:
    """The matrix in a folder that :func:`encode_table` wrote, and what texts tell if they do."""
    return DataRef(str(folder), ("values", "told") if n_told else ("values",))
