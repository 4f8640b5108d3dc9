"""From probabilities to labels."""

import numpy as np
import pytest

from automl.objective import decide_labels


@pytest.mark.parametrize("classes", [np.array(["a", "b"]), np.array([3, 9]), np.array([0.5, 2])])
def test_two_classes_keep_their_type_and_tie_to_the_first(classes):
    labels = decide_labels(np.array([[0.5], [0.50001], [0.0]]), classes)
    assert labels.tolist() == [classes[0], classes[1], classes[0]]
    assert labels.dtype == classes.dtype


def test_two_classes_agree_with_argmax():
    p = np.random.default_rng(0).integers(0, 9, size=200)[:, None] / 8
    both = np.column_stack([1 - p, p])
    assert np.array_equal(decide_labels(p, np.arange(2)), both.argmax(axis=1))


def test_more_classes():
    P = np.array([[0.2, 0.4, 0.4], [0.6, 0.3, 0.1]])
    assert decide_labels(P, np.array(["x", "y", "z"], dtype=object)).tolist() == ["y", "x"]
