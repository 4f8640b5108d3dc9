"""The table of encodings by name."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from automl.features._dense import MAX_BINS, MAX_ONE_HOT, WIDTH, DenseEncoder
from automl.features._elapsed import MOST_COLUMNS
from automl.features._matrix import Encoder, Matrix
from automl.features._none import NoneEncoder
from automl.features._text_encoder import NO_TEXTS, TextEncoder, expected_names
from automl.features._tree import TreeEncoder
from automl.table import Schema, Table

NUMBERS = ("numeric", "boolean")
DATE_PARTS = 8
"""Columns that a date is taken to bring."""


ENCODINGS = ("tree", "scaled", "straight", "piecewise", "none")

WRITTEN_BYTES = 1 << 22
"""Of a matrix that is written into a file, what is encoded at once."""


def expected_width(kind: str, schema: Schema) -> int:
    """About how many columns an encoding would have, from the roles of the columns alone.

    Parameters
    ----------
    kind : {"tree", "scaled", "straight", "piecewise", "none"}
    schema : Schema

    Returns
    -------
    int
        For the dense encodings rather too many.
    """
    if kind == "none":
        return 0
    roles = [(str(c.role), len(c.categories)) for c in schema.features]
    numbers = sum(DATE_PARTS if role == "datetime" else role in NUMBERS for role, _ in roles)
    texts = expected_names(schema)
    moments = min(MOST_COLUMNS, sum(role == "datetime" for role, _ in roles))
    numbers += moments * (moments - 1) // 2
    if kind == "tree":
        return numbers + sum(role == "categorical" for role, _ in roles) + texts
    bins = min(MAX_BINS, max(4, WIDTH // max(1, numbers))) if kind == "piecewise" else 0
    indicators = sum(min(n, MAX_ONE_HOT) + 1 for role, n in roles if role == "categorical")
    return numbers * (1 + bins) + indicators + texts


def fit_encoder(kind: str, table: Table, texts: TextEncoder | None = None) -> Encoder:
    """Fit the encoding named `kind` on all rows of `table`.

    Parameters
    ----------
    kind : {"tree", "scaled", "straight", "piecewise", "none"}
    table : Table
    texts : TextEncoder, optional
        Its columns of texts, fitted; by default they are fitted, too.

    Returns
    -------
    Encoder
    """
    if kind == "tree":
        return TreeEncoder.fit(table, texts)
    if kind == "none":
        return NoneEncoder()
    return DenseEncoder.fit(table, kind, texts)


def encoder_from_dict(state: Mapping[str, Any], texts: TextEncoder = NO_TEXTS) -> Encoder:
    """Read an encoder that ``to_dict`` wrote; its texts are saved apart."""
    if state["kind"] == "tree":
        return TreeEncoder.from_dict(state, texts)
    if state["kind"] == "none":
        return NoneEncoder.from_dict(state)
    return DenseEncoder.from_dict(state, texts)


def write_matrix(encoder: Encoder, table: Table, path: Path, *, n_threads: int = 1) -> Matrix:
    """Encode a table into a ``.npy`` file, without ever holding the matrix.

    Parameters
    ----------
    encoder : Encoder
    table : Table
    path : Path
        It is replaced if it exists.
    n_threads : int

    Returns
    -------
    Matrix
        Without its rows: what is known of its columns.

    Examples
    --------
    >>> import tempfile
    >>> from automl.table import Schema
    >>> data = {"a": [1.5, 2.0, None]}
    >>> table = Schema.infer(data).apply(data)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "matrix.npy")
    ...     names = write_matrix(fit_encoder("tree", table), table, path).names
    ...     names, np.load(path).tolist()
    (('a',), [[1.5], [2.0], [nan]])
    """
    header = encoder.header(table.schema)
    n_columns, dtype = header.shape[1], header.values.dtype
    size = max(1, WRITTEN_BYTES // max(1, n_columns * dtype.itemsize))
    part = np.empty((min(size, table.n_rows), n_columns), dtype)
    with open(path, "wb") as file:
        layout = {
            "descr": np.lib.format.dtype_to_descr(dtype),
            "fortran_order": False,
            "shape": (table.n_rows, n_columns),
        }
        np.lib.format.write_array_header_1_0(file, layout)
        for start in range(0, table.n_rows, size) if n_columns else ():
            some = table.take(slice(start, start + size))
            out = part[: some.n_rows]
            encoder.transform(some, out=out, n_threads=n_threads)
            file.write(out.data)
    return header
