"""A last correction of the predictions: averages of models are too cautious."""

from dataclasses import dataclass

import numpy as np

LOOKED_AT = 5000
"""Rows that a calibration of probabilities is fitted on, at most."""

SCALES = (0.3, 3.0)
MOST_SHIFT = 3.0
CERTAIN = 1e-6
"""Probabilities are kept so far from 0 and 1 where their logarithm is needed."""


@dataclass(frozen=True)
class Calibration:
    """Predictions on a line: values themselves, or the logarithms of probabilities.

    Parameters
    ----------
    scale : float
        Above 1 it makes predictions bolder.
    shift : float
        Unused for more than two classes.
    bounds : tuple of float, optional
        For values only: what is corrected does not leave the range of the target.

    Notes
    -----
    For two classes this is Platt's scaling of the log odds, for more classes temperature scaling
    (Guo et al., On Calibration of Modern Neural Networks, ICML 2017).

    Examples
    --------
    >>> Calibration(2.0, 1.0, (0.0, 9.0)).adjust(np.array([[1.0], [3.0], [7.0]])).tolist()
    [[3.0], [7.0], [9.0]]
    >>> Calibration(2.0).adjust(np.array([[0.2, 0.4, 0.4]])).round(3).tolist()
    [[0.111, 0.444, 0.444]]
    """

    scale: float
    shift: float = 0.0
    bounds: tuple[float, float] | None = None

    def adjust(self, predictions: np.ndarray) -> np.ndarray:
        """Return the corrected predictions.

        Parameters
        ----------
        predictions : ndarray of shape (n_rows, n_outputs)

        Returns
        -------
        ndarray of shape (n_rows, n_outputs)
        """
        p = np.asarray(predictions, dtype=np.float64)
        if self.bounds is not None:
            low, high = self.bounds
            line = self.scale * p + self.shift
            return np.asarray(np.clip(line, np.minimum(p, low), np.maximum(p, high)))
        if p.shape[1] == 1:
            return np.asarray(1 / (1 + np.exp(-self.scale * _log_odds(p) - self.shift)))
        return _softmax(self.scale * np.log(np.maximum(p, CERTAIN)))


def fit_calibration(
    y: np.ndarray,
    predictions: np.ndarray,
    weight: np.ndarray | None = None,
    *,
    classes: bool,
) -> Calibration:
    """Fit the line by least squares, or by maximum likelihood where there are classes.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
        Values, or codes of classes.
    predictions : ndarray of shape (n_rows, n_outputs)
    weight : ndarray of shape (n_rows,), optional
    classes : bool

    Returns
    -------
    Calibration

    Examples
    --------
    >>> p = np.array([[1.0], [2.0], [3.0]])
    >>> fit_calibration(np.array([1.0, 3.0, 5.0]), p, classes=False)
    Calibration(scale=2.0, shift=-1.0, bounds=(1.0, 5.0))
    """
    w = np.ones(len(y)) if weight is None else np.asarray(weight, dtype=np.float64)
    if not classes:
        return _line(y, predictions[:, 0], w / w.sum())
    if len(y) > LOOKED_AT:
        some = np.random.default_rng(0).choice(len(y), LOOKED_AT, replace=False)
        y, predictions, w = y[some], predictions[some], w[some]
    w = w / max(w.sum(), 1e-300)
    if predictions.shape[1] == 1:
        return _log_odds_line(y, predictions, w)
    return _temperature(y, predictions, w)


def _line(y: np.ndarray, p: np.ndarray, w: np.ndarray) -> Calibration:
    bounds = (float(y.min()), float(y.max()))
    middle, target = float(w @ p), float(w @ y)
    spread = float(w @ (p - middle) ** 2)
    if spread <= 1e-12 * max(1e-300, float(w @ (y - target) ** 2)):  # a constant
        return Calibration(1.0, 0.0, bounds)
    scale = float(np.clip(w @ ((p - middle) * (y - target)) / spread, *SCALES))
    return Calibration(scale, target - scale * middle, bounds)


def _log_odds_line(y: np.ndarray, predictions: np.ndarray, w: np.ndarray) -> Calibration:
    from scipy.optimize import minimize

    odds = _log_odds(predictions[:, 0])

    def loss(line: np.ndarray) -> tuple[float, np.ndarray]:
        z = line[0] * odds + line[1]
        slope = w * (1 / (1 + np.exp(-z)) - y)
        return float(w @ (np.logaddexp(0, z) - y * z)), np.array([slope @ odds, slope.sum()])

    limits = (SCALES, (-MOST_SHIFT, MOST_SHIFT))
    scale, shift = minimize(loss, [1.0, 0.0], jac=True, bounds=limits, method="L-BFGS-B").x
    return Calibration(float(scale), float(shift))


def _temperature(y: np.ndarray, predictions: np.ndarray, w: np.ndarray) -> Calibration:
    from scipy.optimize import minimize_scalar

    logs = np.log(np.maximum(predictions.astype(np.float64), CERTAIN))
    logs -= logs.max(axis=1, keepdims=True)
    own = logs[np.arange(len(y)), y]

    def loss(scale: float) -> float:
        return float(w @ (np.log(np.exp(scale * logs).sum(axis=1)) - scale * own))

    return Calibration(float(minimize_scalar(loss, bounds=SCALES, method="bounded").x))


def _log_odds(p: np.ndarray) -> np.ndarray:
    p = np.clip(p, CERTAIN, 1 - CERTAIN)
    return np.asarray(np.log(p / (1 - p)))


def _softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True))
