from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse

from automl.table import Schema, to_frame


@pytest.mark.parametrize(
    "data",
    [
        pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}, index=[7, 7]),
        pl.DataFrame({"a": [1, 2], "b": ["x", "y"]}),
        pl.LazyFrame({"a": [1, 2], "b": ["x", "y"]}),
        pa.table({"a": [1, 2], "b": ["x", "y"]}),
        {"a": [1, 2], "b": np.array(["x", "y"])},
        [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}],
        np.array([(1, "x"), (2, "y")], dtype=[("a", int), ("b", object)]),
    ],
    ids=lambda data: type(data).__name__,
)
def test_named_tables(data):
    frame = to_frame(data)
    assert frame.columns.tolist() == ["a", "b"]
    assert frame.a.tolist() == [1, 2]
    assert frame.b.tolist() == ["x", "y"]


class Arraylike:
    def __array__(self, dtype=None, copy=None):
        return np.array([[1.0, 2.0], [3.0, 4.0]])


@pytest.mark.parametrize(
    "data",
    [
        np.array([[1, 2], [3, 4]]),
        [[1, 2], [3, 4]],
        ((1, 2), (3, 4)),
        [np.array([1, 2]), np.array([3, 4])],
        np.array([[1, 2], [3, 4]], dtype=object),
        Arraylike(),
    ],
    ids=lambda data: type(data).__name__,
)
def test_positions_become_names(data):
    frame = to_frame(data)
    assert frame.columns.tolist() == ["x0", "x1"]
    assert frame.x1.tolist() == [2, 4]


def test_series():
    assert to_frame(pd.Series([1, 2], name="a")).columns.tolist() == ["a"]
    assert to_frame(pd.Series([1, 2])).columns.tolist() == ["x0"]
    assert to_frame(pl.Series("a", [1, 2])).columns.tolist() == ["a"]


def test_rows_keep_their_types():
    assert to_frame([[1, "a"], [2, "b"]]).x0.tolist() == [1, 2]


def test_nothing_is_copied():
    frame = pd.DataFrame({"a": [1.0, 2.0]})
    assert to_frame(frame) is frame
    array = np.ones((4, 3))
    assert np.shares_memory(to_frame(array)["x1"].to_numpy(), array)
    labelled = pd.DataFrame(array, columns=[1, 2, 3], copy=False)
    assert np.shares_memory(to_frame(labelled)["1"].to_numpy(), array)
    assert labelled.columns.tolist() == [1, 2, 3]


def test_arrow_dates_are_dates():
    table = pa.table({"d": pa.array([0, None], pa.date32())})
    assert to_frame(table)["d"].dtype.kind == "M"


@pytest.mark.parametrize("columns", [["a", "a"], [1, "1"]])
def test_twin_names(columns):
    with pytest.raises(ValueError, match=f"several columns are called {str(columns[0])!r}"):
        to_frame(pd.DataFrame([[1, 2]], columns=columns))


def test_twin_names_in_arrow():
    with pytest.raises(ValueError, match="several columns are called 'a'"):
        to_frame(pa.table([[1], [2]], names=["a", "a"]))


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (np.arange(3), "Expected 2D array, got 1D array instead:\n.*\n*Reshape your data either"),
        ([1, 2, 3], "Expected 2D array, got 1D array instead"),
        ([], "Expected 2D array, got 1D array instead"),
        (5, "Expected 2D array, got scalar array instead"),
        (np.ones((2, 2, 2)), "dim 3"),
        ([[[1]], [[2]]], "dim 3"),
        (np.ones((2, 2)) * 1j, "Complex data not supported"),
        (np.ones((0, 3)), r"0 sample\(s\) \(shape=\(0, 3\)\) while a minimum of 1 is required"),
        (np.ones((3, 0)), r"0 feature\(s\) \(shape=\(3, 0\)\) while a minimum of 1 is required"),
        (pd.DataFrame(), "0 sample"),
        ([[1, 2], [3]], "different lengths"),
        ({"a": 1}, "not a table"),
        ({"a": [1], "b": [1, 2]}, "not a table"),
        ("a.csv", "A str is not a table"),
        (None, "A NoneType is not a table"),
        (pl.DataFrame({"a": [object()]}, strict=False), "'a' hold Python objects"),
    ],
)
def test_what_is_no_table(data, told):
    with pytest.raises(ValueError, match=told):
        to_frame(data)


@pytest.mark.parametrize("kind", [sparse.csr_array, sparse.coo_matrix, sparse.csc_matrix])
def test_sparse(kind):
    dense = np.array([[0, 1.5, 0], [2, 0, 0]], dtype=np.float32)
    frame = to_frame(kind(dense))
    assert frame.columns.tolist() == ["x0", "x1", "x2"]
    assert frame.to_numpy().tolist() == dense.tolist()
    schema = Schema.infer(kind(dense))
    renamed = Schema(tuple(replace(c, name=f"c{c.name}") for c in schema.columns))
    assert renamed.apply(kind(dense)).columns["cx1"].tolist() == [1.5, 0]


def test_sparse_too_large_to_be_dense():
    with pytest.raises(ValueError, match=r"10,000,000 rows.*MiB when it is made dense.*Truncated"):
        to_frame(sparse.csr_array((10_000_000, 1_000_000)))
