"""A forest as arrays: small, exact, and loadable without running code from the file."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from automl.exceptions import ArtifactError
from automl.families._tree_file import FIELDS, LEAF, places, read_nodes, write_nodes

PART = 4096
"""Rows that one thread predicts at a time."""


@dataclass
class Forest:
    """The mean of many trees.

    Parameters
    ----------
    sizes : ndarray of shape (n_trees,)
        Nodes of each tree; the arrays in `nodes` hold the trees one after the other.
    nodes : dict of str to ndarray of shape (n_nodes,)
        ``left``, ``right`` (children within the tree, -1 for a leaf), ``feature``, ``threshold``
        (float32, rounded down, which sends every float32 the same way), ``missing_left``.
    values : ndarray of shape (n_nodes, n_outputs), float32
    n_features : int

    Notes
    -----
    Prediction hands the arrays back to scikit-learn's own tree, after checking that every child
    lies behind its parent and inside the tree and every feature exists, so that a damaged file
    can't make it read outside its memory.
    """

    sizes: np.ndarray
    nodes: dict[str, np.ndarray]
    values: np.ndarray
    n_features: int
    _trees: list[Any] = field(default_factory=list, repr=False)

    @classmethod
    def from_sklearn(cls, trees: Sequence[Any], whole: np.ndarray | None = None) -> "Forest":
        """Copy what prediction needs out of fitted scikit-learn trees.

        Parameters
        ----------
        trees : sequence of DecisionTreeClassifier or DecisionTreeRegressor
        whole : ndarray of bool of shape (n_features,), optional
            Columns of whole numbers. Any threshold between two of them does; the one in the
            middle is chosen, as files with few different ones are small.
        """
        raw = [t.tree_ for t in trees]
        threshold = np.concatenate([t.threshold for t in raw])
        feature = np.concatenate([t.feature for t in raw])
        if whole is not None:
            of_whole = whole[feature] & (feature >= 0)
            threshold[of_whole] = np.floor(threshold[of_whole]) + 0.5
        rounded = threshold.astype(np.float32)
        above = rounded.astype(np.float64) > threshold
        rounded[above] = np.nextafter(rounded[above], np.float32(-np.inf))
        nodes = {
            "left": np.concatenate([t.children_left for t in raw]),
            "right": np.concatenate([t.children_right for t in raw]),
            "feature": feature,
            "threshold": rounded,
            "missing_left": np.concatenate([t.missing_go_to_left for t in raw]),
        }
        values = np.concatenate([t.value[:, 0, :] for t in raw])
        return cls(
            np.array([t.node_count for t in raw], dtype=np.int64),
            {name: nodes[name].astype(kind) for name, kind in FIELDS.items()},
            values.astype(np.float32),
            int(raw[0].n_features),
        )

    def predict(self, X: np.ndarray, *, n_threads: int = 1) -> np.ndarray:
        """Mean over the trees, of shape (n_rows, n_outputs)."""
        X = np.ascontiguousarray(X, dtype=np.float32)
        if X.shape[1] != self.n_features:  # the trees themselves would read what lies behind X
            raise ArtifactError(
                f"The saved forest was grown on {self.n_features} columns, not {X.shape[1]}."
            )
        if not self._trees:
            self._trees = self._build()
        trees = self._trees
        total = np.zeros((len(X), self.values.shape[1]))

        def add(rows: slice) -> None:
            for tree in trees:
                total[rows] += tree.predict(X[rows]).reshape(rows.stop - rows.start, -1)

        if n_threads == 1 or len(X) <= PART:
            add(slice(0, len(X)))
        else:
            parts = [slice(a, min(a + PART, len(X))) for a in range(0, len(X), PART)]
            with ThreadPoolExecutor(n_threads) as pool:
                list(pool.map(add, parts))
        return total / len(trees)

    def save(self) -> dict[str, bytes]:
        """One file of arrays."""
        return {"forest.npz": write_nodes(self.sizes, self.nodes, self.values, self.n_features)}

    @classmethod
    def load(cls, content: bytes) -> "Forest":
        """Read and check what :meth:`save` wrote."""
        try:
            forest = cls(*read_nodes(content))
        except ValueError as error:
            raise ArtifactError(f"The saved forest is damaged: {error}.") from error
        forest._check()
        return forest

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_trees": []}

    def _check(self) -> None:
        sizes, values = self.sizes, self.values
        shaped = (
            sizes.ndim == 1
            and sizes.dtype.kind == "i"
            and values.ndim == 2
            and all(v.shape == (len(values),) for v in self.nodes.values())
            and len(sizes) > 0
            and bool(((sizes > 0) & (sizes <= len(values))).all())
            and int(sizes.sum()) == len(values)
        )
        if not (shaped and self._is_sound()):
            raise ArtifactError("The saved forest is damaged: a node points outside its tree.")

    def _is_sound(self) -> bool:
        """Whether children lie behind their parents in the same tree, and features exist."""
        within = places(self.sizes)
        size = np.repeat(self.sizes, self.sizes)
        left, right, feature = (self.nodes[n] for n in ("left", "right", "feature"))
        inner = left != LEAF
        return (
            bool(((left > within) & (left < size) | ~inner).all())
            and bool(((right > within) & (right < size) | ~inner).all())
            and bool(((feature >= 0) & (feature < self.n_features) | ~inner).all())
        )

    def _build(self) -> list[Any]:
        from sklearn.tree._tree import NODE_DTYPE, Tree

        n_outputs = self.values.shape[1]
        trees, start = [], 0
        for size in self.sizes:
            part = slice(start, start + int(size))
            start += int(size)
            nodes = np.zeros(int(size), dtype=NODE_DTYPE)
            nodes["left_child"] = self.nodes["left"][part]
            nodes["right_child"] = self.nodes["right"][part]
            nodes["feature"] = self.nodes["feature"][part]
            nodes["threshold"] = self.nodes["threshold"][part]
            nodes["missing_go_to_left"] = self.nodes["missing_left"][part]
            tree = Tree(self.n_features, np.array([n_outputs], dtype=np.intp), 1)
            values = self.values[part].astype(np.float64)[:, None, :]
            tree.__setstate__(
                {
                    "max_depth": 0,
                    "node_count": int(size),
                    "nodes": nodes,
                    "values": np.ascontiguousarray(values),
                }
            )
            trees.append(tree)
        return trees
