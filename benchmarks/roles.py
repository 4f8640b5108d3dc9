"""Column roles against roles that people wrote down by hand, in ``roles.csv``.

Every column of every table except the targets. The file was written from names, types, counts
and values before it was known what the package says of them. Its lines are tried in their
order; a column may be a pattern (``V*``). Its rules:

- The first role is the one that a careful person would name; others after ``|`` are as good.
- Numbers 0 and 1 are boolean, or numeric: a model sees the same. Another pair of numbers may be
  read as numbers, as a truth value, or as categories if it stands for names.
- A code of at most 32 different integers, an ordered rating, or a month may be numeric or
  categorical. A code of more values (a zip code, the number of a flight) is categorical.
- Bins written as text ("[60-70)", ">20", "1~3") may be categorical or numeric.
- Two words are boolean where they say yes and no, and categorical elsewhere (male and female).
- A column with one value and gaps is categorical or boolean, without gaps it is constant.

    python benchmarks/roles.py --data FOLDER
"""

import csv
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from _results import parser, print_table
from _tables import index, load

from automl.table import Schema

ROLES = Path(__file__).with_name("roles.csv")
NARROW = 100
"""Tables of fewer columns are also counted alone: the few wide ones are all of one kind."""


def written_down(table: str, columns: Sequence[str]) -> dict[str, list[str]]:
    """The roles by hand of the columns of a table, the best first."""
    with ROLES.open(newline="") as file:
        lines = [line for line in csv.DictReader(file) if line["table"] == table]
    rules = [(line["column"], line["role"].split("|")) for line in lines]
    return {c: next(roles for p, roles in rules if p == c or fnmatchcase(c, p)) for c in columns}


def compare(folder: Path, entry: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Infer the roles of a table: how many are right, and which are not."""
    frame = load(folder, dict(entry)).drop(columns=entry["target"])
    started = time.perf_counter()
    schema = Schema.infer(frame)
    seconds = time.perf_counter() - started
    wanted = written_down(entry["name"], schema.names)
    wrong = [
        {
            "table": entry["name"],
            "column": column.name,
            "by hand": " or ".join(wanted[column.name]),
            "inferred": f"{column.role.value} ({column.reason})",
        }
        for column in schema.columns
        if column.role.value not in wanted[column.name]
    ]
    n_first = sum(c.role.value == wanted[c.name][0] for c in schema.columns)
    facts = {"table": entry["name"], "columns": len(schema.columns), "first": n_first}
    return facts | {"right": len(schema.columns) - len(wrong), "seconds": seconds}, wrong


def summary(tables: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Shares over all columns, over those of narrow tables, and as a mean over tables."""

    def share(chosen: Sequence[Mapping[str, Any]], key: str) -> str:
        total = sum(row["columns"] for row in chosen)
        return f"{sum(row[key] for row in chosen) / total:.2%}" if total else "-"

    narrow = [row for row in tables if row["columns"] < NARROW]
    rows = []
    for key, told in (("right", "right"), ("first", "the first role by hand")):
        mean = sum(row[key] / row["columns"] for row in tables) / len(tables)
        by = {"all columns": share(tables, key), f"tables under {NARROW}": share(narrow, key)}
        rows.append({"share": told, **by, "mean over tables": f"{mean:.2%}"})
    return rows


def main() -> None:
    """Compare all tables, list what is wrong."""
    args = parser(__doc__).parse_args()
    entries = index(args.data)
    listed = {line["table"] for line in csv.DictReader(ROLES.open(newline=""))}
    found = [
        compare(args.data, entry)
        for name, entry in entries.items()
        if name in (args.tables or listed) and name in listed
    ]
    tables, wrong = [row for row, _ in found], [row for _, rows in found for row in rows]
    print_table(wrong)
    print_table([row for row in tables if row["right"] < row["columns"]])
    print_table(summary(tables))
    print(f"\n{sum(row['columns'] for row in tables):,} columns of {len(tables)} tables", end="")
    kinds = Counter((row["by hand"], row["inferred"].split(" ")[0]) for row in wrong)
    print("; wrong:", ", ".join(f"{n} {a} as {b}" for (a, b), n in kinds.most_common()))


if __name__ == "__main__":
    main()
