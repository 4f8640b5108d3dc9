import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from automl.exceptions import DataError
from automl.table import Role
from automl.table._inference import infer_column

N = 40
RNG = np.random.default_rng(0)


def infer(values, name="c", **options):
    return infer_column(name, pd.Series(values, **options))


@pytest.mark.parametrize(
    ("values", "role"),
    [
        ([1.5, 2.5, None], "numeric"),
        ([0, 1, 0, 1], "numeric"),
        ([3.0, 3.0, None], "numeric"),
        (["1", " 2.5", "", "1e3"], "numeric"),
        ([Decimal("1.5"), Decimal("2")], "numeric"),
        (pd.to_timedelta([1, 2], unit="s"), "numeric"),
        (pd.array([1, None, 3], dtype="Int64"), "numeric"),
        (pd.arrays.SparseArray([0, 0, 2]), "numeric"),
        (pd.arrays.SparseArray([0.0, np.nan, 1.5]), "numeric"),
        (pd.arrays.SparseArray([True, False]), "boolean"),
        ([True, False], "boolean"),
        ([True, None, False], "boolean"),
        ([True, None, None], "boolean"),
        (["yes", "No", None], "boolean"),
        (pd.array([True, None, False], dtype="boolean"), "boolean"),
        (["ja", "Nein", "unknown"], "categorical"),
        (["ja", "Nein"], "boolean"),
        (["oui", "non"], "boolean"),
        (["SI", "no"], "boolean"),
        (["j", "N"], "boolean"),
        (["vrai", "faux"], "boolean"),
        (["1", "0"], "numeric"),
        (["yes", "false"], "categorical"),
        (["yes", None], "categorical"),
        (["a", "b", "a"], "categorical"),
        ([1, "a", "a", 2.5], "categorical"),
        (pd.Categorical([1, 2, 3]), "categorical"),
        (["2020-01-01", "2020-02-01", None], "datetime"),
        ([dt.date(2020, 1, 1), dt.date(2020, 1, 2)], "datetime"),
        (pd.date_range("2020", periods=3, tz="Europe/Berlin"), "datetime"),
        (pd.period_range("2020", periods=3, freq="M"), "datetime"),
        ([None, None], "constant"),
        ([np.nan, np.nan], "constant"),
        (["", "NA"], "constant"),
        ([7, 7, 7], "constant"),
        ([True, True], "constant"),
        (["x", " x"], "constant"),
        (pd.Categorical([2, 2]), "constant"),
        ([pd.Timestamp("2020")] * 2, "constant"),
    ],
)
def test_roles(values, role):
    assert infer(values).role == role


def test_integers_that_are_keys():
    steps = np.arange(N) + 17
    shuffled = RNG.permutation(N) * 3
    assert infer(steps).role is Role.IDENTIFIER
    assert infer(steps.astype(str)).role is Role.IDENTIFIER
    assert infer(shuffled, "amount").role is Role.NUMERIC
    assert infer(steps.astype(float), "id").role is Role.NUMERIC
    assert infer(steps[:19], "id").role is Role.NUMERIC
    assert infer(np.append(shuffled, shuffled[0]), "id").role is Role.NUMERIC


@pytest.mark.parametrize(
    "name", ["id", "ID", "customer_id", "customerId", "rowID", "Unnamed: 0", "order-id"]
)
def test_names_of_keys(name):
    assert infer(RNG.permutation(N) * 3, name).role is Role.IDENTIFIER


@pytest.mark.parametrize(
    "name", ["paid", "humid", "identity", "index_of_prices", "PAID", "nikkei_index"]
)
def test_names_of_amounts(name):
    assert infer(RNG.permutation(N) * 3, name).role is Role.NUMERIC


