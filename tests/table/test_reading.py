import bz2
import csv
import gzip
import io
import json
import lzma
import os
import sys
import threading
from contextlib import suppress
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import feather

from automl.exceptions import DataError
from automl.table import read_table, to_frame

FRAME = pd.DataFrame({"town": ["Ulm", "Bonn, Rhein"], "area": [1.5, 2.0], "n": [1, 2]})


def write(tmp_path, text, name="t.csv", encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("name", ["t.csv", "t.CSV", "t.csv.gz"])
def test_csv(tmp_path, name):
    FRAME.to_csv(tmp_path / name, index=False)
    pd.testing.assert_frame_equal(read_table(tmp_path / name), FRAME)


@pytest.mark.parametrize("name", ["t.tsv", "t.tsv.gz"])
def test_tsv(tmp_path, name):
    FRAME.to_csv(tmp_path / name, index=False, sep="\t")
    pd.testing.assert_frame_equal(read_table(str(tmp_path / name)), FRAME)


@pytest.mark.parametrize(
    "name", ["t.parquet", "t.pq", "t.feather", "t.arrow", "t.jsonl", "t.jsonl.gz"]
)
def test_other_kinds(tmp_path, name):
    path = tmp_path / name
    if "json" in name:
        FRAME.to_json(path, orient="records", lines=True)
    elif name.endswith((".parquet", ".pq")):
        FRAME.to_parquet(path)
    else:
        FRAME.to_feather(path)
    pd.testing.assert_frame_equal(read_table(path), FRAME)
    assert read_table(path, columns=["n", "town"]).columns.tolist() == ["n", "town"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_found(tmp_path, delimiter):
    FRAME.to_csv(tmp_path / "t.csv", index=False, sep=delimiter)
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.csv"), FRAME)


def test_one_column(tmp_path):
    assert read_table(write(tmp_path, "word\na b\nc|d\n")).word.tolist() == ["a b", "c|d"]


def test_byte_order_mark_is_no_part_of_a_name(tmp_path):
    path = write(tmp_path, "a,b\n1,2\n", encoding="utf-8-sig")
    assert read_table(path).columns.tolist() == ["a", "b"]


def test_quoted_cells_may_span_lines_and_hold_delimiters(tmp_path):
    rows = "".join(f'{i},"one; two\nthree, {i}"\n' for i in range(30))
    frame = read_table(write(tmp_path, "a,b\n" + rows))
    assert frame.shape == (30, 2)
    assert frame.b[29] == "one; two\nthree, 29"


def test_decimal_commas_beside_semicolons(tmp_path):
    frame = read_table(write(tmp_path, "a;b\n1,5;x,y\n-2,25;z\n"))
    assert frame.a.tolist() == [1.5, -2.25]
    assert frame.b.tolist() == ["x,y", "z"]


def test_decimal_points_beside_semicolons_stay(tmp_path):
    frame = read_table(write(tmp_path, "a;b\n1.5;1,2\n2.5;3,4\n"))
    assert frame.a.tolist() == [1.5, 2.5]
    assert frame.b.tolist() == ["1,2", "3,4"]


def test_missing_marks_and_spaces(tmp_path):
    frame = read_table(write(tmp_path, "a, b\n1, x\n?, NA\n,  y\n"))
    assert frame.columns.tolist() == ["a", "b"]
    assert frame.a.isna().tolist() == [False, True, True]
    assert frame.b.tolist()[::2] == ["x", "y"]
    assert frame.b.isna().tolist() == [False, True, False]


def test_one_column_has_one_type(tmp_path):
    path = write(tmp_path, "a\n" + "1\n" * 600_000 + "x\n")
    assert set(map(type, read_table(path).a)) == {str}


def test_columns_are_chosen_in_order(tmp_path):
    FRAME.to_csv(tmp_path / "t.csv", index=False)
    assert read_table(tmp_path / "t.csv", columns=["n", "town"]).columns.tolist() == ["n", "town"]
    with pytest.raises(DataError, match=r"'Town' \(did you mean 'town'\?\)"):
        read_table(tmp_path / "t.csv", columns=["Town"])


def stdin(monkeypatch, content):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))
    return read_table("-")


