"""How the nodes of a forest lie in a file: as small as they get without losing a bit.

Children are told by how far behind their parent they lie, leaves have neither children nor
thresholds, and inner nodes no values. Of each kind of number the first bytes lie together, then
the second ones, and so on, which is what compressors like.
"""

from collections.abc import Mapping

import numpy as np

from automl.families._arrays import pack, unpack

LEAF = -1
FIELDS = {
    "left": np.int32,
    "right": np.int32,
    "feature": np.int32,
    "threshold": np.float32,
    "missing_left": np.uint8,
}
CHILDREN = ("left", "right")


def places(sizes: np.ndarray) -> np.ndarray:
    """The place of each node in its tree.

    Examples
    --------
    >>> places(np.array([3, 2])).tolist()
    [0, 1, 2, 0, 1]
    """
    starts = np.cumsum(sizes) - sizes
    return np.asarray(np.arange(int(np.sum(sizes))) - np.repeat(starts, sizes))


def write_nodes(
    sizes: np.ndarray, nodes: Mapping[str, np.ndarray], values: np.ndarray, n_features: int
) -> bytes:
    """Write the nodes of trees that follow each other.

    Parameters
    ----------
    sizes : ndarray of shape (n_trees,)
    nodes : mapping of str to ndarray of shape (n_nodes,)
    values : ndarray of shape (n_nodes, n_outputs)
    n_features : int
    """
    inner = nodes["left"] != LEAF
    place = places(sizes)[inner]
    arrays = {
        "n_features": np.array(n_features),
        "sizes": sizes,
        "inner": np.packbits(inner),
        "values": _planes(values[~inner]),
    }
    for name, kind in FIELDS.items():
        array = nodes[name][inner]
        if name in CHILDREN:
            array = array - place
        arrays[name] = _planes(array.astype(kind))
    return pack(arrays)


def read_nodes(
    content: bytes,
) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray, int]:
    """Read what :func:`write_nodes` wrote.

    Returns
    -------
    sizes, nodes, values, n_features

    Raises
    ------
    ValueError
        If the arrays don't belong together.
    """
    arrays = unpack(content)
    n_features = int(arrays["n_features"])
    if "inner" not in arrays:  # the first format
        nodes = {name: arrays[name].astype(kind) for name, kind in FIELDS.items()}
        return arrays["sizes"], nodes, arrays["values"], n_features
    sizes = arrays["sizes"]
    if sizes.ndim != 1 or sizes.dtype.kind != "i" or not len(sizes):
        raise ValueError("sizes of trees")
    if not ((sizes > 0) & (sizes <= 8 * len(arrays["inner"]))).all():
        raise ValueError("sizes of trees beyond their nodes")
    n_nodes = int(sizes.sum())
    inner = np.unpackbits(arrays["inner"], count=n_nodes).astype(bool)
    if len(inner) != n_nodes or len(arrays["inner"]) != -(-n_nodes // 8):
        raise ValueError("other nodes than the sizes say")
    place = places(sizes)[inner]
    nodes = {}
    for name, kind in FIELDS.items():
        array = _joined(arrays[name], np.dtype(kind))
        nodes[name] = np.full(n_nodes, LEAF if name in (*CHILDREN, "feature") else 0, kind)
        nodes[name][inner] = array + place if name in CHILDREN else array
    leaves = _joined(arrays["values"], np.dtype(np.float32))
    n_leaves = n_nodes - int(inner.sum())
    if not n_leaves or not len(leaves) or len(leaves) % n_leaves:
        raise ValueError("other leaves than there are values")
    values = np.zeros((n_nodes, len(leaves) // n_leaves), np.float32)
    values[~inner] = leaves.reshape(n_leaves, -1)
    return sizes, nodes, values, n_features


def _planes(array: np.ndarray) -> np.ndarray:
    """The bytes of numbers, of shape (itemsize, n)."""
    flat = np.ascontiguousarray(array).reshape(-1)
    return np.ascontiguousarray(flat.view(np.uint8).reshape(-1, flat.itemsize).T)


def _joined(planes: np.ndarray, kind: np.dtype) -> np.ndarray:
    """Inverse of `_planes`."""
    if planes.dtype != np.uint8 or planes.ndim != 2 or len(planes) != kind.itemsize:
        raise ValueError("bytes of another kind of number")
    return np.ascontiguousarray(planes.T).reshape(-1).view(kind)
