"""Finding a metric by its name or its address."""

import sys

import numpy as np
import pytest
from sklearn import metrics as sk

from automl.exceptions import UsageError
from automl.objective import get_metric

LABELS = np.array(["no", "yes"])
Y = np.array([0, 1, 1, 0])
P = np.array([[0.2], [0.9], [0.4], [0.6]])


@pytest.mark.parametrize(
    ("task", "name"),
    [("binary", "roc_auc"), ("multiclass", "log_loss"), ("regression", "rmse")],
)
def test_auto(task, name):
    assert get_metric("auto", task=task) == get_metric(name, task=task)


@pytest.mark.parametrize(
    ("name", "task", "words"),
    [
        ("rocauc", "binary", ["'rocauc'", "Did you mean 'roc_auc'", "f1", "module:function"]),
        ("RMSE", "regression", ["Did you mean 'rmse'"]),
        ("roc_auc", "multiclass", ["is for binary, not multiclass", "'roc_auc_ovr"]),
        ("rmse", "binary", ["is for regression, not binary", "log_loss"]),
        ("zzz", "regression", ["is unknown", "mae"]),
        ("rand_score", "binary", ["is unknown"]),
    ],
)
def test_name_that_does_not_fit(name, task, words):
    with pytest.raises(UsageError) as error:
        get_metric(name, task=task)
    for word in words:
        assert word in str(error.value)


def test_unknown_task_and_type():
    with pytest.raises(UsageError, match="'ranking'.*binary"):
        get_metric("auto", task="ranking")
    with pytest.raises(UsageError, match="neither a name nor a function"):
        get_metric(3, task="binary")


@pytest.mark.parametrize(("label", "code"), [("no", 0), ("yes", 1), (None, 1)])
def test_positive_label(label, code):
    metric = get_metric("precision", task="binary", classes=LABELS, positive_label=label)
    expected = sk.precision_score(Y, P[:, 0] > 0.5, pos_label=code)
    assert metric.score(Y, P) == expected


def test_positive_label_from_a_command_line_is_text():
    metric = get_metric("recall", task="binary", classes=np.array([5, 7]), positive_label="5")
    y = np.array([0, 0, 1])
    assert metric.score(y, np.array([[0.1], [0.9], [0.9]])) == 0.5


def test_positive_label_that_can_not_be():
    with pytest.raises(UsageError, match="'maybe' is not a class.*'no' and 'yes'"):
        get_metric("f1", task="binary", classes=LABELS, positive_label="maybe")
    with pytest.raises(UsageError, match="two classes"):
        get_metric("f1", task="multiclass", positive_label="a")
    with pytest.raises(UsageError, match="classes are needed"):
        get_metric("f1", task="binary", positive_label="a")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("no_such_module:f", "'no_such_module' can't be imported.*No module named"),
        ("my_metrics:f", "has no 'f'; it has real_loss"),
        ("my_metrics:VALUE", "is 3, not a function"),
        ("broken:f", "SyntaxError"),
        ("my_metrics:", "write it as module:function"),
        (":f", "write it as module:function"),
    ],
)
def test_address_that_leads_nowhere(address, words, tmp_path, monkeypatch):
    (tmp_path / "my_metrics.py").write_text("VALUE = 3\ndef real_loss(y, p):\n    return 0.0\n")
    (tmp_path / "broken.py").write_text("def f(:\n")
    monkeypatch.chdir(tmp_path)
    path = list(sys.path)
    with pytest.raises(UsageError, match=words):
        get_metric(address, task="regression")
    assert sys.path == path
    sys.modules.pop("my_metrics", None)
