"""Metrics: their direction, what the user brings, and the way to other processes."""

import os
import pickle
import subprocess
import sys
import textwrap
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as sk

import automl
from automl.exceptions import AutoMLError, UsageError
from automl.objective import Metric, MetricError, get_metric

LABELS = np.array(["no", "yes"])
Y = np.array([0, 1, 1, 0])
P = np.array([[0.2], [0.9], [0.4], [0.6]])
LOWER_BOUND = 0.25


def weighted_cost(y_true, y_pred, sample_weight=None):
    wrong = (y_true != y_pred).astype(float)
    return float(np.average(wrong, weights=sample_weight)) + LOWER_BOUND


def table_of(task):
    rng = np.random.default_rng(3)
    if task == "regression":
        y = rng.normal(size=40)
        return y, (y + rng.normal(size=40))[:, None], None
    k = 2 if task == "binary" else 3
    y = rng.permutation(np.arange(40) % k)
    proba = rng.dirichlet(np.ones(k), size=40)
    return y, proba[:, 1:] if k == 2 else proba, np.array(["a", "b", "c"][:k])


def test_direction_and_comparison():
    loss = get_metric("neg_log_loss", task="binary")
    assert loss.greater_is_better
    assert loss.score(Y, P) == -get_metric("log_loss", task="binary").score(Y, P)
    assert str(loss.optimum) == "0.0"
    rmse = get_metric("rmse", task="regression")
    assert rmse.is_better(1.0, 2.0)
    assert not rmse.is_better(2.0, 2.0)
    assert not rmse.is_better(np.nan, 2.0)
    assert rmse.is_better(2.0, np.nan)
    assert rmse.loss(2.0) == 2.0
    assert loss.loss(-2.0) == 2.0


# --- functions -------------------------------------------------------------------------


def test_function_sees_labels_and_weights():
    metric = get_metric(weighted_cost, task="binary", classes=LABELS)
    assert (metric.name, metric.greater_is_better, metric.needs) == (
        "weighted_cost",
        False,
        "label",
    )
    assert metric.optimum == -np.inf
    assert metric.score(Y, P) == 0.75
    assert metric != get_metric(weighted_cost, task="binary", classes=LABELS.copy())
    assert metric.score(Y, P, np.array([1.0, 1.0, 0.0, 0.0])) == 0.25


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_function_of_probabilities(task):
    y, predictions, classes = table_of(task)

    def share_score(y_true, y_proba):
        assert y_true.dtype == classes.dtype
        assert y_proba.shape == ((40,) if task == "binary" else (40, 3))
        return y_proba.sum()

    share_score.response_method = "predict_proba"
    metric = get_metric(share_score, task=task, classes=classes)
    assert metric.needs == "probability"
    assert metric.score(y, predictions) == pytest.approx(predictions.sum())
    if task == "binary":
        other = get_metric(share_score, task=task, classes=classes, positive_label="a")
        assert other.score(y, predictions) == pytest.approx(40 - predictions.sum())


def test_function_of_values_from_scikit_learn_and_partial():
    y, v, _ = table_of("regression")
    pinball = partial(sk.mean_pinball_loss, alpha=0.9)
    metric = get_metric(pinball, task="regression")
    assert (metric.name, metric.greater_is_better) == ("mean_pinball_loss", False)
    assert metric.score(y, v) == sk.mean_pinball_loss(y, v[:, 0], alpha=0.9)
    weights = np.arange(40.0)
    assert metric.score(y, v, weights) == pytest.approx(
        sk.mean_pinball_loss(y, v[:, 0], alpha=0.9, sample_weight=weights)
    )


