import numpy as np
import pandas as pd
import pytest

from automl.exceptions import SchemaError
from automl.table import Role, Schema
from automl.table._inference import infer_column

DAY = 86400.0
RNG = np.random.default_rng(0)
DAYS = pd.date_range("2014-05-01", periods=40, freq="17D")


def column(values, name="c", **options):
    return infer_column(name, pd.Series(values, **options))


def seconds(column_format, values, name="c"):
    schema = Schema.infer({name: values, "n": np.arange(len(values)) * 1.5})
    found = schema.columns[0]
    assert (found.role, found.date_format) == (Role.DATETIME, column_format)
    return schema.apply({name: values, "n": np.zeros(len(values))}).columns[name]


@pytest.mark.parametrize("as_text", [False, True])
def test_compact_days(as_text):
    values = DAYS.strftime("%Y%m%d").tolist()
    found = seconds("%Y%m%d", values if as_text else [int(v) for v in values])
    np.testing.assert_array_equal(found, DAYS.to_numpy().astype("M8[s]").astype(float))


def test_compact_months():
    months = [y * 100 + m for y in (2018, 2019) for m in range(1, 13)]
    assert seconds("%Y%m", months)[1] == pd.Timestamp("2018-02-01").timestamp()
    assert column([201801, 201802, 201803]).role is Role.NUMERIC
    assert column([201801, 201802, 201803], "month").role is Role.DATETIME


@pytest.mark.parametrize(("unit", "scale"), [("s", 1), ("ms", 10**3), ("us", 10**6)])
def test_numbers_since_1970(unit, scale):
    stamps = DAYS.to_numpy().astype("M8[s]").astype(np.int64)
    np.testing.assert_array_equal(seconds(f"epoch:{unit}", stamps * scale, "created_at"), stamps)
    assert column(stamps * scale, "population").role is Role.NUMERIC
    assert column(stamps * scale, "time_spent").role is Role.NUMERIC


def test_numbers_since_1970_and_dates_at_predict():
    schema = Schema.infer({"time": [1.4e9, 1.5e9, np.nan], "n": [1.5, 2, 3]})
    later = {"time": ["86400", "1970-01-03", "unknown"], "n": [0, 0, 0]}
    np.testing.assert_array_equal(schema.apply(later).columns["time"], [DAY, 2 * DAY, np.nan])


@pytest.mark.parametrize("dtype", [float, object])
def test_an_endless_time_is_no_date(dtype):
    schema = Schema.infer({"time": [1.4e9, 1.5e9, np.nan], "n": [1.5, 2, 3]})
    later = {"time": pd.Series([1.4e9, np.inf], dtype=dtype), "n": [0, 0]}
    with pytest.raises(SchemaError, match=r"'time' .* row 1 .* has inf, which is not a date"):
        schema.apply(pd.DataFrame(later))


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ([20140513, 20140641, 20150101] * 9, "c"),
        ([20140513.5, 20140613, 20150101] * 9, "c"),
        ([1955, 1990, 2015], "year"),
        ([98178, 98155, 98040], "zipcode"),
        ([200113, 200213, 200313], "month"),
        (1_400_000_000 + RNG.integers(0, 10**8, 40), "candidate_phone"),
        (1_400_000_000 + RNG.integers(0, 10**8, 40), "lifetime_views"),
        (1_400_000_000 + RNG.integers(0, 10**8, 40), "last_update_bytes"),
        (2_400_000_000 + RNG.integers(0, 10**8, 40), "time"),
        ([200001, 200002, 200003], "sentiment"),
        ([200001, 200002, 200003], "centimeters"),
        ([year * 100 + i for year in range(2000, 2015) for i in (1, 2, 3)], "c"),
        ([201000 + i for i in range(1, 13)], "postcode"),
    ],
)
def test_numbers_that_are_no_dates(values, name):
    assert column(values, name).role is Role.NUMERIC


@pytest.mark.parametrize(
    "name", ["birthdate", "Last Update", "time (s)", "startTime", "lastUpdate"]
)
def test_names_of_moments(name):
    assert column(1_400_000_000 + RNG.integers(0, 10**8, 40), name).role is Role.DATETIME


@pytest.mark.parametrize("dtype", [float, int, str])
def test_declared_dates_need_no_name(dtype):
    stamps = pd.Series([1_400_000_000, 1_500_000_000, 1_600_000_001]).astype(dtype)
    found = infer_column("elapsed", stamps, Role.DATETIME)
    assert (found.role, found.date_format) == (Role.DATETIME, "epoch:s")


