import datetime as dt
import json
import logging
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from automl.exceptions import ArtifactError, DataError, SchemaError, UsageError
from automl.table import Role, Schema, read_table
from automl.table._values import canonical

FIT = pd.DataFrame(
    {
        "size": ["S", "L", "S", None],
        "price": [1.5, None, 4.0, 2.0],
        "paid": ["yes", "no", "no", "yes"],
        "day": ["2020-01-01", "2020-01-02", "2020-01-03", None],
        "shop": ["A"] * 4,
    }
)
SCHEMA = Schema.infer(FIT)


def same(left, right):
    assert left.columns.keys() == right.columns.keys()
    for name, column in left.columns.items():
        np.testing.assert_array_equal(column, right.columns[name], err_msg=name)
        assert column.dtype == right.columns[name].dtype, name


def row(**cells):
    return pd.DataFrame({name: [cells.get(name)] for name in ("size", "price", "paid", "day")})


def test_columns_are_typed():
    table = SCHEMA.apply(FIT, fitting=True)
    assert {name: column.dtype.name for name, column in table.columns.items()} == {
        "size": "int32",
        "price": "float64",
        "paid": "float64",
        "day": "float64",
    }
    assert table.columns["size"].tolist() == [0, 1, 0, -1]
    assert table.columns["paid"].tolist() == [1, 0, 0, 1]
    assert table.columns["day"][1] - table.columns["day"][0] == 86400
    assert table.n_rows == 4
    assert table.nbytes == 4 * (4 + 8 + 8 + 8)


def test_names_and_features():
    assert SCHEMA.names == ("size", "price", "paid", "day", "shop")
    assert [column.name for column in SCHEMA.features] == ["size", "price", "paid", "day"]


def test_set_aside_columns_may_be_absent():
    same(SCHEMA.apply(FIT.drop(columns="shop")), SCHEMA.apply(FIT))


def test_missing_columns_are_all_named():
    with pytest.raises(SchemaError, match=r"columns 'price' \(did you mean 'Price'\?\), 'day'"):
        SCHEMA.apply(FIT.rename(columns={"price": "Price"}).drop(columns="day"))


def test_extra_columns_are_told_in_one_line(caplog):
    extra = FIT.assign(**{f"e{i}": i for i in range(7)})
    with caplog.at_level(logging.WARNING, logger="automl.table"):
        same(SCHEMA.apply(extra), SCHEMA.apply(FIT))
    assert [record.message for record in caplog.records] == [
        "7 columns not seen at fit and ignored: 'e0', 'e1', 'e2', 'e3', 'e4' and 2 more"
    ]


def test_unseen_categories_are_missing():
    assert SCHEMA.apply(row(size="XL")).columns["size"].tolist() == [-1]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("price", "3.5", 3.5),
        ("price", " ", np.nan),
        ("price", True, 1.0),
        ("paid", 1, 1.0),
        ("paid", "False", 0.0),
        ("paid", "ON", 1.0),
        ("day", dt.date(1970, 1, 2), 86400.0),
        ("day", pd.Timestamp("1970-01-02 01:00", tz="Etc/GMT-1"), 86400.0),
        ("day", pd.Timestamp("1970-01-02").as_unit("ns"), 86400.0),
        ("day", np.datetime64("1970-01-02", "s"), 86400.0),
        ("day", np.nan, np.nan),
    ],
)
def test_what_means_the_same_is_read(name, value, expected):
    np.testing.assert_equal(SCHEMA.apply(row(**{name: value})).columns[name], [expected])


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("price", "cheap", "'price' was numeric .* row 0 .* has 'cheap', which is not a number"),
        ("price", dt.date(2020, 1, 1), "not a number"),
        ("paid", "perhaps", "'paid' was boolean .*'perhaps', which is not true or false"),
        ("paid", 2, "has 2, which is not true or false"),
        ("day", "soon", "'day' was datetime .*'soon', which is not a date"),
        ("day", 5.5, "has 5.5, which is not a date"),
        ("size", ["S"], r"'size' was categorical .*\['S'\], which is not a single value"),
    ],
)
def test_what_means_something_else_is_refused(name, value, told):
    with pytest.raises(SchemaError, match=told):
        SCHEMA.apply(row(**{name: value}))


