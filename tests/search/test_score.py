"""The score of a whole trial."""

import numpy as np
import pytest

from automl.objective import MetricError, get_metric
from automl.search._score import SCORE_TRIAL, ScoreTask, score_trial
from automl.search._trial import WHOLE

Y = np.array([1.0, 2.0, 3.0, 4.0])


@pytest.fixture
def score(tmp_path):
    """Score parts of predictions, which go through files as those of workers do."""

    def run(parts, target, metric="mae"):
        for fold, values in parts.items():
            np.save(tmp_path / f"{fold}.npy", np.array(values, dtype=np.float32)[:, None])
        if isinstance(metric, str):
            metric = get_metric(metric, task="regression")
        files = tuple((fold, tmp_path / f"{fold}.npy") for fold in parts)
        task = ScoreTask(metric.to_payload(), 1, files, tmp_path / "out.npy")
        scored = score_trial(task, ({"y": Y} | target,), None)
        assert scored.seconds > 0
        return scored.score, np.load(tmp_path / "out.npy")[:, 0]

    return run


def test_its_address_is_that_of_the_function():
    module, _, name = SCORE_TRIAL.partition(":")
    assert (module, name) == (score_trial.__module__, score_trial.__name__)


def test_each_row_is_scored_by_the_fold_that_left_it_out(score):
    folds = {"valid_0": np.array([0, 3]), "valid_1": np.array([1, 2])}
    value, predictions = score({0: [1.0, 5.0], 1: [2.0, 3.0]}, folds)
    assert predictions.tolist() == [1.0, 2.0, 3.0, 5.0]
    assert value == 0.25


def test_rows_of_several_folds_get_the_mean(score):
    folds = {"valid_0": np.array([0, 1]), "valid_1": np.array([1, 2, 3])}
    _, predictions = score({0: [1.0, 4.0], 1: [2.0, 3.0, 4.0]}, folds)
    assert predictions.tolist() == [1.0, 3.0, 3.0, 4.0]


def test_rows_of_no_fold_are_left_out_of_the_score(score):
    value, predictions = score({0: [3.0]}, {"valid_0": np.array([1])})
    assert value == 1.0
    assert np.isnan(predictions[[0, 2, 3]]).all()


def test_one_part_may_hold_all_rows(score):
    value, _ = score({WHOLE: [1.0, 2.0, 3.0, 8.0]}, {})
    assert value == 1.0


def test_weights_count(score):
    folds = {"valid_0": np.arange(4), "weight": np.array([1.0, 1.0, 1.0, 0.0])}
    assert score({0: [1.0, 2.0, 3.0, 100.0]}, folds)[0] == 0.0


def broken_error(y_true, y_pred):
    """A metric that fails."""
    raise RuntimeError("no idea")


def test_a_metric_that_fails_is_an_error(score):
    with pytest.raises(MetricError, match="no idea"):
        score({0: Y}, {"valid_0": np.arange(4)}, get_metric(broken_error, task="regression"))
