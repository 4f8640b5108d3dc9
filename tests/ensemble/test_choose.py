"""The winner: one configuration or the ensemble."""

import numpy as np
import pytest

from automl.ensemble import Candidate, choose
from automl.objective import get_metric

N = 300
RNG = np.random.default_rng(0)
Y = RNG.normal(size=N)
PARTS = np.arange(N) % 5
NOISE = RNG.normal(size=(6, N))


def squared(y=Y):
    return lambda rows, p: float(((p[:, 0] - y[rows]) ** 2).mean())


def named(name, predictions, loss):
    everything = np.arange(len(predictions))
    predictions = np.asarray(predictions, dtype=float).reshape(len(everything), -1)
    return Candidate(name, predictions, loss(everything, predictions))


def noisy(spreads, loss=None):
    loss = loss or squared()
    return [named(f"m{i}", Y + s * NOISE[i], loss) for i, s in enumerate(spreads)]


def test_members_whose_errors_cancel_win_together():
    choice = choose(noisy([1.0, 1.0, 1.0]), squared(), PARTS)
    assert choice.name == "ensemble"
    assert choice.weights.sum() == pytest.approx(1)
    assert (choice.weights > 0).sum() > 1
    assert choice.ensemble_loss < 0.6


def test_a_single_one_wins_where_an_ensemble_brings_nothing():
    choice = choose(noisy([3.0, 0.0, 3.0]), squared(), PARTS)
    assert choice.name == "m1"
    assert choice.weights.tolist() == [0, 1, 0]
    np.testing.assert_allclose(choice.predictions[:, 0], Y)


def test_an_ensemble_can_be_forbidden():
    choice = choose(noisy([1.0, 1.1]), squared(), PARTS, ensemble=False)
    assert choice.name == "m0"
    assert choice.ensemble_loss == float("inf")


def test_one_candidate_needs_no_choice():
    only = noisy([1.0])
    choice = choose(only, squared(), PARTS)
    assert choice.name == "m0"
    assert choice.weights.tolist() == [1]
    assert choice.predictions is only[0].predictions


def test_the_declared_metric_decides():
    """One orders the rows best and is badly calibrated, the other the other way round."""
    y = (RNG.random(N) < 0.5).astype(np.int64)
    ordered = np.where(y == 1, 0.55, 0.52) + 0.001 * NOISE[0]
    calibrated = np.clip(np.where(y == 1, 0.85, 0.15) + 0.25 * NOISE[1], 0.01, 0.99)
    winners = {}
    for name in ("roc_auc", "log_loss"):
        metric = get_metric(name, task="binary")

        def loss(rows, p, metric=metric):
            return metric.loss(metric.score(y[rows], p))

        candidates = [named("ordered", ordered, loss), named("calibrated", calibrated, loss)]
        winners[name] = choose(candidates, loss, PARTS, ensemble=False).name
    assert winners == {"roc_auc": "ordered", "log_loss": "calibrated"}


@pytest.mark.parametrize("ensemble", [True, False])
def test_a_rows_prediction_does_not_depend_on_its_own_part(ensemble):
    """What is scored must have been chosen without the rows that score it."""
    candidates = noisy([1.0, 1.02, 0.98, 1.0])
    plain = choose(candidates, squared(), PARTS, ensemble=ensemble)
    part = PARTS == 2
    other_y = Y.copy()
    other_y[part] = candidates[3].predictions[part, 0]  # there, the fourth becomes perfect
    changed = choose(candidates, squared(other_y), PARTS, ensemble=ensemble)
    assert changed.name == plain.name
    np.testing.assert_array_equal(changed.predictions[part], plain.predictions[part])
    # while the rows of the other parts see the difference
    assert not np.array_equal(changed.predictions[~part], plain.predictions[~part])


def test_choosing_among_many_equals_does_not_flatter():
    """Of 60 candidates without any merit the best looks good on its own rows only."""
    rng = np.random.default_rng(1)
    loss = squared()
    noise = [named(f"m{i}", 0.3 * rng.normal(size=N), loss) for i in range(60)]
    choice = choose(noise, loss, PARTS)
    honest = loss(np.arange(N), choice.predictions)
    assert min(c.loss for c in noise) < honest
    assert honest >= 0.97 * float((Y**2).mean())


def test_little_time_looks_at_fewer_rows_and_still_scores_all():
    n = 100_000
    y = np.random.default_rng(0).normal(size=n)
    seen = []

    def loss(rows, p):
        seen.append(len(rows))
        return float(((p[:, 0] - y[rows]) ** 2).mean())

    rng = np.random.default_rng(1)
    candidates = [named(f"m{i}", y + rng.normal(size=n), loss) for i in range(3)]
    seen.clear()
    choice = choose(candidates, loss, np.arange(n) % 5, seconds=0.1)
    assert choice.predictions.shape == (n, 1)
    assert np.isfinite(choice.predictions).all()
    assert n in seen
    assert {s for s in seen if s < n / 5 * 0.9}


def test_no_time_at_all_leaves_the_best():
    choice = choose(noisy([2.0, 1.0, 3.0]), squared(), PARTS, seconds=0.0)
    assert choice.name == "m1"
    assert choice.ensemble_loss == float("inf")


def test_the_seed_decides():
    one, other = (choose(noisy([1.0, 1.0]), squared(), PARTS, seed=5) for _ in range(2))
    np.testing.assert_array_equal(one.weights, other.weights)


def test_undefined_losses_lose():
    loss = squared()
    bad = Candidate("bad", np.full((N, 1), np.nan), float("nan"))
    good = named("good", Y + NOISE[0], loss)
    for candidates in ([bad, good], [good, bad]):
        choice = choose(candidates, loss, PARTS)
        assert choice.name == "good"


def test_a_metric_that_is_undefined_without_one_part_is_survived():
    """All rows of the rare class may lie in one part: with the user's own splits, say."""
    y = (PARTS == 0).astype(np.int64)
    metric = get_metric("roc_auc", task="binary")

    def loss(rows, p):
        return metric.loss(metric.score(y[rows], p))

    good = named("good", 0.5 + 0.3 * y + 0.01 * NOISE[0], loss)
    bad = named("bad", 0.5 + 0.01 * NOISE[1], loss)
    assert choose([bad, good], loss, PARTS, ensemble=False).name == "good"


def test_of_rows_of_one_part_nothing_is_chosen_with_care():
    y = np.arange(20.0)[:, None]
    candidates = [Candidate("far", y + 2, 2.0), Candidate("near", y + 1, 1.0)]

    def loss(rows, predictions):
        return float(np.abs(predictions - y[rows]).mean())

    assert choose(candidates, loss, np.zeros(20, dtype=np.int64)).name == "near"
