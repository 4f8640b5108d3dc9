"""Which class is decided for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.objective import best_position, decisions, get_metric, plain_position
from automl.objective._confusion import count
from automl.objective._decision import count_all
from automl.objective._labels import label_codes

RNG = np.random.default_rng(0)


def task(n_classes, n_rows=60, seed=0):
    rng = np.random.default_rng(seed)
    y = np.minimum(rng.geometric(0.6, n_rows) - 1, n_classes - 1)
    y[:n_classes] = np.arange(n_classes)
    p = rng.dirichlet(np.ones(n_classes), n_rows)
    return y, p[:, 1:] if n_classes == 2 else p


@given(st.sampled_from([2, 3, 5]), st.integers(0, 50), st.booleans())
def test_counting_all_at_once_is_counting_each(n_classes, seed, weighted):
    y, p = task(n_classes, seed=seed)
    w = np.random.default_rng(seed).random(len(y)) if weighted else None
    options = decisions(y, n_classes, w)
    for option, table in zip(options, count_all(y, p, options, w), strict=True):
        alone = count(y, label_codes(option.adjust(p)), n_classes, w)
        np.testing.assert_allclose(table.matrix, alone.matrix, atol=1e-9)
        np.testing.assert_array_equal(table.present, alone.present)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_the_plain_decision_changes_no_label(n_classes):
    y, p = task(n_classes)
    options = decisions(y, n_classes)
    plain = options[plain_position(options)]
    np.testing.assert_array_equal(label_codes(plain.adjust(p)), label_codes(p))


@pytest.mark.parametrize("n_classes", [2, 4])
def test_probabilities_stay_probabilities(n_classes):
    y, p = task(n_classes)
    for option in decisions(y, n_classes):
        adjusted = option.adjust(p)
        assert ((adjusted >= 0) & (adjusted <= 1)).all()
        if n_classes > 2:
            np.testing.assert_allclose(adjusted.sum(axis=1), 1)


def test_a_single_lucky_decision_is_not_chosen():
    options = decisions(np.array([0, 1, 1, 1]), 2)
    losses = np.ones(len(options))
    losses[3] = 0.7  # alone among bad ones
    losses[15:20] = 0.75
    assert 15 <= best_position(options, losses) < 20


def test_undefined_losses_choose_the_most_probable_class():
    options = decisions(np.array([0, 1, 2, 2]), 3)
    assert best_position(options, [float("nan")] * len(options)) == plain_position(options)


@pytest.mark.parametrize("name", ["f1", "balanced_accuracy", "mcc", "jaccard", "f1_macro"])
def test_rare_classes_are_found_earlier(name):
    y = (RNG.random(4000) < 0.08).astype(int)
    p = np.clip(0.06 + 0.25 * y + 0.1 * RNG.normal(size=4000), 0.001, 0.999)[:, None]
    metric = get_metric(name, task="binary")
    assert metric.at_best().score(y, p) > metric.score(y, p) + 0.1


def test_the_positive_class_may_be_the_first():
    y = (RNG.random(2000) < 0.9).astype(int)
    p = np.clip(0.9 * y + 0.05 + 0.2 * RNG.random(2000), 0, 1)[:, None]
    second = get_metric("f1", task="binary", classes=np.array([0, 1]))
    first = get_metric("f1", task="binary", classes=np.array([0, 1]), positive_label=0)
    assert first.at_best().score(y, p) == pytest.approx(second.at_best().score(1 - y, 1 - p))


@pytest.mark.parametrize("name", ["accuracy", "precision", "recall", "roc_auc", "log_loss"])
def test_other_metrics_stay_as_they_are(name):
    metric = get_metric(name, task="binary")
    assert not metric.decides
    assert metric.at_best() is metric


def test_it_travels_by_value():
    y, p = task(2)
    metric = get_metric("f1", task="binary").at_best()
    assert type(metric).from_payload(metric.to_payload()).score(y, p) == metric.score(y, p)
