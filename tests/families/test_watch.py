"""What is best so far, when to stop, and predictions that didn't choose their own step."""

from math import inf, isfinite, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.families import Watch

VALUES = st.one_of(st.floats(-100, 100, width=32), st.sampled_from([nan, inf]))
CURVES = st.lists(VALUES, min_size=1, max_size=60)


def mean(predictions):
    """The loss of made-up predictions: the number that they all are."""
    return float(predictions.mean())


def rows(value, n=4):
    return np.full((n, 1), value)


def show(watch, values, *, to_the_end=False):
    """Show a curve step by step until the watch ends it; the last step that was shown."""
    for step, value in enumerate(values, start=1):
        if watch.observe(step, rows(value)) and not to_the_end:
            return step
    return None


# -- the best step -----------------------------------------------------------------------


@given(CURVES)
def test_the_best_step_is_the_first_with_the_smallest_loss(values):
    watch = Watch(mean, patience=1000)
    show(watch, values)
    scored = [v if isfinite(v) else inf for v in values]
    assert watch.best_loss == min(scored)
    assert watch.best_step == scored.index(min(scored)) + 1
    chosen = rows(values[watch.best_step - 1]).astype(np.float32)
    np.testing.assert_array_equal(watch.best_predictions, chosen)
    assert watch.best_predictions.dtype == np.float32


@given(CURVES)
def test_where_later_is_better_by_nature_the_last_step_is_kept(values):
    watch = Watch(mean, patience=1000)
    watch.keeps_last = True
    show(watch, values)
    scored = [step for step, v in enumerate(values, start=1) if isfinite(v)]
    last = scored[-1] if scored else 1
    assert watch.best_step == last
    assert watch.best_loss == (values[last - 1] if scored else inf)
    kept = rows(values[last - 1]).astype(np.float32)
    np.testing.assert_array_equal(watch.best_predictions, kept)


def test_predictions_are_copied():
    watch = Watch(mean, half=np.array([True, False]), half_loss=lambda _, p: mean(p))
    buffer = rows(1.0, n=2)
    watch.observe(1, buffer)
    buffer[:] = 9.0
    assert watch.best_predictions.tolist() == [[1.0], [1.0]]
    assert watch.honest_predictions.tolist() == [[1.0], [1.0]]


def test_before_anything_was_shown_there_is_nothing():
    watch = Watch(mean)
    assert watch.best_step == 0
    assert watch.best_predictions is None
    assert watch.honest_predictions is None


# -- when to stop ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("best", "patience", "share", "stops"),
    [(2, 3, 0.0, 6), (20, 3, 0.0, 24), (20, 3, 0.5, 31), (2, 3, 0.5, 6), (5, 0, 0.0, 6)],
)
def test_it_stops_after_steps_without_progress(best, patience, share, stops):
    """More than `patience` steps, or than a share of the best step, whichever is larger."""
    watch = Watch(mean, patience=patience, patience_share=share)
    assert show(watch, [*range(best, 0, -1), *[5.0] * 60]) == stops
    assert watch.best_step == best
    assert not watch.interrupted


def test_a_family_sets_its_own_patience():
    watch = Watch(mean, patience=3, patience_share=0.0)
    assert watch.with_patience(10, 0.0) is watch
    assert show(watch, [1.0] * 60) == 12


def test_equal_losses_are_no_progress():
    watch = Watch(mean, patience=3, patience_share=0.0)
    assert show(watch, [1.0, *[1.0] * 60]) == 5
    assert watch.best_step == 1


def test_losses_that_are_undefined_from_the_start_end_the_fit():
    watch = Watch(mean, patience=3, patience_share=0.0)
    assert show(watch, [nan] * 60) == 5


def test_averages_go_on_however_flat():
    watch = Watch(mean, patience=3, patience_share=0.0)
    watch.keeps_last = True
    assert show(watch, [1.0] * 60) is None


def test_it_stops_when_told_to_and_keeps_what_it_has():
    asked = []

    def stopped():
        asked.append(True)
        return len(asked) >= 4

    watch = Watch(mean, stopped=stopped)
    assert show(watch, [9.0, 1.0, 3.0, 2.0, 0.5]) == 4
    assert watch.interrupted
    assert watch.best_step == 2
    assert watch.out_of_time()


