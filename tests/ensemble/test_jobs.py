"""The last jobs of a run: choosing the winner and giving its score an interval."""

import math
import time

import numpy as np
import pytest

from automl.ensemble import ChooseTask, IntervalTask
from automl.ensemble._jobs import CHOOSE_WINNER, SCORE_INTERVAL, choose_winner, score_interval
from automl.objective import get_metric

N = 300
RNG = np.random.default_rng(0)
Y = RNG.normal(size=N)
METRIC = get_metric("rmse", task="regression")
TARGET = {"y": Y}
FINAL = {"rows": np.arange(N), "parts": np.arange(N) % 5}


def slow_error(y_true, y_pred):
    """A metric that takes its time."""
    time.sleep(0.02)
    return float(np.abs(y_true - y_pred).mean())


def task(tmp_path, predictions, *, metric=METRIC, ensemble=True, seconds=1.0):
    files = []
    for i, values in enumerate(predictions):
        files.append(tmp_path / f"m{i}.npy")
        np.save(files[-1], values.astype(np.float32)[:, None])
    losses = tuple(float(np.sqrt(np.mean((Y - p) ** 2))) for p in predictions)
    names = tuple(f"m{i}" for i in range(len(files)))
    out = tmp_path / "out.npy"
    return ChooseTask(
        metric.to_payload(), names, losses, tuple(files), out, ensemble, seconds, seed=0
    )


@pytest.mark.parametrize(
    ("address", "function"), [(CHOOSE_WINNER, choose_winner), (SCORE_INTERVAL, score_interval)]
)
def test_addresses_are_those_of_the_functions(address, function):
    assert address == f"{function.__module__}:{function.__name__}"


def test_members_whose_errors_cancel_win_together(tmp_path):
    noise = RNG.normal(size=N)
    winner = choose_winner(task(tmp_path, [Y + noise, Y - noise]), (TARGET, FINAL), None)
    assert winner.name == "ensemble"
    assert winner.weights.tolist() == [0.5, 0.5]
    assert winner.score < 0.1
    assert winner.ensemble_loss == winner.score
    kept = np.load(tmp_path / "out.npy")
    assert METRIC.score(Y, kept) == winner.score


def test_only_rows_that_count_are_looked_at(tmp_path):
    half = np.arange(N // 2)
    good_here, good_there = Y.copy(), Y.copy()
    good_here[N // 2 :] += 100.0
    good_there[: N // 2] += 1.0
    final = {"rows": half, "parts": half % 5}
    chosen = task(tmp_path, [good_there, good_here], ensemble=False)
    winner = choose_winner(chosen, (TARGET, final), None)
    assert np.load(tmp_path / "out.npy").shape == (N // 2, 1)
    assert winner.score < 1e-6


def test_a_metric_too_slow_for_a_choice_leaves_the_best(tmp_path):
    metric = get_metric(slow_error, task="regression")
    slow = task(tmp_path, [Y + RNG.normal(size=N), Y + 0.1], metric=metric, seconds=0.05)
    winner = choose_winner(slow, (TARGET, FINAL), None)
    assert winner.name == "m1"
    assert winner.score == pytest.approx(0.1, abs=1e-6)
    assert winner.ensemble_loss == math.inf


def interval(tmp_path, *, seconds=1.0, per_call=1e-4, final=FINAL):
    np.save(tmp_path / "p.npy", (Y + RNG.normal(size=N))[:, None])
    asked = IntervalTask(METRIC.to_payload(), tmp_path / "p.npy", seconds, per_call, seed=0)
    return score_interval(asked, (TARGET, final), None)


def test_an_interval_holds_the_score(tmp_path):
    low, high = interval(tmp_path)
    assert low < METRIC.score(Y, np.load(tmp_path / "p.npy")) < high


def test_a_metric_too_slow_for_an_interval_gets_none(tmp_path):
    assert all(map(math.isnan, interval(tmp_path, seconds=1.0, per_call=0.1)))


def test_whole_groups_are_drawn(tmp_path):
    """Ten groups whose errors are alike tell less than three hundred rows."""
    groups = np.repeat(np.arange(10), N // 10)
    shift = RNG.normal(size=10)[groups]
    np.save(tmp_path / "p.npy", (Y + shift)[:, None])
    asked = IntervalTask(METRIC.to_payload(), tmp_path / "p.npy", 5.0, 1e-4, seed=0)
    low, high = score_interval(asked, (TARGET, FINAL), None)
    wide_low, wide_high = score_interval(asked, (TARGET, FINAL | {"groups": groups}), None)
    assert wide_high - wide_low > 2 * (high - low)
