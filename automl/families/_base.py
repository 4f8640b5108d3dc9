"""The contract of a model family, and the few values that cross it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from automl.exceptions import AutoMLError
from automl.features import Matrix

if TYPE_CHECKING:
    import optuna

    from automl.families._watch import Watch

Params = dict[str, Any]


MANY = 40
"""Categories beyond which trees, which part them in two, need many splits to tell them apart."""

MEDIUM = 10_000
"""Rows beyond which a minute fits a handful of configurations with all their folds: what learns
fast comes first."""


@dataclass(frozen=True)
class Problem:
    """What a family may know before it proposes anything.

    Parameters
    ----------
    task : {"binary", "multiclass", "regression"}
    n_rows : int
        Rows of the training table.
    n_columns : int
        Columns of the training table that a model may use.
    n_classes : int
        0 for regression.
    absolute_error : bool
        Whether the declared metric rewards medians (``mae``), not means.
    n_categorical : int
        How many of the columns are categorical.
    n_many : int
        How many of those have more than `MANY` categories.
    ratios : bool
        Whether differences of the target are better told as ratios: it is above 0 and skewed, its
        logarithm at most half as much.

    Examples
    --------
    >>> Problem("multiclass", n_rows=100, n_columns=4, n_classes=3).n_outputs
    3
    """

    task: str
    n_rows: int
    n_columns: int
    n_classes: int = 0
    absolute_error: bool = False
    n_categorical: int = 0
    ratios: bool = False
    n_many: int = 0

    @property
    def n_outputs(self) -> int:
        """Columns of a prediction: one for binary and regression, one per class otherwise."""
        return self.n_classes if self.task == "multiclass" else 1


@dataclass(frozen=True)
class Start:
    """A starting configuration.

    Parameters
    ----------
    params : dict
        Values that the family's ``fit`` takes; those that are part of its space are told to
        the search, so that it proposes in the neighbourhood of what worked.
    rank : int
        Place in the order in which the configurations of all families are tried, 0 first.
    """

    params: Params
    rank: int


@dataclass(frozen=True)
class FitData:
    """Rows for one fit: all of them, and which to train on.

    Parameters
    ----------
    matrix : Matrix of shape (n_rows, n_columns)
        All rows, in the encoding that the family asked for. Read only, shared by processes.
    y : ndarray of shape (n_rows,)
        Class codes or numbers.
    train : ndarray of int
        Rows to train on, in ascending order.
    valid : ndarray of int
        Rows to predict and to choose the step by, in ascending order; empty for a refit.
    weight : ndarray of shape (n_rows,), optional
    cache : dict
        Lives as long as the process and the table: what a family wants to build once.
    out_of_bag : bool
        `train` and `valid` are the same rows, and each is to be predicted by the part of the
        model that did not see it.
    folder : Path, optional
        The same for all processes that fit on this matrix: files that a family wants to write
        once. It need not exist, and another process may write the same file at the same time.
    """

    matrix: Matrix
    y: np.ndarray
    train: np.ndarray
    valid: np.ndarray
    weight: np.ndarray | None = None
    cache: dict[Any, Any] = field(default_factory=dict)
    out_of_bag: bool = False
    folder: Path | None = None

    @property
    def train_X(self) -> np.ndarray:  # noqa: N802
        """Training rows of the matrix."""
        return np.asarray(self.matrix.values[self.train])

    @property
    def train_y(self) -> np.ndarray:
        """Targets of the training rows."""
        return np.asarray(self.y[self.train])

    @property
    def train_weight(self) -> np.ndarray | None:
        """Weights of the training rows."""
        return None if self.weight is None else self.weight[self.train]

    @property
    def valid_X(self) -> np.ndarray:  # noqa: N802
        """Validation rows of the matrix."""
        return np.asarray(self.matrix.values[self.valid])


@dataclass(frozen=True)
class Resources:
    """What one fit may use.

    Parameters
    ----------
    seed : int
    n_threads : int
    device : str
        ``"cpu"``, or a card such as ``"cuda:0"``.
    device_bytes : float
        Memory of the card that this process may keep for the fits to come.
    """

    seed: int = 0
    n_threads: int = 1
    device: str = "cpu"
    device_bytes: float = 0.0


@dataclass(frozen=True)
class DeviceUse:
    """What a fit needs of a card.

    Parameters
    ----------
    bytes : float
        Of its memory, at most.
    exclusive : bool
        Whether nothing else may use the card meanwhile.
    """

    bytes: float
    exclusive: bool = False


class DeviceError(AutoMLError, RuntimeError):
    """A library that was told to train on a card did not, or its card can't be used."""