@pytest.mark.parametrize("n_rows", [10, 1000])
def test_the_row_of_a_wrong_value_is_named(n_rows):
    values = ["1.5"] * n_rows
    values[7] = values[9] = "x"
    frame = pd.concat([row()] * n_rows, ignore_index=True).assign(price=values)
    with pytest.raises(SchemaError, match=r"row 7 \(counting from 0\) has 'x'.*2 values"):
        SCHEMA.apply(frame)


def test_slips_seen_at_fit_pass_at_predict(caplog):
    fit = pd.DataFrame({"area": [*map(str, range(0, 80, 2)), "80 to X"], "b": [1, 2] * 20 + [1]})
    schema = Schema.infer(fit)
    assert np.isnan(schema.apply(fit, fitting=True).columns["area"][-1])
    assert not caplog.records
    assert np.isnan(schema.apply({"area": ["10 - 12"], "b": [1]}).columns["area"][0])
    assert "1 value not readable" in caplog.text


def test_infinity_is_refused_at_predict():
    with pytest.raises(DataError, match="infinity.*'price'"):
        SCHEMA.apply(row(price=-np.inf))


@pytest.mark.parametrize("dtype", [np.float64, np.float32, object])
def test_infinity_may_be_refused_when_the_column_is_read(dtype):
    frame = pd.concat([row(price=1.0)] * 9, ignore_index=True)
    frame["price"] = np.array([1, 2, np.nan, 4, 5, -np.inf, 7, np.inf, 9]).astype(dtype)
    told = r"'price' has -inf in row 5 \(counting from 0\), 2 such rows"
    with pytest.raises(DataError, match=told):
        SCHEMA.apply(frame)
    table = SCHEMA.apply(frame, deferred=True)
    assert table.block("price", slice(0, 5))[4] == 5
    assert table.block("price", slice(0, 5), limit=4.5)[[0, 4]].tolist() == [1, 4.5]
    for rows in (slice(0, 6), slice(6, 9), slice(None)):
        with pytest.raises(DataError, match=told):
            table.block("price", rows)
    with pytest.raises(DataError, match="row 2 "):
        table.take(np.array([0, 1, 7])).columns["price"]


def test_arrays_are_read_by_position():
    X = np.random.default_rng(0).random((5, 3))
    schema = Schema.infer(X)
    same(schema.apply(X), schema.apply(pd.DataFrame(X)))
    same(schema.apply(X), schema.apply(X.tolist()))
    same(schema.apply(X), schema.apply(X.astype(object)))
    for n_columns in (2, 4):
        told = f"X has {n_columns} features, but AutoClassifier is expecting 3 features as input."
        with pytest.raises(SchemaError, match=told):
            schema.apply(np.ones((5, n_columns)), estimator="AutoClassifier")


def test_frames_with_names_are_never_read_by_position():
    schema = Schema.infer(np.random.default_rng(0).random((5, 2)))
    with pytest.raises(SchemaError, match="'x0', 'x1'"):
        schema.apply(pd.DataFrame({"a": [1.0], "b": [2.0]}))


def test_storage_makes_no_difference():
    dense = pd.DataFrame(
        {"a": [0.0, 1.5, np.nan] * 40, "b": [0, 0, 3] * 40, "c": [True, False, True] * 40}
    )
    schema = Schema.infer(dense)
    sparse = pd.DataFrame({name: pd.arrays.SparseArray(dense[name]) for name in dense})
    single = dense.astype({"a": np.float32, "b": np.uint8})
    for other in (sparse, single, dense.convert_dtypes(), dense.astype(object)):
        same(schema.apply(other), schema.apply(dense))
        same(schema.apply(other[:2]), schema.apply(dense[:2]))
        assert [c.role for c in Schema.infer(other).columns] == [c.role for c in schema.columns]


