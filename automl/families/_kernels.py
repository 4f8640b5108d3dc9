"""Ridge regression with a kernel: distances, two solvers, and what columns moved the function."""

from dataclasses import dataclass

import numpy as np

BLOCK_CELLS = 2_000_000
"""Kernel values that are computed at a time."""

NEAR = 1e-9
"""Squared distances, of the median one, below which two rows are the same row."""

JITTER = 1e-7


@dataclass(frozen=True)
class Kernel:
    """exp(-(d / bandwidth)^exponent) of the distance between rows whose columns are scaled.

    Parameters
    ----------
    scales : ndarray of shape (n_columns,)
        What each column is multiplied by; those at 0 take no part.
    bandwidth : float
    exponent : float
        1 is the Laplace kernel, 2 the Gaussian; up to 2 it is positive definite.

    Examples
    --------
    >>> kernel = Kernel(np.array([1.0, 0.0]), bandwidth=1.0, exponent=1.0)
    >>> rows = kernel.embed(np.array([[0.0, 5.0], [2.0, 7.0]]))
    >>> bool(kernel.values(rows, rows)[0, 1] == np.exp(-2.0))
    True
    """

    scales: np.ndarray
    bandwidth: float
    exponent: float

    @classmethod
    def relative(
        cls, X: np.ndarray, scales: np.ndarray, *, bandwidth: float, exponent: float
    ) -> "Kernel":
        """A kernel whose bandwidth is a multiple of the median distance between these rows."""
        unit = cls(scales, 1.0, exponent)
        rows = unit.embed(X)
        squares = squared_distances(rows, rows)[np.triu_indices(len(rows), 1)]
        squares = squares[squares > 0]
        median = float(np.sqrt(np.median(squares))) if len(squares) else 1.0
        return cls(scales, bandwidth * (median or 1.0), exponent)

    def embed(self, X: np.ndarray) -> np.ndarray:
        """The columns that take part, scaled, in double precision."""
        used = np.flatnonzero(self.scales)
        return np.asarray(X[:, used].astype(np.float64) * self.scales[used])

    def values(self, rows: np.ndarray, centres: np.ndarray) -> np.ndarray:
        """Kernel values of embedded rows, of shape (n_rows, n_centres)."""
        return self.of_squares(squared_distances(rows, centres))

    def of_squares(self, squares: np.ndarray) -> np.ndarray:
        """Kernel values of squared distances, written over them."""
        squares /= self.bandwidth**2
        if self.exponent == 1.0:
            np.sqrt(squares, out=squares)
        elif self.exponent != 2.0:
            np.power(squares, self.exponent / 2, out=squares)
        np.negative(squares, out=squares)
        return np.asarray(np.exp(squares, out=squares))


def squared_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Squared Euclidean distances of rows, of shape (len(a), len(b)).

    Examples
    --------
    >>> squared_distances(np.array([[0.0]]), np.array([[1.0], [3.0]])).tolist()
    [[1.0, 9.0]]
    """
    out = a @ (-2.0 * b.T)
    out += np.einsum("ij,ij->i", a, a)[:, None]
    out += np.einsum("ij,ij->i", b, b)
    return np.asarray(np.maximum(out, 0.0, out=out))


class Exact:
    """Every training row is a centre.

    The kernel has 1 added to it: a constant that is learned, and left out with its row. What a
    row is predicted without itself follows from its diagonal entry of the inverse, and those of
    the last rows from the last corner of the Cholesky factor, at next to no cost.

    Parameters
    ----------
    K : ndarray of shape (n_rows, n_rows)
        Kernel values, written over.
    y : ndarray of shape (n_rows, n_outputs)
    weight : ndarray of shape (n_rows,)
        Positive, 1 on average.
    n_judged : int
        How many of the last rows are predicted without themselves.
    """

    def __init__(
        self,
        K: np.ndarray,  # noqa: N803
        y: np.ndarray,
        weight: np.ndarray,
        *,
        n_judged: int,
    ) -> None:
        self._root = np.sqrt(weight)[:, None]
        K += 1.0
        K *= self._root
        K *= self._root.T
        self._K, self._y, self._judged = K, y, slice(len(y) - n_judged, None)

    def solve(self, strength: float) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients of the centres, and what judged rows are predicted without themselves."""
        from scipy.linalg.lapack import dpotrf, dpotrs, dtrtri

        K = self._K.copy().T  # symmetric, and in the order of LAPACK
        K[np.diag_indices_from(K)] += strength
        factor, _ = dpotrf(K, lower=1, clean=1, overwrite_a=1)
        dual, _ = dpotrs(factor, self._root * self._y, lower=1)
        corner, _ = dtrtri(factor[self._judged, self._judged], lower=1)
        inverse = np.einsum("ij,ij->j", corner, corner)[:, None] * self._root[self._judged]
        return self._root * dual, self._y[self._judged] - dual[self._judged] / inverse


