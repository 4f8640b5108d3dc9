"""What every family must be able to do, as a function that anyone can run on theirs."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from automl.families._base import Family, FitData, Model, Params, Problem, Resources
from automl.families._watch import Watch
from automl.features import Matrix


class ContractError(AssertionError):
    """A family breaks the contract; the message says which part."""


def check_family(family: Family) -> None:
    """Run the contract of a model family; small made-up tables, a few seconds.

    A family passes if for each task that it supports its starting configurations and its
    proposals fit, report a learning curve of increasing steps, beat the constant, predict the
    same after saving and loading, and honour the seed, the weights, one thread, missing values,
    categories that were not in the training rows, a step limit, and a request to stop.

    Parameters
    ----------
    family : Family

    Raises
    ------
    ContractError
        With the first thing that does not hold.

    Examples
    --------
    >>> from automl.families import get_family
    >>> check_family(get_family("constant"))
    """
    supported = [t for t in ("binary", "multiclass", "regression") if _supports(family, t)]
    _require(bool(supported), f"{family.name} supports no task")
    for task in supported:
        for check in CHECKS:
            case = Case(family, task)
            try:
                check(case)
            except ContractError as e:
                raise ContractError(f"{family.name}, {task}: {e}") from e


class Case:
    """A family with a small made-up table: numbers, a category, and missing values."""

    def __init__(self, family: Family, task: str, n_rows: int = 240) -> None:
        self.family = family
        self.n_rows = n_rows
        n_classes = {"binary": 2, "multiclass": 3}.get(task, 0)
        self.problem = Problem(task, n_rows, n_columns=5, n_classes=n_classes)
        rng = np.random.default_rng(0)
        numbers = rng.normal(size=(n_rows, 4))
        codes = rng.integers(0, 4, n_rows)
        signal = numbers[:, 0] + 0.5 * numbers[:, 1] + 0.8 * (codes == 1)
        self.y: np.ndarray = signal
        if n_classes:
            cuts = np.quantile(signal, np.linspace(0, 1, n_classes + 1)[1:-1])
            self.y = np.searchsorted(cuts, signal).astype(np.int64)
        self.numbers, self.codes = numbers, codes
        self.params = dict(family.starts(self.problem)[0].params)

    def matrix(self, encoding: str) -> Matrix:
        """The table as the family asked for it."""
        if encoding == "tree":
            numbers = self.numbers.copy()
            numbers[::7, 3] = np.nan
            values = np.column_stack([numbers, self.codes]).astype(np.float32)
            names = ("a", "b", "c", "d", "city")
            return Matrix(values, names, names, (0, 0, 0, 0, 4))
        hot = np.eye(4)[self.codes]
        values = np.column_stack([self.numbers, hot]).astype(np.float32)
        names = tuple(f"x{i}" for i in range(values.shape[1]))
        return Matrix(values, names, names, (0,) * len(names))

    def data(self, *, weight: np.ndarray | None = None) -> FitData:
        """Two thirds to train on; the last category is met in the other third only."""
        rows = np.arange(self.n_rows)
        valid = (rows % 3 == 0) | (self.codes == 3)
        matrix = self.matrix(self.family.encoding(self.params))
        return FitData(matrix, self.y, rows[~valid], rows[valid], weight)

    def loss(self, data: FitData) -> Callable[[np.ndarray], float]:
        """Squared error for values, log loss for classes."""
        y = self.y[data.valid]
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
        """Fit once; the watch tells what happened."""
        watch = watch or Watch(self.loss(data))
        model = self.family.fit(
            self.params if params is None else params,
            data,
            watch,
            problem=self.problem,
            resources=Resources(seed=seed),
        )
        return model, watch


def _supports(family: Family, task: str) -> bool:
    n_classes = {"binary": 2, "multiclass": 3}.get(task, 0)
    return family.supports(Problem(task, 240, n_columns=5, n_classes=n_classes))


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise ContractError(message)


def _same(a: np.ndarray, b: np.ndarray, tolerance: float = 1e-6) -> bool:
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=tolerance, atol=tolerance))


def check_predictions(case: Case) -> None:
    """Shapes, probabilities, and a better loss than the constant's."""
    data = case.data()
    model, watch = case.fit(data)
    out = model.predict(data.valid_X)
    _require(
        out.shape == (len(data.valid), case.problem.n_outputs),
        f"predictions have shape {out.shape}",
    )
    _require(bool(np.isfinite(out).all()), "a prediction is missing or infinite")
    if case.problem.task != "regression":
        _require(bool(((out >= 0) & (out <= 1)).all()), "probabilities outside 0 to 1")
    if case.problem.task == "multiclass":
        _require(_same(out.sum(axis=1), np.ones(len(out)), 1e-4), "rows do not sum to 1")
    _require(watch.best_predictions is not None, "the watch was shown no predictions")
    assert watch.best_predictions is not None
    _require(
        _same(watch.best_predictions, out.astype(np.float32), 1e-4),
        "the model returned is not the one at the watch's best step",
    )
    if case.family.name != "constant":
        from automl.families.constant import Constant

        baseline = Case(Constant(), case.problem.task)
        base_data = baseline.data()
        _, base = baseline.fit(base_data, Watch(case.loss(base_data)))
        _require(watch.best_loss < base.best_loss, "no better than the constant")


