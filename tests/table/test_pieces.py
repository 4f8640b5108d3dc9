"""A file read piece by piece is the same table."""

import io
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automl.compute import granted_cores
from automl.exceptions import DataError
from automl.table import _pieces, read_table
from automl.table._frames import granted_threads
from automl.table._pieces import refuse_mixed, stacked

CELLS = {
    "integers": st.integers(-5, 5).map(str) | st.just(""),
    "large": st.integers(-(2**64), 2**65).map(str),
    "unsigned": st.integers(2**63, 2**64 - 1).map(str),
    "numbers": st.sampled_from(["1", "2.5", "-3", "1e5", "", "NA"]),
    "truths": st.sampled_from(["True", "False", "", "1"]),
    "only truths": st.sampled_from(["True", "False", ""]),
    "texts": st.sampled_from(["a", " b", "1", "1.0", "007", "?", "", '"x, y"', "True"]),
    "nothing": st.just(""),
}


@pytest.fixture(params=[2, 3, 1000])
def small_pieces(request, monkeypatch):
    monkeypatch.setattr(_pieces, "CELLS", 0)
    monkeypatch.setattr(_pieces, "LEAST_ROWS", request.param)
    monkeypatch.setattr(_pieces, "BYTES", request.param)


@st.composite
def csv_texts(draw):
    kinds = draw(st.lists(st.sampled_from(sorted(CELLS)), min_size=1, max_size=4))
    n_rows = draw(st.integers(1, 9))
    rows = [["k", *(f"c{i}" for i in range(len(kinds)))]]
    rows += [["0", *(draw(CELLS[kind]) for kind in kinds)] for _ in range(n_rows)]
    return "".join(",".join(row) + "\n" for row in rows)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(csv_texts(), st.sampled_from([{}, {"na_values": ["?"]}, {"usecols": ["c0"]}]))
def test_csv_is_read_as_in_one_piece(small_pieces, text, options):
    content = text.encode()
    whole = pd.read_csv(io.BytesIO(content), low_memory=False, **options)

    def pieces(size, texts):
        dtype = dict.fromkeys(texts, "str")
        with pd.read_csv(
            io.BytesIO(content), low_memory=False, dtype=dtype, chunksize=size or 10**6, **options
        ) as reader:
            yield from reader

    read = _pieces.read_csv(pieces, list(whole.columns), n_columns=3)
    pd.testing.assert_frame_equal(read, whole)


@pytest.mark.usefixtures("small_pieces")
def test_csv_with_a_column_without_a_name(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(",b\n1,2\n2,3\nx,4\ny,5\n")
    frame = read_table(path)
    assert frame.columns.tolist() == ["Unnamed: 0", "b"]
    assert frame["Unnamed: 0"].tolist() == ["1", "2", "x", "y"]
    assert frame["b"].tolist() == [2, 3, 4, 5]


@pytest.mark.usefixtures("small_pieces")
def test_parquet_is_read_as_in_one_piece(tmp_path):
    path, n = tmp_path / "t.parquet", 50
    frame = pd.DataFrame(
        {
            "a": np.arange(n),
            "a.b": np.linspace(0, 1, n),
            "text": ["x", None] * (n // 2),
            "kind": pd.Categorical(["u", "v"] * (n // 2), categories=["v", "u", "w"]),
            "day": pd.date_range("2020-01-01", periods=n),
            "zone": pd.date_range("2020-01-01", periods=n, tz="Europe/Berlin"),
            "nullable": pd.array([1, None] * (n // 2), dtype="Int64"),
            "truth": [True, False] * (n // 2),
        }
    )
    frame.to_parquet(path, row_group_size=20)
    pd.testing.assert_frame_equal(read_table(path), frame)
    pd.testing.assert_frame_equal(
        read_table(path, columns=["text", "a", "a.b"]), frame[["text", "a", "a.b"]]
    )


@pytest.mark.usefixtures("small_pieces")
def test_the_index_of_a_parquet_file_is_a_column_if_it_has_a_name(tmp_path):
    frame = pd.DataFrame({"a": [1, 2, 3], "b": [4, 5, 6]}, index=pd.Index([7, 8, 9], name="k"))
    frame.to_parquet(tmp_path / "t.parquet")
    read = read_table(tmp_path / "t.parquet")
    assert read.columns.tolist() == ["a", "b", "k"]
    frame.rename_axis(None).to_parquet(tmp_path / "t.parquet")
    read = read_table(tmp_path / "t.parquet")
    assert read.columns.tolist() == ["a", "b"]
    assert read.to_numpy().tolist() == frame.to_numpy().tolist()


def test_nested_parquet_columns_stay_one_column(tmp_path):
    table = pa.table({"a": [1, 2], "deep": [{"x": 1, "y": 2}, {"x": 3, "y": 4}]})
    pq.write_table(table, tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet").columns.tolist() == ["a", "deep"]


def test_threads_are_those_granted():
    before = pa.cpu_count()
    with granted_threads() as n_threads:
        assert pa.cpu_count() == n_threads <= granted_cores()
    assert pa.cpu_count() == before


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="Linux only")
def test_one_core_means_one_thread(tmp_path):
    """Arrow counts the cores before the affinity is set, and would start a thread for each."""
    n = 300_000
    pd.DataFrame({f"c{i}": np.arange(n) for i in range(6)}).to_parquet(tmp_path / "t.parquet")
    program = (
        "import os, sys, pyarrow as pa, pyarrow.parquet\n"
        "pa.set_cpu_count(4)\n"
        "os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])\n"
        "from automl.table import read_table\n"
        "before = len(os.listdir('/proc/self/task'))\n"
        "read_table(sys.argv[1])\n"
        "print(len(os.listdir('/proc/self/task')) - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "t.parquet")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "0"


@pytest.mark.parametrize(
    ("empty", "kind"),
    [
        (pd.Series([None, None], dtype=object), "float64"),
        (pd.Series([np.nan, np.nan]), "float64"),
    ],
)
def test_a_part_may_have_no_value_of_a_column(empty, kind):
    first, other = pd.DataFrame({"n": [1.5, 2.5]}), pd.DataFrame({"n": empty})
    refuse_mixed(first, other, ["a", "b"])
    texts = pd.DataFrame({"n": ["x", "y"]})
    refuse_mixed(texts, other, ["a", "b"])
    assert stacked([texts, other], ["n"])["n"].tolist()[:2] == ["x", "y"]
    assert stacked([first, other], ["n"])["n"].isna().sum() == 2


def test_categories_of_texts_go_with_texts():
    first, other = (
        pd.DataFrame({"n": ["x", "y"]}),
        pd.DataFrame({"n": ["y", "z"]}, dtype="category"),
    )
    refuse_mixed(first, other, ["a", "b"])
    assert stacked([first, other], ["n"])["n"].tolist() == ["x", "y", "y", "z"]
    with pytest.raises(DataError, match="'n' holds numbers"):
        refuse_mixed(other, pd.DataFrame({"n": [1, 2]}), ["a", "b"])