def test_once_told_to_stop_it_stays_so():
    answers = iter([True, False])
    watch = Watch(stopped=lambda: next(answers))
    assert watch.out_of_time()
    assert watch.out_of_time()
    assert watch.interrupted


def test_without_anybody_to_ask_time_never_ends():
    watch = Watch(mean)
    assert not watch.out_of_time()
    assert not watch.interrupted


# -- the steps ---------------------------------------------------------------------------


def test_the_limit_takes_the_place_of_the_familys_own():
    assert list(Watch(mean).steps(3)) == [1, 2, 3]
    assert list(Watch(mean, limit=2).steps(300)) == [1, 2]
    assert list(Watch(mean, limit=5).steps(3)) == [1, 2, 3, 4, 5]


@given(st.integers(1, 5000))
def test_the_first_steps_and_the_last_are_due(limit):
    watch = Watch(mean, limit=limit)
    due = []
    for step in range(1, limit + 1):
        if watch.due(step):
            due.append(step)
            watch.observe(step, np.zeros((1, 1)))
    assert due[:10] == list(range(1, min(limit, 10) + 1))
    assert due[-1] == limit
    assert all(b - a <= max(1, 0.08 * a) for a, b in zip(due[10:], due[11:], strict=False))
    assert len(due) < 200


def test_a_limit_of_the_family_is_due_too():
    watch = Watch(mean)
    due = []
    for step in watch.steps(207):
        if watch.due(step):
            due.append(step)
            watch.observe(step, np.zeros((1, 1)))
    assert due[-2:] == [205, 207]


def test_on_many_rows_the_first_steps_are_due_one_in_four():
    watch = Watch(mean)
    due = []
    for step in range(1, 200):
        if watch.due(step):
            due.append(step)
            watch.observe(step, np.zeros((20_000, 1)))
    assert due[:5] == [1, 5, 9, 13, 17]
    assert all(b - a <= max(4, 0.08 * a) for a, b in zip(due, due[1:], strict=False))


def test_the_step_at_which_a_fit_is_told_to_end_is_due():
    """Else what it has learned since the last look would be lost."""
    asked = iter([False, False, True])
    watch = Watch(mean, stopped=lambda: next(asked, True))
    assert not watch.observe(1, np.ones((20_000, 1)))
    assert [watch.due(step) for step in (2, 3)] == [False, True]
    assert watch.observe(3, np.zeros((20_000, 1)))
    assert watch.best_step == 3


def test_nothing_is_due_without_validation_rows():
    watch = Watch(limit=5)
    assert not watch.validates
    assert not any(watch.due(step) for step in range(1, 6))


# -- reports -----------------------------------------------------------------------------


@given(CURVES, st.integers(1, 70))
def test_reports_rise_in_step_never_rise_in_loss_and_turn_mature_once(values, patience):
    told = []
    watch = Watch(mean, report=lambda *point: told.append(point), patience=patience)
    show(watch, values, to_the_end=True)
    steps = [step for step, _, _ in told]
    losses = [loss for _, loss, _ in told]
    assert steps == sorted(set(steps))
    assert losses == sorted(losses, reverse=True)
    assert all(isfinite(loss) for loss in losses)
    assert [mature for _, _, mature in told] == [step >= patience for step in steps]
    for step, loss, _ in told:
        assert loss == min(v for v in values[:step] if isfinite(v))


def test_reports_thin_out():
    told = []
    watch = Watch(mean, report=lambda *point: told.append(point))
    show(watch, np.linspace(1, 0, 1000))
    steps = [step for step, _, _ in told]
    assert steps[:2] == [1, 2]
    assert len(steps) < 30
    assert steps[-1] > 1000 / 1.4
    assert [(step, loss) for step, loss, _ in told] == watch.curve


def test_a_curve_without_patience_can_be_judged_after_a_hundred_steps():
    told = []
    watch = Watch(mean, report=lambda *point: told.append(point)).with_patience(inf, 0.0)
    show(watch, np.linspace(1, 0, 300))
    judged = {step: mature for step, _, mature in told}
    assert {step for step, mature in judged.items() if mature} == {s for s in judged if s >= 100}
    assert set(judged.values()) == {True, False}


