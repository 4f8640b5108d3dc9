"""Zeros in front of whole numbers: kept where they say something, in files as in frames."""

import gzip
import logging

import numpy as np
import pytest

from automl.table import Role, Schema, Target, read_table
from automl.table._dialect import SPACES, Dialect
from automl.table._zeros import padded_columns

N = 60
ZIPS = ["01234", "98101", "02139", "10115"]


def write(path, **columns):
    rows = zip(*columns.values(), strict=True)
    lines = [",".join(columns), *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def role(path, **types):
    return Schema.infer(read_table(path), types=types).columns[0]


@pytest.mark.parametrize(
    ("cells", "kept"),
    [
        (["01234", "98101"], True),
        (["007", "8", ""], True),
        (["007", "NA", "?"], True),
        ([" 007", "12 "], True),
        (["0", "12"], False),
        (["00", "15", "30"], False),  # minutes, of which none loses anything
        (["0.5", "1"], False),
        (["007", "1.5"], False),
        (["007", "-3"], False),
        (["007", "1e5"], False),
        (["007", "x"], False),  # texts anyway
        (["2015-01-02", "10:05"], False),
        ([], False),
    ],
)
def test_which_columns_are_padded(cells, kept):
    text = "\n".join(["a,b", *(f"{cell},1" for cell in cells)]) + "\n"
    found = padded_columns(text, Dialect(("a", "b"), ","), complete=True)
    assert found == (("a",) if kept else ())


def test_layouts_other_than_commas():
    assert padded_columns("a  b\n01 2\n", Dialect(("a", "b"), SPACES), complete=True) == ("a",)
    semicolons = Dialect(("a", "b"), ";", decimal=",", n_lines=2)
    assert padded_columns('t\na;b\n"01";0,5\n', semicolons, complete=True) == ("a",)
    assert padded_columns("a,b\n1,1\n2,01", Dialect(("a", "b"), ","), complete=False) == ()


def test_zip_codes_of_a_file_are_categories_that_later_tables_know(tmp_path):
    path = write(tmp_path / "fit.csv", place=ZIPS * 15, n=range(N))
    frame = read_table(path)
    schema = Schema.infer(frame)
    column = schema.columns[0]
    assert column.role is Role.CATEGORICAL
    assert set(column.categories) == set(ZIPS)
    typed = schema.apply(frame, fitting=True).columns["place"]
    known = [column.codes[text] for text in ZIPS]
    np.testing.assert_array_equal(typed[:4], known)
    later = {
        "without_zeros.csv": ["98101", "10115"],
        "with_zeros.csv": ["02139", "98101"],
        "lost_zeros.csv": ["1234", "2139"],
        "never_met.csv": ["77777", "07777"],
    }
    expected = [known[1], known[3]], [known[2], known[1]], [known[0], known[2]], [-1, -1]
    for (name, cells), codes in zip(later.items(), expected, strict=True):
        table = schema.apply(read_table(write(tmp_path / name, place=cells, n=[1, 2])))
        assert table.columns["place"].tolist() == codes, name


def test_a_model_of_numbers_knows_codes_that_kept_their_zeros(tmp_path):
    """Where the first zero comes late, the file is read as numbers."""
    fit = write(tmp_path / "fit.csv", zip=[1234, 98101, 2139, 10115] * 15, n=range(N))
    schema = Schema.infer(read_table(fit), types={"zip": "categorical"})
    asked = schema.apply(read_table(write(tmp_path / "new.csv", zip=["01234", "98101"], n=[1, 2])))
    assert asked.columns["zip"].tolist() == [schema.columns[0].codes[c] for c in ("1234", "98101")]
    assert schema.columns[0].code("01235") == -1


def test_codes_that_differ_in_their_zeros_alone_stay_apart():
    frame = {"code": ["07", "7", "007", "12"] * 10, "n": range(40)}
    column = Schema.infer(frame, types={"code": "categorical"}).columns[0]
    assert len({column.code(text) for text in ("07", "7", "007")}) == 3
    assert column.code("0012") == -1


@pytest.mark.parametrize(
    ("name", "cells", "expected"),
    [
        ("sensor", [f"{i % 30:05}" for i in range(N)], Role.CATEGORICAL),  # one length: codes
        ("sensor", [f"{7 * i:05}" for i in range(N)], Role.NUMERIC),  # but codes come back
        ("zip", [f"{7 * i:05}" for i in range(N)], Role.IDENTIFIER),
        ("sensor", [f"{7 * i:02}" for i in range(N)], Role.NUMERIC),  # outgrow their zeros
        ("part", ["007", "8", "0170123", "22"] * 15, Role.CATEGORICAL),  # 8 is not filled up
        ("month", [f"{i % 12 + 1:02}" for i in range(N)], Role.NUMERIC),
        ("dep_time", [f"{i % 24:02}{i % 60:02}" for i in range(N)], Role.NUMERIC),
        ("month_code", [f"{i % 12 + 1:02}" for i in range(N)], Role.CATEGORICAL),
    ],
)
def test_codes_and_numbers_with_zeros_in_front(tmp_path, name, cells, expected):
    path = write(tmp_path / "t.csv", **{name: cells}, n=[i % 3 for i in range(len(cells))])
    assert role(path).role is expected


def test_declared_numbers_are_numbers(tmp_path):
    cells = [f"{i:06}" for i in range(N)]
    path = write(tmp_path / "t.csv", sensor=cells, n=range(N))
    schema = Schema.infer(read_table(path), types={"sensor": "numeric"})
    assert schema.columns[0].role is Role.NUMERIC
    values = schema.apply(read_table(path)).columns["sensor"]
    np.testing.assert_array_equal(values, np.arange(N))
    plain = write(tmp_path / "plain.csv", sensor=[5, 1234567], n=[1, 2])
    assert schema.apply(read_table(plain)).columns["sensor"].tolist() == [5, 1234567]


def test_parts_of_a_table_agree_and_pieces_do(tmp_path, monkeypatch):
    monkeypatch.setattr("automl.table._pieces.CELLS", 20)
    monkeypatch.setattr("automl.table._pieces.LEAST_ROWS", 10)
    (tmp_path / "parts").mkdir()
    write(tmp_path / "parts" / "a.csv", zip=["98101"] * N, n=range(N))
    write(tmp_path / "parts" / "b.csv", zip=["01234"] * N, n=range(N))
    frame = read_table(tmp_path / "parts")
    assert frame["zip"].tolist() == ["98101"] * N + ["01234"] * N
    packed = tmp_path / "b.csv.gz"
    packed.write_bytes(gzip.compress((tmp_path / "parts" / "b.csv").read_bytes()))
    assert read_table(packed)["zip"].tolist() == ["01234"] * N
    assert read_table(packed)["n"].dtype.kind == "i"


def test_empty_cells_of_codes_are_missing(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        frame = read_table(write(tmp_path / "t.csv", zip=["01234", "", "NA"], n=[1, 2, 3]))
    assert frame["zip"].isna().tolist() == [False, True, True]
    assert not caplog.text


def test_targets_with_zeros_in_front(tmp_path):
    few = read_table(write(tmp_path / "a.csv", n=range(N), y=["01", "02", "10"] * 20))
    target, codes, _ = Target.fit(few["y"])
    assert target.decode(codes[:3]).tolist() == ["01", "02", "10"]
    many = read_table(write(tmp_path / "b.csv", n=range(N), y=[f"{i:05}" for i in range(N)]))
    target, amounts, reason = Target.fit(many["y"])
    assert (target.task, amounts[7]) == ("regression", 7.0)
    assert "zeros in front" in reason