@pytest.mark.parametrize(
    ("values", "name"),
    [
        (["1.10.12", "2.3.10", "1.9.13"] * 9, "version_nr"),
        (["1.10.12", "2.3.10", "1.9.13"] * 9, "c"),
        (["10-10-10", "05-10-10", "10-05-05"] * 9, "c"),
        (["2001-01", "2001-02", "2003-12"] * 9, "part_number"),
    ],
)
def test_texts_that_are_no_dates(values, name):
    assert column(values, name).role is Role.CATEGORICAL


def test_short_years():
    written = DAYS.strftime("%d.%m.%y").tolist()
    assert column(written).date_format == "%d.%m.%y"
    assert column(["1.10.12", "2.3.10", "1.9.13"] * 9, "date").role is Role.DATETIME


def test_lengths_of_time_are_seconds():
    laps = [f"{m:02}:{s:02}" for m in range(1, 9) for s in (7, 31, 56)]
    schema = Schema.infer({"lap_time": laps, "n": np.arange(24) * 1.5})
    assert schema.columns[0].role is Role.NUMERIC
    found = schema.apply({"lap_time": ["25:10", "1:00:01.5"], "n": [0, 0]}).columns["lap_time"]
    assert found.tolist() == [1510.0, 3601.5]
    assert Schema.from_dict(schema.to_dict()) == schema


def test_declared_roles_read_what_is_found_without_them():
    laps = [f"{m:02}:{s:02}" for m in range(1, 9) for s in (7, 31, 56)]
    hours = [f"{h:02}:30" for h in range(24)]
    frame = pd.DataFrame({"lap_time": laps, "start": hours, "time": np.arange(24) + 1_400_000_000})
    found = Schema.infer(frame)
    assert Schema.infer(frame, types={c.name: c.role.value for c in found.columns}) == found


@pytest.mark.parametrize("types", [{}, {"start": "datetime"}])
def test_a_time_that_no_clock_shows_is_missing(types):
    values = [f"{h:02}:{m:02}" for h in range(24) for m in (0, 30)]
    schema = Schema.infer({"start": values, "n": np.arange(48) * 1.5}, types=types)
    assert np.isnan(schema.apply({"start": ["25:10"], "n": [0]}).columns["start"]).all()


def test_times_of_day():
    values = [f"{h}:{m:02}" for h in range(24) for m in (0, 30)]
    assert seconds("%H:%M", values)[:3].tolist() == [0.0, 1800.0, 3600.0]
    assert column(values).reason == "times of day from 00:00 to 23:30"
    assert column(["10 AM", "2 PM"] * 20).role is Role.CATEGORICAL


@pytest.mark.parametrize(
    ("values", "first"),
    [
        (["Jan 2019", "Feb 2020", "Mar 2021"], "2019-01-01"),
        (["2019-01", "2020-02", "2021-12"], "2019-01-01"),
        (["01/2019", "02/2020"], "2019-01-01"),
        (["Tue Feb 24 11:35:52 +0000 2015", "Wed Feb 25 11:35:52 +0000 2015"], "2015-02-24"),
        (["Tue, 24 Feb 2015 11:35:52 +0000", "Wed, 25 Feb 2015 11:35:52 +0000"], "2015-02-24"),
    ],
)
def test_more_ways_to_write_dates(values, first):
    schema = Schema.infer({"d": values})
    assert schema.columns[0].role is Role.DATETIME
    found = schema.apply({"d": values}).columns["d"][0]
    assert found // DAY * DAY == pd.Timestamp(first).timestamp()


def test_mixed_formats():
    values = ["2026-01-31", "31.01.2026", "30.01.2026", "Jan 15, 2026"] * 5
    schema = Schema.infer({"d": values})
    stamps = pd.to_datetime(schema.apply({"d": values[:4]}).columns["d"], unit="s")
    assert stamps.strftime("%m-%d").tolist() == ["01-31", "01-31", "01-30", "01-15"]


def test_day_and_month_are_never_swapped_within_a_column():
    values = [*DAYS.strftime("%m/%d/%Y"), "31/01/2026"]
    schema = Schema.infer({"d": values})
    assert schema.columns[0].date_format == "%m/%d/%Y"
    assert np.isnan(schema.apply({"d": values}).columns["d"][-1])
