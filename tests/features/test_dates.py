"""Parts of a moment, against pandas."""

import numpy as np
import pandas as pd
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


def test_missing_stays_missing():
    parts = date_parts(np.array([np.nan, 0.0, np.inf]))
    for values in parts.values():
        assert np.isnan(values[[0, 2]]).all()
        assert np.isfinite(values[1])
