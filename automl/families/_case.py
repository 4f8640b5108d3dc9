"""The small made-up tables on which the contract of a model family is checked."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from automl.families._base import Family, FitData, Model, Params, Problem, Resources
from automl.families._watch import Watch
from automl.features import Encoder, Matrix, fit_encoder
from automl.table import Schema

CLASSES = {"binary": 2, "multiclass": 3, "regression": 0}
COLUMNS = ("a", "b", "c", "d", "city")
RARE = "Rome"
"""A category that is met in validation rows only."""
QUICK = 25
"""Steps of a fit that need not be good."""


def make_problem(task: str, n_rows: int, *, absolute_error: bool = False) -> Problem:
    """The problem that a case of this task poses."""
    return Problem(task, n_rows, len(COLUMNS), CLASSES[task], absolute_error, n_categorical=1)


class Case:
    """A family with a small made-up table: numbers, a category, and missing values.

    Parameters
    ----------
    family : Family
    task : {"binary", "multiclass", "regression"}
    n_rows : int
    absolute_error : bool
        Whether the metric is one that rewards medians.
    """

    def __init__(
        self, family: Family, task: str, *, n_rows: int = 240, absolute_error: bool = False
    ) -> None:
        self.family = family
        self.n_rows = n_rows
        self.problem = make_problem(task, n_rows, absolute_error=absolute_error)
        rng = np.random.default_rng(0)
        numbers = rng.normal(size=(n_rows, 4))
        city = rng.choice(["Oslo", "Bonn", "Nice", RARE], n_rows, p=[0.4, 0.3, 0.2, 0.1])
        signal = numbers[:, 0] + 0.5 * numbers[:, 1] + 0.8 * (city == "Bonn")
        signal += 0.3 * rng.normal(size=n_rows)
        self.y: np.ndarray = signal
        if CLASSES[task]:
            cuts = np.quantile(signal, np.linspace(0, 1, CLASSES[task] + 1)[1:-1])
            self.y = np.searchsorted(cuts, signal).astype(np.int64)
        numbers[::7, 3] = np.nan
        self.frame = pd.DataFrame(numbers, columns=COLUMNS[:-1]).assign(city=city)
        self.frame.loc[::11, "city"] = None
        self.params: Params = dict(family.starts(self.problem)[0].params)

    def encoder(self) -> Encoder:
        """The encoding that the family asks for."""
        table = self._schema().apply(self.frame, fitting=True)
        return fit_encoder(self.family.encoding(self.params), table)

    def encode(self, frame: pd.DataFrame) -> np.ndarray:
        """Rows that come after the fit, encoded as the family's matrix was."""
        return self.encoder().transform(self._schema().apply(frame)).values

    def strange(self) -> pd.DataFrame:
        """Rows as prediction meets them: values missing, categories never seen."""
        rows = self.frame.iloc[:4].copy()
        rows.loc[rows.index[0], "city"] = "Atlantis"
        rows.loc[rows.index[1], :] = None
        rows.loc[rows.index[2], "a"] = None
        rows.loc[rows.index[3], "a"] = 1e30
        return rows

    def data(self, *, without_class: int | None = None) -> FitData:
        """Two thirds to train on, read only; `without_class` is then kept out of them."""
        valid = (np.arange(self.n_rows) % 3 == 0) | (self.frame["city"] == RARE).to_numpy()
        if without_class is not None:
            valid |= self.y == without_class
        matrix = self.encoder().transform(self._schema().apply(self.frame, fitting=True))
        y = self.y.copy()
        matrix.values.setflags(write=False)
        y.setflags(write=False)
        return FitData(matrix, y, np.flatnonzero(~valid), np.flatnonzero(valid))

    def contradiction(self, weights: tuple[float, float] | None) -> FitData:
        """Each row twice, with the smallest and with the largest target, in equal numbers."""
        once = self.data()
        n, low = self.n_rows, 0 if CLASSES[self.problem.task] else -1.0
        high = max(CLASSES[self.problem.task] - 1, 1)
        matrix = once.matrix
        return FitData(
            Matrix(
                np.concatenate([matrix.values] * 2),
                matrix.names,
                matrix.sources,
                matrix.cardinalities,
            ),
            np.repeat(np.array([low, high], dtype=self.y.dtype), n),
            np.concatenate([once.train, once.train + n]),
            np.concatenate([once.valid, once.valid + n]),
            None if weights is None else np.repeat(weights, n),
        )

    def loss(self, data: FitData) -> Callable[[np.ndarray], float]:
        """Squared error for values, log loss for classes."""
        y = data.y[data.valid]
        if self.problem.task == "regression":
            return lambda p: float(np.mean((y - p[:, 0]) ** 2))
        if self.problem.task == "binary":
            return lambda p: float(-np.log(np.where(y, p[:, 0], 1 - p[:, 0]) + 1e-9).mean())
        return lambda p: float(-np.log(p[np.arange(len(y)), y] + 1e-9).mean())

    def fit(
        self,
        data: FitData,
        watch: Watch | None = None,
        *,
        params: Params | None = None,
        seed: int = 0,
    ) -> tuple[Model, Watch]:
        """Fit once, a few steps if no watch is given; the watch tells what happened."""
        watch = watch or Watch(self.loss(data), limit=QUICK)
        model = self.family.fit(
            self.params if params is None else params,
            data,
            watch,
            problem=self.problem,
            resources=Resources(seed=seed),
        )
        return model, watch

    def _schema(self) -> Schema:
        return Schema.infer(self.frame, types={"city": "categorical"})
