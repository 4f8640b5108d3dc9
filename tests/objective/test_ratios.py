"""Which targets are told in ratios."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from automl.objective import tells_ratios


@pytest.mark.parametrize(
    ("y", "told"),
    [
        (np.exp(np.linspace(0, 5, 50)), True),
        (np.linspace(1, 5, 50), False),  # even
        (-np.exp(np.linspace(0, 5, 50)), False),  # below 0
        (np.append(np.exp(np.linspace(0, 5, 50)), 0.0), False),
        (np.append(np.exp(np.linspace(0, 3, 40)), 1e-30), False),  # worse as logarithms
        (np.full(9, 3.0), False),
        (np.array([]), False),
    ],
)
def test_a_skewed_target_above_zero_is_told_in_ratios(y, told):
    assert tells_ratios(y) is told


@given(arrays(np.float64, st.integers(0, 20), elements=st.floats(-1e300, 1e300)))
def test_any_numbers_get_an_answer(y):
    with np.errstate(over="raise", invalid="raise"):
        assert tells_ratios(y) in (True, False)
        assert tells_ratios(np.abs(y)) in (True, False)
