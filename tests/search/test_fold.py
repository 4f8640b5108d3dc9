"""The fit of one configuration on one fold."""

from types import SimpleNamespace

import numpy as np
import pytest

from automl.families import BUILT_IN, Problem, Resources, get_family
from automl.objective import get_metric
from automl.search import FoldOutcome
from automl.search._fold import FIT_FOLD, FoldTask, _sample, fit_fold
from automl.search._trial import WHOLE

N, N_VALID = 120, 30
TRAIN, VALID = np.arange(N_VALID, N), np.arange(N_VALID)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 3)).astype(np.float32)
VALUES = X[:, 0] + 0.5 * X[:, 1] + 0.3 * RNG.normal(size=N)
TARGETS = {"binary": (VALUES > 0).astype(np.int64), "regression": VALUES}
COLUMNS = (("a", "b", "c"), ("a", "b", "c"), (0, 0, 0))


class Channel:
    """Collects what a fit says; tells it to stop from the question `stops_at` on, or at once if
    there is less than a step's time left."""

    def __init__(self, stops_at=None, seconds=float("inf")):
        self.cache, self.told, self._seconds = {}, [], seconds
        self._asked, self._stops_at = 0, stops_at

    def time_left(self):
        return self._seconds

    @property
    def stopped(self):
        self._asked += 1
        return self._stops_at is not None and self._asked >= self._stops_at

    def report(self, value):
        self.told.append(value)


@pytest.fixture
def fit(tmp_path):
    """Fit a family's first configuration on a tiny table."""

    def run(name="linear", *, y=None, fold=0, weight=None, metric="rmse", outlying=None, **rest):
        channel = rest.pop("channel", None) or Channel()
        y = TARGETS["regression"] if y is None else y
        task = "binary" if y.dtype.kind == "i" else "regression"
        problem = Problem(task, N, 3, 2 if task == "binary" else 0)
        if isinstance(metric, str):
            metric = get_metric(metric, task=task)
        params = get_family(name).starts(problem)[0].params
        job = FoldTask(
            name,
            params,
            problem,
            metric.to_payload(),
            fold,
            Resources(),
            get_family(name).encoding(params),
            COLUMNS,
            tmp_path / name / str(fold),
            tmp_path / "predictions.npy",
            tmp_path / "shared",
            **rest,
        )
        target = {"y": y, "train_0": TRAIN, "valid_0": VALID}
        if weight is not None:
            target["weight"] = weight
        if outlying is not None:
            target["outlying"] = outlying
        (tmp_path / "shared").mkdir(exist_ok=True)
        outcome = fit_fold(job, (target, {"values": X}), channel)
        assert isinstance(outcome, FoldOutcome)
        return SimpleNamespace(
            **vars(outcome),
            judged=outcome.judged,
            predictions=np.load(tmp_path / "predictions.npy"),
        )

    return run


def saved(tmp_path, name, fold=0):
    """The model of a fold, read from its files."""
    files = {f.name: f.read_bytes() for f in (tmp_path / name / str(fold)).iterdir()}
    return get_family(name).load(files)


def rmse(y, predictions):
    return float(np.sqrt(((y - predictions[:, 0]) ** 2).mean()))


def test_its_address_is_that_of_the_function():
    module, _, name = FIT_FOLD.partition(":")
    assert (module, name) == (fit_fold.__module__, fit_fold.__name__)


@pytest.mark.parametrize("task", ["binary", "regression"])
@pytest.mark.parametrize("name", BUILT_IN)
def test_a_fold_brings_a_loss_predictions_and_a_model(name, task, fit, tmp_path):
    y = TARGETS[task]
    metric = get_metric("log_loss" if task == "binary" else "rmse", task=task)
    found = fit(name, y=y, metric=metric)
    assert found.predictions.shape == (N_VALID, 1)
    assert found.predictions.dtype == np.float32
    assert found.loss == metric.loss(metric.score(y[VALID], found.predictions))
    assert 1 <= found.step <= found.steps
    assert found.n_rows == len(TRAIN)
    assert found.seconds > 0
    assert not found.interrupted
    assert saved(tmp_path, name).predict(X[VALID]).shape == (N_VALID, 1)


