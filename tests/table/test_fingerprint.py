import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.table import fingerprint

FRAME = pd.DataFrame(
    {
        "number": [1.5, None, 3.0, 1.5],
        "count": [1, 2, 3, 4],
        "yes": [True, False, True, True],
        "text": ["a", None, "ab", ""],
        "when": pd.to_datetime(["2026-01-03", None, "2026-01-01", "2026-01-02"]),
        "there": pd.to_datetime(["2026-01-03"] * 4, utc=True),
        "kind": pd.Categorical(["x", None, "y", "x"]),
        "whole": pd.array([1, None, 3, 4], dtype="Int64"),
        "maybe": pd.array([True, None, False, True], dtype="boolean"),
        "mixed": [1, "1", None, 2.5],
    }
)
CHANGES = {
    "number": 2.5,
    "count": 9,
    "yes": False,
    "text": "b",
    "when": pd.Timestamp("2026-01-09"),
    "there": pd.Timestamp("2026-01-09", tz="UTC"),
    "kind": "y",
    "whole": 0,
    "maybe": False,
    "mixed": "2.5",
}


def digest(frame):
    return fingerprint(frame)["sha256"]


def test_it_is_the_same_for_the_same_table_however_it_lies_in_memory():
    copies = [
        FRAME.copy(),
        pd.concat([FRAME[:1], FRAME[1:3], FRAME[3:]]),
        pd.concat([FRAME, FRAME])[4:],
        FRAME.set_index("count", drop=False),
        FRAME.iloc[::-1].copy().iloc[::-1],
    ]
    assert {digest(copy) for copy in copies} == {digest(FRAME)}


@pytest.mark.parametrize("column", CHANGES)
def test_a_changed_value_changes_it(column):
    changed = FRAME.copy()
    changed.loc[3 if column in ("mixed", "text") else 0, column] = CHANGES[column]
    assert changed[column].dtype == FRAME[column].dtype
    assert digest(changed) != digest(FRAME)


@pytest.mark.parametrize("column", [c for c in CHANGES if FRAME[c].isna().any()])
def test_a_missing_value_is_no_other_value(column):
    changed = FRAME.copy()
    changed[column] = FRAME[column].fillna(FRAME[column].iloc[0])
    assert digest(changed[[column]]) != digest(FRAME[[column]])


@pytest.mark.parametrize(
    "change",
    [
        lambda f: f.rename(columns={"text": "words"}),
        lambda f: f[["text", *f.columns.drop("text")]],
        lambda f: f.iloc[[1, 0, 2, 3]],
        lambda f: f[:3],
        lambda f: f.drop(columns="kind"),
        lambda f: f.astype({"count": "float64"}),
        lambda f: f.assign(text=["", "a", None, "ab"]),
    ],
)
def test_names_types_order_and_length_count(change):
    assert digest(change(FRAME)) != digest(FRAME)


def test_the_ends_of_texts_count():
    assert digest(pd.DataFrame({"a": ["ab", "c"]})) != digest(pd.DataFrame({"a": ["a", "bc"]}))


def test_any_not_a_number_is_the_same():
    other = np.array([0x7FF8000000000001, 0xFFF8000000000000], dtype=np.uint64).view(np.float64)
    assert digest(pd.DataFrame({"a": other})) == digest(pd.DataFrame({"a": [np.nan, np.nan]}))


def test_other_kinds_of_tables_are_taken():
    plain = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    assert digest(pa.table(plain)) == digest(pl.from_pandas(plain)) == digest(plain)
    assert fingerprint(np.zeros((3, 2)))["n_rows"] == 3


def test_the_range_of_the_time_is_noted():
    assert fingerprint(FRAME, time="when")["time"] == {
        "column": "when",
        "first": "2026-01-01 00:00:00",
        "last": "2026-01-03 00:00:00",
    }
    none = FRAME.assign(when=pd.NaT)
    assert fingerprint(none, time="when")["time"] == {
        "column": "when",
        "first": None,
        "last": None,
    }
    assert "time" not in fingerprint(FRAME)
    assert fingerprint(FRAME)["columns"]["whole"] == "Int64"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(max_size=3)), min_size=1, max_size=8), st.data())
def test_pieces_of_texts_do_not_matter_and_values_do(texts, data):
    cut = data.draw(st.integers(0, len(texts)))
    whole = pd.DataFrame({"a": pd.array(texts, dtype="str")})
    assert digest(pd.concat([whole[:cut], whole[cut:]])) == digest(whole)
    others = data.draw(st.lists(st.one_of(st.none(), st.text(max_size=3)), min_size=1, max_size=8))
    other = pd.DataFrame({"a": pd.array(others, dtype="str")})
    assert (digest(other) == digest(whole)) == (others == texts)


@pytest.mark.parametrize(
    "times",
    [
        pd.Series(["2026-01-02", "2026-01-01"], dtype="category"),
        pd.Series([pd.Timestamp("2026-01-01"), "2026-01-02"], dtype=object),
    ],
)
def test_times_without_an_order_have_a_range(times):
    found = fingerprint(pd.DataFrame({"day": times}), time="day")["time"]
    assert found["first"].startswith("2026-01-01")
    assert found["last"].startswith("2026-01-02")