def test_standard_input(monkeypatch):
    text = FRAME.to_csv(index=False).encode()
    parquet = io.BytesIO()
    FRAME.to_parquet(parquet)
    for content in (text, gzip.compress(text), parquet.getvalue()):
        pd.testing.assert_frame_equal(stdin(monkeypatch, content), FRAME)
    for content in (b"", b" \n"):
        with pytest.raises(DataError, match="Standard input is empty"):
            stdin(monkeypatch, content)


def test_missing_file_names_a_look_alike(tmp_path):
    write(tmp_path, "a\n1\n", "train.csv")
    with pytest.raises(DataError, match=r"no file .*trian.csv' \(did you mean 'train.csv'\?\)"):
        read_table(tmp_path / "trian.csv")
    with pytest.raises(DataError, match="no file"):
        read_table(tmp_path / "nowhere" / "t.csv")


def test_directory(tmp_path):
    with pytest.raises(DataError, match="is a directory"):
        read_table(tmp_path)


def test_content_decides_where_the_suffix_does_not(tmp_path):
    assert read_table(write(tmp_path, "a;b\n1;2\n", "t.xyz")).columns.tolist() == ["a", "b"]
    assert read_table(write(tmp_path, '{"a": 1}\n', "t.csv")).a.tolist() == [1]
    FRAME.to_parquet(tmp_path / "t.csv")
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.csv"), FRAME)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        ("\n\n", "no text"),
        ("a,b\n", "header of 2 columns, but no rows"),
        ("a,b\n1,2,3\n", "header names 2 columns, but the first row has 3"),
        ("a,b\n1,2\n1,2,3\n", "line 3"),
    ],
)
def test_broken_csv(tmp_path, text, told):
    with pytest.raises(DataError, match=told):
        read_table(write(tmp_path, text))


def test_text_that_is_not_utf8(tmp_path, caplog):
    path = write(tmp_path, "größe,b\nMünchen,€\n", encoding="cp1252")
    assert read_table(path).to_dict("list") == {"größe": ["München"], "b": ["€"]}
    assert "not UTF-8; read as Windows-1252" in caplog.text


@pytest.mark.parametrize("name", ["t.csv.gz", "t.parquet", "t.arrow", "t.jsonl"])
def test_damaged_files(tmp_path, name):
    with pytest.raises(DataError, match="can't be read|is not JSON"):
        read_table(write(tmp_path, "this is not it", name))


def test_json_lines_hold_objects(tmp_path):
    with pytest.raises(DataError, match="must be one JSON object"):
        read_table(write(tmp_path, "[1, 2]\n", "t.jsonl"))


def test_truncated_gzip(tmp_path):
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 5000)[:-20])
    with pytest.raises(DataError, match="can't be read"):
        read_table(path)


# -- dialects, encodings, rows -----------------------------------------------------------------


@pytest.mark.parametrize("name", ["t.csv.zst", "t.csv.bz2", "t.csv.xz", "t.jsonl.zst"])
def test_compressions(tmp_path, name):
    plain = tmp_path / "plain"
    if "json" in name:
        FRAME.to_json(plain, orient="records", lines=True)
    else:
        FRAME.to_csv(plain, index=False)
    compress = {"zst": zstd, "bz2": bz2.compress, "xz": lzma.compress}[name.rpartition(".")[2]]
    (tmp_path / name).write_bytes(compress(plain.read_bytes()))
    pd.testing.assert_frame_equal(read_table(tmp_path / name), FRAME)


def zstd(content):
    return pa.compress(content, codec="zstd", asbytes=True)