class Model(Protocol):
    """A fitted model: it predicts, and it is a few native files."""

    def predict(self, X: np.ndarray, *, n_threads: int = 1) -> np.ndarray:
        """Predictions of shape (n_rows, n_outputs)."""

    def save(self) -> dict[str, bytes]:
        """Content of its files by name; no pickle."""


@runtime_checkable
class Contributing(Protocol):
    """A model that can say how much each matrix column moved each prediction."""

    def contributions(self, X: np.ndarray) -> np.ndarray:
        """Mean absolute contribution of each column, of shape (n_columns,)."""


@runtime_checkable
class Movable(Protocol):
    """A model that can predict on a card."""

    def move(self, device: str) -> None:
        """Predict on `device` from now on; what is saved does not change."""


def to_outputs(values: np.ndarray, classes: np.ndarray | None, problem: Problem) -> np.ndarray:
    """Put the columns of a scikit-learn classifier in the package's order.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_seen)
        A column per class that the training rows had.
    classes : ndarray of shape (n_seen,), optional
        Codes of those classes; ``None`` for regression.
    problem : Problem

    Returns
    -------
    ndarray of shape (n_rows, n_outputs)

    Examples
    --------
    >>> three = Problem("multiclass", n_rows=9, n_columns=1, n_classes=3)
    >>> to_outputs(np.array([[0.2, 0.8]]), np.array([0, 2]), three).tolist()
    [[0.2, 0.0, 0.8]]
    """
    if classes is None:
        return values
    out = np.zeros((len(values), problem.n_classes), dtype=values.dtype)
    out[:, classes] = values
    return out if problem.task == "multiclass" else out[:, 1:2]


def encoded_width(encoding: str, problem: Problem) -> int:
    """Columns that an encoding is guessed to have, where it was not made yet.

    Examples
    --------
    >>> encoded_width("piecewise", Problem("regression", n_rows=9, n_columns=10))
    90
    """
    return {"scaled": 2, "straight": 2, "piecewise": 9}.get(encoding, 1) * problem.n_columns


