"""Memory of whole commands: under a limit, and against the size of the table.

Two parts, each run through the command line and watched from outside (resident memory of the
process tree, summed, every 50 ms; and with pages that several processes share divided among them,
as PSS, every half second):

``limit``: a table of 150,000 rows on one core, once under ``ulimit -d``, once with ``--memory``,
once with both. There must be a model within the budget, and the sum of resident memory must stay
under the limit.

``growth``: tables of 100 MB to 1 GB in memory, made by repeating the rows of a small one, with two
workers. Peak memory must stay under 3 x the table in memory + 400 MiB. The table in memory is
``memory_usage(deep=True)`` of what the package's own reader returns.

    python benchmarks/memory.py --data FOLDER --out benchmarks/results/memory.jsonl --resume
    python benchmarks/memory.py --show benchmarks/results/memory.jsonl
"""

import argparse
import math
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from _process import (
    MIB,
    Plan,
    Tree,
    allowed,
    evaluate,
    fit_command,
    has_option,
    in_a_child,
    watch,
)
from _results import Results, measure_or_show, numbers, parser, print_table, words
from _tables import index, load, machine

from automl.table import read_table

KEYS = ("part", "case", "table", "budget")
LIMIT_TABLES = ("give_me_some_credit", "birdstrikes")
GROWTH_TABLES = ("miami_housing", "adult", "colleges", "birdstrikes")
LIMIT_ROWS = 150_000
WHAT = {"ulimit": "ulimit -d", "memory": "--memory", "both": "ulimit -d and --memory"}
MORE = 400 * MIB


def repeat(data: Path, entry: Mapping[str, Any], copies: float, path: Path) -> dict[str, Any]:
    """Write a table with its rows repeated; return how large it is once it is read."""
    frame = load(data, dict(entry))
    parts = [frame] * int(copies) + [frame.iloc[: round(len(frame) * (copies % 1))]]
    pd.concat(parts, ignore_index=True).to_parquet(path, index=False)
    frame.sample(n=min(1000, len(frame)), random_state=0).to_parquet(
        path.with_name("sample.parquet"), index=False
    )
    read = read_table(path)
    return {"rows": len(read), "table_mib": in_memory(read)}


def size_of(data: Path, entry: Mapping[str, Any]) -> tuple[int, float]:
    """Rows of a table, and its MiB in memory."""
    frame = load(data, dict(entry))
    return len(frame), in_memory(frame)


def in_memory(frame: pd.DataFrame) -> float:
    """MiB, strings included."""
    return round(float(frame.memory_usage(deep=True).sum()) / MIB, 2)


def run(
    table: Path, entry: Mapping[str, Any], command: Sequence[str], budget: float, work: Path
) -> dict[str, Any]:
    """One command: `command` holds what comes before it, then ``--``, then its options."""
    shutil.rmtree(work, ignore_errors=True)
    (work / "cwd").mkdir(parents=True)
    split = list(command).index("--")
    before, options = command[:split], command[split + 1 :]
    options = [*options, "--time-budget", f"{budget:g}", "--task", entry["task"]]
    tree = Tree()
    plan = Plan(work / "cwd", give_up=3 * budget + 120, every=0.05, pss_every=0.5)
    fit = fit_command(table, entry["target"], work / "out", *options)
    row = machine()
    watched = watch([*before, *fit], tree, plan)
    left = tree.left_after(2.0)
    tree.kill()
    row |= watched.facts() | {"kept": watched.wall <= allowed(budget)}
    row |= {"left": len(left)}
    return row | evaluate(work / "out" / "model.automl", table.with_name("sample.parquet"), work)


def limit_command(case: str, limit: float) -> list[str]:
    """What holds a command under a limit in GiB, on one core."""
    command = ["taskset", "-c", str(min(os.sched_getaffinity(0)))]
    if case != "memory":
        command += ["sh", "-c", f'ulimit -d {int(limit * 2**20)} && exec "$@"', "sh"]
    return [*command, "--", *(["--memory", f"{limit:g}g"] if case != "ulimit" else [])]


def limit_run(args: argparse.Namespace, key: Mapping[str, Any], scratch: Path) -> dict[str, Any]:
    """One run under a limit."""
    entry, path = index(args.data)[key["table"]], scratch / "limit.parquet"
    rows, _ = in_a_child(size_of, args.data, entry)
    facts = in_a_child(repeat, args.data, entry, LIMIT_ROWS / rows, path)
    command = limit_command(key["case"], args.limit)
    row = {**key, **facts, "limit_mib": args.limit * 1024}
    row |= run(path, entry, command, key["budget"], scratch / "run")
    return row | {"under": row["peak_rss_mib"] <= row["limit_mib"]}


