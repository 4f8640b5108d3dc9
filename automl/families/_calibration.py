"""From least-squares scores of classes to probabilities."""

import numpy as np

LEAST = 0.01
"""Scores below are not told apart by their logarithm."""

CLOSE = 0.003
"""Loss per row that another step of Newton's must promise."""


def probabilities(scores: np.ndarray, steepness: np.ndarray) -> np.ndarray:
    """Softmax of a f + b log f, where f is the score of a class.

    A score is an estimate of the class's probability itself, which is (a, b) = (0, 1), but one
    that may be below 0 or above 1, and shrunk towards the shares of the classes.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, n_classes)
    steepness : ndarray of shape (2,)
        a and b.

    Examples
    --------
    >>> probabilities(np.array([[0.2, 0.8]]), np.array([0.0, 1.0])).round(3).tolist()
    [[0.2, 0.8]]
    """
    sums = steepness[0] * scores + steepness[1] * np.log(np.maximum(scores, LEAST))
    sums -= sums.max(axis=1, keepdims=True)
    np.exp(sums, out=sums)
    return np.asarray(sums / sums.sum(axis=1, keepdims=True))


def fit_steepness(scores: np.ndarray, codes: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The (a, b) that give the smallest log loss, by Newton's method; neither is negative.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, n_classes)
        Of rows that had no say in them.
    codes : ndarray of int of shape (n_rows,)
    weight : ndarray of shape (n_rows,)
    """
    views = np.stack([scores, np.log(np.maximum(scores, LEAST))])
    views -= views[:, np.arange(len(codes)), codes][:, :, None]
    steepness = np.array([0.0, 1.0])
    for _ in range(12):
        p = probabilities(scores, steepness)
        means = np.einsum("nk,vnk->vn", p, views)
        gradient = means @ weight
        centred = views - means[:, :, None]
        hessian = np.einsum("n,nk,vnk,wnk->vw", weight, p, centred, centred)
        step = np.linalg.solve(hessian + np.eye(2), gradient + steepness - [0.0, 1.0])
        steepness = np.maximum(steepness - step, 0.0)
        if abs(gradient @ step) < CLOSE * 1e-3 * len(codes):
            break
    return steepness