class Family(ABC):
    """One kind of model: what it can do, what to try, how to fit, how to load.

    A family is registered by one line in ``automl/families/__init__.py``, or by a third party
    under the entry-point group ``automl.families``, and is proven by
    :func:`automl.families.check_family`.
    """

    name: ClassVar[str]
    preload: ClassVar[tuple[str, ...]] = ()
    """Modules that a worker should have imported before it is asked to fit."""
    libraries: ClassVar[tuple[str, ...]] = ("scikit-learn",)
    """Distributions whose versions are worth knowing where a saved model is read."""
    unit_seconds: ClassVar[float | None] = None
    """Seconds of one core per unit of :meth:`work`, measured by ``benchmarks/costs.py``; ``None``
    where nobody measured it. A search starts from it and learns what it is here."""
    work_spread: ClassVar[float] = 0.5
    """Standard deviation of log seconds between fits of equal work on one table, measured too."""

    averaging_gain: ClassVar[float] = 0.06
    """Share of its error that the mean of the models of all folds usually saves on one of them,
    in classification; measured with ``benchmarks/library.py``."""

    tunable: ClassVar[bool] = True
    """Whether proposals beyond the starting configurations are worth a trial."""

    out_of_bag: ClassVar[bool] = False
    """Whether one fit on all rows can predict each row by the parts that did not see it, which
    takes the place of a fit per fold where rows were dealt to folds at random."""

    def supports(self, problem: Problem) -> bool:
        """Whether the family is fit for this task and size."""
        return True

    def encoding(self, params: Mapping[str, Any]) -> str:
        """Which encoding of the table these parameters want, one of ``ENCODINGS``."""
        return "tree"

    def matrix_width(self, params: Mapping[str, Any], problem: Problem, width: int | None) -> int:
        """Columns of the encoded matrix: `width`, or a guess where they are not known."""
        return encoded_width(self.encoding(params), problem) if width is None else width

    def work(
        self, params: Mapping[str, Any], problem: Problem, *, width: int | None = None
    ) -> float:
        """How much a fit of these parameters is expected to do: about proportional to seconds.

        Parameters
        ----------
        params : dict
        problem : Problem
            With the training rows of this fit as `n_rows`.
        width : int, optional
            Columns of the encoded matrix, where they are known.

        Returns
        -------
        float
            In units of the family's own, the same for all parameters and tables.
        """
        columns = self.matrix_width(params, problem, width)
        return float(problem.n_rows) * max(1, columns) * problem.n_outputs

    def memory(
        self,
        params: Mapping[str, Any],
        problem: Problem,
        *,
        width: int | None = None,
        itemsize: int = 4,
    ) -> float:
        """Bytes that a fit is expected to need at most, beside the shared matrix.

        Parameters
        ----------
        params : dict
        problem : Problem
            With all rows of the table as `n_rows`, those to validate on included.
        width : int, optional
            Columns of the encoded matrix, where they are known.
        itemsize : int
            Bytes of a number in the matrix.

        Returns
        -------
        float
            By default three copies of the matrix in double precision, and of the predictions.
        """
        columns = self.matrix_width(params, problem, width)
        return 24.0 * problem.n_rows * (max(1, columns) + problem.n_outputs) + 2e7

    def quicker(self, params: Mapping[str, Any], times: float) -> tuple[Params, float]:
        """Parameters that make much the same model in less time, where there are such.

        Parameters
        ----------
        params : dict
        times : float
            How many times less it may take.

        Returns
        -------
        params : dict
        times : float
            How many times less it takes; 1 for the same parameters.
        """
        return dict(params), 1.0

    def effective(self, params: Mapping[str, Any], problem: Problem) -> Params:
        """What makes the difference between models: where this is the same, so are they.

        Parameters
        ----------
        params : dict
        problem : Problem

        Returns
        -------
        dict
            By default the parameters.
        """
        return dict(params)

    def device_use(
        self, params: Mapping[str, Any], problem: Problem, matrix: Matrix
    ) -> DeviceUse | None:
        """What a fit of these parameters needs of a card; ``None`` if it can't use one.

        Parameters
        ----------
        params : dict
        problem : Problem
            With all rows of the table as `n_rows`.
        matrix : Matrix
            The encoding, for its columns; its rows may be missing.
        """
        return None

    @abstractmethod
    def starts(self, problem: Problem) -> Sequence[Start]:
        """Starting configurations in order of merit."""

    @abstractmethod
    def suggest(self, trial: "optuna.Trial", problem: Problem) -> Params:
        """Propose parameters from the search space."""

    @abstractmethod
    def fit(
        self,
        params: Mapping[str, Any],
        data: FitData,
        watch: "Watch",
        *,
        problem: Problem,
        resources: Resources,
    ) -> Model:
        """Train on ``data.train``, show predictions for ``data.valid`` to `watch` as training
        goes on, stop when it says so, and return the model at the watch's best step."""

    @abstractmethod
    def load(self, files: Mapping[str, bytes]) -> Model:
        """Inverse of :meth:`Model.save`."""
