"""Ridge regressions on the same sparse rows, each on some of them, solved together."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy import sparse

CELLS = 4_000_000
"""Numbers of an intermediate result: so many systems are solved at a time as fit into it."""

ENOUGH = 1e-3
"""Share of the first residual at which a solution is good enough."""


def solve_together(
    X: "sparse.csr_matrix",
    y: np.ndarray,
    weights: np.ndarray,
    *,
    penalty: float,
    n_steps: int,
) -> np.ndarray:
    """Solve many ridge regressions by conjugate gradients.

    What takes time is going through the sparse rows, which is done once a step for all of them.

    Parameters
    ----------
    X : csr_matrix of shape (n_rows, n_columns)
    y : ndarray of shape (n_rows, n_outputs)
    weights : ndarray of shape (n_systems, n_rows)
        The weight of each row in each system, 0 where it is left out.
    penalty : float
    n_steps : int
        At most. To end early is to shrink more.

    Returns
    -------
    ndarray of shape (n_systems, n_columns, n_outputs), float32

    Examples
    --------
    >>> from scipy import sparse
    >>> X = sparse.csr_matrix(np.eye(3, dtype=np.float32))
    >>> y, weights = np.array([[2.0], [4.0], [6.0]]), np.array([[1.0, 1.0, 0.0]])
    >>> solve_together(X, y, weights, penalty=1.0, n_steps=10)[0, :, 0].tolist()
    [1.0, 2.0, 0.0]
    """
    n_outputs = y.shape[1]
    size = max(1, CELLS // max(1, max(X.shape) * n_outputs))
    parts = []
    for start in range(0, len(weights), size):
        some = weights[start : start + size]
        W = np.repeat(some.T.astype(np.float32), n_outputs, axis=1)
        Y = np.tile(y.astype(np.float32), len(some))
        found = _solve(X, W, Y, penalty, n_steps)
        parts.append(found.reshape(X.shape[1], len(some), n_outputs).transpose(1, 0, 2))
    return np.concatenate(parts)


def _solve(
    X: "sparse.csr_matrix", W: np.ndarray, Y: np.ndarray, penalty: float, n_steps: int
) -> np.ndarray:
    """A system in each column."""
    residual = X.T @ (W * Y)
    solution, direction = np.zeros_like(residual), residual.copy()
    square = first = np.einsum("ij,ij->j", residual, residual)
    for _ in range(n_steps):
        image = X.T @ (W * (X @ direction)) + np.float32(penalty) * direction
        length = square / np.maximum(np.einsum("ij,ij->j", direction, image), 1e-30)
        solution += length * direction
        residual -= length * image
        before, square = square, np.einsum("ij,ij->j", residual, residual)
        if (square <= ENOUGH**2 * first).all():
            break
        direction = residual + square / np.maximum(before, 1e-30) * direction
    return np.asarray(solution, dtype=np.float32)