def test_outlying_rows_have_no_say_while_trials_run(fit):
    y = TARGETS["regression"].copy()
    y[[4, 9]] = 1e4, -1e3  # of the fold, and of what it is trained on none
    plain = fit("lightgbm", y=y)
    assert plain.judged == plain.loss > 1000
    channel = Channel()
    found = fit("lightgbm", y=y, outlying=np.array([4, 9, 50]), channel=channel, report=True)
    kept = np.setdiff1d(VALID, [4, 9])
    assert found.judged == pytest.approx(rmse(y[kept], found.predictions[kept]))
    assert (found.loss, found.step) == (plain.loss, plain.step)
    assert max(loss for _, loss, _ in channel.told) < 10


def test_a_fold_of_outlying_rows_only_is_judged_by_all_of_them(fit):
    found = fit(outlying=VALID)
    assert found.judged == found.loss


def test_a_score_is_turned_so_that_smaller_is_better(fit):
    found = fit(y=TARGETS["binary"], metric="roc_auc")
    metric = get_metric("roc_auc", task="binary")
    assert found.loss == -metric.score(TARGETS["binary"][VALID], found.predictions)
    assert found.loss < -0.8


def test_predictions_are_those_of_the_saved_model_where_no_step_is_chosen(fit, tmp_path):
    found = fit("extra_trees")
    again = saved(tmp_path, "extra_trees").predict(X[VALID])
    np.testing.assert_allclose(found.predictions, again, rtol=1e-5, atol=1e-6)


def test_each_half_is_predicted_by_the_step_that_the_other_half_chose(fit):
    """One half wants the weakest penalty, the other wants to hear nothing but the mean."""
    y = VALUES.copy()
    eager = np.random.default_rng(N_VALID).permutation(N_VALID) % 2 == 0
    y[VALID[eager]] = 3 * X[VALID[eager]] @ [1.0, 0.5, 0.0]
    y[VALID[~eager]] = VALUES[TRAIN].mean()
    predictions = fit(y=y).predictions[:, 0]
    truth = X[VALID] @ [1.0, 0.5, 0.0]
    slope = [np.polyfit(truth[half], predictions[half], 1)[0] for half in (eager, ~eager)]
    assert slope[0] < 0.7 * slope[1]


def test_validation_targets_do_not_reach_the_model(fit, tmp_path):
    """Of a family that keeps its last step, nothing depends on them but the loss."""
    before = fit("extra_trees")
    changed = VALUES.copy()
    changed[VALID] = 100.0
    after = fit("extra_trees", y=changed)
    np.testing.assert_array_equal(before.predictions, after.predictions)
    assert after.loss > 90


def test_validation_weights_count_in_the_loss(fit):
    odd = VALUES.copy()
    odd[VALID[:5]] = 1e4
    weight = np.ones(N)
    weight[VALID[:5]] = 0.0
    assert fit(y=odd).loss > 1000
    assert fit(y=odd, weight=weight).loss < 0.6


def whole_parts_error(y_true, y_pred):
    """A metric of somebody who counts on whole validation parts."""
    if len(y_true) < N_VALID:
        raise ValueError("too few rows")
    return float(np.abs(y_true - y_pred).mean())


def test_a_metric_that_fails_on_half_of_the_rows_falls_back_to_the_best_step(fit, tmp_path):
    found = fit(metric=get_metric(whole_parts_error, task="regression"))
    again = saved(tmp_path, "linear").predict(X[VALID])
    np.testing.assert_allclose(found.predictions, again, rtol=1e-5)
    assert found.loss == pytest.approx(np.abs(VALUES[VALID] - again[:, 0]).mean())


# -- the learning curve ------------------------------------------------------------------


