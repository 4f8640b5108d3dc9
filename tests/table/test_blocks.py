"""What is found in a long column block by block is what numpy finds in one go."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from automl.table._blocks import (
    BLOCK,
    Extent,
    all_distinct,
    as_floats,
    blocks,
    count_codes,
    count_distinct,
    goes_up_by_one,
    is_integral,
    look_up,
)

LONG = BLOCK + 5
RNG = np.random.default_rng(0)
FLOATS = arrays.arrays(
    st.sampled_from([np.float64, np.float32]),
    st.integers(1, 20),
    elements=st.floats(width=32) | st.just(np.nan) | st.integers(-3, 3).map(float),
)
INTEGERS = arrays.arrays(
    st.sampled_from([np.int64, np.int8, np.uint64, np.bool_]), st.integers(1, 20)
)


def spread_out(values):
    """The values at the beginning, in the middle and at the end of a long column."""
    out = np.full(LONG, values[0])
    out[BLOCK - len(values) // 2 :][: len(values)] = values[: LONG - BLOCK + len(values) // 2]
    out[-len(values) :] = values
    return out


@pytest.mark.parametrize("n_rows", [0, 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_blocks_are_all_rows(n_rows):
    rows = np.arange(n_rows)
    parts = [rows[part] for part in blocks(n_rows)]
    assert all(0 < len(part) <= BLOCK for part in parts)
    np.testing.assert_array_equal(np.concatenate([*parts, rows[:0]]), rows)


@given(FLOATS | INTEGERS)
def test_extent_is_that_of_numpy(values):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wide = values.astype(np.float64)
        expected = (int(np.isnan(wide).sum()), np.nanmin(wide), np.nanmax(wide))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = Extent.of(values)
    np.testing.assert_equal((found.n_missing, found.low, found.high), expected)
    known = wide[~np.isnan(wide)]
    assert is_integral(values) == bool((known == np.floor(known)).all())


def test_extent_reaches_beyond_the_first_block():
    values = spread_out(np.array([1.0, np.nan, -7.0, 9.5]))
    assert Extent.of(values).low == -7.0
    assert Extent.of(values).high == 9.5
    assert Extent.of(values).n_missing == np.isnan(values).sum() > 0
    assert not is_integral(values)
    assert is_integral(np.where(values == 9.5, np.nan, values))


def test_extent_of_dates_is_in_seconds():
    days = np.array(["1970-01-03", "NaT", "1970-01-02"], dtype="datetime64[ns]")
    assert Extent.of(days) == Extent(1, 86400.0, 172800.0)
    assert np.isnan(Extent.of(days[1:2]).low)


def test_a_strided_column_is_read_alike():
    matrix = RNG.normal(size=(LONG, 3))
    assert Extent.of(matrix[:, 1]) == Extent.of(matrix[:, 1].copy())


@given(st.integers(0, LONG - 2), st.sampled_from([np.int64, np.float64]))
def test_one_step_that_is_not_one_is_found_anywhere(place, dtype):
    values = np.arange(LONG, dtype=dtype)
    assert goes_up_by_one(values)
    values[place + 1 :] += 1
    assert not goes_up_by_one(values)


@pytest.mark.parametrize("twin", [1, BLOCK - 1, BLOCK, LONG - 1])
def test_a_value_that_comes_twice_is_found_anywhere(twin):
    values = RNG.permutation(LONG).astype(np.float64)
    assert all_distinct(values)
    assert count_distinct(values) == LONG
    values[twin] = values[0]
    assert not all_distinct(values)
    assert count_distinct(values) == LONG - 1
    assert count_distinct(values // 100) == len(np.unique(values // 100))


@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.int64])
def test_codes_are_looked_up_and_counted(dtype):
    codes = RNG.integers(-1, 100, LONG).astype(dtype)
    table = np.append(RNG.normal(size=100), np.nan)
    np.testing.assert_array_equal(look_up(table, codes), table[codes])
    expected = np.bincount(codes[codes >= 0], minlength=101)
    np.testing.assert_array_equal(count_codes(codes, 101), expected)


def test_dates_as_floats():
    stamps = pd.Series(["2020-01-01 12:00", None]).astype("datetime64[s]").to_numpy()
    np.testing.assert_array_equal(as_floats(stamps), [1577880000.0, np.nan])
