"""Texts as arrays, and which columns have some."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.table import Role, Schema, Texts

TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
WORDS = [f"the {n} {noun} was late again" for n in range(40) for noun in ("train", "bus")]


@given(st.lists(st.none() | TEXT, max_size=20))
def test_texts_are_kept_as_they_are(values):
    texts = Texts.of(values)
    strings = texts.strings()
    assert len(set(strings)) == len(texts) == len({v for v in values if v is not None})
    assert [None if p < 0 else strings[p] for p in texts.places] == values
    again = Texts.from_arrays(texts.to_arrays())
    assert again.strings() == strings
    assert texts.strings([len(strings) - 1] if strings else []) == strings[-1:]


def test_rows_are_taken_without_a_copy_of_the_texts():
    texts = Texts.of(["a", "b", None, "a"])
    some = texts.take(np.array([3, 2]))
    assert some.places.tolist() == [0, -1]
    assert some.buffer is texts.buffer


def roles(**columns):
    return {c.name: (c.role.value, c.spelled) for c in Schema.infer(pd.DataFrame(columns)).columns}


def test_free_texts_and_categories_that_are_too_many():
    n = len(WORDS)
    found = roles(
        said=WORDS,
        street=[f"road-{i % 60}" for i in range(n)],
        few=["a", "b"] * (n // 2),
        same_words=[f"out of order {i % 5}" for i in range(n)],
        key=[f"k{i}" for i in range(n)],
    )
    assert found == {
        "said": ("text", False),
        "street": ("categorical", True),
        "few": ("categorical", False),
        "same_words": ("categorical", False),
        "key": ("identifier", False),
    }


def test_many_rows_of_each_category_are_enough():
    names = [f"road-{i % 60}" for i in range(60 * 31)]
    assert roles(street=names) == {"street": ("categorical", False)}


def test_declared_roles_win():
    frame = pd.DataFrame({"said": WORDS, "street": [f"road-{i % 60}" for i in range(len(WORDS))]})
    plain = Schema.infer(frame, types=dict.fromkeys(frame, "categorical"))
    assert not plain.readable
    assert not plain.apply(frame).texts
    assert Schema.infer(frame, types={"street": "text"}).columns[1].role is Role.TEXT


def test_the_schema_is_saved_and_new_texts_are_read():
    frame = pd.DataFrame({"said": WORDS, "street": [f"road-{i % 60}" for i in range(len(WORDS))]})
    schema = Schema.infer(frame)
    assert Schema.from_dict(schema.to_dict()) == schema
    assert schema.readable == ("said", "street")
    new = pd.DataFrame({"street": ["New Road", None, "road-1 "], "said": [" never met", "", "NA"]})
    table = schema.apply(new)
    assert table.columns["said"].tolist() == [0, -1, -1]
    assert table.texts["said"].strings() == ["never met"]
    assert table.columns["street"][:2].tolist() == [-1, -1]
    assert table.columns["street"][2] >= 0
    assert table.texts["street"].strings() == ["New Road", "road-1"]
    assert table.take(slice(2, 3)).texts["street"].places.tolist() == [1]


@pytest.mark.parametrize("dtype", ["object", "category", "str"])
def test_one_row_and_any_dtype_give_the_same(dtype):
    schema = Schema.infer(pd.DataFrame({"said": WORDS}))
    asked = pd.DataFrame({"said": pd.Series([WORDS[3]] * 2, dtype=dtype)})
    texts = schema.apply(asked).texts["said"]
    assert [texts.strings()[p] for p in texts.places] == [WORDS[3]] * 2


def test_lists_among_texts_are_refused():
    schema = Schema.infer(pd.DataFrame({"said": WORDS}))
    with pytest.raises(Exception, match="row 1"):
        schema.apply(pd.DataFrame({"said": ["a", ["b"]]}))
