"""From least-squares scores of classes to probabilities."""

import numpy as np

FLOOR = 0.01
"""Scores below are not told apart by their logarithm."""

TURNS = 12
CLOSE = 1e-6
"""Loss per row that another turn must promise."""


def probabilities(scores: np.ndarray, link: np.ndarray) -> np.ndarray:
    """Softmax of a f + b log max(f, 0.01), where f is the score of a class.

    A score is an estimate of the class's probability itself, which is (a, b) = (0, 1), but one
    that may be below 0 or above 1, and shrunk towards the shares of the classes.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, n_classes)
    link : ndarray of shape (2,)
        a and b.

    Examples
    --------
    >>> probabilities(np.array([[0.2, 0.8]]), np.array([0.0, 1.0])).round(3).tolist()
    [[0.2, 0.8]]
    """
    sums = link[0] * scores + link[1] * np.log(np.maximum(scores, FLOOR))
    sums -= sums.max(axis=1, keepdims=True)
    np.exp(sums, out=sums)
    return np.asarray(sums / sums.sum(axis=1, keepdims=True))


def fit_link(scores: np.ndarray, codes: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The a and b that give the smallest log loss, drawn a little to 0 and 1; none is negative.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, n_classes)
        Of rows that had no say in them.
    codes : ndarray of int of shape (n_rows,)
    weight : ndarray of shape (n_rows,)
    """
    views = np.stack([scores, np.log(np.maximum(scores, FLOOR))])
    views -= views[:, np.arange(len(codes)), codes][:, :, None]
    link = np.array([0.0, 1.0])
    for _ in range(TURNS):  # of Newton's method
        weighted = probabilities(scores, link) * weight[:, None]
        means = (weighted * views).sum(axis=2) / weight
        spread = views - means[:, :, None]
        hessian = np.einsum("nk,vnk,wnk->vw", weighted, spread, spread) + np.eye(2)
        gradient = means @ weight + link - (0.0, 1.0)
        step = np.linalg.solve(hessian, gradient)
        link = np.maximum(link - step, 0.0)
        if abs(gradient @ step) < CLOSE * len(codes):
            break
    return link
