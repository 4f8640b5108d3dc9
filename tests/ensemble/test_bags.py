"""Selection on random halves of a small table."""

import numpy as np
import pytest

from automl.ensemble import Candidate, choose
from automl.ensemble import _effort as module
from automl.objective import get_metric

LOG_LOSS = get_metric("log_loss", task="binary", classes=np.array([0, 1]))


def noisy_library(n, n_candidates, seed):
    """Candidates that are all equally good, and differ by chance alone."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=n)
    y = (rng.random(n) < 1 / (1 + np.exp(-truth))).astype(int)
    found = []
    for i in range(n_candidates):
        p = 1 / (1 + np.exp(-(truth + rng.normal(size=n))))[:, None]
        found.append(Candidate(f"m{i}", p, LOG_LOSS.loss(LOG_LOSS.score(y, p))))
    return found, lambda rows, p: LOG_LOSS.loss(LOG_LOSS.score(y[rows], p))


def weights(n, seed, seconds):
    candidates, loss = noisy_library(n, 12, seed)
    return choose(candidates, loss, np.arange(n) % 5, seconds=seconds, seed=0).weights


def test_equal_candidates_get_more_equal_weights_with_bags(monkeypatch):
    careful = [np.square(weights(120, i, 1e9)).sum() for i in range(5)]
    monkeypatch.setattr(module, "LEAST_BAGS", 99)
    hurried = [np.square(weights(120, i, 1e9)).sum() for i in range(5)]
    assert np.mean(careful) < 0.8 * np.mean(hurried)


def test_no_clock_means_the_same_weights():
    first, second = weights(150, 3, None), weights(150, 3, None)
    assert first.tobytes() == second.tobytes()


def test_halves_without_one_of_the_classes_are_left_out():
    rng = np.random.default_rng(0)
    auc = get_metric("roc_auc", task="binary", classes=np.array([0, 1]))
    y = np.zeros(60, dtype=int)
    y[:2] = 1
    good = np.where(y == 1, 0.9, 0.1)[:, None] + rng.normal(0, 0.01, (60, 1))
    bad = rng.random((60, 1))

    def loss(rows, p):
        return auc.loss(auc.score(y[rows], p))

    everything = np.arange(60)
    found = [Candidate(n, p, loss(everything, p)) for n, p in (("bad", bad), ("good", good))]
    choice = choose(found, loss, everything % 3, seconds=1e9)
    assert choice.weights[1] > 0.9


@pytest.mark.parametrize("bags", [1, 5])
def test_halves_are_halves(bags):
    rows = np.arange(100, 201)
    effort = module.Effort(rows, np.arange(3), bags, 0)
    halves = module.random_halves(rows, effort)
    assert len(halves) == (0 if bags == 1 else 5)
    for half in halves:
        assert len(half) == len(np.unique(half)) == 50
        assert np.isin(half, rows).all()
