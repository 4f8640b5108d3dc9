"""Each named metric gives scikit-learn's number."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from automl.objective import MetricError, extra_metrics, get_metric, metric_names

CLOSE = {"rel": 1e-10, "abs": 1e-10}


def weights_of(rng, n, kind):
    """No weights, real ones, or small integers with zeros among them."""
    if kind == "none":
        return None
    if kind == "real":
        return rng.uniform(0.1, 3.0, size=n)
    w = rng.integers(0, 4, size=n).astype(float)
    w[0] = 1.0
    return w


def reference(function, *arguments, **options):
    """scikit-learn's answer, nan where it raises or calls it undefined."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return function(*arguments, **options)
        except ValueError:
            return np.nan


tables = st.tuples(
    st.integers(0, 2**32 - 1),
    st.integers(2, 60),
    st.sampled_from(["none", "real", "counts"]),
    st.sampled_from(["smooth", "ties", "constant", "extreme"]),
)


def binary_table(seed, n, weights, shape):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, size=n)
    p = {
        "smooth": rng.random(n),
        "ties": rng.integers(0, 5, size=n) / 4,
        "constant": np.full(n, 0.3),
        "extreme": rng.choice([0.0, 1.0, 1e-300, 1 - 1e-16, 0.5], size=n),
    }[shape]
    return y, p, weights_of(rng, n, weights)


def multi_table(seed, n, weights, shape):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, size=n)
    P = {
        "smooth": rng.dirichlet(np.ones(3), size=n),
        "ties": rng.multinomial(4, [0.3, 0.3, 0.4], size=n) / 4,
        "constant": np.tile([0.2, 0.3, 0.5], (n, 1)),
        "extreme": np.eye(3)[rng.integers(0, 3, size=n)],
    }[shape]
    return y, P, weights_of(rng, n, weights)


LABEL = {
    "accuracy": sk.accuracy_score,
    "balanced_accuracy": sk.balanced_accuracy_score,
    "mcc": sk.matthews_corrcoef,
    "cohen_kappa": sk.cohen_kappa_score,
    **{
        f"{name}_{how}": lambda y, c, sample_weight, f=function, h=how: f(
            y, c, average=h, sample_weight=sample_weight, zero_division=0
        )
        for name, function in {
            "f1": sk.f1_score,
            "precision": sk.precision_score,
            "recall": sk.recall_score,
            "jaccard": sk.jaccard_score,
        }.items()
        for how in ("macro", "micro", "weighted")
    },
}


@settings(max_examples=60, deadline=None)
@given(tables)
def test_binary_metrics_of_probabilities_equal_scikit_learn(table):
    y, p, w = binary_table(*table)
    both = len(np.unique(y if w is None else y[w > 0])) == 2
    expected = {
        "roc_auc": reference(sk.roc_auc_score, y, p, sample_weight=w) if both else np.nan,
        "log_loss": reference(sk.log_loss, y, p, sample_weight=w, labels=[0, 1]),
        "brier": reference(sk.brier_score_loss, y, p, sample_weight=w, pos_label=1),
    }
    if both:
        expected["average_precision"] = sk.average_precision_score(y, p, sample_weight=w)
        expected["d2_log_loss_score"] = sk.d2_log_loss_score(y, p, sample_weight=w, labels=[0, 1])
        expected["d2_brier_score"] = sk.d2_brier_score(y, p, sample_weight=w, pos_label=1)
    for name, value in expected.items():
        score = get_metric(name, task="binary").score(y, p[:, None], w)
        assert score == pytest.approx(value, nan_ok=True, **CLOSE), name


@settings(max_examples=40, deadline=None)
@given(tables, st.sampled_from([0, 1]))
def test_binary_metrics_of_labels_equal_scikit_learn(table, positive):
    y, p, w = binary_table(*table)
    codes = (p > 0.5).astype(int)
    classes = np.array([0, 1])
    expected = {
        name: reference(function, y, codes, sample_weight=w) for name, function in LABEL.items()
    }
    for name in ("f1", "precision", "recall", "jaccard"):
        function = getattr(sk, f"{name}_score")
        expected[name] = function(y, codes, pos_label=positive, sample_weight=w, zero_division=0)
    for name, value in expected.items():
        metric = get_metric(name, task="binary", classes=classes, positive_label=positive)
        assert metric.score(y, p[:, None], w) == pytest.approx(value, nan_ok=True, **CLOSE), name


@settings(max_examples=40, deadline=None)
@given(tables)
def test_likelihood_ratios_equal_scikit_learn(table):
    y, p, w = binary_table(*table)
    codes = (p > 0.5).astype(int)
    expected = reference(sk.class_likelihood_ratios, y, codes, labels=[0, 1], sample_weight=w)
    for name, value in zip(
        ("positive_likelihood_ratio", "negative_likelihood_ratio"), expected, strict=True
    ):
        score = get_metric(name, task="binary").score(y, p[:, None], w)
        if not np.isnan(score):
            assert score == pytest.approx(value, **CLOSE), name


