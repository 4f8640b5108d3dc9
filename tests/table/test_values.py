import datetime as dt
import math
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.table._dates import guess_format, looks_like_dates
from automl.table._values import booleans, canonical, dates, is_missing, numbers


@pytest.mark.parametrize(
    "value",
    [None, math.nan, np.float32("nan"), pd.NA, pd.NaT, Decimal("nan"), np.datetime64("NaT", "D")]
    + ["", "  ", "NA", " nan ", "None", "?"],
)
def test_missing(value):
    assert is_missing(value)


@pytest.mark.parametrize("value", [0, False, 0.0, "0", "none at all", "na", [], np.int64(0)])
def test_not_missing(value):
    assert not is_missing(value)


@pytest.mark.parametrize(
    ("value", "number"),
    [("3.5", 3.5), (" -2 ", -2), ("+1e3", 1000), (".5", 0.5), ("7.", 7), (Decimal("1.5"), 1.5)]
    + [(True, 1), (np.int8(3), 3), (dt.timedelta(minutes=1), 60), (np.timedelta64(2, "s"), 2)],
)
def test_numbers(value, number):
    parsed = numbers([value])
    assert parsed.values[0] == number
    assert not parsed.bad[0]


@pytest.mark.parametrize(
    "value",
    ["1,5", "1_000", "12 kg", "inf", "0x1F", "1e", "..", "- -", "١", "True", 1j, {"a": 1}, [1]]
    + [dt.date(2020, 1, 1)],
)
def test_no_numbers(value):
    parsed = numbers([value])
    assert math.isnan(parsed.values[0])
    assert parsed.bad[0]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_written_floats_come_back_exactly(number):
    assert numbers([repr(number), str(np.float64(number))]).values.tolist() == [number, number]


@given(st.one_of(st.integers(-(10**12), 10**12), st.booleans(), st.text(max_size=5)))
def test_canonical_text_is_its_own_canonical_text(value):
    assert canonical(canonical(value)) == canonical(value)


@given(st.integers(-(10**12), 10**12))
def test_a_number_is_one_category_in_any_type(number):
    ways = [
        number,
        float(number),
        np.int64(number),
        str(number),
        f" {number}.0",
        np.float64(number),
    ]
    assert {canonical(way) for way in ways} == {str(number)}


def test_single_precision_keeps_its_short_text():
    assert canonical(np.float32(0.1)) == canonical(0.1) == canonical("0.1") == "0.1"


def test_truth():
    parsed = booleans(["YES", "n", "T", "Off", 1, 0.0, np.True_, "2", None, [1]])
    np.testing.assert_array_equal(parsed.values[:7], [1, 0, 1, 0, 1, 0, 1])
    assert parsed.bad.tolist() == [False] * 7 + [True, False, True]


DAY = 86400.0


@pytest.mark.parametrize(
    "value",
    ["1970-01-02", "1970-01-02T00:00:00Z", "1970-01-02 01:00+01:00", "19700102T000000"]
    + [dt.date(1970, 1, 2), dt.datetime(1970, 1, 2, tzinfo=dt.UTC), np.datetime64("1970-01-02")]
    + [pd.Timestamp("1970-01-02 02:00", tz="Etc/GMT-2"), 19700102],
)
def test_one_instant_in_many_ways(value):
    parsed = dates([value], "ISO8601")
    assert parsed.values[0] == DAY
    assert not parsed.bad[0]


def test_unreadable_dates():
    assert dates(["soon", 5.5, [1], None, ""], "ISO8601").bad.tolist() == [True] * 3 + [False] * 2


@pytest.mark.parametrize(
    "date_format",
    ["%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d-%m-%Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%b-%Y"]
    + ["%b %d, %Y", "%d.%m.%y", "%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M", "%m/%d/%Y %I:%M %p"],
)
def test_formats_are_found(date_format):
    days = pd.date_range("2019-12-25 13:30", periods=60, freq="D")
    written = days.strftime(date_format).tolist()
    assert looks_like_dates(written, 1.0)
    found, share = guess_format(written)
    assert share == 1.0
    expected = pd.to_datetime(written, format=date_format)
    seconds = expected.to_numpy().astype("datetime64[s]").astype(float)
    np.testing.assert_array_equal(dates(written, found).values, seconds)


@pytest.mark.parametrize(
    "value",
    [
        "10-19",
        "90-100",
        "192.168.1.1",
        "10:3",
        "2020",
        "1.2.3.4",
        "555-1234",
        "12-34-567",
        "v1.2.3",
    ],
)
def test_no_dates(value):
    assert not looks_like_dates([value], 1.0)
