"""The encodings for networks and linear models."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.features import DenseEncoder
from automl.features._dense import MAX_ONE_HOT

from .conftest import DAY, make_table


def encode(columns, kind="scaled", later=None):
    encoder = DenseEncoder.fit(make_table(columns), kind)
    return encoder.transform(make_table(later or columns))


def test_a_number_is_centred_scaled_and_flagged_where_missing():
    numbers = np.append(np.random.default_rng(0).normal(50, 10, 2000), np.nan)
    matrix = encode({"a": ("numeric", numbers, 0)})
    assert matrix.names == ("a", "a?")
    assert abs(np.median(matrix.values[:-1, 0])) < 1e-6
    assert 0.7 < matrix.values[:-1, 0].std() < 1.0
    assert matrix.values[-1].tolist() == [0.0, 1.0]
    assert not matrix.values[:-1, 1].any()


@pytest.mark.parametrize("kind", ["scaled", "straight", "piecewise"])
@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30),
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=30),
)
def test_a_larger_number_is_never_encoded_as_a_smaller_one(kind, known, later):
    later = sorted(later)
    values = encode({"a": ("numeric", known, 0)}, kind, {"a": ("numeric", later, 0)}).values
    assert (np.diff(values, axis=0) >= 0).all()


def test_straight_numbers_are_not_bent_far_out():
    known = np.random.default_rng(0).normal(50, 10, 2000)
    later = {"a": ("numeric", [50.0, 60.0, 1050.0, 1e300], 0)}
    near, ten, thousand, far = encode({"a": ("numeric", known, 0)}, "straight", later).values[:, 0]
    assert (thousand - near) / (ten - near) == pytest.approx(100.0, rel=1e-5)
    assert far == 1e6
    bent = encode({"a": ("numeric", known, 0)}, "scaled", later).values[:, 0]
    assert bent[2] < 3.01


def test_a_thermometer_fills_from_the_left():
    numbers = np.linspace(0, 1, 200)
    matrix = encode({"a": ("numeric", numbers, 0)}, "piecewise")
    levels = matrix.values[:, 1:]
    assert levels.shape[1] > 3
    assert not levels[0].any()
    assert (levels[-1] == 1).all()
    assert (np.diff(levels, axis=1) <= 0).all()


def test_many_columns_take_fewer_bins():
    rng = np.random.default_rng(0)
    few = {f"x{i}": ("numeric", rng.normal(size=80), 0) for i in range(3)}
    many = {f"x{i}": ("numeric", rng.normal(size=80), 0) for i in range(600)}
    assert encode(few, "piecewise").shape[1] / 3 > encode(many, "piecewise").shape[1] / 600


def test_categories_with_few_rows_share_an_indicator():
    codes = [0] * 300 + [1] * 200 + [2] + [3]
    matrix = encode({"c": ("categorical", codes, 4)})
    assert matrix.names == ("c=0", "c=1", "c=other")
    assert matrix.values[-1].tolist() == [0, 0, 1]
    assert (matrix.values.sum(axis=1) == 1).all()


def test_a_long_list_of_categories_does_not_widen_the_table():
    codes = np.repeat(np.arange(300), 5)
    matrix = encode({"c": ("categorical", codes, 300)})
    assert matrix.shape[1] == MAX_ONE_HOT + 1
    assert (matrix.values.sum(axis=1) == 1).all()


def test_a_moment_is_also_a_place_on_a_circle():
    hours = np.arange(0, 72, 6) * 3600.0
    matrix = encode({"when": ("datetime", hours, 0)})
    named = dict(zip(matrix.names, matrix.values.T, strict=True))
    assert {"when.hour.sin", "when.hour.cos"} <= set(named)
    np.testing.assert_allclose(named["when.hour.sin"][:4], named["when.hour.sin"][4:8], atol=1e-5)
    assert set(matrix.sources) == {"when"}


@pytest.mark.parametrize("kind", ["scaled", "straight", "piecewise"])
def test_columns_without_a_single_value(kind):
    nothing = [np.nan] * 4
    matrix = encode(
        {
            "a": ("numeric", nothing, 0),
            "b": ("datetime", nothing, 0),
            "c": ("categorical", [-1] * 4, 2),
        },
        kind,
        {
            "a": ("numeric", [7.0, np.nan], 0),
            "b": ("datetime", [3 * DAY, np.nan], 0),
            "c": ("categorical", [1, -1], 2),
        },
    )
    assert np.isfinite(matrix.values).all()
    assert set(matrix.sources) == {"a", "b", "c"}
