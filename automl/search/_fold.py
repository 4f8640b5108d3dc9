"""The fit of one configuration on one fold: the function that workers run."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from automl.compute import Channel, Failure, SpoiledError
from automl.families import (
    DeviceError,
    FitData,
    Model,
    Params,
    Problem,
    Resources,
    Watch,
    get_family,
)
from automl.features import Matrix
from automl.objective import Metric, draw_rows
from automl.search._ends import is_memory
from automl.search._trial import WHOLE, FoldOutcome
from automl.search._validation import Validation

FIT_FOLD = f"{__name__}:fit_fold"


@dataclass(frozen=True)
class FoldTask:
    """What a worker must know to fit one fold, beside the shared arrays.

    Parameters
    ----------
    family : str
    params : dict
    problem : Problem
    metric : bytes
        The metric by value.
    fold : int
        Or ``WHOLE`` for all rows, scored out of bag.
    resources : Resources
    encoding : str
    columns : tuple
        Names, sources and cardinalities of the matrix.
    folder : Path
        Where the fitted model's files go.
    predictions : Path
        Where the predictions for the validation rows go, as ``.npy``.
    shared : Path
        Folder of files that all fits on this encoding share.
    report : bool
        Whether the learning curve is wanted.
    share : float
        Share of the training rows to use.
    """

    family: str
    params: Params
    problem: Problem
    metric: bytes
    fold: int
    resources: Resources
    encoding: str
    columns: tuple[tuple[str, ...], tuple[str, ...], tuple[int, ...]]
    folder: Path
    predictions: Path
    shared: Path
    report: bool = False
    share: float = 1.0


def fit_fold(
    task: FoldTask, data: Sequence[Mapping[str, np.ndarray]], channel: Channel
) -> FoldOutcome:
    """Fit, validate, save the model's files, and return the outcome.

    Parameters
    ----------
    task : FoldTask
    data : sequence of two mappings
        The target with its folds (``y``, ``train_0``, ``valid_0``, ..., perhaps ``weight`` and
        ``outlying``), then the matrix (``values``).
    channel : Channel

    Returns
    -------
    FoldOutcome
    """
    target, arrays = data
    y, weight = target["y"], target.get("weight")
    whole = task.fold == WHOLE
    train, rows = (
        (np.arange(len(y)), np.arange(len(y)))
        if whole
        else (target[f"train_{task.fold}"], target[f"valid_{task.fold}"])
    )
    if task.share < 1 and not whole:
        codes = None if task.problem.task == "regression" else y[train]
        train = _sample(train, task.share, task.resources.seed, codes)
    w = None if weight is None else weight[rows]
    judged = _judged(rows, target)
    metric = Metric.from_payload(task.metric)
    validation = Validation(metric, task.problem, y[rows], w, judged=judged)
    brake = _Brake(channel, lambda: watch.closing)
    watch = validation.watch(brake, channel.report if task.report else None)
    fit_data = _fit_data(task, target, arrays, channel, rows=(train, rows))
    model = _fit(task, fit_data, watch, channel)
    if watch.best_predictions is None or watch.honest_predictions is None:
        raise ValueError(f"{task.family} showed no predictions for fold {task.fold}.")
    write_model(model.save(), task.folder)
    np.save(task.predictions, watch.honest_predictions)
    return FoldOutcome(
        validation.declared_loss(watch.honest_predictions),
        watch.best_step,
        watch.seconds,
        watch.interrupted,
        len(train),
        watch.last_step,
        watch.device,
        watch.copies,
        None if judged is None else validation.judged_loss(watch.honest_predictions),
    )


def _judged(rows: np.ndarray, target: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """Which of the validation rows count while trials run; None for all of them."""
    if "outlying" not in target:
        return None
    kept = np.flatnonzero(np.isin(rows, target["outlying"], invert=True))
    return kept if 0 < len(kept) < len(rows) else None


def _fit_data(
    task: FoldTask,
    target: Mapping[str, np.ndarray],
    arrays: Mapping[str, np.ndarray],
    channel: Channel,
    *,
    rows: tuple[np.ndarray, np.ndarray],
) -> FitData:
    """What a family fits on; `rows` are those to train on and to validate on."""
    cache = channel.cache.setdefault(task.encoding, {})
    values, shared = arrays["values"], task.shared
    if "told" in arrays:  # the matrix differs from fold to fold
        values = _told_values(arrays, task.fold, cache)
        cache, shared = cache.setdefault(task.fold, {}), shared / f"fold{task.fold}"
    return FitData(
        Matrix(values, *task.columns),
        target["y"],
        *rows,
        target.get("weight"),
        cache,
        out_of_bag=task.fold == WHOLE,
        folder=shared,
    )


def _told_values(arrays: Mapping[str, np.ndarray], fold: int, cache: dict[Any, Any]) -> np.ndarray:
    """The matrix of a fold: what texts tell of the target in it comes last.

    ``WHOLE`` stands for the last of the arrays, too. The last one asked for is kept.
    """
    known, values = cache.get("values", (None, np.empty(0)))
    if known != fold:
        given = arrays["values"]
        cache.pop("values", None)
        values = np.hstack([given, arrays["told"][fold]], dtype=given.dtype)
        cache["values"] = fold, values
    return np.asarray(values)


def _fit(task: FoldTask, data: FitData, watch: Watch, channel: Channel) -> Model:
    """Let the family fit; an error on a card may have spoiled it for this process."""
    family, problem, resources = get_family(task.family), task.problem, task.resources
    try:
        return family.fit(task.params, data, watch, problem=problem, resources=resources)
    except Exception as error:
        if resources.device == "cpu" or isinstance(error, DeviceError):
            raise
        if is_memory(Failure.of(error)):
            channel.cache.clear()  # with it goes what it has on the card
            raise
        raise SpoiledError(f"{type(error).__name__}: {error}") from error


class _Brake:
    """Tells a fit to end one step before its deadline rather than one after.

    A step of a large fit takes seconds, and a fit that is not back soon after its deadline is
    killed and lost. The next step is taken to last as long as the one before; `closing` tells
    what comes after the last.
    """

    def __init__(self, channel: Channel, closing: Callable[[], float]) -> None:
        self._channel, self._closing = channel, closing
        self._asked: float | None = None

    def __call__(self) -> bool:
        now = time.monotonic()
        step = 0.0 if self._asked is None else now - self._asked
        self._asked = now
        return self._channel.stopped or self._channel.time_left() < step + self._closing()


def _sample(
    rows: np.ndarray, share: float, seed: int, codes: np.ndarray | None = None
) -> np.ndarray:
    """A random share of the rows, in ascending order, at least two, and some of each class."""
    n, rng = min(len(rows), max(2, round(share * len(rows)))), np.random.default_rng(seed)
    if codes is not None:
        return np.asarray(rows[draw_rows(codes, n, rng)])
    return np.sort(rng.choice(rows, size=n, replace=False))


def write_model(files: Mapping[str, bytes], folder: Path) -> None:
    """Write a model's files into a new folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
