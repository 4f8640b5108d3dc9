"""What every family must be able to do, as a function that anyone can run on theirs."""

import json
import time
import warnings
from copy import copy
from dataclasses import replace
from importlib import import_module
from math import inf, nan
from typing import Any

import numpy as np

from automl.families._base import Family, FitData, Params
from automl.families._case import CLASSES, Case, make_problem
from automl.families._watch import Watch
from automl.features import ENCODINGS

TRIES = 3
"""What is measured in seconds on a machine that others use counts if one of so many does."""


class ContractError(AssertionError):
    """A family breaks the contract; the message says which part."""


def check_family(family: Family) -> None:
    """Run the contract of a model family; small made-up tables, a few seconds.

    A family passes if for each task that it supports its starting configurations and its
    proposals fit, show a learning curve of increasing steps, beat the constant, predict the
    same after saving and loading, and honour the seed, the weights, one thread, missing values,
    categories and classes that were not in the training rows, a step limit, and a request to
    stop. What it expects fits to take, in work and memory, must be numbers that make sense.

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
    for module in family.preload:
        import_module(module)
    supported = [t for t in CLASSES if family.supports(make_problem(t, 240))]
    _require(bool(supported), f"{family.name} supports no task")
    for task in supported:
        for check in CHECKS:
            try:
                check(Case(family, task))
            except ContractError as e:
                raise ContractError(f"{family.name}, {task}, {check.__name__}: {e}") from e


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise ContractError(message)


def _same(a: np.ndarray, b: np.ndarray, tolerance: float = 1e-6) -> bool:
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=tolerance, atol=tolerance))


def _require_sound(case: Case, out: np.ndarray, n_rows: int) -> None:
    """Finite predictions of the right shape; probabilities where there are classes."""
    wanted = (n_rows, case.problem.n_outputs)
    _require(out.shape == wanted, f"predictions have shape {out.shape}, not {wanted}")
    _require(bool(np.isfinite(out).all()), "a prediction is missing or infinite")
    if case.problem.task != "regression":
        _require(bool(((out >= 0) & (out <= 1)).all()), "probabilities outside 0 to 1")
    if case.problem.task == "multiclass":
        _require(_same(out.sum(axis=1), np.ones(len(out)), 1e-4), "rows do not sum to 1")


class _Strict(Watch):
    """A watch that remembers the steps, and those that came after it had said stop."""

    told = False
    ignored = 0
    seen: tuple[int, ...] = ()

    def observe(self, step: int, predictions: np.ndarray) -> bool:
        """Note the step and whether it should have been taken."""
        self.seen += (step,)
        self.ignored += self.told
        ends = super().observe(step, predictions)
        self.told = self.told or ends
        return ends


def check_predictions(case: Case) -> None:
    """Shapes, probabilities, and a better loss than the constant's."""
    from automl.families.constant import Constant

    data = case.data()
    model, watch = case.fit(data, Watch(case.loss(data)))
    out = model.predict(data.valid_X)
    _require_sound(case, out, len(data.valid))
    _require(watch.best_predictions is not None, "the watch was shown no predictions")
    assert watch.best_predictions is not None
    _require(
        _same(watch.best_predictions, out.astype(np.float32), 1e-4),
        "the model returned does not predict what the watch was shown at its best step",
    )
    two = model.predict(data.valid_X, n_threads=2)
    _require(_same(two, out), "predictions depend on the number of threads")
    if not isinstance(case.family, Constant):
        _, base = Case(Constant(), case.problem.task).fit(data, Watch(case.loss(data)))
        _require(watch.best_loss < 0.95 * base.best_loss, "no better than the constant")


def check_absolute_error(case: Case) -> None:
    """A metric that medians win is served too."""
    if case.problem.task == "regression":
        other = Case(case.family, "regression", absolute_error=True)
        data = other.data()
        _require_sound(other, other.fit(data)[0].predict(data.valid_X), len(data.valid))


def check_best_step(case: Case) -> None:
    """The model is that of the best step, also where the best is an early one.

    The first starting configuration goes on for as long as its patience, the others for a few
    steps: some options of a library make models that can't be shortened.
    """
    for number, start in enumerate(case.family.starts(case.problem)):
        tried = copy(case)
        tried.params = dict(start.params)
        data = tried.data()
        losses = iter(range(10**9))
        watch = Watch(lambda _, losses=losses: float(next(losses)), limit=3 if number else None)  # type: ignore[misc]
        model, _ = tried.fit(data, watch)
        assert watch.best_predictions is not None
        _require(
            _same(watch.best_predictions, model.predict(data.valid_X).astype(np.float32), 1e-4),
            f"the model returned is not the one at the watch's best step ({watch.best_step})",
        )


