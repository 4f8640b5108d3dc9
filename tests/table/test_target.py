import json
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.exceptions import DataConversionWarning

from automl.exceptions import ArtifactError, DataError, UsageError
from automl.table import Target, infer_task

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("y", "task"),
    [
        ([0, 1] * 5, "binary"),
        ([0.5, 1.5] * 5, "binary"),
        ([True, False] * 5, "binary"),
        (["a", "b"] * 5, "binary"),
        (["1", "2", "3"] * 5, "multiclass"),
        (pd.Categorical([1, 2, 3] * 2), "multiclass"),
        ([0, 1, 2] * 50, "multiclass"),
        ([0.0, 1.0, 2.0] * 50, "multiclass"),
        (np.array([0, 1, 2] * 4, dtype=object), "multiclass"),
        (np.arange(2000) % 20, "multiclass"),
        (np.arange(2000) % 21, "regression"),
        (np.arange(380) % 20, "regression"),
        (np.arange(30) % 10, "regression"),
        (np.arange(40) % 10, "multiclass"),
        (RNG.random(30), "regression"),
        (RNG.integers(0, 1000, 300), "regression"),
        ([0.1, 0.2, 0.3] * 50, "regression"),
    ],
)
def test_task_is_found(y, task):
    assert infer_task(y)[0] == task


def test_reasons():
    assert infer_task(np.arange(5000) % 12)[1] == (
        "12 distinct integers in 5,000 rows: each is taken for a class; declare the task "
        "regression if they are amounts"
    )
    assert infer_task(np.arange(50))[1].startswith("50 distinct integers in 50 rows: taken for am")
    assert infer_task([1, 2, 1, 2], "multiclass") == (
        "binary",
        "declared multiclass, but 2 classes make it binary",
    )


@pytest.mark.parametrize(
    ("y", "task", "told"),
    [
        (["a", "b"] * 3, "regression", "'a' in row 0 .* not a number, but the task is regression"),
        (["1.5", "2.5", "NA"] * 3, "regression", "'NA' in row 2 .* not a number"),
        (["1.5", "unknown", "-"] * 3, "regression", "'unknown' in row 1 .* not a number"),
        (["1.5", "1e999"] * 3, "regression", "'1e999' in row 1 .* not a number"),
        ([0, 1, 2] * 3, "binary", "3 classes, but the task was declared binary"),
        ([0.1, 0.2, 0.3] * 3, "classification", "Unknown label type: continuous"),
        ([{"a": 1}] * 3, "auto", "Unknown label type"),
        ([1.0] * 10, "auto", "one class only"),
        ([1.0] * 10, "classification", "one class only"),
        (["a"] * 10, "auto", "one class only"),
        (list("abcdefgh"), "auto", "8 classes in 8 rows"),
        ([*"abcdef", *"aab"], "auto", "6 classes in 9 rows"),
        ([0] * 9 + [1], "auto", "Only one class .* has 2 rows or more"),
        (range(9), "classification", "9 classes in 9 rows"),
        ([1, None, None], "auto", "2 missing values, the first in row 1"),
        (["a", " ", "b"], "auto", "1 missing value, the first in row 1"),
        (pd.array([1, 0, None], dtype="Int64"), "auto", "the first in row 2"),
        ([1.0, np.inf], "regression", "infinity.*row 1"),
        ([1.0, -np.inf], "classification", "infinity"),
        ([1j, 2], "auto", "Complex data not supported"),
        (pd.to_datetime(["2020", "2021"]), "auto", "dates"),
        ([1], "regression", "1 sample"),
        ([], "auto", "0 sample"),
        (np.array([2**63, 1], dtype=np.uint64), "auto", "beyond 64 bits"),
    ],
)
def test_targets_that_can_not_be_learned(y, task, told):
    with pytest.raises(DataError, match=told):
        Target.fit(y, task=task)


def test_some_rare_classes_are_allowed():
    target, codes, _ = Target.fit([0] * 50 + [1] * 49 + [2])
    assert target.classes.tolist() == [0, 1, 2]
    assert codes[-1] == 2


def test_unknown_task():
    with pytest.raises(UsageError, match=r"did you mean 'regression'\?"):
        infer_task([0, 1], "regresion")


@pytest.mark.parametrize("y", [np.ones((3, 2)), np.ones((2, 1, 1)), 5, None])
def test_shapes(y):
    with pytest.raises(ValueError, match="y should be a 1d array|requires y to be passed"):
        Target.fit(y)


@pytest.mark.parametrize("y", [np.array([[0], [1]] * 3), pl.DataFrame({"y": [0, 1] * 3})])
def test_column_vector(y):
    with pytest.warns(DataConversionWarning, match="A column-vector y was passed when a 1d array"):
        assert Target.fit(y)[1].tolist() == [0, 1] * 3