def test_direction_of_a_function(caplog):
    def gain(y_true, y_pred):
        return 0.0

    assert get_metric(gain, task="regression").greater_is_better
    assert "greater is taken as better" in caplog.text
    gain.greater_is_better = False
    assert not get_metric(gain, task="regression").greater_is_better
    gain.greater_is_better = "no"
    with pytest.raises(UsageError, match="True or False"):
        get_metric(gain, task="regression")
    assert get_metric(sk.f1_score, task="binary", classes=LABELS).greater_is_better
    assert not get_metric(sk.hinge_loss, task="binary", classes=LABELS).greater_is_better


def test_function_can_not_spoil_the_data():
    def vandal_score(y_true, y_pred):
        y_true.sort()
        y_pred[:] = 0
        return 1.0

    y, v, _ = table_of("regression")
    before = y.copy(), v.copy()
    get_metric(vandal_score, task="regression").score(y, v)
    assert np.array_equal(y, before[0])
    assert np.array_equal(v, before[1])


def test_function_that_raises_or_returns_nonsense():
    def broken_loss(y_true, y_pred):
        return 1 / 0

    with pytest.raises(MetricError, match="'broken_loss'.*ZeroDivisionError: division") as error:
        get_metric(broken_loss, task="regression").score(*table_of("regression")[:2])
    assert isinstance(error.value, AutoMLError)
    assert isinstance(error.value.__cause__, ZeroDivisionError)
    for value, words in (
        (np.zeros(3), r"array of shape \(3,\)"),
        (np.array("high"), "array"),
        ("high", "'high'"),
        (None, "None"),
        (1j, "1j"),
        (np.complex128(1j), "complex128"),
    ):
        metric = get_metric(lambda y, p, v=value: v, task="regression")
        with pytest.raises(MetricError, match=words):
            metric.score(*table_of("regression")[:2])
    infinite = get_metric(lambda y, p: np.float32("inf"), task="regression")
    assert np.isnan(infinite.score(*table_of("regression")[:2]))
    array = get_metric(lambda y, p: np.array(2.5), task="regression")
    assert array.score(*table_of("regression")[:2]) == 2.5
    truth = get_metric(lambda y, p: np.True_, task="regression")
    assert truth.score(*table_of("regression")[:2]) == 1.0


def test_function_with_a_wrong_shape():
    def four_score(a, b, c, d):
        return 0

    with pytest.raises(UsageError, match=r"takes \(a, b, c, d\).*y_true, y_pred"):
        get_metric(four_score, task="regression")

    def odd_score(y_true, y_pred):
        return 0

    odd_score.response_method = "decision_function"
    with pytest.raises(UsageError, match="'decision_function'; use 'predict'"):
        get_metric(odd_score, task="regression")
    with pytest.raises(UsageError, match="classes are needed"):
        get_metric(weighted_cost, task="binary")


# --- scorers ---------------------------------------------------------------------------


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_scorer_objects_equal_the_named_metric(task):
    y, predictions, classes = table_of(task)
    names = {
        "binary": ["roc_auc", "neg_log_loss", "accuracy", "f1_macro"],
        "multiclass": ["roc_auc_ovr", "neg_log_loss", "accuracy", "f1_weighted"],
        "regression": ["neg_root_mean_squared_error", "r2", "neg_max_error"],
    }[task]
    for name in names:
        metric = get_metric(sk.get_scorer(name), task=task, classes=classes)
        assert metric.greater_is_better
        named = get_metric(name, task=task)
        assert metric.score(y, predictions) == pytest.approx(named.score(y, predictions)), name
        w = np.arange(1.0, 41.0)
        assert metric.score(y, predictions, w) == pytest.approx(named.score(y, predictions, w)), (
            name
        )


def test_made_scorers():
    y, p, classes = table_of("binary")
    scorer = sk.make_scorer(sk.fbeta_score, beta=2, pos_label="a")
    metric = get_metric(scorer, task="binary", classes=classes)
    assert "fbeta_score" in metric.name
    expected = sk.fbeta_score(y, p[:, 0] > 0.5, beta=2, pos_label=0)
    assert metric.score(y, p) == pytest.approx(expected)