@pytest.mark.parametrize("name", ["zip", "ZipCode", "MGR_ID", "admission_type_id", "hostId"])
@pytest.mark.parametrize("dtype", [int, float, str])
def test_names_of_codes(name, dtype):
    values = pd.Series([98101, 98102, 10115, 75001] * 10).astype(dtype)
    column = infer(values, name)
    assert column.role is Role.CATEGORICAL
    assert column.categories == ("10115", "75001", "98101", "98102")
    assert column.reason == "4 distinct integers under the name of a code"


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ([98101, 98102, 10115, 75001] * 10, "amount"),
        ([98101, 98102, 10115, 75001] * 4, "zip"),  # too few of each to be learnt
        ([*range(7, 1207, 2)] * 5, "zip"),  # too many
        ([0, 1] * 20, "has_code"),
        ([1.5, 2.5, 3.5, 4.5] * 10, "code"),
    ],
)
def test_what_is_no_code(values, name):
    assert infer(values, name).role is Role.NUMERIC


def test_texts_that_are_keys():
    keys = [f"{i:04}-X" for i in range(N)]
    assert infer(keys).role is Role.IDENTIFIER
    assert infer(keys[:19]).role is Role.CATEGORICAL
    assert infer([*keys, None]).role is Role.CATEGORICAL
    assert infer([*keys, keys[0]]).role is Role.CATEGORICAL
    assert infer([f"the quick brown fox number {i}" for i in range(N)]).role is Role.TEXT


FIRST = ["Ann", "Boris", "Chandra", "Dolores", "Emmanuel", "Fay", "Guillermo", "Hu"]
LAST = ["Nakamura", "O'Neill", "Papadopoulos", "Quist", "Ramanujan", "Steinberg", "Tcherkassky"]


@pytest.mark.parametrize(
    ("values", "role"),
    [
        ([f"{first} {last}" for first in FIRST for last in LAST], Role.TEXT),
        ([f"https://{a}.org/{b}".casefold() for a in FIRST for b in LAST], Role.TEXT),
        ([f"transaction-{i}" for i in range(990, 1060)], Role.IDENTIFIER),
        ([f"{7**i % 16**20:020x}" for i in range(200, 260)], Role.IDENTIFIER),
        ([f"{a[:2]}{b[:3]}" for a in FIRST for b in LAST], Role.IDENTIFIER),
    ],
)
def test_names_are_read_and_keys_are_not(values, role):
    assert len(set(values)) == len(values)
    assert infer(values).role is role


@pytest.mark.parametrize("name", ["year", "day_no", "Week", "calendar month", "startYear"])
def test_time_that_goes_up_by_one_is_an_amount(name):
    assert infer(np.arange(1950, 2020), name).role is Role.NUMERIC


def test_dates_that_go_up_by_one_are_dates():
    assert infer(1_400_000_000 + np.arange(50), "time").role is Role.DATETIME
    assert infer(20140501 + np.arange(31), "date").role is Role.DATETIME


def test_categories_by_frequency_then_text():
    column = infer(["b", "c", "a ", "c", None, "a", "d"])
    assert column.categories == ("a", "c", "b", "d")
    assert column.reason == "4 distinct strings; 1 missing"


def test_unobserved_categories_are_left_out():
    assert infer(pd.Categorical(["a", "b"], categories=["z", "b", "a"])).categories == ("a", "b")


def test_slips_in_numbers_are_missing():
    column = infer([*map(str, RNG.random(100)), "broken", "2.5.1"])
    assert column.role is Role.NUMERIC
    assert column.tolerant
    assert column.reason.endswith("2 unreadable and taken as missing")


def test_too_many_slips_make_categories():
    assert infer([*map(str, RNG.random(45)), *"abcde"] * 2).role is Role.CATEGORICAL


def test_codes_are_not_numbers_with_slips():
    codes = [f"{i}.{i % 7}" for i in range(100, 500)] * 4 + [f"V{i}" for i in range(12)] * 5
    assert infer(codes).role is Role.CATEGORICAL