@pytest.mark.parametrize(
    "y",
    [
        ["b", "a"] * 3,
        np.array(["b", "a"] * 3),
        np.array(["b", "a"] * 3, dtype=object),
        pd.Series(["b", "a"] * 3, index=[1] * 6),
        pd.Series(["b", "a"] * 3, dtype="category"),
        pl.Series(["b", "a"] * 3),
        pa.array(["b", "a"] * 3),
        pa.chunked_array([["b", "a"], ["b", "a"] * 2]),
    ],
    ids=lambda y: type(y).__name__,
)
def test_labels_in_any_container(y):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        target, codes, _ = Target.fit(y)
    assert target.classes.tolist() == ["a", "b"]
    assert codes.tolist() == [1, 0] * 3
    assert codes.dtype == np.int64


def test_labels_are_known_in_other_types():
    target, _, _ = Target.fit([0, 1, 2] * 50)
    for y in ([2, 0], [2.0, 0.0], ["2", " 0"], ["2.0", "0"], np.array([2, 0], dtype=np.int8)):
        assert target.encode(y).tolist() == [2, 0]
    truth, _, _ = Target.fit([True, False] * 2)
    for y in ([True, False], ["True", "False"], [1, 0]):
        assert truth.encode(y).tolist() == [1, 0]


def test_texts_that_look_like_one_number_stay_apart():
    target, codes, _ = Target.fit(["1", "1.0"] * 3)
    assert target.decode(codes).tolist() == ["1", "1.0"] * 3
    assert target.encode(["1.0", "1"]).tolist() == [1, 0]
    with pytest.raises(DataError, match="unknown label 1 in row 0"):
        target.encode([1])


def test_unknown_label():
    target, _, _ = Target.fit(["a", "b"] * 3, name="kind")
    with pytest.raises(DataError, match=r"'kind' has the unknown label 'c' in row 1 .*'a', 'b'"):
        target.encode(["a", "c"])


def test_regression():
    target, values, _ = Target.fit(["1.5", "2", "3"], task="regression")
    assert values.tolist() == [1.5, 2.0, 3.0]
    assert target.encode([4] * 2).tolist() == [4.0, 4.0]
    assert target.decode(np.array([0.5])).tolist() == [0.5]
    assert Target.from_dict(json.loads(json.dumps(target.to_dict()))) == target


LABELS = st.one_of(
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=2, max_size=8, unique=True),
    st.lists(st.integers(-1000, 1000).map(float), min_size=2, max_size=8, unique=True),
    st.lists(st.text(min_size=1).filter(str.strip), min_size=2, max_size=8, unique=True),
    st.just([False, True]),
)


@given(LABELS)
def test_labels_come_back_with_their_type(labels):
    y = labels * 3
    target, codes, _ = Target.fit(y, task="classification")
    assert target.decode(codes).tolist() == y
    assert target.classes.tolist() == sorted(labels)
    again = Target.from_dict(json.loads(json.dumps(target.to_dict())))
    assert again == target
    assert hash(again) == hash(target)
    assert again.classes.dtype == target.classes.dtype
    assert {type(label) for label in again.classes.tolist()} == {type(label) for label in labels}
    np.testing.assert_array_equal(again.encode(y), codes)


@pytest.mark.parametrize(
    "state",
    [
        None,
        {},
        {"task": "binary", "name": "y"},
        {"task": "magic", "name": "y", "classes": [0, 1], "label_type": "int"},
        {"task": "binary", "name": "y", "classes": [0, 1], "label_type": "list"},
        {"task": "binary", "name": "y", "classes": [0, "1"], "label_type": "int"},
        {"task": "binary", "name": "y", "classes": [1, 0], "label_type": "int"},
        {"task": "binary", "name": "y", "classes": [1], "label_type": "int"},
        {"task": "multiclass", "name": "y", "classes": "abc", "label_type": "str"},
        {"task": "binary", "name": "y", "classes": [0, True], "label_type": "int"},
        {"task": "regression", "name": "y", "classes": [0, 1], "label_type": "int"},
    ],
)
def test_damaged_states(state):
    with pytest.raises(ArtifactError, match="saved"):
        Target.from_dict(state)


def test_a_gap_among_categories_of_numbers_is_told_with_its_row():
    y = pd.Series([1, 2, None, 2], dtype="Int64").astype("category")
    with pytest.raises(DataError, match="first in row 2"):
        Target.fit(y)


def test_labels_that_a_file_would_change_are_literal():
    assert Target.fit(["true", "false", "unknown", "true", "false", "unknown"])[0].literal
    assert not Target.fit(["yes", "no", "yes", "no"])[0].literal
    assert not Target.fit([1, 0, 1, 0])[0].literal