def test_nothing_left():
    with pytest.raises(DataError, match=r"4 sample\(s\).*'a' is constant \(1 in every row\)"):
        Schema.infer({"a": [1, 1, 1, 1], "b": [1, 2, 3, 4]}, drop=["b"])


def test_declared_roles():
    schema = Schema.infer(FIT, types={"price": "categorical", "paid": "drop"}, drop=["day"])
    assert [column.role.value for column in schema.columns] == [
        "categorical",
        "categorical",
        "dropped",
        "dropped",
        "constant",
    ]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"types": {"Price": "numeric"}}, r"no column 'Price' \(did you mean 'price'\?\)"),
        ({"types": {"price": "numerical"}}, r"'numerical' \(did you mean 'numeric'\?\)"),
        ({"types": {"price": "constant"}}, "can be declared numeric, categorical"),
        ({"drop": ["pricey"]}, "no column 'pricey'"),
        ({"types": {"price": "numeric"}, "drop": ["price"]}, "both dropped and declared"),
    ],
)
def test_wrong_declarations(options, told):
    with pytest.raises(UsageError, match=told):
        Schema.infer(FIT, **options)


def test_take():
    table = SCHEMA.apply(FIT)
    assert table.take(np.array([2, 0])).columns["price"].tolist() == [4.0, 1.5]
    assert table.take(np.array([True, False, False, True])).n_rows == 2
    assert table.take(slice(1, 3)).columns["size"].tolist() == [1, 0]


@pytest.mark.parametrize(
    "state",
    [
        None,
        {},
        {"columns": []},
        {"columns": [1]},
        {"columns": [{"name": "a", "role": "numeric"}]},
        {"columns": [{"name": "a", "role": "magic", "reason": ""}]},
        {"columns": [{"name": 1, "role": "numeric", "reason": ""}]},
        {"columns": [{"name": "a", "role": "numeric", "reason": "", "extra": 1}]},
        {"columns": [{"name": "a", "role": "categorical", "reason": "", "categories": [1]}]},
        {
            "columns": [
                {"name": "a", "role": "categorical", "reason": "", "categories": ["b", "b"]}
            ]
        },
        {"columns": [{"name": "a", "role": "numeric", "reason": ""}] * 2},
    ],
)
def test_damaged_states(state):
    with pytest.raises(ArtifactError, match="saved"):
        Schema.from_dict(state)


CELLS = {
    "numbers": st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False, width=32)),
    "integers": st.one_of(st.none(), st.integers(-(2**50), 2**50)),
    "texts": st.one_of(st.none(), st.sampled_from(["a", "b", " b", "1", "1.0", "NA", "", "Ä"])),
    "any text": st.one_of(
        st.none(), st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
    ),
    "truths": st.one_of(st.none(), st.booleans()),
    "spelled": st.sampled_from(["yes", "No", "YES", None]),
    "days": st.one_of(st.none(), st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1))),
    "times": st.one_of(st.none(), st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1))),
    "money": st.sampled_from(["$1,200", "$7", "$5.2k", "-$3", "12", "unknown", None]),
    "units": st.sampled_from(["5 kg", "700 g", "2 kg", "3,000 kg", "1-2 kg", "-", None]),
    "commas": st.sampled_from(["1,5", "2.000,25", "-7", "0,125", "n/a", None]),
    "percents": st.sampled_from(["12%", "7.5 %", "<5%", "100%", "", None]),
    "compact": st.one_of(st.none(), st.sampled_from([20140513, 20150228, 20141231, 20200229])),
    "months": st.sampled_from([y * 100 + m for y in (2018, 2019) for m in range(1, 13)]),
    "time": st.one_of(st.none(), st.integers(10**9, 2 * 10**9)),
    "marks": st.one_of(st.none(), st.just(-999), st.integers(0, 200)),
    "clock": st.sampled_from([f"{h}:{m:02}" for h in range(24) for m in (0, 30)]),
    "mixed days": st.sampled_from(["2026-01-31", "31.01.2026", "Jan 15, 2026", "soon", None]),
    "zeros": st.sampled_from(["01234", "98101", "00501", None]),
    "written": st.one_of(st.none(), st.sampled_from(["1", "2.5", "x", "-3", "1e5", "2020-01-31"])),
}


