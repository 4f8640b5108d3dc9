"""The last correction of the predictions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.ensemble import Adjustments, Calibration, Candidate, choose, fit_calibration
from automl.objective import get_metric

RNG = np.random.default_rng(0)
N = 2000
PARTS = np.arange(N) % 5


def log_loss(y, p, task="binary"):
    return get_metric("log_loss", task=task).score(y, p)


def timid(n_classes, power=0.4):
    """Probabilities that are right, and the same too close to each other."""
    right = RNG.dirichlet(np.full(n_classes, 0.5), N)
    y = np.array([RNG.choice(n_classes, p=row) for row in right])
    flat = right**power / (right**power).sum(axis=1, keepdims=True)
    return y, flat[:, 1:] if n_classes == 2 else flat


@pytest.mark.parametrize(("n_classes", "task"), [(2, "binary"), (4, "multiclass")])
def test_timid_probabilities_become_bold(n_classes, task):
    y, p = timid(n_classes)
    found = fit_calibration(y, p, classes=True)
    assert found.scale == pytest.approx(2.5, rel=0.2)
    assert log_loss(y, found.adjust(p), task) < log_loss(y, p, task) - 0.02


def test_values_are_put_on_the_line():
    y = RNG.normal(size=N) * 3 + 10
    p = ((y - 10) / 2 + 9 + 0.1 * RNG.normal(size=N))[:, None]
    adjusted = fit_calibration(y, p, classes=False).adjust(p)
    assert np.sqrt(np.mean((adjusted[:, 0] - y) ** 2)) < 0.3


def test_weights_count():
    y, p = timid(2)
    w = RNG.integers(0, 3, N).astype(float)
    repeated = np.repeat(np.arange(N), w.astype(int))
    weighted = fit_calibration(y, p, w, classes=True)
    assert weighted.scale == pytest.approx(
        fit_calibration(y[repeated], p[repeated], classes=True).scale, rel=1e-3
    )


def test_a_line_does_not_leave_the_range_of_the_target():
    y = np.abs(RNG.normal(size=N))
    p = (y * 0.6 + 0.5)[:, None]
    adjusted = fit_calibration(y, p, classes=False).adjust(np.array([[0.1], [0.5], [9.0]]))
    assert adjusted.min() >= 0.0
    assert adjusted[2, 0] <= 9.0  # it was beyond before


def test_a_constant_stays_as_it_is():
    found = fit_calibration(RNG.normal(size=9), np.full((9, 1), 0.5), classes=False)
    assert found.adjust(np.array([[0.5]])).tolist() == [[0.5]]


@given(st.floats(0.3, 3), st.floats(-3, 3), st.lists(st.floats(0, 1), min_size=2, max_size=5))
def test_probabilities_stay_probabilities_in_their_order(scale, shift, values):
    column = np.sort(np.array(values))[:, None]
    adjusted = Calibration(scale, shift).adjust(column)
    assert ((adjusted >= 0) & (adjusted <= 1)).all()
    assert (np.diff(adjusted[:, 0]) >= 0).all()
    row = (np.array(values) + 0.01)[None] / (np.array(values) + 0.01).sum()
    several = Calibration(scale).adjust(np.repeat(row, 2, axis=0))
    np.testing.assert_allclose(several.sum(axis=1), 1)


def chosen(y, p, find):
    def loss(rows, predictions):
        return float(np.mean((predictions[:, 0] - y[rows]) ** 2))

    only = Candidate("only", p, loss(np.arange(N), p))
    return choose([only], loss, PARTS, adjustments=Adjustments(find, loss))


def test_what_does_not_pay_is_left_out():
    y = RNG.normal(size=N)
    choice = chosen(y, y[:, None], lambda rows, p: Calibration(0.5, 0.0, (-9.0, 9.0)))
    assert choice.adjustment is None
    np.testing.assert_array_equal(choice.predictions[:, 0], y)


def test_what_pays_is_scored_on_rows_that_it_was_not_found_on():
    y = RNG.choice([-1.0, 0.0, 1.0], N)
    seen = []

    def find(rows, p):
        seen.append(rows)
        return fit_calibration(y[rows], p, classes=False)

    choice = chosen(y, (y / 2)[:, None], find)
    assert choice.adjustment.scale == pytest.approx(2)
    np.testing.assert_allclose(choice.predictions[:, 0], y, atol=1e-9)
    assert [len(rows) for rows in seen] == [N * 4 // 5] * 5 + [N]