def check_save(case: Case) -> None:
    """The same predictions after a round trip through bytes."""
    data = case.data()
    model, _ = case.fit(data)
    loaded = case.family.load(model.save())
    _require(
        bool((model.predict(data.valid_X) == loaded.predict(data.valid_X)).all()),
        "predictions differ after saving and loading",
    )
    one = loaded.predict(data.valid_X[:1])
    _require(_same(one, model.predict(data.valid_X)[:1]), "one row alone is predicted differently")


def check_seed(case: Case) -> None:
    """The same seed gives the same model."""
    data = case.data()
    first, second = (case.fit(data, seed=3)[0].predict(data.valid_X) for _ in range(2))
    _require(bool((first == second).all()), "two fits with one seed differ")


def check_weights(case: Case) -> None:
    """Rows of weight zero have no say."""
    weight = np.where(case.y > np.median(case.y), 1.0, 1e-6)
    data = case.data()
    plain = case.fit(data)[0].predict(data.valid_X)
    weighted = case.fit(case.data(weight=weight))[0].predict(data.valid_X)
    _require(not _same(plain, weighted, 1e-3), "sample weights change nothing")


def check_curve(case: Case) -> None:
    """Steps are reported in increasing order; a limit is kept."""
    data = case.data()
    steps: list[int] = []
    case.fit(data, Watch(case.loss(data), report=lambda step, _: steps.append(step)))
    _require(bool(steps) and steps == sorted(set(steps)), f"reported steps are {steps}")
    _, short = case.fit(data, Watch(case.loss(data), limit=1))
    _require(short.best_step == 1, f"a limit of 1 step ended at step {short.best_step}")


def check_refit(case: Case) -> None:
    """Without validation rows the step limit alone decides."""
    data = case.data()
    rows = np.arange(case.n_rows)
    everything = FitData(data.matrix, data.y, rows, rows[:0])
    model, _ = case.fit(everything, Watch(None, limit=2))
    _require(len(model.predict(data.valid_X)) == len(data.valid), "a refit does not predict")


def check_stop(case: Case) -> None:
    """A request to stop is honoured soon, with a model."""
    data = case.data()
    started = time.perf_counter()
    model, watch = case.fit(data, Watch(case.loss(data), stopped=lambda: True))
    _require(watch.interrupted, "the family never asked whether to stop")
    _require(time.perf_counter() - started < 20, "stopping took over 20 seconds")
    _require(len(model.predict(data.valid_X)) == len(data.valid), "no model after a stop")


def check_space(case: Case) -> None:
    """Proposals fit, and starting configurations lie in the space."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    starts = case.family.starts(case.problem)
    ranks = [s.rank for s in starts]
    _require(ranks == sorted(ranks), "starting configurations are not in order of rank")
    for start in starts:
        study.enqueue_trial(start.params)
    for i in range(len(starts) + 2):
        trial = study.ask()
        params = case.family.suggest(trial, case.problem)
        if i < len(starts):
            wanted = starts[i].params
            _require(_contains(params, wanted), f"{wanted} became {params} in the space")
        case.params = params
        data = case.data()
        case.fit(data, Watch(case.loss(data), limit=2), params=params)


def _contains(params: Params, wanted: Params) -> bool:
    def equal(a: Any, b: Any) -> bool:
        return bool(np.isclose(a, b)) if isinstance(a, float) else bool(a == b)

    return all(equal(params[k], v) for k, v in wanted.items() if k in params)


CHECKS = (
    check_predictions,
    check_save,
    check_seed,
    check_weights,
    check_curve,
    check_refit,
    check_stop,
    check_space,
)