@st.composite
def columns(draw):
    n_rows = draw(st.sampled_from([2, 5, 30, 70, 130]))
    kinds = draw(st.lists(st.sampled_from(sorted(CELLS)), min_size=1, max_size=4))
    data = {}
    for position, kind in enumerate(kinds):
        pool = draw(st.lists(CELLS[kind], min_size=1, max_size=14))
        picks = draw(st.randoms(use_true_random=False))
        data[f"{kind} {position}"] = [picks.choice(pool) for _ in range(n_rows)]
    return data


def arrow(data):
    """A typed Arrow table; it fixes the type of columns in which every cell is missing."""
    kinds = {"numbers": pa.float64(), "integers": pa.int64(), "truths": pa.bool_()}
    kinds |= {"days": pa.date32(), "times": pa.timestamp("us")}
    kinds |= dict.fromkeys(["compact", "months", "time", "marks"], pa.int64())
    kind_of = {name: kinds.get(name.rsplit(" ", 1)[0], pa.string()) for name in data}
    return pa.table({name: pa.array(cells, kind_of[name]) for name, cells in data.items()})


def infer_or_none(data):
    try:
        return Schema.infer(data)
    except DataError as error:
        if "No column is left" in str(error):
            return None
        raise


@settings(max_examples=60, deadline=None)
@given(columns())
def test_any_table_keeps_its_meaning(data):
    table = arrow(data)
    schema = infer_or_none(table)
    if schema is None:
        return
    typed = schema.apply(table, fitting=True)
    assert Schema.from_dict(json.loads(json.dumps(schema.to_dict()))) == schema
    as_pandas, as_polars = table.to_pandas(), pl.from_arrow(table)
    for other in (table, as_pandas, as_polars, as_polars.lazy()):
        assert [c.role for c in Schema.infer(other).columns] == [c.role for c in schema.columns]
        same(schema.apply(other), typed)
    same(schema.apply(as_pandas[as_pandas.columns[::-1]]), typed)
    same(schema.apply(as_pandas.astype(object)), typed)
    same(schema.apply(as_pandas.iloc[1:2]), typed.take(slice(1, 2)))


@settings(max_examples=25, deadline=None)
@example(data={"numbers 0": [1.0, 2.0] * 15, "written 1": [None] * 29 + ["1e5"]})
@given(data=columns())
def test_a_table_comes_back_from_csv(data, tmp_path_factory):
    frame = arrow(data).to_pandas(date_as_object=False)
    schema = infer_or_none(frame)
    # Line ends and quotes are the writer's affair, decimal commas the reader's, not the schema's.
    plain = all(
        str(cell).isprintable() and not set(str(cell)) & set("'\",")
        for cells in data.values()
        for cell in cells
    )
    if schema is None or not plain:
        return
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    frame.to_csv(path, index=False)
    same(schema.apply(read_table(path)), schema.apply(frame))


