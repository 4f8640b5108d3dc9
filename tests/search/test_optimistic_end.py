"""Where a learning curve may still go."""

from math import inf, isinf

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from automl.search._race import optimistic_end


@st.composite
def curves(draw):
    """Best loss so far at geometric steps; never rises."""
    n = draw(st.integers(1, 25))
    steps = np.unique(np.ceil(1.3 ** np.arange(n)).astype(int))
    gains = draw(st.lists(st.floats(0, 10), min_size=len(steps), max_size=len(steps)))
    losses = draw(st.floats(-50, 50)) - np.cumsum(gains)
    return list(zip(steps.tolist(), losses.tolist(), strict=True))


@given(curves())
def test_the_optimistic_end_is_never_above_the_present(curve):
    assert optimistic_end(curve) <= curve[-1][1]


@given(curves(), st.floats(0.01, 100), st.floats(-100, 100))
def test_the_optimistic_end_does_not_depend_on_the_unit(curve, scale, shift):
    end = optimistic_end(curve)
    other = optimistic_end([(step, scale * loss + shift) for step, loss in curve])
    if isinf(end):
        assert other == end
    else:
        now, later = curve[-1][1], np.diff([v for _, v in curve])
        assume(np.abs(later[later != 0]).min(initial=1) > 1e-6)  # no gains lost in rounding
        assert other == pytest.approx(scale * end + shift, abs=1e-3 * scale * (1 + abs(now)))


@pytest.mark.parametrize("curve", [[], [(1, 3.0)], [(1, 3.0), (2, 1.0)], [(9, 2.0), (30, 1.0)]])
def test_a_short_curve_says_nothing(curve):
    assert optimistic_end(curve) == -inf


def test_a_flat_curve_stays_where_it_is():
    assert optimistic_end([(1, 2.0), (8, 1.0), (16, 1.0), (32, 1.0), (64, 1.0)]) == 1.0


@given(st.floats(0.5, 0.9), st.integers(4, 9))
def test_gains_that_shrink_evenly_are_followed_to_their_end(ratio, n):
    """Gains per doubling shrink by the same ratio: the end is the sum of the series."""
    losses = 1.0 + ratio ** np.arange(n)
    curve = [(2**i, float(loss)) for i, loss in enumerate(losses)]
    assert optimistic_end(curve) == pytest.approx(1.0, abs=1e-6)