def check_undefined_loss(case: Case) -> None:
    """A metric that is undefined on these rows is survived."""
    data = case.data()
    model, _ = case.fit(data, Watch(lambda _: nan, limit=3))
    _require_sound(case, model.predict(data.valid_X), len(data.valid))


def check_strange_rows(case: Case) -> None:
    """Missing values and categories never seen are predicted, each row for itself."""
    data = case.data()
    model, _ = case.fit(data)
    rows = case.encode(case.strange())
    out = model.predict(rows)
    _require_sound(case, out, len(rows))
    alone = np.concatenate([model.predict(row[None]) for row in rows])
    _require(_same(alone, out), "a row alone is predicted differently")


def check_rare_class(case: Case) -> None:
    """A class that no training row has keeps its place in the predictions."""
    if case.problem.task != "multiclass":
        return
    for code in range(case.problem.n_classes):
        data = case.data(without_class=code)
        out = case.fit(data)[0].predict(data.matrix.values[data.train])
        _require_sound(case, out, len(data.train))
        seen = np.delete(out, code, axis=1).max(axis=1) if out.size else out
        _require(
            bool((out[:, code] < seen).all()),
            f"class {code} is predicted although no training row had it",
        )


def check_few_rows(case: Case) -> None:
    """A dozen rows are enough to give a model."""
    small = Case(case.family, case.problem.task, n_rows=20)
    if small.family.supports(small.problem):
        data = small.data()
        _require_sound(small, small.fit(data)[0].predict(data.valid_X), len(data.valid))


def check_save(case: Case) -> None:
    """The same predictions after a round trip through bytes that hold no pickle."""
    data = case.data()
    model, _ = case.fit(data)
    files = model.save()
    for name, content in files.items():
        plain = name == name.strip("./\\ ") and "/" not in name and "\\" not in name
        _require(bool(name) and plain, f"the file name {name!r} is not a plain name")
        _require(isinstance(content, bytes), f"the content of {name!r} is not bytes")
        pickled = content[:1] == b"\x80" and content[-1:] == b"."
        _require(not pickled, f"{name!r} is a pickle, which runs code when it is loaded")
    loaded = case.family.load(files)
    out = model.predict(data.valid_X)
    again = loaded.predict(data.valid_X)
    _require(
        out.shape == again.shape and bool((out == again).all()),
        "predictions differ after saving and loading",
    )
    _require(loaded.save() == files, "a loaded model saves other files than it was loaded from")


def check_seed(case: Case) -> None:
    """The same seed gives the same model."""
    data = case.data()
    first, second = (case.fit(data, seed=3)[0].predict(data.valid_X) for _ in range(2))
    _require(bool((first == second).all()), "two fits with one seed differ")


def check_weights(case: Case) -> None:
    """Of rows that contradict each other the heavier ones are believed."""
    means = []
    for weights in (None, (1e-3, 1.0), (1.0, 1e-3)):
        data = case.contradiction(weights)
        model, _ = case.fit(data)
        means.append(float(model.predict(data.valid_X)[:, -1].mean()))
    plain, high, low = means
    _require(
        low + 0.02 < plain < high - 0.02,
        f"weights moved the mean prediction from {plain:.3g} to {low:.3g} and {high:.3g}",
    )


def check_curve(case: Case) -> None:
    """Steps increase by one or more; a limit is kept."""
    data = case.data()
    watch = _Strict(case.loss(data))
    case.fit(data, watch)
    _require(list(watch.seen) == sorted(set(watch.seen)), f"the steps shown are {watch.seen}")
    _require(watch.ignored == 0, f"{watch.ignored} steps were taken after the watch said stop")
    _, short = case.fit(data, Watch(case.loss(data), limit=1))
    _require(short.best_step == 1, f"a limit of 1 step ended at step {short.best_step}")


def check_out_of_bag(case: Case) -> None:
    """Rows that are predicted out of bag had no say in it: noise is not foreseen."""
    from automl.families.constant import Constant

    if not case.family.out_of_bag:
        return
    rows = np.arange(case.n_rows)
    noise = np.random.default_rng(1).permutation(case.y)
    data = FitData(case.data().matrix, noise, rows, rows, out_of_bag=True)
    _, base = Case(Constant(), case.problem.task).fit(data, Watch(case.loss(data)))
    _, watch = case.fit(data, Watch(case.loss(data), limit=100))
    assert watch.best_predictions is not None
    _require_sound(case, watch.best_predictions, case.n_rows)
    _require(watch.best_loss > 0.9 * base.best_loss, "rows have a say in their own prediction")


