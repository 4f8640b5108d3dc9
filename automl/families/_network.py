"""Small networks side by side, trained by plain numpy: products of matrices, and little else.

The networks share their batches and nothing more. Each layer of all of them is one stack of
matrices, so a step takes as many calls as that of a single network would.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np

FAST, SLOW = 0.9, 0.999
"""Decay of the running means of a gradient and of its square."""

TINY = 1e-8
NEAR = 0.1
"""Standard deviations of the target within which an absolute error is squared."""

Layers = list[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Shape:
    """Sizes of networks that are trained side by side.

    Parameters
    ----------
    n_inputs : int
    width : int
        Units of a hidden layer.
    depth : int
        Hidden layers.
    n_outputs : int
    members : int
        Networks.
    """

    n_inputs: int
    width: int
    depth: int
    n_outputs: int
    members: int

    @property
    def sides(self) -> list[tuple[int, int]]:
        """Rows and columns of the weights of each layer.

        Examples
        --------
        >>> Shape(5, 8, 2, 1, members=4).sides
        [(5, 8), (8, 8), (8, 1)]
        """
        sizes = [self.n_inputs, *[self.width] * self.depth, self.n_outputs]
        return list(zip(sizes[:-1], sizes[1:], strict=True))

    @property
    def n_weights(self) -> int:
        """Numbers that all networks learn together, those added to sums included."""
        return self.members * sum((rows + 1) * columns for rows, columns in self.sides)

    def layers(self, flat: np.ndarray) -> Layers:
        """Weights and biases of each layer, as views into one array of all of them."""
        layers, start = [], 0
        for rows, columns in self.sides:
            middle = start + self.members * rows * columns
            end = middle + self.members * columns
            weights = flat[start:middle].reshape(self.members, rows, columns)
            layers.append((weights, flat[middle:end].reshape(self.members, 1, columns)))
            start = end
        return layers


def outputs(X: np.ndarray, layers: Layers) -> np.ndarray:
    """Outputs of all members for some rows, of shape (members, n_rows, n_outputs).

    Examples
    --------
    >>> layers = Shape(2, 3, 1, 1, members=4).layers(np.zeros(52, np.float32))
    >>> outputs(np.ones((5, 2), np.float32), layers).shape
    (4, 5, 1)
    """
    hidden = X[None]
    for weights, bias in layers[:-1]:
        hidden = np.matmul(hidden, weights)
        hidden += bias
        hidden *= _share(hidden, np.empty_like(hidden))
    weights, bias = layers[-1]
    return np.asarray(np.matmul(hidden, weights) + bias)


def _share(sums: np.ndarray, out: np.ndarray) -> np.ndarray:
    """The logistic function, by a tangent that can't overflow."""
    np.multiply(sums, 0.5, out=out)
    np.tanh(out, out=out)
    out *= 0.5
    out += 0.5
    return out


