"""The shipped tables are what datasets/index.json and datasets/README.md promise."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest

FOLDER = Path(__file__).resolve().parent.parent / "datasets"
INDEX: list[dict[str, Any]] = json.loads((FOLDER / "index.json").read_text(encoding="utf-8"))
README = (FOLDER / "README.md").read_text(encoding="utf-8")
KEYS = {"name", "file", "task", "target", "rows", "columns", "traits", "licence", "package"}
DATE = r"\d{4}-\d{2}-\d{2}"

each_table = pytest.mark.parametrize("entry", INDEX, ids=[entry["name"] for entry in INDEX])


def read(entry: dict[str, Any]) -> pd.DataFrame:
    path = FOLDER / entry["file"]
    return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)


def is_text(column: pd.Series) -> bool:
    return pd.api.types.is_string_dtype(column.dtype)


def is_date(column: pd.Series) -> bool:
    if is_text(column):
        return bool(column.dropna().str.fullmatch(DATE).all())
    return pd.api.types.is_datetime64_any_dtype(column.dtype)


def has_strings(frame: pd.DataFrame, target: str) -> bool:
    features = [column for name, column in frame.items() if name != target]
    return any(is_text(column) and not is_date(column) for column in features)


def has_missing(frame: pd.DataFrame, target: str) -> bool:
    return bool(frame.drop(columns=target).isna().to_numpy().mean() > 0.005)


def has_dates(frame: pd.DataFrame, target: str) -> bool:
    return any(is_date(column) and column.nunique() > 1 for _, column in frame.items())


def has_imbalance(frame: pd.DataFrame, target: str) -> bool:
    return bool(frame[target].value_counts(normalize=True).min() < 0.12)


def has_constant(frame: pd.DataFrame, target: str) -> bool:
    return bool((frame.nunique(dropna=False) == 1).any())


def has_identifier(frame: pd.DataFrame, target: str) -> bool:
    features = frame.drop(columns=target).select_dtypes(["int64", "string"])
    return bool((features.nunique() == len(frame)).any())


TRAITS = {
    "strings": has_strings,
    "missing": has_missing,
    "dates": has_dates,
    "imbalance": has_imbalance,
    "constant": has_constant,
    "identifier": has_identifier,
}


@pytest.fixture(scope="module")
def rebuild() -> ModuleType:
    spec = importlib.util.spec_from_file_location("datasets_rebuild", FOLDER / "rebuild.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module


def test_the_folder_holds_the_indexed_tables_and_no_other() -> None:
    tables = {path.name for path in FOLDER.iterdir() if path.suffix in {".csv", ".gz", ".parquet"}}
    assert tables == {entry["file"] for entry in INDEX}


def test_all_tables_together_are_small() -> None:
    assert sum((FOLDER / entry["file"]).stat().st_size for entry in INDEX) < 5_000_000


def test_every_task_and_every_reader_has_a_table() -> None:
    tasks = [entry["task"] for entry in INDEX]
    assert tasks.count("binary") >= 2
    assert tasks.count("multiclass") >= 1
    assert tasks.count("regression") >= 2
    assert {Path(entry["file"]).suffix for entry in INDEX} == {".csv", ".gz", ".parquet"}


@pytest.mark.parametrize(("task", "trait"), [("binary", "imbalance"), ("regression", "dates")])
def test_some_table_of_the_task_has_the_trait(task: str, trait: str) -> None:
    assert any(entry["task"] == task and trait in entry["traits"] for entry in INDEX)


@each_table
def test_index_entry_is_complete(entry: dict[str, Any]) -> None:
    assert set(entry) == KEYS
    assert entry["file"].startswith(entry["name"] + ".")
    assert entry["licence"]
    assert re.fullmatch(r"(pypi|npm):[\w-]+==[\d.]+", entry["package"])


@each_table
def test_table_has_the_promised_shape(entry: dict[str, Any]) -> None:
    frame = read(entry)
    assert frame.shape == (entry["rows"], entry["columns"])
    assert frame.columns[-1] == entry["target"]
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in frame.columns)


@each_table
def test_target_suits_the_task(entry: dict[str, Any]) -> None:
    target = read(entry)[entry["target"]]
    assert target.notna().all()
    if entry["task"] == "regression":
        assert pd.api.types.is_numeric_dtype(target)
        assert target.nunique() > 100
    else:
        n_classes = target.nunique()
        assert n_classes == 2 if entry["task"] == "binary" else 2 < n_classes < 20


@each_table
def test_table_has_exactly_the_promised_traits(entry: dict[str, Any]) -> None:
    frame = read(entry)
    classes = entry["task"] != "regression"
    checks = {name: test for name, test in TRAITS.items() if classes or name != "imbalance"}
    found = {name for name, test in checks.items() if test(frame, entry["target"])}
    assert found == set(entry["traits"])


@each_table
def test_readme_describes_the_table_and_each_column(entry: dict[str, Any]) -> None:
    row = next(line for line in README.splitlines() if line.startswith(f"| [{entry['file']}]"))
    assert f"{entry['rows']} x {entry['columns']}" in row
    assert f"`{entry['target']}`" in row
    assert entry["task"] in row
    section = README.split(f"\n## {entry['file']}\n")[1].split("\n## ")[0]
    missing = [name for name in read(entry).columns if f"`{name}`" not in section]
    assert missing == []
    assert re.search(r"^- Licence: .+", section, flags=re.MULTILINE)
    name, _, version = entry["package"].partition(":")[2].partition("==")
    assert f"{name} {version}" in section


def test_script_and_index_agree(rebuild: ModuleType) -> None:
    made = {
        file: f"{package.registry}:{package.name}=={package.version}"
        for file, (package, _) in rebuild.TABLES.items()
    }
    assert made == {entry["file"]: entry["package"] for entry in INDEX}


def test_script_refuses_another_archive_than_the_pinned_one(
    rebuild: ModuleType, tmp_path: Path
) -> None:
    archive = tmp_path / "vega-datasets-3.2.1.tgz"
    archive.write_bytes(b"something else")
    with pytest.raises(rebuild.RebuildError, match=r"vega-datasets-3\.2\.1\.tgz has SHA-256"):
        rebuild.verify(archive, rebuild.VEGA)


@each_table
def test_script_writes_and_compares(
    entry: dict[str, Any], rebuild: ModuleType, tmp_path: Path
) -> None:
    file = entry["file"]
    shipped = (FOLDER / file).read_bytes()
    path = tmp_path / file
    assert rebuild.compare(shipped, path) == "missing"
    path.write_bytes(rebuild.encode(read(entry), file))
    other = rebuild.encode(read(entry).iloc[1:], file)
    assert rebuild.compare(other, path) == "differs"
    path.write_bytes(shipped)
    assert rebuild.compare(shipped, path) == "same bytes"
    path.write_bytes(b"no table")
    assert rebuild.compare(shipped, path) == "differs"


def test_script_tells_compression_from_content(rebuild: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "table.csv.gz"
    path.write_bytes(rebuild.to_gzip(b"a,b\n1,2\n"))
    pieces = rebuild.to_gzip(b"a,b\n") + rebuild.to_gzip(b"1,2\n")
    assert rebuild.compare(pieces, path) == "same content, compressed differently"
