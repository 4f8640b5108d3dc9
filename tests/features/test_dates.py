"""Parts of a moment, against pandas."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.features._dates import date_parts

from .conftest import DAY


@given(st.datetimes(min_value=pd.Timestamp(1700, 1, 1), max_value=pd.Timestamp(2250, 1, 1)))
def test_parts_are_those_of_pandas(moment):
    stamp = pd.Timestamp(moment).as_unit("us")
    seconds = (stamp - pd.Timestamp(0).as_unit("us")) / pd.Timedelta(seconds=1)
    parts = {name: values[0] for name, values in date_parts(np.array([seconds])).items()}
    assert parts["month"] == stamp.month
    assert parts["day"] == stamp.day
    assert parts["weekday"] == stamp.weekday()
    assert parts["day_of_year"] == stamp.day_of_year
    assert np.isclose(parts["days"], seconds / DAY)
    hour = stamp.hour + stamp.minute / 60 + stamp.second / 3600 + stamp.microsecond / 3.6e9
    assert np.isclose(parts["hour"], hour, atol=1e-6)


@pytest.mark.parametrize("span", [1.0, 30.0, 1000.0])
def test_many_moments_are_split_as_each_alone(span):
    """Days that lie close together are looked up in a calendar, others are worked out."""
    years = np.random.default_rng(0).uniform(-span / 2, span / 2, 500) - 20
    seconds = years * 365.25 * DAY
    seconds[::50] = np.nan
    together = date_parts(seconds)
    for i, moment in enumerate(seconds[:60]):
        alone = date_parts(np.array([moment]))
        np.testing.assert_equal(
            {k: v[i] for k, v in together.items()}, {k: v[0] for k, v in alone.items()}
        )


def test_only_the_parts_that_are_wanted():
    seconds = np.array([0.0, 1e9, np.nan])
    parts = date_parts(seconds, ["hour", "month"])
    assert list(parts) == ["hour", "month"]
    np.testing.assert_array_equal(parts["month"], date_parts(seconds)["month"])
    assert date_parts(seconds[:0], ["day"])["day"].shape == (0,)


def test_missing_stays_missing():
    parts = date_parts(np.array([np.nan, 0.0, np.inf]))
    for values in parts.values():
        assert np.isnan(values[[0, 2]]).all()
        assert np.isfinite(values[1])