def check_refit(case: Case) -> None:
    """Without validation rows the step limit and the clock alone decide."""
    data = case.data()
    rows = np.arange(case.n_rows)
    everything = FitData(data.matrix, data.y, rows, rows[:0])
    for watch in (Watch(None, limit=2), Watch(None, stopped=lambda: True)):
        model, _ = case.fit(everything, watch)
        _require_sound(case, model.predict(data.valid_X), len(data.valid))


def check_stop(case: Case) -> None:
    """A request to stop is honoured at once, with a model."""
    data = case.data()
    started = time.perf_counter()
    for patience in (0, 3):
        asked = iter(range(10**9))
        watch = _Strict(case.loss(data), stopped=lambda a=asked, p=patience: next(a) >= p)  # type: ignore[misc]
        model, _ = case.fit(data, watch)
        _require(watch.interrupted or patience > 0, "the family never asked whether to stop")
        _require(watch.ignored == 0, f"{watch.ignored} steps were taken after the order to stop")
        _require_sound(case, model.predict(data.valid_X), len(data.valid))
        assert watch.best_predictions is not None
        _require(
            _same(watch.best_predictions, model.predict(data.valid_X).astype(np.float32), 1e-4),
            "after a stop the model is not the one at the watch's best step",
        )
    _require(time.perf_counter() - started < 20, "stopping took over 20 seconds")


def check_one_thread(case: Case) -> None:
    """A fit that was granted one thread computes in no other.

    Compared are the seconds of the processor that the process and the calling thread used. The
    linear algebra beneath numpy is held to one thread here, as workers do by the environment.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    data = case.data()
    for attempt in range(1, TRIES + 1):
        with threadpool_limits(1, user_api="blas"):
            if attempt > 1:  # threads that were used before spin for a while before they sleep
                time.sleep(0.3)
            process, thread = time.process_time(), time.thread_time()
            case.fit(data, Watch(case.loss(data)))
            thread = time.thread_time() - thread
            elsewhere = time.process_time() - process - thread
        if elsewhere < 0.02 + 0.15 * thread:
            return
        share = round(100 * elsewhere / (elsewhere + thread))
        _require(attempt < TRIES, f"{share} % of a fit on one thread ran in other threads")


def check_space(case: Case) -> None:
    """Proposals fit, starting configurations lie in the space, and JSON can hold both."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    starts = case.family.starts(case.problem)
    ranks = [s.rank for s in starts]
    _require(bool(ranks), "there is no starting configuration")
    _require(ranks == sorted(ranks), "starting configurations are not in order of rank")
    for start in starts:
        study.enqueue_trial(start.params)
    for i in range(len(starts) + 2):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            params = case.family.suggest(study.ask(), case.problem)
        _require(not told, f"asking for parameters warns: {told and told[0].message}")
        if i < len(starts):
            wanted = starts[i].params
            _require(_contains(params, wanted), f"{wanted} became {params} in the space")
            params = dict(wanted) | params
        _require(_is_json(params), f"JSON can't hold {params} as they are")
        _require(case.family.encoding(params) in ENCODINGS, f"unknown encoding for {params}")
        case.params = params
        data = case.data()
        case.fit(data, Watch(case.loss(data), limit=2), params=params)


def check_forecasts(case: Case) -> None:
    """Work and memory are positive numbers, and more rows are more work."""
    family = case.family
    unit = family.unit_seconds
    _require(unit is None or 0 < unit < inf, f"a unit of work takes {unit} seconds")
    _require(0 < family.work_spread < inf, f"the spread of equal work is {family.work_spread}")
    for start in family.starts(case.problem):
        for width in (None, 1, 3000):
            works = []
            for n_rows in (12, 1000, 50_000, 3_000_000):
                problem = replace(case.problem, n_rows=n_rows)
                works.append(family.work(start.params, problem, width=width))
                memory = family.memory(start.params, problem, width=width, itemsize=8)
                _require(0 < memory < inf, f"{n_rows} rows are expected to need {memory} bytes")
            _require(all(0 < w < inf for w in works), f"works are {works}")
            _require(works == sorted(set(works)), f"more rows are less work: {works}")


def _contains(params: Params, wanted: Params) -> bool:
    def equal(a: Any, b: Any) -> bool:
        return bool(np.isclose(a, b)) if isinstance(a, float) else bool(a == b)

    return all(equal(params[k], v) for k, v in wanted.items() if k in params)


def _is_json(params: Params) -> bool:
    try:
        return bool(json.loads(json.dumps(params)) == params)
    except TypeError:
        return False


CHECKS = (
    check_predictions,
    check_absolute_error,
    check_best_step,
    check_undefined_loss,
    check_strange_rows,
    check_rare_class,
    check_few_rows,
    check_save,
    check_seed,
    check_weights,
    check_curve,
    check_out_of_bag,
    check_refit,
    check_stop,
    check_one_thread,
    check_space,
    check_forecasts,
)
