import gzip
import io
import sys
from types import SimpleNamespace

import pandas as pd
import pytest

from automl.exceptions import DataError
from automl.table import read_table

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
    path = write(tmp_path, "a\n" + "1\n" * 2_000_000 + "x\n")
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