def test_day_and_month_in_their_order():
    assert infer(["03-04-2020", "14-04-2020", "01-02-2020"]).date_format == "%d-%m-%Y"
    assert infer(["03/04/2020", "04/14/2020", "01/02/2020"]).date_format == "%m/%d/%Y"


def test_the_habit_decides_where_both_orders_are_possible():
    assert infer(["03-04-2020", "01-02-2020"]).date_format == "%d-%m-%Y"
    assert infer(["03.04.2020", "01.02.2020"]).date_format == "%d.%m.%Y"
    assert infer(["03/04/2020", "01/02/2020"]).date_format == "%m/%d/%Y"


def test_the_one_row_that_shows_the_order_counts():
    written = ["03/04/2020"] * 300 + ["05/06/2020"] * 300 + ["31/01/2020"] * 40
    assert infer(written).date_format == "%d/%m/%Y"


def test_nested_cells_are_set_aside(caplog):
    column = infer(["a", "b", *[["c"]] * 3])
    assert (column.role, column.reason) == (Role.NESTED, "a list in row 2 (counting from 0)")
    assert "Column 'c' is left out: it holds a list in row 2" in caplog.text


def test_nested_cells_are_no_categories():
    with pytest.raises(DataError, match=r"'c' holds a list in row 2 \(counting from 0\): \['c'\]"):
        forced(["a", "b", *[["c"]] * 3], "categorical")


def test_nested_cells_are_no_texts():
    with pytest.raises(DataError, match=r"'c' holds a list in row 1"):
        forced(["a", ["b"]], "text")


def test_a_nested_cell_among_numbers_is_a_slip():
    values = [*RNG.random(56), {"foo": "bar"}]
    column = infer(values, dtype=object)
    assert column.role is Role.NUMERIC
    assert column.tolerant


def test_infinity():
    with pytest.raises(DataError, match=r"infinity.*'c' has inf in row 1 \(counting from 0\)"):
        infer([1.0, np.inf])


@pytest.mark.parametrize(
    "values",
    [
        ["1E4", "8E5", "312", "77"] * 9,
        ["5E999", "312", "77", "40"] * 9,
        ["101_001", "101_002", "102_001"] * 9,
        ["10.10.100.101", "10.10.100.102", "10.10.100.103"] * 9,
        ["192.168.100.101", "192.168.100.102", "192.168.101.103"] * 9,
        ["12.34.567", "12.35.568", "13.34.567"] * 9,
        ["1001-2002", "1001-2003", "1002-2002"] * 9,
    ],
)
def test_codes_that_look_like_numbers(values):
    assert infer(values).role is Role.CATEGORICAL


def test_an_exponent_among_decimals_is_one():
    assert infer(["0.5", "1E4", "8E5", "77"] * 9).role is Role.NUMERIC
    assert infer(["1e+04", "1E4", "8E5", "77"] * 9).role is Role.NUMERIC
    assert infer([*["0.5", "77", "12"] * 30, "1e999"]).tolerant


def test_complex():
    with pytest.raises(DataError, match="Complex data not supported"):
        infer([1j, 2])


def forced(values, role):
    return infer_column("c", pd.Series(values), Role(role))


def test_declared_roles():
    assert forced([1, 2, 1], "categorical").categories == ("1", "2")
    assert forced([20200131, 20200201], "datetime").role is Role.DATETIME
    assert forced([0, 1], "boolean").role is Role.BOOLEAN
    assert forced([7, 7], "numeric").role is Role.NUMERIC
    assert forced([None, None], "numeric").role is Role.NUMERIC
    assert forced(["1", "b", "c"], "numeric").tolerant
    assert forced([1.5, 2.5], "identifier").role is Role.IDENTIFIER


@pytest.mark.parametrize("role", ["numeric", "boolean", "datetime"])
def test_declared_roles_that_read_nothing(role):
    with pytest.raises(DataError, match=f"declared '{role}', but none.*the first is 'x'"):
        forced(["x", "z"], role)