@settings(max_examples=60, deadline=None)
@given(data=columns(), other=columns(), pick=st.integers(0, 3), n_rows=st.integers(1, 40))
def test_other_values_at_predict_are_read_or_refused(data, other, pick, n_rows):
    schema = infer_or_none(arrow(data))
    if schema is None:
        return
    fitted = schema.apply(arrow(data), fitting=True)
    name = list(data)[pick % len(data)]
    n_rows = min(n_rows, len(data[name]))
    cells = list(other.values())[0]
    changed = {n: cells[:n_rows] for n, cells in data.items()}
    changed[name] = [cells[i % len(cells)] for i in range(n_rows)]
    try:
        table = schema.apply(changed)
    except (SchemaError, DataError) as error:
        refusal = str(error)
    else:
        refusal = ""
    if refusal:
        assert repr(name) in refusal
        return
    for column in schema.features:
        found = table.columns[column.name]
        if column.name != name:
            np.testing.assert_array_equal(found, fitted.columns[column.name][:n_rows])
        elif column.role is Role.CATEGORICAL:
            assert ((found >= -1) & (found < len(column.categories))).all()
        else:
            assert not np.isinf(found).any()


@settings(max_examples=40, deadline=None)
@given(seen=st.lists(st.text("abc", min_size=1), min_size=2), new=st.text("xyz", min_size=1))
def test_any_unseen_category(seen, new):
    schema = Schema.infer(
        {"c": seen, "n": range(len(seen))}, types={"c": "categorical", "n": "numeric"}
    )
    codes = schema.apply({"c": [new, *seen], "n": [0] * (len(seen) + 1)}).columns["c"]
    assert codes[0] == -1
    assert [schema.columns[0].categories[code] for code in codes[1:]] == seen


@pytest.mark.parametrize(
    ("before", "cells", "codes"),
    [
        (["true", "false", "unknown"], "true,false", [0, 1]),
        (["3.1", "3.10", "3.9", "3.11rc1"], "3.10,3.9", [1, 2]),
        (["1", "2", "x"], "1.0,2", [0, 1]),
        (["0.5", "0.25"], "0.50,0.25", [0, 1]),
    ],
)
def test_categories_of_a_file_are_those_of_the_fit(tmp_path, before, cells, codes):
    rows = [value for i, value in enumerate(before) for _ in range(9 - i)]
    schema = Schema.infer({"a": rows}, types={"a": "categorical"})
    assert list(schema.columns[0].categories) == before
    path = tmp_path / "new.csv"
    path.write_text("\n".join(["a", *cells.split(",")]) + "\n")
    frame = read_table(path, texts=schema.literal)
    assert schema.apply(frame).columns["a"].tolist() == codes


def test_decimals_are_categories_as_numbers_are():
    values = [Decimal("1.00"), Decimal("2.50"), b"3.0"] * 4
    schema = Schema.infer({"a": values}, types={"a": "categorical"})
    assert schema.apply({"a": values}).columns["a"].min() >= 0
    assert schema.apply({"a": [1, 3.0, "2.50"]}).columns["a"].min() >= 0


@given(st.one_of(st.text(), st.integers(), st.floats(), st.decimals(), st.binary(), st.booleans()))
def test_a_canonical_text_is_canonical(value):
    assert canonical(canonical(value)) == canonical(value)


def test_a_later_table_is_read_as_an_earlier_one():
    days = pd.date_range("2026-03-01", "2026-04-30").strftime("%d/%m/%Y").tolist()
    amounts = ["1.234,5", "2.000,25"] * len(days)
    before = {"day": days, "amount": amounts[: len(days)], "limit": [5.0, -999.0] * 30 + [7.0]}
    schema = Schema.infer(before, types={"day": "datetime", "amount": "numeric"})
    formats = [c.date_format for c in schema.columns]
    few = {"day": ["03/05/2026", "04/05/2026"], "amount": ["1.234", "2.500"], "limit": [1.0, 2.0]}
    types = {"day": "datetime", "amount": "numeric", "limit": "numeric"}
    alone, later = Schema.infer(few, types=types), Schema.infer(few, types=types, like=schema)
    assert alone.columns[0].date_format != formats[0] == later.columns[0].date_format
    assert later.apply(few).columns["amount"].tolist() == [1234.0, 2500.0]
    other = few | {"day": ["05/24/2026", "05/25/2026"]}
    assert Schema.infer(other, types=types, like=schema).columns[0].date_format == "%m/%d/%Y"