def growth_run(args: argparse.Namespace, key: Mapping[str, Any], scratch: Path) -> dict[str, Any]:
    """One run on a table of a size."""
    entry, path = index(args.data)[key["table"]], scratch / "growth.parquet"
    _, small = in_a_child(size_of, args.data, entry)
    wanted = float(key["case"].split()[0]) * 1e6 / MIB
    facts = in_a_child(repeat, args.data, entry, wanted / small, path)
    row = {**key, **facts, "limit_mib": round(3 * facts["table_mib"] + MORE / MIB, 1)}
    row |= run(path, entry, ["--", "--n-jobs", "2"], key["budget"], scratch / "run")
    return row | {"under": row["peak_pss_mib"] <= row["limit_mib"]}


def runs(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The parts, one after another."""
    known = index(args.data)
    limited = args.tables or [n for n in LIMIT_TABLES if n in known][:1]
    grown = args.tables or [n for n in GROWTH_TABLES if n in known][:2]
    for table, case in ((t, c) for t in limited for c in args.cases if "limit" in args.parts):
        yield {"part": "limit", "case": case, "table": table, "budget": args.limit_budget}
    for table, size in ((t, s) for t in grown for s in args.sizes if "growth" in args.parts):
        yield {"part": "growth", "case": f"{size:g} MB", "table": table, "budget": args.budget}


def measure(args: argparse.Namespace, results: Results, scratch: Path) -> None:
    """Do all runs that have no result yet."""
    for key in runs(args):
        if results.find(key):
            continue
        if key["case"] in ("memory", "both") and not has_option("--memory"):
            print(f"{key['case']:8} automl fit has no option --memory")
            continue
        row = (limit_run if key["part"] == "limit" else growth_run)(args, key, scratch)
        results.add(row)
        print(
            f"{row['part']:7} {row['case']:8} {row['table']:20} {row['table_mib']:8.1f} MiB  "
            f"RSS {row['peak_rss_mib']:8.1f}  PSS {row['peak_pss_mib']:8.1f}  "
            f"limit {row['limit_mib']:8.1f}  {'under' if row['under'] else 'OVER'}  "
            f"{row['wall']:.1f} s of {row['budget']:g}  {'model' if row['model'] else 'NO MODEL'}",
            flush=True,
        )


def show(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print a table for each part."""
    for part in dict.fromkeys(row["part"] for row in rows):
        print_table([shown_row(row) for row in rows if row["part"] == part])


def shown_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A line of a table."""
    factor = (row["peak_pss_mib"] - MORE / MIB) / row["table_mib"]
    said = str(row.get("said") or row.get("model_said") or "").strip().splitlines()
    facts = {
        "table": row["table"],
        "case": WHAT.get(row["case"], row["case"]),
        "rows": f"{row['rows']:,}",
        "table in memory, MiB": row["table_mib"],
        "peak RSS, MiB": row["peak_rss_mib"],
        "peak PSS, MiB": row["peak_pss_mib"],
        "limit, MiB": row["limit_mib"],
        "under": row["under"],
        "(PSS - 400 MiB) / table": factor if row["part"] == "growth" else math.nan,
        "seconds": row["wall"],
        "kept": row["kept"],
        "model": row["model"],
        "said": said[-1][:100] if said and not row["model"] else None,
    }
    return {k: v for k, v in facts.items() if row["part"] == "growth" or "PSS -" not in k}


def main() -> None:
    """Measure, or show what was measured."""
    options = parser(str(__doc__))
    options.add_argument("--parts", type=words, default=["limit", "growth"])
    options.add_argument("--cases", type=words, default=list(WHAT), help="of the first part")
    options.add_argument("--limit", type=float, default=1.5, help="GiB, of the first part")
    options.add_argument("--limit-budget", type=float, default=30.0)
    options.add_argument(
        "--sizes", type=numbers, default=[100.0, 300.0, 1000.0], help="MB, of the second part"
    )
    options.add_argument("--budget", type=float, default=60.0)
    args = options.parse_args()
    measure_or_show(args, KEYS, measure=measure, show=show)


if __name__ == "__main__":
    main()
