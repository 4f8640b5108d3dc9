"""The files that one name stands for: a file, a folder, or a pattern such as ``data/*.csv``."""

import glob
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from automl.exceptions import DataError
from automl.table._content import SUFFIXES, has_known_suffix, known_suffixes
from automl.table._messages import close_match, counted, listed

_NULL = "__HIVE_DEFAULT_PARTITION__"


def find_parts(name: str | Path) -> list[tuple[Path, dict[str, Any]]]:
    """Return the files of a table in the order of their names, each with the columns that the
    names of its folders add, as in ``sales/year=2026/part-0.parquet``.

    Raises
    ------
    DataError
        If there is no such file, or no table in the folder.
    """
    path = Path(name)
    if "://" in str(name):
        raise DataError(f"{str(name)!r} is an address; download the file and name that.")
    if path.is_dir():
        files = _inside(path)
        return list(zip(files, _keys(path, files), strict=True))
    if path.exists():
        return [(path, {})]
    if glob.has_magic(str(path)):
        matches = [Path(match) for match in sorted(glob.glob(str(path), recursive=True))]
        files = [file for match in matches for file in _files(match)]
        if not files:
            raise DataError(f"No file matches {str(path)!r}.")
        return [(file, {}) for file in files]
    folder = path.parent
    others = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
    raise DataError(f"There is no file {str(path)!r}{close_match(path.name, others)}.")


def check_same_columns(first: Sequence[str], other: Sequence[str], shown: Sequence[str]) -> None:
    """Refuse a part with other columns than the first part has; their order does not matter.

    Parameters
    ----------
    first, other : sequence of str
    shown : sequence of two str
        What messages call the two files.

    Raises
    ------
    DataError
        Naming the part and its columns.

    Examples
    --------
    >>> check_same_columns(["a", "b"], ["a", "c"], ["'1.csv'", "'2.csv'"])
    Traceback (most recent call last):
    ...
    automl.exceptions.DataError: '2.csv' lacks the column 'b' and adds the column 'c', compared
    with '1.csv'. The parts of a table must have the same columns.
    """
    lacking = [name for name in first if name not in set(other)]
    added = [name for name in other if name not in set(first)]
    told = []
    if lacking:
        told.append(f"lacks the column{'s' * (len(lacking) > 1)} {listed(lacking, 5)}")
    if added:
        told.append(f"adds the column{'s' * (len(added) > 1)} {listed(added, 5)}")
    if told:
        raise DataError(
            f"{shown[1]} {' and '.join(told)}, compared with {shown[0]}. The parts of a table "
            f"must have the same columns."
        )


def check_wanted(names: Sequence[str], columns: Sequence[str] | None) -> None:
    """Refuse columns that are wanted and not there.

    Raises
    ------
    DataError
        Naming them, with what looks like them.
    """
    lacking = [name for name in columns or () if name not in set(names)]
    if lacking:
        told = ", ".join(f"{name!r}{close_match(name, names)}" for name in lacking)
        raise DataError(f"there is no column {told}; the columns are {listed(names, 20)}")


def _files(path: Path) -> list[Path]:
    return _inside(path) if path.is_dir() else [path]


def _inside(folder: Path) -> list[Path]:
    """Return the tables in a folder and those below it; what begins with . or _ is none."""
    files = [
        file
        for file in sorted(folder.rglob("*"))
        if file.is_file()
        and has_known_suffix(file.name)
        and not any(part.startswith((".", "_")) for part in file.relative_to(folder).parts)
    ]
    if not files:
        raise DataError(
            f"{str(folder)!r} is a directory without a table: the name of a table ends in "
            f"{known_suffixes()}."
        )
    kinds = {kind for file in files for kind in [_suffix_kind(file)]}
    if len(kinds) > 1:
        raise DataError(
            f"{str(folder)!r} holds {counted(len(files), 'file')} of several kinds, "
            f"{' and '.join(sorted(kinds))}: are they parts of one table? Name those that are, "
            f"as in {str(folder / '*.csv')!r}."
        )
    return files


def _suffix_kind(file: Path) -> str:
    suffixes = [suffix for suffix in file.name.lower().split(".") if f".{suffix}" in SUFFIXES]
    return SUFFIXES[f".{suffixes[-1]}"]


def _keys(root: Path, files: Sequence[Path]) -> list[dict[str, Any]]:
    """Read ``key=value`` in the names of folders; whole numbers where all of a key's are."""
    found = []
    for file in files:
        pairs = [part.split("=", 1) for part in file.relative_to(root).parts[:-1] if "=" in part]
        found.append({key: unquote(value) for key, value in pairs})
    for file, keys in zip(files, found, strict=True):
        check_same_columns(list(found[0]), list(keys), [repr(str(files[0])), repr(str(file))])
    return _typed(found)


def _typed(found: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    whole = {
        key
        for key in found[0]
        if all(keys[key] == _NULL or keys[key].lstrip("-").isdecimal() for keys in found)
    }
    return [
        {k: math.nan if v == _NULL else int(v) if k in whole else v for k, v in keys.items()}
        for keys in found
    ]
