"""Why a job gave no answer."""

import pytest

from automl.compute import Failure, Killed
from automl.families import get_family
from automl.objective import MetricError
from automl.search import Trial
from automl.search._ends import Kind, describe_end, is_memory


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Failure("ValueError", "bad\nvery", ""), "the fit of fold 1: ValueError: bad"),
        (Killed("died", -9), "the fit of fold 1: its process died (SIGKILL)"),
        (Killed("deadline"), "the fit of fold 1: it did not end in its time"),
        (Killed("memory"), "the fit of fold 1: it needed more memory"),
        (Killed("asked"), "the fit of fold 1: it was killed"),
    ],
)
def test_one_line_says_what_failed_and_how(value, text):
    reason = Kind.FIT.reason(value, 1)
    assert reason.startswith(text)
    assert "\n" not in reason


def test_all_rows_have_no_fold():
    assert Kind.FIT.reason(Killed("asked"), -1) == "the fit: it was killed"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Failure("MemoryError", "", ""), True),
        (Failure("LightGBMError", "std::bad_alloc", ""), True),
        (Failure("_ArrayMemoryError", "Unable to allocate 3 GiB", ""), True),
        (Failure("ValueError", "no rows", ""), False),
        (Killed("memory"), True),
        (Killed("died", -11), False),
        (None, False),
    ],
)
def test_want_of_memory_is_recognised(value, expected):
    assert is_memory(value) is expected


def test_a_baseline_that_can_not_be_scored_speaks_of_the_metric():
    baseline = Trial(0, get_family("constant"), {}, 5)
    baseline.reason = "scoring: MetricError: metric 'mine' failed: KeyError: 3"
    error = describe_end(baseline, "mine")
    assert isinstance(error, MetricError)
    assert str(error) == "metric 'mine' failed: KeyError: 3"
    baseline.reason = "the fit of fold 0: its process died (SIGSEGV)"
    assert "metric 'mine'" in str(describe_end(baseline, "mine"))
    assert "SIGSEGV" in str(describe_end(baseline, "mine"))
