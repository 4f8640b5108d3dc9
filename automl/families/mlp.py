"""Small multi-layer perceptrons side by side, watched by the declared metric."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.families._arrays import float32_rows, pack, unpack
from automl.families._base import (
    MEDIUM,
    Family,
    FitData,
    Model,
    Params,
    Problem,
    Resources,
    Start,
)
from automl.families._network import Layers, Shape, Trainer, outputs
from automl.families._watch import Watch
from automl.families.linear import apply_link

if TYPE_CHECKING:
    import optuna

MAX_EPOCHS = 250
MAX_CELLS = 5_000_000
PART = 20_000
"""Rows between two looks at the clock."""

BLOCK = 400_000
"""Hidden units, or outputs, that prediction keeps at a time."""

DECAY = 0.75
"""Weights are averaged over epochs, new = 0.75 old + 0.25 current: the substitute for a decaying
learning rate, which would have to know when it ends (Polyak and Juditsky 1992)."""

MEMBERS, FEW_MEMBERS = 4, 2
"""Networks that are trained side by side, and beyond `MEDIUM` rows: of many each learns better,
and takes longer."""

DROPOUT = 0.15
"""Of classifiers to begin with: regression lost by it on two tables of four and never gained."""

BATCH, LAYER, UPDATE, PRODUCT, UNIT = 60.0, 30.0, 0.0022, 7e-5, 0.0042
"""Microseconds of an epoch: of each batch, of its layers, of each weight in a batch, of each
row's way through each weight and through each hidden unit (80 fits of 270 to 1600 rows, half of
them within a factor of 1.15)."""

EPOCHS = {"binary": 62.0, "multiclass": 169.0, "regression": 115.0}
ROWS, RATE, SIZE = -0.08, -0.25, 0.2
"""Epochs on one row at a learning rate of 0.001 and batches of 128, and exponents of the three
(that of the rows from 12 more fits of 9,000 to 29,000)."""

LINKS = {"binary": "logistic", "multiclass": "softmax", "regression": "identity"}


class MLPModel:
    """Stacks of weights; numpy is all that prediction needs.

    Parameters
    ----------
    layers : list of (ndarray, ndarray)
        Weights and biases, of shapes (members, n, m) and (members, 1, m).
    link : {"identity", "logarithm", "logistic", "softmax"}
    target : ndarray of shape (4,)
        Centre and scale of the target, or of its logarithm, and the range that predictions keep.
    """

    def __init__(self, layers: Layers, link: str, target: np.ndarray) -> None:
        self.layers, self.link, self.target = layers, link, target

    def predict(self, X: np.ndarray, *, n_threads: int = 1) -> np.ndarray:
        """Probabilities or values, the mean of all members, of shape (n_rows, n_outputs)."""
        weights, _ = self.layers[-1]
        rows = max(1, BLOCK // (len(weights) * max(weights.shape[1:])))
        out = np.empty((len(X), weights.shape[2]))
        for start in range(0, len(X), rows):
            out[start : start + rows] = self._block(X[start : start + rows])
        return out

    def _block(self, X: np.ndarray) -> np.ndarray:
        out = outputs(X.astype(np.float32, copy=False), self.layers).astype(np.float64)
        members = apply_link(out.reshape(-1, out.shape[2]), self.link)
        mean = np.asarray(members.reshape(out.shape).mean(axis=0))
        if self.link not in ("identity", "logarithm"):
            return mean
        center, scale, low, high = self.target
        values = np.clip(mean * scale + center, low, high)
        return np.asarray(np.exp(values) if self.link == "logarithm" else values)

    def save(self) -> dict[str, bytes]:
        """One file of arrays."""
        arrays = {"link": np.array(self.link), "target": self.target}
        for i, (weights, bias) in enumerate(self.layers):
            arrays |= {f"w{i}": weights, f"b{i}": bias}
        return {"mlp.npz": pack(arrays)}


class MLP(Family):
    """A few small networks trained at once and averaged; their epochs chosen by the metric.

    Networks that start elsewhere err elsewhere, so the mean of four is better than one of
    twice their width, at the same number of products.
    """

    name = "mlp"
    unit_seconds = 1e-6
    work_spread = 0.65
    libraries = ("numpy",)

    def supports(self, problem: Problem) -> bool:
        """Not for tables on which a few epochs already take minutes on one core."""
        return problem.n_rows * problem.n_columns <= MAX_CELLS

    def encoding(self, params: Mapping[str, Any]) -> str:
        """Plain numbers, or thermometers over quantile bins."""
        return str(params.get("encoding", "scaled"))

    def starts(self, problem: Problem) -> Sequence[Start]:
        """Both encodings: where one is poor, the other often is not. Logarithms, where the target
        is one of ratios."""
        scaled, bent = _point(problem, "scaled", 8e-3), _point(problem, "piecewise", 4e-3)
        first, second = (1, 5) if problem.n_rows <= MEDIUM else (10, 1)
        starts = [Start(scaled, first), Start(bent, second)]
        if problem.ratios:
            scaled["target"] = bent["target"] = "plain"
            log = bent | {"target": "log"}
            starts[1:] = [Start(bent, 5), Start(log, 6 if problem.n_rows <= MEDIUM else 1)]
        return starts

    def suggest(self, trial: "optuna.Trial", problem: Problem) -> Params:
        """Encoding, size, rate, weight decay and dropout; logarithms of ratios or not."""
        return {
            "encoding": trial.suggest_categorical("encoding", ["scaled", "piecewise"]),
            "width": trial.suggest_int("width", 32, 128, log=True),
            "depth": trial.suggest_int("depth", 1, 3),
            "learning_rate": trial.suggest_float("learning_rate", 1e-3, 2e-2, log=True),
            "decay": trial.suggest_float("decay", 1e-3, 1.0, log=True),
            "dropout": trial.suggest_float("dropout", 0.0, 0.3),
            "batch_size": trial.suggest_categorical("batch_size", [64, 128, 256]),
            "members": _members(problem),
        } | (
            {"target": trial.suggest_categorical("target", ["plain", "log"])}
            if problem.ratios
            else {}
        )

    def work(
        self, params: Mapping[str, Any], problem: Problem, *, width: int | None = None
    ) -> float:
        """Epochs until early stopping, times the batches and the products of an epoch."""
        shape = _shape(params, problem, self.matrix_width(params, problem, width))
        units = shape.width * shape.depth * shape.members
        rows = float(problem.n_rows)
        size = max(1.0, min(float(params.get("batch_size", 256)), rows / 8))
        epoch = rows / size * (BATCH + shape.depth * LAYER + shape.n_weights * UPDATE)
        epoch += rows * (shape.n_weights * PRODUCT + units * UNIT)
        rate = max(1e-6, float(params.get("learning_rate", 8e-3))) / 1e-3
        epochs = EPOCHS[problem.task] * rows**ROWS * rate**RATE * (size / 128) ** SIZE
        return float(min(MAX_EPOCHS, max(13.0, epochs)) * epoch)

    def memory(
        self,
        params: Mapping[str, Any],
        problem: Problem,
        *,
        width: int | None = None,
        itemsize: int = 4,
    ) -> float:
        """Copies of the rows, the weights with what trains them, and the units of a batch."""
        columns = self.matrix_width(params, problem, width)
        shape = _shape(params, problem, columns)
        units = shape.width * (shape.depth + 1) * shape.members
        batch = 8.0 * float(params.get("batch_size", 256)) * (units + columns)
        row = 4.0 * columns + 40 * problem.n_outputs + 24
        return problem.n_rows * row + 48.0 * shape.n_weights + batch + 24.0 * BLOCK + 4e6

    def fit(
        self,
        params: Mapping[str, Any],
        data: FitData,
        watch: Watch,
        *,
        problem: Problem,
        resources: Resources,
    ) -> Model:
        """Train epoch by epoch; the averaged weights are what is watched and kept."""
        training = _Training(params, data, problem, resources.seed)
        valid_X = float32_rows(data.matrix.values, data.valid)
        watch.with_patience(12, 0.3)
        model = best = None
        for step in watch.steps(MAX_EPOCHS):
            if not training.epoch(watch, first=step == 1):
                break
            model = training.averaged(step)
            if watch.due(step):
                stop = watch.observe(step, model.predict(valid_X))
                best = model if watch.best_step == step else best
                if stop:
                    break
            elif watch.out_of_time():
                break
        chosen = best or model
        assert chosen is not None
        return chosen

    def load(self, files: Mapping[str, bytes]) -> Model:
        """Read the arrays."""
        arrays = unpack(files["mlp.npz"])
        n = sum(name.startswith("w") for name in arrays)
        layers = [(arrays[f"w{i}"], arrays[f"b{i}"]) for i in range(n)]
        return MLPModel(layers, str(arrays["link"]), arrays["target"])


def _point(problem: Problem, encoding: str, rate: float) -> Params:
    return {
        "encoding": encoding,
        "width": 64,
        "depth": 2,
        "learning_rate": rate,
        "decay": 0.1,
        "dropout": 0.0 if problem.task == "regression" else DROPOUT,
        "batch_size": 256,
        "members": _members(problem),
    }


def _members(problem: Problem) -> int:
    return MEMBERS if problem.n_rows <= MEDIUM else FEW_MEMBERS


def _shape(params: Mapping[str, Any], problem: Problem, columns: int) -> Shape:
    width, depth = int(params.get("width", 64)), int(params.get("depth", 2))
    members = int(params.get("members", MEMBERS))
    return Shape(columns, width, depth, problem.n_outputs, members)


class _Training:
    """The networks of one fit, its rows, and the average of the weights so far."""

    def __init__(
        self, params: Mapping[str, Any], data: FitData, problem: Problem, seed: int
    ) -> None:
        self._X = float32_rows(data.matrix.values, data.train)
        self._rng = np.random.default_rng(seed)
        self._rate = float(params["learning_rate"])
        n = len(self._X)
        self._n_batches = max(1, round(n / max(1, min(int(params["batch_size"]), n // 8))))
        self._weight = _even(data.train_weight)
        self._shape = _shape(params, problem, self._X.shape[1])
        self._link, loss = LINKS[problem.task], LINKS[problem.task]
        if problem.task == "regression":
            loss = "absolute" if problem.absolute_error else "squared"
        self._trainer = Trainer(
            self._shape,
            n // self._n_batches,
            loss,
            self._rng,
            decay=float(params["decay"]),
            dropout=float(params["dropout"]),
        )
        self._average = self._trainer.flat
        if problem.task == "regression":
            y = data.train_y
            if params.get("target") == "log" and y.min() > 0:
                y, self._link = np.log(y), "logarithm"
            self._target = _range(y, self._weight, problem.absolute_error)
            center, scale, *_ = self._target
            self._y = ((y - center) / scale).astype(np.float32)
        else:
            self._target = np.array([0.0, 1.0, 0.0, 1.0])
            self._y = data.train_y
            self._trainer.start_from(_frequencies(self._y, self._weight, problem))

    def epoch(self, watch: Watch, *, first: bool) -> bool:
        """Go through the rows once; False if the clock ended it on the way.

        A first epoch that is cut short is better than no model, and counts.
        """
        order = self._rng.permutation(len(self._X))
        size = len(self._X) // self._n_batches
        part = max(1, PART // size)
        x = np.empty((size, self._X.shape[1]), np.float32)
        for i in range(self._n_batches):
            if i and i % part == 0 and watch.out_of_time():
                return first
            rows = order[i * size : (i + 1) * size]
            np.take(self._X, rows, axis=0, out=x, mode="clip")
            weight = None if self._weight is None else self._weight[rows]
            self._trainer.step(x, self._y[rows], weight, self._rate)
        return True

    def averaged(self, step: int) -> MLPModel:
        """Blend the current weights into the average, and return the model of it."""
        share = max(1.0 - DECAY, 1.0 / step)
        self._average = self._average + share * (self._trainer.flat - self._average)
        return MLPModel(self._shape.layers(self._average), self._link, self._target)


def _even(weight: np.ndarray | None) -> np.ndarray | None:
    """Weights that are one on average."""
    if weight is None or not weight.sum() > 0:
        return None
    return np.asarray(weight / weight.mean(), dtype=np.float32)


def _range(y: np.ndarray, weight: np.ndarray | None, absolute_error: bool) -> np.ndarray:
    """Centre and scale of a target, and its range, which no prediction should leave."""
    center = np.median(y) if absolute_error else np.average(y, weights=weight)
    return np.array([center, np.std(y) or 1.0, y.min(), y.max()], dtype=np.float64)


def _frequencies(y: np.ndarray, weight: np.ndarray | None, problem: Problem) -> np.ndarray:
    """Outputs that predict how frequent classes are; one never seen counts as half a row."""
    counts = np.bincount(y, weights=weight, minlength=problem.n_classes) + 0.5
    logs = np.log(counts / counts.sum())
    return np.asarray(logs if problem.task == "multiclass" else logs[1:] - logs[:1])
