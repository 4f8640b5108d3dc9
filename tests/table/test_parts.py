"""Tables in several files, and workbooks."""

import sys
import zipfile

import pandas as pd
import pytest

from automl.exceptions import DataError, MissingDependencyError
from automl.table import read_table
from tests.table.test_reading import FRAME, write

# -- parts -------------------------------------------------------------------------------------


def test_parts_are_put_one_below_the_other(tmp_path):
    write(tmp_path, "town,n\nUlm,1\n", "1.csv")
    write(tmp_path, "n;town\n2;7\n", "2.csv", encoding="utf-16")
    for name in (tmp_path, tmp_path / "*.csv", f"{tmp_path}/[12].csv"):
        frame = read_table(name)
        assert frame.to_dict("list") == {"town": ["Ulm", "7"], "n": [1, 2]}
    assert read_table(tmp_path, columns=["n"]).columns.tolist() == ["n"]
    with pytest.raises(DataError, match=r"No file matches .*\*\.tsv"):
        read_table(tmp_path / "*.tsv")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_names_of_folders_are_columns(tmp_path, suffix):
    for key, n in (("2025", 1), ("2026", 2), ("__HIVE_DEFAULT_PARTITION__", 3)):
        folder = tmp_path / f"year={key}" / "at=a%20b"
        folder.mkdir(parents=True)
        frame = pd.DataFrame({"n": [n]})
        frame.to_csv(folder / "t.csv", index=False) if suffix == "csv" else frame.to_parquet(
            folder / "t.parquet"
        )
    frame = read_table(tmp_path).sort_values("n")
    assert frame.year.fillna(0).tolist() == [2025, 2026, 0]
    assert set(frame["at"]) == {"a b"}
    assert read_table(tmp_path, columns=["year", "n"]).columns.tolist() == ["year", "n"]


def test_an_error_names_the_part(tmp_path):
    write(tmp_path, "a,b\n1,2\n", "1.csv")
    write(tmp_path, "a,b\n1,2,3\n1,2\n", "2.csv")
    with pytest.raises(DataError, match=r"2\.csv': line 2 has 3 cells"):
        read_table(tmp_path)


def test_an_address_is_no_file():
    with pytest.raises(DataError, match="is an address; download"):
        read_table("https://example.com/t.csv")


# -- Excel -------------------------------------------------------------------------------------


def test_workbook(tmp_path, caplog):
    pytest.importorskip("openpyxl")
    with pd.ExcelWriter(tmp_path / "t.xlsx") as book:
        FRAME.assign(day=pd.Timestamp("2026-01-31")).to_excel(book, index=False, startrow=2)
        FRAME.to_excel(book, sheet_name="other")
    frame = read_table(tmp_path / "t.xlsx")
    pd.testing.assert_frame_equal(frame[FRAME.columns], FRAME, check_dtype=False)
    assert frame.day.dtype.kind == "M"
    assert "only the first sheet is read, not 'other'" in caplog.text


def test_workbook_without_openpyxl(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with zipfile.ZipFile(tmp_path / "t.xlsx", "w") as archive:
        archive.writestr("xl/workbook.xml", "")
    with pytest.raises(MissingDependencyError, match=r"pip install openpyxl"):
        read_table(tmp_path / "t.xlsx")