def test_the_learning_curve_is_told_where_it_is_wanted(fit):
    channel = Channel()
    fit("extra_trees", report=True, channel=channel)
    steps = [step for step, _, _ in channel.told]
    assert steps == sorted(set(steps))
    assert steps[0] == 1
    assert channel.told[0][2] is False
    assert channel.told[-1][2] is True
    silent = Channel()
    fit("extra_trees", channel=silent)
    assert silent.told == []


def test_what_a_family_caches_is_kept_by_encoding(fit):
    channel = Channel()
    fit("linear", channel=channel)
    fit("extra_trees", channel=channel)
    assert set(channel.cache) == {"straight", "tree"}


# -- the clock ---------------------------------------------------------------------------

STEPWISE = ["lightgbm", "xgboost", "extra_trees", "linear", "mlp"]


@pytest.mark.parametrize("name", STEPWISE)
def test_a_fit_ends_before_its_deadline_with_what_it_has(name, fit, tmp_path):
    """The step before took longer than what is left."""
    found = fit(name, channel=Channel(seconds=1e-9))
    assert found.interrupted
    assert found.step <= 2
    assert np.isfinite(found.loss)
    assert np.isfinite(saved(tmp_path, name).predict(X[VALID])).all()


@pytest.mark.parametrize("name", ["extra_trees", "linear"])
def test_a_fit_that_is_done_before_its_seconds_is_not_interrupted(name, fit):
    plenty, unlimited = fit(name, channel=Channel(seconds=1000.0)), fit(name)
    assert not plenty.interrupted
    assert plenty.step == unlimited.step
    assert plenty.loss == unlimited.loss


def test_time_is_left_to_write_what_grows_with_the_steps(fit, monkeypatch):
    monkeypatch.setattr("automl.families.lightgbm.WRITING", 1.0)
    assert not fit("lightgbm", channel=Channel(seconds=1e9)).interrupted
    found = fit("lightgbm", channel=Channel(seconds=100.0))
    assert found.interrupted
    assert 1 < found.steps < 100


def test_the_channel_ends_a_fit_with_what_it_has(fit):
    """A forest asks after each batch: of 1, 1, 1, 1 trees, then more."""
    found = fit("extra_trees", channel=Channel(stops_at=3))
    assert found.interrupted
    assert found.step == 3


@pytest.mark.parametrize("name", ["lightgbm", "extra_trees", "linear"])
def test_a_share_of_the_rows_is_trained_on_and_all_are_scored(name, fit):
    found = fit(name, share=0.5)
    assert found.n_rows == len(TRAIN) // 2
    assert found.predictions.shape == (N_VALID, 1)


# -- one fit on all rows -----------------------------------------------------------------


@pytest.mark.parametrize("name", ["extra_trees", "random_forest"])
def test_all_rows_are_predicted_out_of_bag(name, fit, tmp_path):
    """Noise can be learned by heart, but not foretold by trees that did not see it."""
    noise = np.random.default_rng(1).normal(size=N)
    found = fit(name, y=noise, fold=WHOLE)
    assert found.predictions.shape == (N, 1)
    assert found.loss == pytest.approx(rmse(noise, found.predictions))
    assert found.loss > 0.9 * noise.std()
    learned = saved(tmp_path, name, WHOLE).predict(X)
    assert rmse(noise, learned) < 0.6 * noise.std()


def test_out_of_bag_agrees_with_a_fold_where_there_is_something_to_learn(fit):
    whole, fold = fit("extra_trees", fold=WHOLE), fit("extra_trees")
    assert whole.loss < 0.6 * VALUES.std()
    assert fold.loss == pytest.approx(whole.loss, rel=0.5)


def test_a_share_of_the_rows_has_each_class():
    y = np.zeros(5000, dtype=np.int64)
    y[::500] = 1
    rows = np.arange(0, 5000, 2)
    some = _sample(rows, 0.1, 0, y[rows])
    assert set(some) <= set(rows)
    assert (np.diff(some) > 0).all()
    assert len(some) == 250
    assert y[some].sum() == y[rows].sum() == 10
