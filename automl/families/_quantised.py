"""Rows as XGBoost trains on them, and as it validates on them."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from automl.families._arrays import float32_rows
from automl.families._base import FitData, Problem, Resources

if TYPE_CHECKING:
    import xgboost

MAX_BIN = 256
KEPT_CELLS = 10_000_000
"""Quantised training rows are kept for the next trial while they have fewer cells than this; a
cell takes 1 to 5 bytes."""

SAMPLE = 200_000
SAMPLE_CELLS = 20_000_000
"""Larger tables are cut into bins that these many rows or cells define, once for all folds:
LightGBM and scikit-learn take as many, and it costs half as much as bins of all rows."""

FEW_ROWS = 5000
"""Fewer validation rows than this are quantised to be predicted."""

CELL_ON_CARD = 1.5
"""Bytes of a quantised cell on a card, where there are as many on the CPU's side too."""

BLOCK_CELLS = 1_000_000
"""Cells that are copied at a time where rows are quantised."""

ONE_COPY = frozenset({"cuda"})
"""Devices that get all rows of a large table in one matrix, and for each fold weights that tell
which rows to train on. There quantising and copying the rows of each fold (5 s for a million of 50
columns, on two cores) is expected to cost more than training on all of them does."""


class Training(NamedTuple):
    """Rows to train on.

    Parameters
    ----------
    rows : xgboost.DMatrix
    largest : dict of str to float
        For each categorical column the code above which it is unknown.
    copies : int
        How many tables training on them will copy to the card: XGBoost does that once for each
        matrix that it is given.
    whole : bool
        Whether those to validate on are among them, with a weight of 0.
    """

    rows: "xgboost.DMatrix"
    largest: dict[str, float]
    copies: int
    whole: bool


class Validation:
    """Predictions for the validation rows, kept up to date tree by tree.

    Quantised rows, which XGBoost keeps up to date by itself, are quick to ask about and slow to
    predict; with plain rows it is the other way round. Where they are among the training rows,
    XGBoost has their predictions anyhow.
    """

    def __init__(
        self,
        booster: "xgboost.Booster",
        training: Training,
        data: FitData,
        *,
        problem: Problem,
        resources: Resources,
    ) -> None:
        self._booster, self._problem = booster, problem
        self._margins: np.ndarray | None = None
        self._rounds = 0
        self._quantised: xgboost.DMatrix | None = None
        self._part: slice | np.ndarray = slice(None)
        self.copies = 0
        if not len(data.valid):
            return
        train, largest = training.rows, training.largest
        if training.whole:
            self._quantised, self._part = train, data.valid
        elif resources.device != "cpu" or len(data.valid) < FEW_ROWS:
            self._quantised = self._valid(data, train, largest, resources)
        else:
            self._X = hide_unseen(float32_rows(data.matrix.values, data.valid), largest)

    def _valid(
        self,
        data: FitData,
        train: "xgboost.DMatrix",
        largest: Mapping[str, float],
        resources: Resources,
    ) -> "xgboost.DMatrix":
        """Quantised validation rows; on a card those of the trial before, if it had the same."""
        store = _Store(data, resources)
        key = np.concatenate([data.train, data.valid])  # the bins are those of the training rows
        kept = store.find("valid", key) if store.copies else None
        if kept is not None:
            return kept[0]
        if store.copies:
            store.make_room(len(data.valid))
        rows = _Rows(data, data.valid, largest).quantised(train, resources.n_threads)
        if store.copies:
            self.copies = store.copies
            store.keep("valid", key, (rows, dict(largest)))
        return rows

    def predict(self, rounds: int) -> np.ndarray:
        """Predictions after so many rounds, of shape (n_valid, n_outputs)."""
        if self._quantised is not None:
            predictions = self._booster.predict(self._quantised)[self._part]
            return np.asarray(predictions).reshape(-1, self._problem.n_outputs)
        self._margins = self._booster.inplace_predict(
            self._X,
            iteration_range=(self._rounds, rounds),
            predict_type="margin",
            base_margin=self._margins,
            validate_features=False,
        )
        self._rounds = rounds
        return _from_margins(self._margins.reshape(-1, self._problem.n_outputs), self._problem)


