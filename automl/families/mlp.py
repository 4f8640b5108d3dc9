"""A multi-layer perceptron, trained epoch by epoch and watched by the declared metric."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.families._arrays import pack, unpack
from automl.families._base import (
    Family,
    FitData,
    Model,
    Params,
    Problem,
    Resources,
    Start,
    encoded_width,
)
from automl.families._watch import Watch
from automl.families.linear import apply_link

if TYPE_CHECKING:
    import optuna

MAX_EPOCHS = 250
MAX_CELLS = 5_000_000
PART = 20_000
"""Rows between two looks at the clock."""

DECAY = 0.75
"""Weights are averaged over epochs, new = 0.75 old + 0.25 current: a plain network's
substitute for a decaying learning rate (Polyak and Juditsky 1992)."""


BATCH, LAYER, UPDATE, PRODUCT, UNIT = 200.0, 70.0, 0.002, 1e-4, 0.0075
"""Microseconds of an epoch: of each batch, of its layers, of each weight in a batch, of each
row's way through each weight and through each hidden unit (105 fits, half of them within a
factor of 1.1)."""

EPOCHS = {"binary": 16.0, "multiclass": 40.0, "regression": 24.0}
ROWS, RATE, SIZE = 0.1, -0.25, 0.2
"""Epochs on one row at a learning rate of 0.001 and batches of 128, and exponents of the three."""


class MLPModel:
    """Layers of weights; numpy is all that prediction needs."""

    def __init__(
        self,
        layers: Sequence[tuple[np.ndarray, np.ndarray]],
        link: str,
        center: float,
        scale: float,
    ) -> None:
        self.layers, self.link, self.center, self.scale = layers, link, center, scale

    def predict(self, X: np.ndarray, *, n_threads: int = 1) -> np.ndarray:
        """Probabilities or values, of shape (n_rows, n_outputs)."""
        hidden = X.astype(np.float32, copy=False)
        for weights, bias in self.layers[:-1]:
            hidden = np.maximum(hidden @ weights + bias, 0.0)
        weights, bias = self.layers[-1]
        out = apply_link((hidden @ weights + bias).astype(np.float64), self.link)
        return out * self.scale + self.center if self.link == "identity" else out

    def save(self) -> dict[str, bytes]:
        """One file of arrays."""
        arrays = {"link": np.array(self.link), "target": np.array([self.center, self.scale])}
        for i, (weights, bias) in enumerate(self.layers):
            arrays |= {f"w{i}": weights, f"b{i}": bias}
        return {"mlp.npz": pack(arrays)}


class MLP(Family):
    """Scikit-learn's network with its epochs chosen by the declared metric."""

    name = "mlp"
    unit_seconds = 1e-6
    work_spread = 0.45
    preload = ("sklearn.neural_network",)

    def supports(self, problem: Problem) -> bool:
        """Not for tables on which a few epochs already take minutes on one core."""
        return problem.n_rows * problem.n_columns <= MAX_CELLS

    def encoding(self, params: Mapping[str, Any]) -> str:
        """Plain numbers, or thermometers over quantile bins."""
        return str(params.get("encoding", "scaled"))

    def starts(self, problem: Problem) -> Sequence[Start]:
        """Both encodings: where one is poor, the other often is not."""
        return [
            Start(_point("scaled", 128, 2, 2e-3), rank=1),
            Start(_point("piecewise", 128, 2, 1e-3), rank=5),
        ]

    def suggest(self, trial: "optuna.Trial", problem: Problem) -> Params:
        """Encoding, size, rate and weight decay."""
        return {
            "encoding": trial.suggest_categorical("encoding", ["scaled", "piecewise"]),
            "width": trial.suggest_int("width", 32, 256, log=True),
            "depth": trial.suggest_int("depth", 1, 3),
            "learning_rate": trial.suggest_float("learning_rate", 3e-4, 1e-2, log=True),
            "alpha": trial.suggest_float("alpha", 1e-6, 1.0, log=True),
            "batch_size": trial.suggest_categorical("batch_size", [64, 128, 256]),
        }

    def work(
        self, params: Mapping[str, Any], problem: Problem, *, width: int | None = None
    ) -> float:
        """Epochs until early stopping, times the batches and the products of an epoch."""
        columns = encoded_width(self.encoding(params), problem) if width is None else width
        hidden, depth = float(params.get("width", 128)), float(params.get("depth", 2))
        weights = hidden * (columns + (depth - 1) * hidden + problem.n_outputs)
        rows = float(problem.n_rows)
        size = max(1.0, min(float(params.get("batch_size", 128)), rows / 8))
        batches = rows / size
        epoch = batches * (BATCH + depth * LAYER + weights * UPDATE)
        epoch += rows * (weights * PRODUCT + hidden * depth * UNIT)
        rate = max(1e-6, float(params.get("learning_rate", 1e-3))) / 1e-3
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
        """Copies of the rows, the hidden units of the validation rows, and the weights."""
        columns = encoded_width(self.encoding(params), problem) if width is None else width
        hidden, depth = float(params.get("width", 128)), float(params.get("depth", 2))
        weights = hidden * (columns + (depth - 1) * hidden + problem.n_outputs)
        row = 4.0 * columns * (1 if itemsize == 4 else 3) + 3 * hidden + 40 * problem.n_outputs
        return problem.n_rows * (row + 24) + 60 * weights + 4e6

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
        X = data.train_X.astype(np.float32, copy=False)
        valid_X = data.valid_X.astype(np.float32, copy=False)
        target = _Target.of(data.train_y, problem)
        network = _network(params, len(X), problem, resources.seed)
        watch.with_patience(12, 0.3)
        model = best = None
        for step in watch.steps(MAX_EPOCHS):
            if not _train_epoch(network, X, target, data.train_weight, watch) and step > 1:
                break
            model = _averaged(model, network, target, step)
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
        center, scale = arrays["target"].tolist()
        layers = [(arrays[f"w{i}"], arrays[f"b{i}"]) for i in range(n)]
        return MLPModel(layers, str(arrays["link"]), center, scale)