def test_callable_with_an_estimator():
    from sklearn.base import is_classifier, is_regressor

    def half(estimator, X, y):
        assert is_classifier(estimator)
        assert list(estimator.classes_) == ["no", "yes"]
        return (estimator.predict(X[:2]) == y[:2]).mean()

    metric = get_metric(half, task="binary", classes=LABELS)
    assert metric.score(Y, P) == 1.0
    assert metric.score(Y, P, np.ones(4)) == 1.0
    assert get_metric(lambda e, X, y: is_regressor(e), task="regression").score(Y * 1.0, P) == 1


def test_scorer_that_raises():
    metric = get_metric(sk.get_scorer("f1"), task="binary", classes=LABELS)
    with pytest.raises(MetricError, match="pos_label"):  # scikit-learn's own rule for labels
        metric.score(Y, P)


# --- to other processes ----------------------------------------------------------------


@pytest.mark.parametrize("copy", ["payload", "pickle"])
def test_round_trip(copy):
    y, p, classes = table_of("binary")
    lock_free = partial(sk.fbeta_score, beta=0.5, pos_label="a")
    for source in ("f1", "neg_log_loss", weighted_cost, lock_free, sk.get_scorer("accuracy")):
        metric = get_metric(source, task="binary", classes=classes, positive_label="a")
        again = (
            Metric.from_payload(metric.to_payload())
            if copy == "payload"
            else pickle.loads(pickle.dumps(metric))
        )
        assert again.score(y, p) == metric.score(y, p)
        assert (again.name, again.greater_is_better, again.optimum, again.needs) == (
            metric.name,
            metric.greater_is_better,
            metric.optimum,
            metric.needs,
        )


def test_callable_that_can_not_travel():
    lock = threading.Lock()

    def locked_score(y_true, y_pred):
        with lock:
            return 0.0

    metric = get_metric(locked_score, task="regression")
    with pytest.raises(UsageError, match="'locked_score' can't be sent.*lock"):
        metric.to_payload()


def run_python(code, folder):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path(automl.__file__).parents[1])},
        input="",
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_module_and_function_reach_a_process_elsewhere(tmp_path):
    """The module imports a second one, and neither is on the other process's path."""
    home, away = tmp_path / "home", tmp_path / "away"
    home.mkdir()
    away.mkdir()
    (home / "my_prices.py").write_text("PRICE = 7.0\ndef price(n):\n    return PRICE * n\n")
    (home / "my_cost.py").write_text(
        "import my_prices\nfrom my_prices import price\n\n"
        "def cost(y_true, y_pred):\n"
        "    return price((y_true != y_pred).sum()) + my_prices.PRICE\n"
    )
    run_python(
        f"""
        import numpy as np
        from pathlib import Path
        from automl.objective import get_metric
        m = get_metric("my_cost:cost", task="binary", classes=np.array(["no", "yes"]))
        assert m.name == "my_cost:cost" and not m.greater_is_better, m
        Path({str(away / "metric")!r}).write_bytes(m.to_payload())
        """,
        home,
    )
    out = run_python(
        """
        import numpy as np
        from pathlib import Path
        from automl.objective import Metric
        m = Metric.from_payload(Path("metric").read_bytes())
        print(m.score(np.array([0, 1, 1]), np.array([[0.9], [0.9], [0.1]])))
        """,
        away,
    )
    assert float(out) == 21.0


def test_import_and_named_metrics_need_no_scikit_learn(tmp_path):
    out = run_python(
        """
        import sys
        import numpy as np
        from automl.objective import decide_labels, get_metric
        decide_labels(np.array([[0.2]]), np.array(["a", "b"]))
        get_metric("roc_auc", task="binary").score(np.array([0, 1]), np.array([[0.2], [0.3]]))
        print([m for m in ("sklearn", "scipy", "pandas", "joblib") if m in sys.modules])
        """,
        tmp_path,
    )
    assert out.strip() == "[]"
