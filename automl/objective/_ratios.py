"""Whether a target is one of ratios: prices, durations, counts of many sizes."""

import numpy as np

SKEWED = 1.0
"""Skewness from which a target is asked at all."""


def tells_ratios(y: np.ndarray) -> bool:
    """Whether differences of a target are better told as ratios.

    They are where all values are above 0 and the logarithm is at most half as skewed.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
        Numbers.

    Returns
    -------
    bool

    Examples
    --------
    >>> prices = np.exp(np.random.default_rng(0).normal(12.0, 0.5, 1000))
    >>> tells_ratios(prices), tells_ratios(np.log(prices)), tells_ratios(prices - prices.min())
    (True, False, False)
    """
    if not len(y) or not y.min() > 0:
        return False
    skewness = _skewness(y)
    return skewness > SKEWED and abs(_skewness(np.log(y))) < skewness / 2


def _skewness(y: np.ndarray) -> float:
    scaled = np.asarray(y, dtype=np.float64) / (np.abs(y).max() or 1.0)  # no power overflows
    centred = scaled - scaled.mean()
    spread = np.sqrt(np.mean(centred**2))
    return float(np.mean((centred / spread) ** 3)) if spread > 0 else 0.0
