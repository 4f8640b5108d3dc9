import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.table import Role, Schema
from automl.table._inference import infer_column
from automl.table._quantities import choose_format, read_quantity
from automl.table._units import factor

N = 40


@pytest.mark.parametrize(
    ("text", "number", "unit"),
    [
        ("1,234", 1234, ""),
        ("1,234,567.5", 1234567.5, ""),
        ("12,34,567", 1234567, ""),
        ("1 234 567", 1234567, ""),
        ("1'234.5", 1234.5, ""),
        ("12%", 12, "%"),
        ("$5.2k", 5200, "usd"),
        ("€1,200.50", 1200.5, "eur"),
        ("1200 €", 1200, "eur"),
        ("-$5", -5, "usd"),
        ("$-5", -5, "usd"),
        ("$3m", 3e6, "usd"),
        ("3 m", 3, "m"),
        ("1.2M", 1.2e6, ""),
        ("3 million", 3e6, ""),
        ("(123)", -123, ""),
        ("($1,000)", -1000, "usd"),
        ("−7", -7, ""),
        ("2 BHK", 2, "bhk"),
        ("5 min", 5, "min"),
        ("34.46Sq. Meter", 34.46, "sqmeter"),
        ("20 m²", 20, "m²"),
        ("1e3 kg", 1000, "kg"),
        ("10+", 10, ""),
        ("10 years+", 10, "years"),
        ("<5", 4.5, ""),
        ("> 20", 20.5, ""),
        ("under 2.5", 2.45, ""),
        ("≥ 7", 7, ""),
        ("5more", 5, ""),
        ("2100 - 2850", 2475, ""),
        ("5-10 min", 7.5, "min"),
        ("$10 to $20", 15, "usd"),
    ],
)
def test_what_is_a_quantity(text, number, unit):
    quantity = read_quantity(text)
    assert quantity.number == pytest.approx(number)
    assert quantity.unit == unit


@pytest.mark.parametrize(
    "text",
    ["", "-", "abc", "A4", "19-Dec", "2020-01-31", "10:30", "10 AM", "192.168.1.1", "1,23", "(5"]
    + ["12 Main St, 5", "850 - 200", "5 kg - 6 lb", "1 2", "٣", "0,123", "5" + " x" * 40],
)
def test_what_is_none(text):
    assert read_quantity(text) is None


def test_decimal_comma():
    assert read_quantity("1.234,5", ",").number == 1234.5
    assert read_quantity("1.234", ",").number == 1234
    assert read_quantity("1,234", ",").number == 1.234


@given(st.floats(-1e15, 1e15, allow_nan=False), st.sampled_from(["", "$", "€"]))
def test_grouped_numbers_come_back(number, money):
    rounded = round(number, 2)
    written = f"{money}{rounded:,.2f}"
    assert read_quantity(written).number == pytest.approx(rounded)
    swapped = written.translate(str.maketrans(",.", ".,"))
    assert read_quantity(swapped, ",").number == pytest.approx(rounded)


@given(st.text(max_size=70), st.sampled_from(".,"))
def test_any_text_is_read_or_not(text, decimal):
    quantity = read_quantity(text, decimal)
    assert quantity is None or isinstance(quantity.number, float)


def test_units_go_back_and_forth():
    assert factor("km", "mi") * factor("mi", "km") == pytest.approx(1)
    assert factor("sqmeter", "sqft") == pytest.approx(10.7639, abs=1e-4)


def column(values, name="c"):
    return infer_column(name, pd.Series(values))


def read(values, *later):
    schema = Schema.infer({"c": values, "n": np.arange(len(values)) * 1.5})
    assert schema.columns[0].role is Role.NUMERIC, schema.columns[0]
    rows = [*values, *later]
    return schema.apply({"c": rows, "n": [0.0] * len(rows)}).columns["c"].tolist()


def test_one_reading_for_the_whole_column():
    assert read(["1.000", "2,5", "3.250,75"]) == [1000, 2.5, 3250.75]
    assert read(["1,000", "2.5", "3,250.75"]) == [1000, 2.5, 3250.75]


def test_what_was_chosen_at_fit_holds_at_predict():
    assert read(["1,5", "2,5", "7"], "1.234")[-1] == 1234
    assert read(["5 kg", "700 g", "2 kg"], "1 lb", 3)[-2:] == pytest.approx([0.45359237, 3])


def test_words_for_not_known():
    assert np.isnan(read(["5 min", "7 min", "9 min", "unknown", "-"])[3:]).all()
    assert column(["5 min", "7 min", "9 min", "unknown"]).reason.endswith("; 1 missing")


@pytest.mark.parametrize(
    "values",
    [
        ["2 BHK", "3 BHK", "4 Bedroom", "1 RK"] * 5,  # the words say something
        ["5 kg", "3 h", "7 kg", "2 h"] * 5,
        ["1-3", "4-8", "9-20"] * 5,  # bins
        ["1001-2002", "1001-2003", "1002-2002", "1003"] * 5,  # codes of two numbers
        ["1d", "2h"] * 5,
        ["2019-20", "2020-21", "2021-22"] * 5,
        ["10 AM", "2 PM", "6 PM"] * 5,
        [*(f"{i} x" for i in range(100)), *["never"] * 4],  # comes back: no slip
    ],
)
def test_what_stays_categories(values):
    assert column(values).role is Role.CATEGORICAL


@pytest.mark.parametrize("values", [["01234", "98101", "02139"] * 8, ["007", "8", "0170123"] * 8])
def test_zeros_in_front_make_codes(values):
    found = column(values)
    assert found.role is Role.CATEGORICAL
    assert set(found.categories) == set(values)


def test_reasons_show_how_numbers_are_written():
    assert (
        column(["$1,200", "$7", "$9"]).reason == "numbers written like '$1,200', from 7 to 1,200"
    )


def test_choice_from_many_distinct_values():
    values = [f"{i:,} km" for i in range(5000)]
    assert choose_format(values, np.ones(5000)) == ". km"
