"""The encoding for trees."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.features import TreeEncoder, encoder_from_dict

from .conftest import DAY, make_table


def test_numbers_pass_through():
    table = make_table(
        {"a": ("numeric", [1.5, np.nan, -3.0], 0), "b": ("boolean", [0, 1, np.nan], 0)}
    )
    matrix = TreeEncoder.fit(table).transform(table)
    np.testing.assert_array_equal(
        matrix.values, np.array([[1.5, 0], [np.nan, 1], [-3, np.nan]], np.float32)
    )
    assert (matrix.names, matrix.cardinalities) == (("a", "b"), (0, 0))


def test_a_date_becomes_its_parts_that_vary():
    days = np.array([0.0, 1, 2, 40, np.nan]) * DAY
    table = make_table({"when": ("datetime", days, 0)})
    matrix = TreeEncoder.fit(table).transform(table)
    assert set(matrix.sources) == {"when"}
    assert "when.hour" not in matrix.names  # midnight in every row
    assert {"when.days", "when.month", "when.weekday"} <= set(matrix.names)
    assert np.isnan(matrix.values[4]).all()


@pytest.mark.parametrize(("n", "long"), [(2, False), (254, False), (255, True), (5000, True)])
def test_a_long_list_of_categories_shares_its_rare_end(n, long):
    codes = np.concatenate([np.arange(n), np.zeros(50, int), [-1]])
    table = make_table({"id": ("categorical", codes, n)})
    encoder = TreeEncoder.fit(table)
    matrix = encoder.transform(table)
    assert matrix.cardinalities[0] == (255 if long else n)
    assert matrix.names == (("id", "id.frequency") if long else ("id",))
    column = matrix.values[:, 0]
    assert np.nanmax(column) == min(n, 255) - 1
    assert np.isnan(column[-1])
    own = min(n, 254)
    assert (column[:own] == np.arange(own)).all()
    read = encoder_from_dict(json.loads(json.dumps(encoder.to_dict())))
    assert read == encoder
    if long:
        assert (column[254:n] == 254).all()
        shares = matrix.values[:, 1]
        assert shares[0] == pytest.approx(51 / len(codes))
        assert shares[-1] == 0
        np.testing.assert_allclose(shares[1:n], 1 / len(codes))


@given(st.lists(st.integers(-(2**53), 2**53), min_size=2, max_size=20, unique=True))
def test_integers_stay_distinct(numbers):
    table = make_table({"n": ("numeric", numbers, 0)})
    values = TreeEncoder.fit(table).transform(table).values
    assert len(np.unique(values)) == len(numbers)


@pytest.mark.parametrize(
    ("numbers", "wide"),
    [
        (np.arange(100_000.0) * 1024, False),  # each of them is a float32
        (np.arange(100_000.0), False),
        (np.append(np.arange(100_000.0), [2.0**24, 2.0**24 + 1]), True),
        (np.append(np.arange(100_000.0), [2.0**24 + 1, np.nan]), False),
        (np.append([2.0**24, 2.0**24 + 1], np.arange(100_000.0)), True),
        (np.append(np.arange(100_000.0), [2.0**24, 2.0**24 + 1, 0.5]), False),
        (np.full(100, np.nan), False),
    ],
)
def test_float64_is_for_integers_that_float32_would_merge(numbers, wide):
    table = make_table({"n": ("numeric", numbers, 0)})
    assert TreeEncoder.fit(table).wide == wide


def test_decimals_take_half_the_memory():
    table = make_table({"n": ("numeric", [0.1, 2e9 + 0.5, 3.0], 0)})
    assert TreeEncoder.fit(table).transform(table).values.dtype == np.float32


@pytest.mark.parametrize("huge", [1e39, -1e300])
def test_numbers_beyond_float32_stay_finite_and_in_order(huge):
    """An infinite value would be refused by the boosters, at predict, too."""
    encoder = TreeEncoder.fit(make_table({"n": ("numeric", [1.0, 2.0], 0)}))
    values = encoder.transform(make_table({"n": ("numeric", [1.0, huge], 0)})).values[:, 0]
    assert np.isfinite(values).all()
    assert (values[1] > values[0]) == (huge > 0)
