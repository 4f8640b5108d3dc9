"""Results of benchmarks: lines of JSON in a file, tables on the screen, and common options."""

import argparse
import json
import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from _tables import SHIPPED


def parser(description: str) -> argparse.ArgumentParser:
    """The options that benchmarks share."""
    options = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--data", type=Path, default=SHIPPED, help="folder with index.json")
    options.add_argument("--tables", type=words, help="names, separated by commas")
    options.add_argument("--out", type=Path, help="append JSON lines to this file")
    options.add_argument("--resume", action="store_true", help="skip what the file holds")
    options.add_argument("--show", type=Path, help="print the tables of a file, measure nothing")
    return options


def words(text: str) -> list[str]:
    """Names that are separated by commas."""
    return text.split(",")


def numbers(text: str) -> list[float]:
    """Numbers that are separated by commas."""
    return [float(part) for part in text.split(",")]


class Results:
    """Lines of results: kept in memory, and appended to a file one by one.

    Parameters
    ----------
    path : Path or None
    keys : sequence of str
        What tells one run from another.
    resume : bool
        Begin with what the file holds.
    """

    def __init__(self, path: Path | None, keys: Sequence[str], resume: bool) -> None:
        self._path, self._keys = path, keys
        self.rows = read_results(path) if resume and path and path.exists() else []
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)

    def find(self, row: Mapping[str, Any]) -> dict[str, Any] | None:
        """The result of this run, if there is one."""
        wanted = [row[k] for k in self._keys]
        return next((r for r in self.rows if [r.get(k) for k in self._keys] == wanted), None)

    def add(self, row: dict[str, Any]) -> None:
        """Keep a result."""
        self.rows.append(row)
        if self._path:
            with self._path.open("a") as file:
                file.write(json.dumps(row) + "\n")


def read_results(path: Path) -> list[dict[str, Any]]:
    """The lines of a file of results."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def measure_or_show(
    args: argparse.Namespace,
    keys: Sequence[str],
    *,
    measure: Callable[[argparse.Namespace, Results, Path], None],
    show: Callable[[list[dict[str, Any]]], None],
) -> None:
    """Measure what there is no result of, in a folder of its own, and print; or only print."""
    if args.show:
        show(read_results(args.show))
        return
    results = Results(args.out, keys, args.resume)
    with tempfile.TemporaryDirectory(prefix="automl-benchmark-") as folder:
        measure(args, results, Path(folder))
    show(results.rows)


def print_table(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print rows of the same columns as Markdown."""
    if rows:
        print("\n" + markdown(rows))


def markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows of the same columns as a table of Markdown."""
    columns = list(rows[0]) if rows else []
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    lines += ["| " + " | ".join(shown(row.get(c)) for c in columns) + " |" for row in rows]
    return "\n".join(lines if rows else [])


def shown(value: Any) -> str:
    """A value in a table."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) < 1000 else f"{value:,.0f}"
    return str(value)
