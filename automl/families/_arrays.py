"""Arrays as bytes in numpy's own format, which can't carry code, and some of their rows."""

import io
import zipfile
from collections.abc import Mapping

import numpy as np

BLOCK_CELLS = 1_000_000
"""Cells that are converted at a time."""


def float32_rows(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Copy some rows in single precision, without a copy in double precision on the way.

    Examples
    --------
    >>> float32_rows(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1])).tolist()
    [[3.0, 4.0]]
    """
    out = np.empty((len(rows), values.shape[1]), dtype=np.float32)
    size = max(1, BLOCK_CELLS // max(1, values.shape[1]))
    for start in range(0, len(rows), size):
        out[start : start + size] = values[rows[start : start + size]]
    return out


def pack(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Write named arrays into one ``.npz`` file, compressed quickly.

    Examples
    --------
    >>> unpack(pack({"w": np.arange(3)}))["w"].tolist()
    [0, 1, 2]
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as f:
                np.lib.format.write_array(f, np.asarray(array), allow_pickle=False)
    return buffer.getvalue()


def unpack(content: bytes) -> dict[str, np.ndarray]:
    """Read what :func:`pack` wrote; refuses pickled objects."""
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}
