"""Arrays as bytes: numpy's own format, which can't carry code."""

import io
from collections.abc import Mapping

import numpy as np


def pack(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Write named arrays into one ``.npz`` file.

    Examples
    --------
    >>> unpack(pack({"w": np.arange(3)}))["w"].tolist()
    [0, 1, 2]
    """
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **dict(arrays))
    return buffer.getvalue()


def unpack(content: bytes) -> dict[str, np.ndarray]:
    """Read what :func:`pack` wrote; refuses pickled objects."""
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}