class _Target:
    """Class codes, or a regression target in units of its own spread."""

    def __init__(
        self, scaled: np.ndarray, center: float, scale: float, link: str, n_classes: int = 0
    ) -> None:
        self.scaled, self.center, self.scale, self.link = scaled, center, scale, link
        self.classes = np.arange(n_classes)

    @classmethod
    def of(cls, y: np.ndarray, problem: Problem) -> "_Target":
        if problem.task != "regression":
            link = "logistic" if problem.task == "binary" else "softmax"
            return cls(y, 0.0, 1.0, link, problem.n_classes)
        center, scale = float(np.mean(y)), float(np.std(y)) or 1.0
        return cls(((y - center) / scale).astype(np.float32), center, scale, "identity")


def _point(encoding: str, width: int, depth: int, rate: float) -> Params:
    return {
        "encoding": encoding,
        "width": width,
        "depth": depth,
        "learning_rate": rate,
        "alpha": 1e-3,
        "batch_size": 128,
    }


def _network(params: Mapping[str, Any], n_rows: int, problem: Problem, seed: int) -> Any:
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    make = MLPRegressor if problem.task == "regression" else MLPClassifier
    return make(
        hidden_layer_sizes=(int(params["width"]),) * int(params["depth"]),
        learning_rate_init=float(params["learning_rate"]),
        alpha=float(params["alpha"]),
        batch_size=max(1, min(int(params["batch_size"]), n_rows // 8)),
        random_state=seed,
    )


def _train_epoch(
    network: Any, X: np.ndarray, target: _Target, weight: np.ndarray | None, watch: Watch
) -> bool:
    """Go through the rows once, a part at a time; False if the clock ended it on the way."""
    n_parts = max(1, round(len(X) / PART))
    for part in np.array_split(np.arange(len(X)), n_parts):
        if n_parts > 1 and hasattr(network, "coefs_") and watch.out_of_time():
            return False
        rows = slice(part[0], part[-1] + 1)
        w = None if weight is None else weight[rows]
        if target.link == "identity":
            network.partial_fit(X[rows], target.scaled[rows], sample_weight=w)
        else:
            network.partial_fit(
                X[rows], target.scaled[rows], classes=target.classes, sample_weight=w
            )
    return True


def _averaged(model: MLPModel | None, network: Any, target: _Target, step: int) -> MLPModel:
    """Blend the network's current weights into the averaged ones."""
    share = max(1.0 - DECAY, 1.0 / step)
    layers = []
    for i, (weights, bias) in enumerate(zip(network.coefs_, network.intercepts_, strict=True)):
        if model is None:
            layers.append((weights.astype(np.float32), bias.astype(np.float32)))
        else:
            old_weights, old_bias = model.layers[i]
            layers.append(
                (
                    old_weights + np.float32(share) * (weights - old_weights),
                    old_bias + np.float32(share) * (bias - old_bias),
                )
            )
    return MLPModel(layers, target.link, target.center, target.scale)