# -- each half is predicted by the step that the other half chose ------------------------


def squared(y):
    """A loss of all rows, and one of some of them, by squared error."""

    def loss(predictions):
        return float(((predictions[:, 0] - y) ** 2).mean())

    def half_loss(half, predictions):
        return float(((predictions[:, 0] - y[half]) ** 2).mean())

    return loss, half_loss


@st.composite
def fits(draw):
    """Targets of some rows, their halves, and predictions at some steps."""
    n = draw(st.integers(2, 12))
    half = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    half[:2] = [True, False]
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    shown = rng.normal(size=(draw(st.integers(1, 15)), n, 1))
    return rng.normal(size=n), half, shown, rng


def honest(y, half, shown):
    loss, half_loss = squared(y)
    watch = Watch(loss, half=half, half_loss=half_loss)
    for step, predictions in enumerate(shown, start=1):
        watch.observe(step, predictions)
    return watch.honest_predictions


@given(fits(), st.booleans(), st.sampled_from([1.0, 1e6]))
def test_honest_predictions_never_depend_on_the_targets_of_their_own_half(fit, side, scale):
    y, half, shown, rng = fit
    own = half == side
    before = honest(y, half, shown)
    changed = np.where(own, scale * rng.normal(size=len(y)), y)
    after = honest(changed, half, shown)
    np.testing.assert_array_equal(before[own], after[own])


@given(fits())
def test_each_half_is_predicted_by_the_step_that_is_best_for_the_other(fit):
    y, half, shown, _ = fit
    found = honest(y, half, shown)
    for own in (half, ~half):
        errors = [((p[~own, 0] - y[~own]) ** 2).mean() for p in shown]
        best = shown[int(np.argmin(errors))]
        np.testing.assert_array_equal(found[own], best[own].astype(np.float32))
    assert found.dtype == np.float32


def test_a_step_that_fits_noise_gains_nothing():
    """Steps that are no more than luck look good where they chose themselves."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=40)
    loss, half_loss = squared(y)
    watch = Watch(loss, half=np.arange(40) % 2 == 0, half_loss=half_loss, patience=500)
    for step in range(1, 400):
        watch.observe(step, 0.3 * rng.normal(size=(40, 1)))
    assert watch.best_loss < 0.9 * (y**2).mean()
    assert loss(watch.honest_predictions) > watch.best_loss


@pytest.mark.parametrize("undefined", [True, False])
def test_where_the_metric_is_undefined_on_a_half_the_best_step_is_taken(undefined):
    y = np.array([0.0, 0.0, 1.0, 1.0])
    half = np.array([True, False, True, False])
    loss, half_loss = squared(y)

    def some(rows_of, predictions):
        return nan if (0 in rows_of) == undefined else half_loss(rows_of, predictions)

    watch = Watch(loss, half=half, half_loss=some)
    for step, shift in enumerate([0.5, 0.1, 0.9], start=1):
        watch.observe(step, y[:, None] + shift)
    assert watch.best_step == 2
    assert watch.honest_predictions is watch.best_predictions


def test_steps_on_which_a_half_is_undefined_are_passed_over():
    y = np.zeros(4)
    half = np.array([True, False, True, False])
    loss, half_loss = squared(y)

    def finite(rows_of, predictions):
        value = half_loss(rows_of, predictions)
        return value if isfinite(value) else nan

    watch = Watch(loss, half=half, half_loss=finite)
    for step, value in enumerate([nan, 3.0, 2.0, nan], start=1):
        watch.observe(step, rows(value))
    assert watch.honest_predictions.tolist() == [[2.0]] * 4


@given(fits())
def test_averages_choose_no_step_so_their_last_is_honest(fit):
    y, half, shown, _ = fit
    loss, half_loss = squared(y)
    watch = Watch(loss, half=half, half_loss=half_loss)
    watch.keeps_last = True
    for step, predictions in enumerate(shown, start=1):
        watch.observe(step, predictions)
    np.testing.assert_array_equal(watch.honest_predictions, shown[-1].astype(np.float32))


def test_without_halves_the_best_step_is_taken():
    watch = Watch(mean)
    show(watch, [3.0, 1.0, 2.0])
    assert watch.honest_predictions is watch.best_predictions