def _from_margins(margins: np.ndarray, problem: Problem) -> np.ndarray:
    """Probabilities or values, as XGBoost makes them."""
    if problem.task == "regression":
        return margins
    if problem.task == "binary":
        with np.errstate(over="ignore"):
            return np.asarray(1 / (1 + np.exp(-margins)))
    powers = np.exp(margins - margins.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


Quantised = tuple["xgboost.DMatrix", dict[str, float]]
"""Rows, and for each categorical column the code above which it is unknown."""


def quantised(data: FitData, resources: Resources) -> Training:
    """Quantised training rows, kept for the next trial on the same fold where there is room.

    On a card a large table is one matrix for all folds: what lies outside the fold weighs 0 there.
    It has the same bins as the rows of a fold would have, and with no sampling of rows the same
    trees.
    """
    whole = _is_one_copy(data, resources)
    rows = np.arange(len(data.y)) if whole else data.train
    store = _Store(data, resources)
    kept = store.find("train", rows)
    copies = 0 if kept is not None else store.copies
    train, largest = _train_rows(data, rows, store, resources) if kept is None else kept
    if whole:
        train.set_weight(_weights(data))
    return Training(train, largest, copies, whole)


def _is_one_copy(data: FitData, resources: Resources) -> bool:
    """Whether one matrix of all rows serves all folds: where their bins are the same anyhow, and
    no rows are left out to save time or memory."""
    if resources.device.partition(":")[0] not in ONE_COPY or len(data.train) <= SAMPLE:
        return False
    return len(data.train) + len(data.valid) == len(data.y)


def _weights(data: FitData) -> np.ndarray:
    """Weights of all rows: 0 for those not to train on."""
    weights = np.zeros(len(data.y), dtype=np.float32)
    weights[data.train] = 1.0 if data.weight is None else data.weight[data.train]
    return weights


def _train_rows(
    data: FitData, rows: np.ndarray, store: "_Store", resources: Resources
) -> "Quantised":
    """Quantise rows, and keep them where there is room."""
    store.make_room(len(rows))
    codes = {str(i): data.matrix.values[rows, i] for i in data.matrix.categorical}
    largest = {i: float(np.nanmax(c, initial=-1.0)) for i, c in codes.items()}
    bins = _bins(data, resources) if len(data.train) > SAMPLE else None
    train = _Rows(data, rows, largest).quantised(bins, resources.n_threads)
    store.keep("train", rows, (train, largest))
    return train, largest


class _Store:
    """Quantised rows of the trials before, the oldest of which make room: cells in memory, on a
    card bytes of it. What was copied to a card stays there as long as it is kept here."""

    def __init__(self, data: FitData, resources: Resources) -> None:
        on_card = resources.device != "cpu"
        self.copies = int(on_card)
        self._most = resources.device_bytes / CELL_ON_CARD if on_card else KEPT_CELLS
        self._kept: dict[Any, Quantised] = data.cache.setdefault(
            f"xgboost {resources.device}" if on_card else "xgboost", {}
        )
        self._columns = data.matrix.shape[1]

    def find(self, kind: str, rows: np.ndarray) -> Quantised | None:
        return self._kept.get((kind, hash(rows.tobytes())))

    def make_room(self, n_rows: int) -> None:
        """Drop the oldest, so that so many rows can be kept."""
        cells, kept = n_rows * self._columns, self._kept
        while kept and cells + sum(_cells(m) for m, _ in kept.values()) > self._most:
            del kept[next(iter(kept))]

    def keep(self, kind: str, rows: np.ndarray, quantised: Quantised) -> None:
        if _cells(quantised[0]) <= self._most:
            self._kept[kind, hash(rows.tobytes())] = quantised


def _cells(matrix: "xgboost.DMatrix") -> int:
    return int(matrix.num_row() * matrix.num_col())


def _bins(data: FitData, resources: Resources) -> "xgboost.DMatrix":
    """Some rows of the table, and all its categories, to take the bins from."""
    if "xgboost bins" not in data.cache:
        n_rows, n_columns = data.matrix.shape
        size = min(SAMPLE, max(SAMPLE // 10, SAMPLE_CELLS // n_columns))
        rows = np.unique(np.random.default_rng(0).integers(n_rows, size=size))
        every = np.full((max(data.matrix.cardinalities), n_columns), np.nan)
        for i in data.matrix.categorical:
            every[:, i] = np.arange(len(every)) % data.matrix.cardinalities[i]
        sample = _Rows(data, rows, {}, every.astype(np.float32))
        bins = sample.quantised(None, resources.n_threads)
        # One row in these bins is enough to pass them on.
        data.cache["xgboost bins"] = _Rows(data, rows[:1], {}).quantised(bins, resources.n_threads)
    return data.cache["xgboost bins"]


class _Rows:
    """Some rows of the table, copied block by block while XGBoost quantises them.

    Parameters
    ----------
    data : FitData
    rows : ndarray of int
    largest : mapping of str to float
        For each categorical column the code above which it is unknown.
    more : ndarray of shape (n_more, n_columns), optional
        Rows to come last. Then no row has its target, which bins don't need.
    """

    def __init__(
        self,
        data: FitData,
        rows: np.ndarray,
        largest: Mapping[str, float],
        more: np.ndarray | None = None,
    ) -> None:
        self._data, self._rows, self._largest, self._more = data, rows, largest, more

    def quantised(self, ref: "xgboost.DMatrix | None", n_threads: int) -> "xgboost.DMatrix":
        """The rows in the bins of `ref`, or in bins of their own."""
        import xgboost as xgb

        class Blocks(xgb.DataIter):  # type: ignore[misc]
            def __init__(self, blocks: Callable[[], Iterator[dict[str, Any]]]) -> None:
                super().__init__()
                self._make, self._blocks = blocks, blocks()

            def next(self, input_data: Any) -> bool:
                block = next(self._blocks, None)
                if block is not None:
                    input_data(**block)
                return block is not None

            def reset(self) -> None:
                self._blocks = self._make()

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return xgb.QuantileDMatrix(
                Blocks(self._blocks),
                max_bin=MAX_BIN,
                ref=ref,
                enable_categorical=True,
                nthread=n_threads,
            )

    def _blocks(self) -> Iterator[dict[str, Any]]:
        data = self._data
        types = ["c" if n else "q" for n in data.matrix.cardinalities]
        size = max(1, BLOCK_CELLS // data.matrix.shape[1])
        for start in range(0, len(self._rows), size):
            rows = self._rows[start : start + size]
            block = {
                "data": hide_unseen(float32_rows(data.matrix.values, rows), self._largest),
                "feature_types": types,
            }
            if self._more is None:
                block["label"] = data.y[rows]
                block["weight"] = None if data.weight is None else data.weight[rows]
            yield block
        if self._more is not None and len(self._more):
            yield {"data": self._more, "feature_types": types}


def hide_unseen(X: np.ndarray, largest: Mapping[str, float]) -> np.ndarray:
    """The same rows, missing where the code of a category is above the largest one known."""
    given = X
    for name, code in largest.items():
        unseen = X[:, int(name)] > code
        if unseen.any():
            X = X.copy(order="K") if X is given else X
            X[unseen, int(name)] = np.nan
    return X