def test_standard_input_is_known_by_its_content(monkeypatch):
    lines = FRAME.to_json(orient="records", lines=True).encode()
    for content in (zstd(FRAME.to_csv(index=False).encode()), lines, gzip.compress(lines)):
        pd.testing.assert_frame_equal(stdin(monkeypatch, content), FRAME)
    with pytest.raises(DataError, match="standard input: it is a PDF"):
        stdin(monkeypatch, b"%PDF-1.7")


def test_a_pipe_is_read_once(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=[FRAME.to_csv(index=False).encode()])
    writer.start()
    pd.testing.assert_frame_equal(read_table(path), FRAME)
    writer.join()


def test_short_rows_end_in_missing_values(tmp_path):
    frame = read_table(write(tmp_path, "a,b,c\n1,2,3\n4\n5,6\n"))
    assert frame.a.tolist() == [1, 4, 5]
    assert frame.c.isna().tolist() == [False, True, True]


@pytest.mark.parametrize("at", [1, 150, 700])
def test_long_rows_are_an_error_with_their_line_or_left_out(tmp_path, caplog, at):
    rows = [f'{i},"x\ny"' for i in range(800)]
    rows[at] += ",more"
    path = write(tmp_path, "a,b\n" + "\n".join(rows))
    with pytest.raises(DataError, match=f"line {2 + 2 * at:,} has 3 cells, but .* 2 columns"):
        read_table(path)
    frame = read_table(path, skip_bad_rows=True)
    assert frame.a.tolist() == [i for i in range(800) if i != at]
    assert "1 row of 800 too long and left out" in caplog.text


def test_empty_cells_beyond_the_header_are_nothing(tmp_path):
    frame = read_table(write(tmp_path, "a,b\n1,2,\n3,4,,, \n5,6\n"))
    assert frame.to_dict("list") == {"a": [1, 3, 5], "b": [2, 4, 6]}


def test_same_names_are_numbered_alike_at_each_reading(tmp_path):
    first = read_table(write(tmp_path, "a,a,a.2,\n1,2,3,4\n"))
    assert first.columns.tolist() == ["a", "a.3", "a.2", "Unnamed: 3"]
    again = read_table(write(tmp_path, "a,a,a.2,\n5,6,7,8\n", "again.csv"))
    assert again.columns.tolist() == first.columns.tolist()


def test_thousands_with_points(tmp_path):
    frame = read_table(write(tmp_path, "a;b;c\n1.234,5;01.02.2026;x\n2,25;03.02.2026;1.234\n"))
    assert frame.a.tolist() == [1234.5, 2.25]
    assert frame.b.tolist() == ["01.02.2026", "03.02.2026"]
    assert frame.c.tolist() == ["x", "1.234"]


def test_thousands_beside_a_text_far_below_stay_texts(tmp_path):
    rows = "1.234,5;2,5\n" * 1_200 + "many;2,5\n"
    assert read_table(write(tmp_path, "a;b\n" + rows)).a.tolist()[-2:] == ["1.234,5", "many"]


def test_zero_bytes_are_left_out(tmp_path):
    assert read_table(write(tmp_path, "a,b\nU\0l\0m,1\n")).a.tolist() == ["Ulm"]


def test_thousands_with_commas_are_no_decimals(tmp_path):
    frame = read_table(write(tmp_path, 'a,b\n"1,234",1\n"12,345,678",2\n'))
    assert frame.a.tolist() == ["1,234", "12,345,678"]


def test_decimal_commas_in_quotes(tmp_path):
    frame = read_table(write(tmp_path, 'a,b\n"1,5",1\n"12,25",2\n'))
    assert frame.a.tolist() == [1.5, 12.25]


def test_a_column_of_names_with_commas_is_one_column(tmp_path):
    frame = read_table(write(tmp_path, "name\nSmith, John\nDoe, Jane\n"))
    assert frame.name.tolist() == ["Smith, John", "Doe, Jane"]