@settings(max_examples=40, deadline=None)
@given(tables)
def test_average_precision_of_the_other_class_equals_scikit_learn(table):
    y, p, w = binary_table(*table)
    metric = get_metric(
        "average_precision", task="binary", classes=np.array([0, 1]), positive_label=0
    )
    zeros = (y == 0) if w is None else (y == 0) & (w > 0)
    expected = (
        sk.average_precision_score(y, -p, pos_label=0, sample_weight=w) if zeros.any() else np.nan
    )
    assert metric.score(y, p[:, None], w) == pytest.approx(expected, nan_ok=True, **CLOSE)


@settings(max_examples=60, deadline=None)
@given(tables)
def test_multiclass_metrics_equal_scikit_learn(table):
    y, P, w = multi_table(*table)
    codes = P.argmax(axis=1)
    all_there = len(np.unique(y if w is None else y[w > 0])) == 3
    labels = [0, 1, 2]
    expected = {
        "log_loss": sk.log_loss(y, P, labels=labels, sample_weight=w),
        "brier": sk.brier_score_loss(y, P, labels=labels, sample_weight=w),
        "top_k_accuracy": sk.top_k_accuracy_score(y, P, labels=labels, sample_weight=w),
        "f1": sk.f1_score(y, codes, average="macro", sample_weight=w, zero_division=0),
    }
    for name, function in LABEL.items():
        expected[name] = reference(function, y, codes, sample_weight=w)
    if all_there:
        for how, suffix in (("macro", ""), ("weighted", "_weighted")):
            expected[f"roc_auc_ovr{suffix}"] = sk.roc_auc_score(
                y, P, multi_class="ovr", average=how, sample_weight=w
            )
            if w is None:
                expected[f"roc_auc_ovo{suffix}"] = sk.roc_auc_score(
                    y, P, multi_class="ovo", average=how
                )
        expected["average_precision"] = sk.average_precision_score(y, P, sample_weight=w)
        expected["d2_log_loss_score"] = sk.d2_log_loss_score(y, P, sample_weight=w)
        expected["d2_brier_score"] = sk.d2_brier_score(y, P, sample_weight=w)
    for name, value in expected.items():
        score = get_metric(name, task="multiclass").score(y, P, w)
        assert score == pytest.approx(value, nan_ok=True, **CLOSE), name


def test_multiclass_area_leaves_out_classes_without_rows():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, size=50)
    P = rng.dirichlet(np.ones(3), size=50)
    expected = (sk.roc_auc_score(y == 0, P[:, 0]) + sk.roc_auc_score(y == 1, P[:, 1])) / 2
    assert get_metric("roc_auc_ovr", task="multiclass").score(y, P) == pytest.approx(expected)


VALUE = {
    "rmse": sk.root_mean_squared_error,
    "mse": sk.mean_squared_error,
    "mae": sk.mean_absolute_error,
    "median_absolute_error": sk.median_absolute_error,
    "mape": sk.mean_absolute_percentage_error,
    "msle": sk.mean_squared_log_error,
    "rmsle": sk.root_mean_squared_log_error,
    "mean_poisson_deviance": sk.mean_poisson_deviance,
    "mean_gamma_deviance": sk.mean_gamma_deviance,
    "r2": sk.r2_score,
    "explained_variance": sk.explained_variance_score,
    "d2_absolute_error_score": sk.d2_absolute_error_score,
}


@settings(max_examples=80, deadline=None)
@given(tables)
def test_regression_metrics_equal_scikit_learn(table):
    seed, n, weights, shape = table
    rng = np.random.default_rng(seed)
    y = rng.integers(1, 9, size=n) / 2 if shape == "ties" else rng.lognormal(size=n)
    y[0] += 1.0  # never constant: scikit-learn's own number then hangs on rounding
    v = {
        "smooth": y * rng.uniform(0.5, 1.5, size=n),
        "ties": rng.integers(1, 9, size=n) / 2,
        "constant": np.full(n, 1.5),
        "extreme": rng.lognormal(0, 4, size=n),
    }[shape]
    w = weights_of(rng, n, weights)
    if w is not None:
        w[:2] = 1.0
    for name, function in VALUE.items():
        score = get_metric(name, task="regression").score(y, v[:, None], w)
        assert score == pytest.approx(function(y, v, sample_weight=w), **CLOSE), name
    largest = get_metric("max_error", task="regression").score(y, v[:, None], w)
    assert largest == pytest.approx(sk.max_error(y, v))


