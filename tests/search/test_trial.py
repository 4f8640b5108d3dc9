"""A trial on its way through the folds."""

import json

from automl.families import get_family
from automl.search import FoldOutcome, Trial
from automl.search._trial import WHOLE


def outcome(loss, seconds=1.0):
    return FoldOutcome(loss, 5, seconds)


def test_folds_are_taken_in_order():
    trial = Trial(3, get_family("linear"), {"rate": 0.1}, 3)
    assert trial.next_fold == 0
    trial.running.add(0)
    assert trial.next_fold == 1
    trial.outcomes[0] = outcome(0.5)
    trial.running.clear()
    trial.outcomes[2] = outcome(0.7)
    assert trial.next_fold == 1
    assert trial.fold_losses == [0.5]  # the second is missing: the third can't be compared
    assert not trial.finished
    trial.outcomes[1] = outcome(0.6)
    assert trial.next_fold is None
    assert trial.finished
    assert trial.fold_losses == [0.5, 0.6, 0.7]
    assert trial.seconds == 3.0


def test_one_fit_on_all_rows_takes_the_place_of_the_folds():
    trial = Trial(3, get_family("extra_trees"), {}, 5, whole=True)
    assert trial.next_fold == WHOLE
    trial.running.add(WHOLE)
    assert trial.next_fold is None
    assert not trial.finished
    trial.running.clear()
    trial.outcomes[WHOLE] = outcome(0.5, seconds=2.0)
    assert trial.next_fold is None
    assert trial.finished
    assert trial.fold_losses == []  # it says nothing about single folds
    assert trial.seconds == 2.0
    assert trial.summary()["folds"] == 1


def test_names():
    assert Trial(0, get_family("linear"), {}, 1).name == "linear"
    assert Trial(12, get_family("linear"), {}, 1).name == "linear-12"


def test_the_summary_is_json():
    trial = Trial(1, get_family("linear"), {"rate": 0.1}, 2)
    trial.outcomes[0] = outcome(0.5, seconds=0.25)
    trial.score = 0.5
    read = json.loads(json.dumps(trial.summary()))
    assert read == {
        "name": "linear-1",
        "family": "linear",
        "state": "running",
        "score": 0.5,
        "seconds": 0.25,
        "cpu_seconds": 0.0,
        "saved_seconds": 0.0,
        "share": 1.0,
        "folds": 1,
        "device": "cpu",
        "reason": "",
        "params": {"rate": 0.1},
    }