class Nystroem:
    """The first training rows are the centres, and the function is a sum of kernels at those.

    Parameters
    ----------
    kernel : Kernel
    rows : ndarray of shape (n_rows, n_columns)
        Embedded.
    y : ndarray of shape (n_rows, n_outputs)
    weight : ndarray of shape (n_rows,)
    n_centres : int
    n_judged : int
        How many of the last rows are predicted without themselves.

    References
    ----------
    Williams, Seeger (2000), Using the Nystroem method to speed up kernel machines.
    """

    def __init__(
        self,
        kernel: Kernel,
        rows: np.ndarray,
        *,
        y: np.ndarray,
        weight: np.ndarray,
        n_centres: int,
        n_judged: int,
    ) -> None:
        from scipy.linalg.lapack import dpotrf

        chosen, judged = rows[:n_centres], slice(len(rows) - n_judged, None)
        own = kernel.values(chosen, chosen).T + 1.0
        own[np.diag_indices_from(own)] += JITTER * n_centres
        self._whitener, _ = dpotrf(own, lower=1, clean=1, overwrite_a=1)
        self._gram = np.zeros((n_centres, n_centres))
        self._moment = np.zeros((n_centres, y.shape[1]))
        size = max(1, BLOCK_CELLS // n_centres)
        for start in range(0, len(rows), size):
            block = slice(start, start + size)
            features = self._features(kernel.values(rows[block], chosen))
            weighted = features * weight[block]
            self._gram += weighted @ features.T
            self._moment += weighted @ y[block]
        self._judged = self._features(kernel.values(rows[judged], chosen))
        self._y, self._weight = y[judged], weight[judged]

    def _features(self, K: np.ndarray) -> np.ndarray:  # noqa: N803
        """Kernel values in coordinates in which the penalty is the squared length."""
        from scipy.linalg.blas import dtrsm

        K += 1.0
        return np.asarray(dtrsm(1.0, self._whitener, K.T, lower=1, overwrite_b=1))

    def solve(self, strength: float) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients of the centres, and what judged rows are predicted without themselves."""
        from scipy.linalg.blas import dtrsm
        from scipy.linalg.lapack import dpotrf, dpotrs

        gram = self._gram.copy().T
        gram[np.diag_indices_from(gram)] += strength
        factor, _ = dpotrf(gram, lower=1, clean=1, overwrite_a=1)
        primal, _ = dpotrs(factor, self._moment, lower=1)
        spread = dtrsm(1.0, factor, self._judged, lower=1)
        leverage = np.minimum(np.einsum("ij,ij->j", spread, spread) * self._weight, 0.999)
        residual = self._y - self._judged.T @ primal
        alpha = dtrsm(1.0, self._whitener, primal, lower=1, trans_a=1)
        return alpha, self._y - residual / (1.0 - leverage)[:, None]


def slopes(
    kernel: Kernel,
    rows: np.ndarray,
    *,
    centres: np.ndarray,
    alpha: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """How steep a sum of kernels is along each column, as a root mean square over rows.

    The diagonal of the average gradient outer product. With several outputs each row's gradient
    is that of a sum of them with random signs, whose squares are right on average.

    Parameters
    ----------
    kernel : Kernel
    rows : ndarray of shape (n_rows, n_used)
        Embedded.
    centres : ndarray of shape (n_centres, n_used)
    alpha : ndarray of shape (n_centres, n_outputs)
    rng : Generator

    Returns
    -------
    ndarray of shape (n_columns,)
        0 for columns that take no part.

    References
    ----------
    Radhakrishnan, Beaglehole, Pandit, Belkin (2024), Mechanism for feature learning in neural
    networks and backpropagation-free machine learning models, Science 383.
    """
    total = np.zeros(rows.shape[1])
    size = max(1, BLOCK_CELLS // len(centres))
    for start in range(0, len(rows), size):
        block = rows[start : start + size]
        squares = squared_distances(block, centres)
        near = squares < NEAR * kernel.bandwidth**2
        pull = kernel.of_squares(squares.copy())
        squares[near] = 1.0
        pull *= squares ** (kernel.exponent / 2 - 1)
        pull[near] = 0.0
        signs = np.ones((len(block), 1))
        if alpha.shape[1] > 1:
            signs = rng.choice([-1.0, 1.0], size=(len(block), alpha.shape[1]))
        pull *= signs @ alpha.T
        steep = block * pull.sum(axis=1)[:, None] - pull @ centres
        total += np.einsum("ij,ij->j", steep, steep)
    used = np.flatnonzero(kernel.scales)
    out = np.zeros(len(kernel.scales))
    steepness = kernel.exponent / kernel.bandwidth**kernel.exponent
    out[used] = np.sqrt(total / len(rows)) * kernel.scales[used] * steepness
    return out
