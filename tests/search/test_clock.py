"""Lengths of time, and the clock of a run."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.exceptions import UsageError
from automl.search import Clock, parse_duration

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@given(st.floats(0.001, 1e15))
def test_a_bare_number_is_seconds(number):
    assert parse_duration(number) == number
    assert parse_duration(str(number)) == number
    assert parse_duration(np.float64(number)) == number


@given(
    st.integers(1, 10**6),
    st.sampled_from(sorted(SECONDS)),
    st.sampled_from(["", " ", "  "]),
    st.booleans(),
)
def test_units_multiply(number, unit, space, upper):
    text = f"{space}{number}{space}{unit.upper() if upper else unit}{space}"
    assert parse_duration(text) == number * SECONDS[unit]


def test_decimals():
    assert parse_duration("1.5h") == 5400
    assert parse_duration(".5m") == 30


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "0s",
        0,
        -1,
        "-5s",
        "s",
        "ten",
        "10 minutes",
        "1h30m",
        "2w",
        "1y",
        "5ms",
        "1,5h",
        "nan",
        "inf",
    ]
    + [float("nan"), float("inf"), None, True, [60], "1e999", "٣"],
)
def test_what_is_no_length_of_time_is_refused_with_examples(text):
    with pytest.raises(UsageError, match="can't be read.*90s, 10m or 1h"):
        parse_duration(text)


def test_the_deadline_leaves_the_reserve():
    clock = Clock(started=100.0, budget=60.0, reserve=5.0)
    assert clock.deadline == 155.0


def test_time_runs_out():
    now = time.monotonic()
    assert Clock(now - 10, budget=60).left > 0
    assert Clock(now - 60, budget=60).left <= 0
    assert Clock(now - 56, budget=60, reserve=5).left <= 0
    assert Clock(now - 10, budget=60).elapsed >= 10


def test_without_a_budget_there_is_always_time():
    clock = Clock(started=time.monotonic() - 1e9)
    assert clock.deadline is None
    assert clock.left == float("inf")
