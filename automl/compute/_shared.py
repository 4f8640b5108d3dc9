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
    import numpy as np

    # Plain views: the memmap subclass makes slicing slower and is of no use here.
    return {
        name: np.asarray(np.load(f"{ref.path}/{number}.npy", mmap_mode="r", allow_pickle=False))
        for number, name in enumerate(ref.names)
    }