@pytest.mark.parametrize("end", ["", ",", "\n"])
def test_json_in_one_array(tmp_path, end):
    records = [{"a": i, "b": "x" * (i % 50)} for i in range(30_000)]
    path = write(tmp_path, f" [\n{f'{end} '.join(map(json.dumps, records))}]{end}", "t.json")
    frame = read_table(path)
    assert frame.a.tolist() == list(range(30_000))
    assert frame.b[49] == "x" * 49


def test_infinite_values_are_missing(tmp_path, caplog):
    path = tmp_path / "t.parquet"
    pd.DataFrame({"a": [1.0, np.inf, -np.inf], "b": ["inf", "x", "y"]}).to_parquet(path)
    frame = read_table(path)
    assert frame.a.isna().tolist() == [False, True, True]
    assert frame.b.tolist() == ["inf", "x", "y"]
    assert "2 infinite values taken as missing, in 'a'" in caplog.text


def test_what_does_not_fit_into_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("automl.compute.memory_limit", lambda: 1 << 20)
    path = write(tmp_path, "a,b\n" + "1,2\n" * 200_000)
    with pytest.raises(DataError, match=r"t\.csv' does not fit into memory.*1 MiB"):
        read_table(path)


def test_rows_that_become_long_are_read_in_small_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr("automl.table._csv.LONGEST_PIECE", 1 << 22)
    long = "x" * 5_000
    path = write(tmp_path, "a,b\n" + "1,x\n" * 100_000 + f"2,{long}\n" * 3_000)
    frame = read_table(path)
    assert frame.shape == (103_000, 2)
    assert frame.b.iloc[-1] == long
    monkeypatch.setattr("automl.table._csv.LONGEST_PIECE", 1 << 20)
    with pytest.raises(DataError, match="256 rows take more than 1 MiB"):
        read_table(path)


# -- whatever is written is read ---------------------------------------------------------------

LETTERS = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufeff")
CELL = st.text(LETTERS | st.sampled_from("\n\r\t\",;|\\'"), max_size=6)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(st.tuples(CELL, CELL), min_size=1, max_size=8),
    delimiter=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_any_texts_come_back(tmp_path, rows, delimiter, encoding, end):
    """Cells are as the csv module wrote them, but for missing marks, spaces in front, numbers."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([("one", "two"), *((f"x{a}", f"y{b}") for a, b in rows)])
    frame = read_table(write(tmp_path, out.getvalue(), encoding=encoding))
    assert frame.to_dict("list") == {
        "one": [f"x{a}" for a, _ in rows],
        "two": [f"y{b}" for _, b in rows],
    }


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_any_bytes_give_a_table_or_a_message(tmp_path, content):
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with suppress(DataError):
        frame = read_table(path, skip_bad_rows=True)
        assert len(frame)
        assert frame.columns.is_unique


def test_columns_may_be_read_as_they_are_spelled(tmp_path):
    path = tmp_path / "versions.csv"
    path.write_text("version,ready,size\n3.10,true,1\n3.9,false,2\n")
    plain = read_table(path)
    assert plain["version"].tolist() == [3.1, 3.9]
    frame = read_table(path, texts=["version", "ready", "of another table"])
    assert frame["version"].tolist() == ["3.10", "3.9"]
    assert frame["ready"].tolist() == ["true", "false"]
    assert frame["size"].tolist() == [1, 2]


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_the_index_of_a_frame_is_a_column_if_it_has_a_name(tmp_path, suffix):
    frame = pd.DataFrame({"a": [1, 2]}, index=pd.Index(["x", "y"], name="key"))
    path = tmp_path / f"frame.{suffix}"
    table = pa.Table.from_pandas(frame)
    if suffix == "parquet":
        pq.write_table(table, path)
    else:
        feather.write_feather(table, path)
    found = read_table(path)
    assert found[["key", "a"]].to_dict("list") == {"key": ["x", "y"], "a": [1, 2]}
    assert read_table(path, columns=["key"]).to_dict("list") == {"key": ["x", "y"]}
    unnamed = pa.Table.from_pandas(frame.rename_axis(None))
    assert list(to_frame(unnamed).columns) == ["a"]