@pytest.mark.parametrize("name", ["r2", "explained_variance", "d2_absolute_error_score"])
def test_constant_target_gives_scikit_learns_finite_values(name):
    metric = get_metric(name, task="regression")
    y = np.full(7, 0.1)
    assert metric.score(y, y[:, None]) == 1.0
    assert metric.score(y, y[:, None] + np.arange(7.0)[:, None]) == 0.0


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_float32_is_clipped_at_its_own_precision(task):
    """A sure and wrong float32 costs what scikit-learn says, not infinity or 36."""
    y = np.array([0, 1, 1])
    P = np.array([[1.0], [0.0], [0.3]], dtype=np.float32)
    if task == "multiclass":
        P = np.array([[0, 1, 0], [0, 1, 0], [1, 0, 0]], dtype=np.float32)
    labels = [0, 1] if task == "binary" else [0, 1, 2]
    column = P[:, 0] if task == "binary" else P
    expected = sk.log_loss(y, column, labels=labels)
    assert 5 < expected < 16
    assert get_metric("log_loss", task=task).score(y, P) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_float32_scores_are_near_float64_scores(task):
    rng = np.random.default_rng(1)
    y = rng.integers(0, 2 if task == "binary" else 3, size=200)
    P = rng.random((200, 1)) if task == "binary" else rng.dirichlet(np.ones(3), size=200)
    for name in metric_names(task):
        metric = get_metric(name, task=task)
        assert metric.score(y, P.astype(np.float32)) == pytest.approx(
            metric.score(y, P), rel=1e-4, nan_ok=True
        ), name


@pytest.mark.parametrize("code", [0, 1])
@pytest.mark.parametrize("weighted", [False, True])
def test_area_of_one_class_is_nan_not_an_error(code, weighted):
    y = np.full(5, code)
    w = np.ones(5) if weighted else None
    assert np.isnan(get_metric("roc_auc", task="binary").score(y, np.ones((5, 1)) / 3, w))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_no_metric_raises_or_warns_on_degenerate_rows(task):
    outputs = 3 if task == "multiclass" else 1
    dtype = np.float64 if task == "regression" else np.int64
    for name in metric_names(task):
        metric = get_metric(name, task=task)
        for n in (0, 1, 2, 4):
            y = np.ones(n, dtype=dtype)
            P = np.full((n, outputs), 1 / outputs)
            metric.score(y, P)
            metric.score(y, P, np.ones(n))
            metric.score(y, P, np.zeros(n))
            assert np.isnan(metric.score(y, np.full((n, outputs), np.nan))), name


def test_values_outside_of_a_metrics_range():
    metric = get_metric("rmsle", task="regression")
    y = np.array([1.0, 2.0])
    assert np.isnan(metric.score(y, np.array([[1.0], [-2.0]])))
    with pytest.raises(MetricError, match=r"'rmsle'.*above -1.*-3\.0"):
        metric.score(np.array([1.0, -3.0]), y[:, None])


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_names_of_scikit_learn_scorers_give_their_scores(task):
    """Through a real estimator and the scorer itself, sign and all."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.datasets import make_classification, make_regression
    from sklearn.linear_model import LinearRegression
    from sklearn.naive_bayes import GaussianNB

    if task == "regression":
        X, y = make_regression(80, 4, noise=40, random_state=0)
        y = np.exp(y / 200)
        model = TransformedTargetRegressor(LinearRegression(), func=np.log, inverse_func=np.exp)
        model.fit(X, y)
        P = model.predict(X)[:, None]
    else:
        k = 2 if task == "binary" else 3
        X, y = make_classification(90, 6, n_informative=4, n_classes=k, random_state=0)
        model = GaussianNB().fit(X, y)
        P = model.predict_proba(X)
        P = P[:, 1:] if k == 2 else P
    checked = 0
    for name in sk.get_scorer_names():
        if name in metric_names(task):
            expected = reference(sk.get_scorer(name), model, X, y)
            if not np.isnan(expected):  # f1 of three classes is not defined there
                score = get_metric(name, task=task).score(y, P)
                assert score == pytest.approx(expected), name
                checked += 1
    assert checked > 10


def test_every_scorer_of_scikit_learn_is_known_or_left_out_on_purpose():
    clusters = {
        "adjusted_mutual_info_score",
        "adjusted_rand_score",
        "completeness_score",
        "fowlkes_mallows_score",
        "homogeneity_score",
        "mutual_info_score",
        "normalized_mutual_info_score",
        "rand_score",
        "v_measure_score",
    }
    several_labels_a_row = {f"{n}_samples" for n in ("f1", "jaccard", "precision", "recall")}
    missing = set(sk.get_scorer_names()) - set(metric_names()) - clusters - several_labels_a_row
    assert not missing


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_optimum_and_direction_agree_with_perfect_predictions(task):
    if task == "regression":
        y = np.array([1.0, 2.0, 4.0])
        perfect, bad = y[:, None], y[::-1, None]
    else:
        k = 2 if task == "binary" else 3
        y = np.arange(12) % k
        P = np.eye(k)[y]
        perfect, bad = (P[:, 1:], P[::-1, 1:]) if k == 2 else (P, np.roll(P, 1, axis=1))
    for name in metric_names(task):
        metric = get_metric(name, task=task)
        best = metric.score(y, perfect)
        if np.isfinite(best):
            assert best == pytest.approx(metric.optimum, abs=1e-12), name
            worse = metric.score(y, bad)
            if not np.isnan(worse) and name not in ("max_error", "top_k_accuracy"):
                assert metric.is_better(best, worse), name


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_extra_metrics_are_metrics(task):
    extra = extra_metrics(task)
    assert extra == sorted(extra)
    assert set(extra) <= set(metric_names(task))
