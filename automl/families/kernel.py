"""Kernel machines that learn which columns matter: recursive feature machines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
)
from automl.families._calibration import fit_link, probabilities
from automl.families._kernels import BLOCK_CELLS, Exact, Kernel, Nystroem, slopes
from automl.families._watch import Watch

if TYPE_CHECKING:
    import optuna

MAX_CENTRES = 2000
"""Training rows beyond which a random part of them are the centres."""

STRENGTHS = tuple(4.0**k for k in range(1, -7, -1))
"""Regularisation from strong to weak."""

ITERATIONS = 6
PROBED = 500
"""Rows whose distances give the bandwidth."""

JUDGED = 700
"""Rows that are predicted without themselves."""

FAINT = 1e-4
"""Steepness, of the largest, below which a column is left out."""

CHEAP_ROWS = 2500
"""Rows of a table up to which all training rows of a fold are centres."""

MAX_ROWS = 10_000
MAX_CELLS = 5_000_000
"""Rows beyond which boosting gets more out of the same seconds, and rows times columns."""

PASSES, STEPS = 3.0, 10.0
ROW, PAIR, PRODUCT = 2.0, 0.03, 4e-4
SOLVE, GRAM, OUTPUT = 2e-5, 2e-4, 0.5
"""Kernels and regularisations tried until it is enough, and microseconds: of each row, kernel
value, and column of that; of a cubed centre; of a row's squared centres beyond those; of each
output of a centre (120 fits)."""


class KernelModel:
    """Centres with their coefficients; numpy is all that prediction needs."""

    def __init__(self, kernel: Kernel, arrays: Mapping[str, np.ndarray]) -> None:
        self.kernel, self.arrays = kernel, dict(arrays)
        self._centres = kernel.embed(arrays["centres"])

    def predict(self, X: np.ndarray, *, n_threads: int = 1) -> np.ndarray:
        """Probabilities or values, of shape (n_rows, n_outputs)."""
        alpha, shift = self.arrays["alpha"], self.arrays["shift"]
        out = np.empty((len(X), len(shift)))
        size = max(1, BLOCK_CELLS // len(self._centres))
        for start in range(0, len(X), size):
            rows = self.kernel.embed(X[start : start + size])
            out[start : start + size] = self.kernel.values(rows, self._centres) @ alpha + shift
        return self._link(out)

    def _link(self, scores: np.ndarray) -> np.ndarray:
        """Probabilities of all classes; those never seen keep a small one."""
        if "classes" not in self.arrays:
            return scores
        classes, n_classes = self.arrays["classes"], int(self.arrays["n_classes"])
        rest = float(self.arrays["rest"])
        out = np.full((len(scores), n_classes), rest)
        share = 1.0 - rest * (n_classes - len(classes))
        out[:, classes] = share * probabilities(scores, self.arrays["link"])
        return out if n_classes > 2 else out[:, 1:]

    def save(self) -> dict[str, bytes]:
        """One file of arrays."""
        kernel = self.kernel
        shape = np.array([kernel.bandwidth, kernel.exponent])
        return {"kernel.npz": pack(self.arrays | {"scales": kernel.scales, "shape": shape})}


class KernelMachine(Family):
    """Kernel ridge regression whose columns are rescaled by how steep the function is in them.

    Classes are regressed on as indicators, and scores of rows that were left out (in closed
    form) tell how to turn scores into probabilities.

    References
    ----------
    Radhakrishnan, Beaglehole, Pandit, Belkin (2024), Mechanism for feature learning in neural
    networks and backpropagation-free machine learning models, Science 383.
    Beaglehole, Holzmueller, Radhakrishnan, Belkin (2025), xRFM: accurate, scalable, and
    interpretable feature learning models for tabular data.
    """

    name = "kernel"
    unit_seconds = 1.2e-6
    work_spread = 0.4
    preload = ("scipy.linalg",)

    def supports(self, problem: Problem) -> bool:
        """Not for tables of which the centres would be a small part."""
        cells = problem.n_rows * problem.n_columns
        return problem.n_rows <= MAX_ROWS and cells <= MAX_CELLS

    def encoding(self, params: Mapping[str, Any]) -> str:
        """Plain numbers: distances are between those."""
        return "scaled"

    def starts(self, problem: Problem) -> Sequence[Start]:
        """Smoother than the Laplace kernel (1.0), then rougher; early where they are cheap."""
        first, second = (1, 8) if problem.n_rows <= CHEAP_ROWS else (6, 15)
        return [Start(_point(1.4, 1.0), first), Start(_point(0.7, 1.0), second)]

    def suggest(self, trial: "optuna.Trial", problem: Problem) -> Params:
        """Shape of the kernel, and how strongly columns are told apart."""
        return {
            "bandwidth": trial.suggest_float("bandwidth", 0.3, 5.0, log=True),
            "exponent": trial.suggest_float("exponent", 0.5, 2.0),
            "power": trial.suggest_float("power", 0.2, 0.8),
        }

    def work(
        self, params: Mapping[str, Any], problem: Problem, *, width: int | None = None
    ) -> float:
        """Kernels and systems of the rows that are solved exactly, then one pass over all."""
        columns = self.matrix_width(params, problem, width)
        rows, outputs = float(problem.n_rows), max(1, problem.n_classes)
        centres = min(rows, MAX_CENTRES)
        row = ROW + centres * (PAIR + max(1, columns) * PRODUCT)
        step = centres * (SOLVE * centres**2 + OUTPUT * outputs)
        work = PASSES * centres * row + STEPS * step
        return work if rows <= MAX_CENTRES else work + rows * (row + GRAM * centres**2)

    def memory(
        self,
        params: Mapping[str, Any],
        problem: Problem,
        *,
        width: int | None = None,
        itemsize: int = 4,
    ) -> float:
        """Systems as large as the centres, the rows in double precision, and blocks of values."""
        columns = self.matrix_width(params, problem, width)
        centres = min(problem.n_rows, MAX_CENTRES)
        blocks = 8.0 * min(BLOCK_CELLS, problem.n_rows * centres)
        outputs = max(1, problem.n_classes)
        rows = problem.n_rows * (8.0 * 3 * columns + 48 * outputs)
        return rows + 8.0 * (3.5 * centres + JUDGED) * centres + 3 * blocks + 8e6

    def fit(
        self,
        params: Mapping[str, Any],
        data: FitData,
        watch: Watch,
        *,
        problem: Problem,
        resources: Resources,
    ) -> Model:
        """Alternate between the function and the scales of the columns, on as many rows as are
        solved exactly; then fit all rows."""
        rng = np.random.default_rng(resources.seed)
        target = _Target.of(data, problem, rng)
        part = target.head(MAX_CENTRES)
        scales = (np.ptp(part.X, axis=0) > 0).astype(np.float64)
        complete = len(part.X) == len(target.X)
        walk = _Walk(watch, data, patience=(2 if complete else ITERATIONS) * len(STRENGTHS))
        power = float(params.get("power", 0.5))
        best: _Found | None = None
        for _ in range(ITERATIONS):
            machine = _Machine(part, params, scales)
            found = walk.along(machine, 0 if best is None else best.index - 1)
            if walk.ended or found is None or (best is not None and found.error > best.error):
                break
            best = found
            scales = machine.rescaled(found.alpha, power, rng)
        if best is not None and not walk.ended and not complete:
            walk.along(_Machine(target, params, best.model.kernel.scales), best.index - 1)
        return walk.chosen

    def load(self, files: Mapping[str, bytes]) -> Model:
        """Read the arrays."""
        arrays = unpack(files["kernel.npz"])
        scales = arrays.pop("scales")
        bandwidth, exponent = arrays.pop("shape").tolist()
        return KernelModel(Kernel(scales, bandwidth, exponent), arrays)


def _point(exponent: float, bandwidth: float, power: float = 0.5) -> Params:
    return {"exponent": exponent, "bandwidth": bandwidth, "power": power}


@dataclass
class _Target:
    """Rows that count, shuffled, and numbers to regress on: values, or indicators of classes."""

    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    center: np.ndarray
    scale: float
    codes: np.ndarray | None = None
    classes: np.ndarray | None = None
    n_classes: int = 0

    @classmethod
    def of(cls, data: FitData, problem: Problem, rng: np.random.Generator) -> "_Target":
        X, y = data.train_X.astype(np.float32), data.train_y
        weight = data.train_weight
        if weight is None or not weight.sum() > 0:
            weight = np.ones(len(y))
        kept = rng.permutation(np.flatnonzero(weight > 0))
        X, y, weight = X[kept], y[kept], weight[kept] / weight[kept].mean()
        if problem.task == "regression":
            values, scale = y[:, None], float(np.std(y)) or 1.0
            center = np.average(values, axis=0, weights=weight)
            return cls(X, (values - center) / scale, weight, center, scale)
        classes, codes = np.unique(y, return_inverse=True)
        values = (codes[:, None] == np.arange(len(classes))).astype(np.float64)
        center = np.average(values, axis=0, weights=weight)
        return cls(X, values - center, weight, center, 1.0, codes, classes, problem.n_classes)

    def head(self, n_rows: int) -> "_Target":
        """The first rows, which are a random part."""
        if n_rows >= len(self.X):
            return self
        X, y, codes = self.X[:n_rows], self.y[:n_rows], self.codes
        codes = None if codes is None else codes[:n_rows]
        weight = self.weight[:n_rows] / self.weight[:n_rows].mean()
        return replace(self, X=X, y=y, weight=weight, codes=codes)


@dataclass
class _Found:
    """The regularisation that predicts left-out rows best."""

    error: float
    index: int
    alpha: np.ndarray
    model: KernelModel


class _Machine:
    """A kernel with its solver, for one set of scales."""

    def __init__(
        self,
        target: _Target,
        params: Mapping[str, Any],
        scales: np.ndarray,
    ) -> None:
        self._target, n = target, len(target.X)
        self.kernel = Kernel.relative(
            target.X[:PROBED],
            scales,
            bandwidth=float(params.get("bandwidth", 1.0)),
            exponent=float(params.get("exponent", 1.0)),
        )
        self._n_judged, self._n_centres = min(n, JUDGED), min(n, MAX_CENTRES)
        self._rows = self.kernel.embed(target.X)
        self._solver: Exact | Nystroem
        if n <= MAX_CENTRES:
            K = self.kernel.values(self._rows, self._rows)
            self._solver = Exact(K, target.y, target.weight, n_judged=self._n_judged)
        else:
            self._solver = Nystroem(
                self.kernel,
                self._rows,
                y=target.y,
                weight=target.weight,
                n_centres=self._n_centres,
                n_judged=self._n_judged,
            )

    def solve(self, index: int) -> _Found:
        """Fit with one regularisation."""
        t, judged = self._target, slice(len(self._rows) - self._n_judged, None)
        alpha, left_out = self._solver.solve(STRENGTHS[index])
        weight = t.weight[judged]
        error = float(weight @ ((t.y[judged] - left_out) ** 2).sum(axis=1))
        arrays = {
            "centres": t.X[: self._n_centres],
            "alpha": alpha * t.scale,
            "shift": t.center + alpha.sum(axis=0) * t.scale,
        }
        if t.codes is not None and t.classes is not None:
            arrays |= {
                "classes": t.classes,
                "n_classes": np.array(t.n_classes),
                "link": fit_link(left_out + t.center, t.codes[judged], weight),
                "rest": np.array(1.0 / (len(t.X) + t.n_classes)),
            }
        return _Found(error, index, alpha, KernelModel(self.kernel, arrays))

    def rescaled(self, alpha: np.ndarray, power: float, rng: np.random.Generator) -> np.ndarray:
        """Scales of the columns that fit the function better."""
        outputs = alpha[:, 1:] if alpha.shape[1] == 2 else alpha
        centres = self._rows[: self._n_centres]
        steep = slopes(self.kernel, centres, centres=centres, alpha=outputs, rng=rng)
        steepest = steep.max(initial=0.0)
        if not steepest > 0:
            return self.kernel.scales
        relative = steep / steepest
        return np.where(relative > FAINT, relative ** (2 * power), 0.0)


class _Walk:
    """Steps of the watch, and the model of the best one."""

    def __init__(self, watch: Watch, data: FitData, *, patience: int) -> None:
        self._watch, self._data = watch, data
        self._last = watch.with_patience(patience, 0.0).steps(10**6).stop - 1
        self._best: KernelModel | None = None
        self._latest: KernelModel | None = None
        self._offset = 0
        self.ended = False

    @property
    def chosen(self) -> KernelModel:
        """The model of the best step; without validation rows the last."""
        found = self._best or self._latest
        assert found is not None
        return found

    def along(self, machine: _Machine, first: int) -> _Found | None:
        """From strong to weak regularisation, until left-out rows are predicted worse."""
        best: _Found | None = None
        offset, self._offset = self._offset, self._offset + len(STRENGTHS)
        for index in range(max(0, first), len(STRENGTHS)):
            step = offset + index + 1
            if step > self._last:
                self.ended = True
                break
            found = machine.solve(index)
            self._take(step, found.model)
            if best is not None and found.error > best.error:
                break
            best = found
            if self.ended:
                break
        return best

    def _take(self, step: int, model: KernelModel) -> None:
        self._latest = model
        if not self._watch.validates:
            self.ended = self._watch.out_of_time() or step == self._last
            return
        self.ended = self._watch.observe(step, model.predict(self._data.valid_X))
        if self._watch.best_step == step:
            self._best = model