class Trainer:
    """Trains networks on batches of one size: Adam, decoupled weight decay, dropout.

    Hidden units are x * logistic(x), smooth where a rectifier has a corner.

    Parameters
    ----------
    shape : Shape
    size : int
        Rows of a batch.
    loss : {"squared", "absolute", "logistic", "softmax"}
        Absolute errors are squared near 0, so that steps become small there.
    rng : numpy.random.Generator
    decay : float
        Weights shrink by this times the rate in each step; biases don't.
    dropout : float
        Share of the hidden units that a row does without in each step.

    Attributes
    ----------
    flat : ndarray of shape (n_weights,), float32
        All weights, to be read between steps.

    References
    ----------
    Kingma, Ba (2015), Adam. Loshchilov, Hutter (2019), Decoupled weight decay regularization.
    He et al. (2015), Delving deep into rectifiers (the initial weights). Srivastava et al.
    (2014), Dropout. Elfwing et al. (2018), Sigmoid-weighted linear units.
    """

    def __init__(
        self,
        shape: Shape,
        size: int,
        loss: str,
        rng: np.random.Generator,
        *,
        decay: float = 0.0,
        dropout: float = 0.0,
    ) -> None:
        self._shape, self._loss, self._rng = shape, loss, rng
        self._decay, self._keep = decay, 1.0 - dropout
        self.flat = np.zeros(shape.n_weights, np.float32)
        self._gradient, self._mean, self._square, self._scratch = (
            np.zeros_like(self.flat) for _ in range(4)
        )
        self.layers = shape.layers(self.flat)
        self.gradients = shape.layers(self._gradient)
        self._taken = 0
        self._rows, self._ones = np.arange(size), np.ones((1, size), np.float32)
        hidden = (shape.depth, shape.members, size, shape.width)
        self._units, self._slopes = np.empty(hidden, np.float32), np.empty(hidden, np.float32)
        self._errors, self._spare = np.empty((2, *hidden[1:]), np.float32)
        for i, (weights, _) in enumerate(self.layers):
            rng.standard_normal(out=weights, dtype=np.float32)
            weights *= sqrt((2.0 if i < shape.depth else 1.0) / weights.shape[1])

    def start_from(self, bias: np.ndarray) -> None:
        """Set what is added to the outputs: a good guess saves the first steps."""
        self.layers[-1][1][...] = bias

    def step(self, x: np.ndarray, y: np.ndarray, weight: np.ndarray | None, rate: float) -> None:
        """Move the weights once.

        Parameters
        ----------
        x : ndarray of shape (size, n_inputs), float32
        y : ndarray of shape (size,)
            Class codes, or float32 values.
        weight : ndarray of shape (size,), float32, optional
        rate : float
        """
        self.differentiate(x, y, weight)
        self._move(rate)

    def differentiate(self, x: np.ndarray, y: np.ndarray, weight: np.ndarray | None) -> None:
        """Set the gradients of the mean loss of a batch."""
        hidden = x[None]
        for i, (weights, bias) in enumerate(self.layers[:-1]):
            hidden = np.matmul(hidden, weights, out=self._units[i])
            hidden += bias
            self._activate(hidden, self._slopes[i])
        weights, bias = self.layers[-1]
        out = np.matmul(hidden, weights)
        out += bias
        self._blame(out, y)
        if weight is not None:
            out *= weight[None, :, None]
        out *= 1.0 / len(x)
        self._backward(x, out)

    def _activate(self, sums: np.ndarray, slope: np.ndarray) -> None:
        """Turn sums into units in place, and set how these move as the sums do."""
        sums *= _share(sums, slope)
        np.multiply(sums, slope, out=self._spare)
        slope += sums
        slope -= self._spare
        if self._keep < 1:
            drawn = np.frombuffer(self._rng.bytes(sums.size), np.uint8).reshape(sums.shape)
            kept = drawn < round(256 * self._keep)
            np.multiply(kept, np.float32(1.0 / self._keep), out=self._spare)
            sums *= self._spare
            slope *= self._spare

    def _blame(self, out: np.ndarray, y: np.ndarray) -> None:
        """Replace outputs by the derivative of each row's loss."""
        if self._loss == "softmax":
            out -= out.max(axis=2, keepdims=True)
            np.exp(out, out=out)
            out /= out.sum(axis=2, keepdims=True)
            out[:, self._rows, y] -= 1.0
            return
        if self._loss == "logistic":
            _share(out.copy(), out)
        out -= y[None, :, None]
        if self._loss == "absolute":
            out /= NEAR
            np.clip(out, -1.0, 1.0, out=out)

    def _backward(self, x: np.ndarray, blame: np.ndarray) -> None:
        for i in range(len(self.layers) - 1, -1, -1):
            below = self._units[i - 1] if i else x[None]
            weights, bias = self.gradients[i]
            np.matmul(below.transpose(0, 2, 1), blame, out=weights)
            np.matmul(self._ones, blame, out=bias)
            if i:
                back = self._errors if blame is not self._errors else self._spare
                np.matmul(blame, self.layers[i][0].transpose(0, 2, 1), out=back)
                back *= self._slopes[i - 1]
                blame = back

    def _move(self, rate: float) -> None:
        """Adam, its constant factors gathered in one."""
        self._taken += 1
        mean, square, scratch = self._mean, self._square, self._scratch
        mean *= FAST
        mean += self._gradient
        square *= SLOW
        np.multiply(self._gradient, self._gradient, out=scratch)
        square += scratch
        first = (1 - FAST) / (1 - FAST**self._taken)
        second = sqrt((1 - SLOW) / (1 - SLOW**self._taken))
        np.sqrt(square, out=scratch)
        scratch += TINY / second
        np.divide(mean, scratch, out=scratch)
        scratch *= rate * first / second
        if self._decay:
            for weights, _ in self.layers:
                weights *= 1.0 - rate * self._decay
        self.flat -= scratch
