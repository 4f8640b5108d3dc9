"""Arrays shared between processes: one ``.npy`` file each, opened read-only through mmap.

All workers of a machine read the same pages of memory, and a path means the same thing to a
worker on another machine that sees the same file system.
"""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from automl.compute._engine import DataRef

if TYPE_CHECKING:
    import numpy as np


def write(folder: Path, name: str, arrays: "Mapping[str, np.ndarray]") -> DataRef:
    """Write arrays into a new folder below `folder`, complete or not at all.

    Raises
    ------
    ValueError
        If an array holds Python objects, which can't be shared.
    """
    import numpy as np

    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=folder))
    for number, array in enumerate(arrays.values()):
        np.save(draft / f"{number}.npy", array, allow_pickle=False)
    final = folder / f"{name}{draft.name.removeprefix('.draft')}"
    os.rename(draft, final)
    return DataRef(str(final), tuple(arrays))


def read(ref: DataRef) -> "dict[str, np.ndarray]":
    """Open the arrays of `ref`; they can't be written to."""
    return {name: _open(f"{ref.path}/{number}.npy") for number, name in enumerate(ref.names)}


def _open(path: str) -> "np.ndarray":
    import numpy as np

    try:
        # A plain view: the memmap subclass makes slicing slower and is of no use here.
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except ValueError:  # mmap refuses arrays without bytes
        array: np.ndarray = np.load(path, allow_pickle=False)
        array.setflags(write=False)
        return array
