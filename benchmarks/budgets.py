"""Wall clock of whole commands against their budgets.

Runs ``automl fit`` over tables, budgets and conditions, one run at a time, and measures from
outside: seconds from just before the process is made until it has exited, against the budget plus
2 s or 5 %, whichever is more; whether there is a model, by scoring rows that were held out before
(a fifth; of 200,000 rows and more a tenth, at most 50,000); the peak memory and the most runnable
threads of the process tree; when the first model was on disk; and, from the run's
``events.jsonl``, how much of cores x budget went into fits.

Conditions: ``quiet``; ``neighbour``, beside another process that keeps one core busy;
``one-core``, the whole tree held on one core by ``taskset``. What a lost core costs is told beside
the same search alone with as many core-seconds (one of two cores for 20 s are those of both for
10 s), in per cent of the error and beside the reach of the interval that the run itself told.

    python benchmarks/budgets.py --data FOLDER --out benchmarks/results/budgets.jsonl --resume
    python benchmarks/budgets.py --show benchmarks/results/budgets.jsonl

A table's name may carry a number of rows, ``segment:150``: then so many, drawn at random.
"""

import argparse
import math
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from itertools import product
from os import sched_getaffinity
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _process import (
    Plan,
    Process,
    Tree,
    Watched,
    allowed,
    evaluate,
    fit_command,
    in_a_child,
    read_events,
    watch,
)
from _results import Results, measure_or_show, numbers, parser, print_table, words
from _tables import index, load, machine

from automl import load as automl_load

TABLES = (
    "segment:150", "blood_transfusion", "credit_g", "car", "arrhythmia", "fbis_wc", "cnae9",
    "house_prices", "mercedes", "telco_churn", "twitter_airline", "adult", "bank_marketing",
    "otto", "diabetes130us", "santander_satisfaction", "give_me_some_credit",
    "nycflights_arr_delay", "kddcup99_10pct", "flights_3m",
)  # fmt: skip
CONDITIONS = ("quiet", "neighbour", "one-core")
KEYS = ("table", "condition", "budget")
BUSY = "import ctypes; ctypes.CDLL(None).prctl(1, 9)\nwhile True: pass"  # it dies with this script
SHARES = {"neighbour": 0.75, "one-core": 0.5}
"""Of two cores, what a neighbour leaves if the two share fairly, and what one core is."""
FIRST_MODEL = 3.0  # seconds after a table of 10,000 rows was read


def prepare(data: Path, entry: Mapping[str, Any], rows: int | None, folder: Path) -> int:
    """Write ``train.parquet`` and ``held.parquet``; return the number of rows to train."""
    frame = load(data, dict(entry))
    rng = np.random.default_rng(0)
    order = rng.permutation(len(frame))
    if rows is not None:
        order = order[: rows + rows // 4]
    n = len(order)
    held = n // 5 if n < 200_000 else min(n // 10, 50_000)
    y = frame[entry["target"]].iloc[order].reset_index(drop=True)
    if entry["task"] != "regression":  # a class that only the held-out rows have can't be scored
        rare = (y.map(y.value_counts()) < 10).to_numpy(dtype=bool)
        order = np.concatenate([order[~rare], order[rare]])
    folder.mkdir(parents=True)
    _write(frame.iloc[np.sort(order[:held])], folder / "held.parquet")
    _write(frame.iloc[np.sort(order[held:])], folder / "train.parquet")
    return n - held


def _write(frame: pd.DataFrame, path: Path) -> None:
    frame.to_parquet(path, index=False)


class FirstModel:
    """Notes when the first model was on disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.moment: float | None = None

    def __call__(self, _elapsed: float, _processes: Sequence[Process]) -> None:
        """Look once."""
        if self.moment is None and self._path.exists():
            self.moment = self._path.stat().st_mtime


@contextmanager
def neighbour() -> Iterator[None]:
    """Another process that keeps one core busy."""
    busy = subprocess.Popen([sys.executable, "-c", BUSY])
    try:
        time.sleep(0.2)
        yield
    finally:
        busy.kill()
        busy.wait()


def run(
    folder: Path, entry: Mapping[str, Any], n_rows: int, condition: str, budget: float
) -> dict[str, Any]:
    """One command and its model."""
    work = folder / "run"
    shutil.rmtree(work, ignore_errors=True)
    (work / "cwd").mkdir(parents=True)
    out, tree = work / "out", Tree()
    options = ["--time-budget", f"{budget:g}", "--task", entry["task"]]
    command = fit_command(folder / "train.parquet", entry["target"], out, *options)
    cores = len(sched_getaffinity(0))
    if condition == "one-core":
        cores, command = 1, ["taskset", "-c", str(min(sched_getaffinity(0))), *command]
    first = FirstModel(out / "model.automl")
    row = {"rows": n_rows, "allowed": allowed(budget)} | machine() | {"cores": cores}
    with neighbour() if condition == "neighbour" else nullcontext():
        plan = Plan(work / "cwd", give_up=3 * budget + 60, looks=[first])
        watched = watch(command, tree, plan)
        left = tree.left_after(2.0)
    tree.kill()
    row |= watched.facts() | {"kept": watched.wall <= allowed(budget), "left": len(left)}
    row |= event_facts(out, watched, first.moment, cores * budget)
    row |= evaluate(out / "model.automl", folder / "held.parquet", work)
    return row | noise(out / "model.automl", entry["task"], row["held_out"])


def noise(model: Path, task: str, held_out: float | None) -> dict[str, Any]:
    """The held-out error, and how far the run's own interval reaches to either side."""
    error = None if held_out is None else 1 - held_out if task == "binary" else held_out
    if error is None:
        return {"error": None, "reach": None}
    low, high = automl_load(model).score_interval_
    return {"error": error, "reach": None if math.isnan(low) else (high - low) / 2}


def event_facts(
    out: Path, watched: Watched, first_model: float | None, core_seconds: float
) -> dict[str, Any]:
    """What the run's events say, as far as they say it."""
    events, broken = read_events(out)
    fits = [e for e in events if e.get("event") == "fit"]
    cpu = cpu_seconds(fits)
    starts = [e for e in events if e.get("event") == "phase" and e.get("name") == "start"]
    read = (starts or [e for e in events if e.get("event") in ("look", "run")] or [{}])[0].get("t")
    saved = math.nan if first_model is None else first_model - watched.began
    after = saved - (math.nan if read is None else read)
    return {
        "n_fits": len(fits),
        "fit_cpu_seconds": cpu,
        "score_cpu_seconds": cpu_seconds([e for e in events if e.get("event") == "score"]),
        "utilisation": None if cpu is None else round(cpu / core_seconds, 4),
        "busy": round(sum(watched.usage.cpu_of.values()) / core_seconds, 4),
        "read": read,
        "first_model": None if math.isnan(saved) else round(saved, 3),
        "first_model_after_read": None if math.isnan(after) else round(after, 3),
        "broken_events": broken,
    }


def cpu_seconds(events: Sequence[Mapping[str, Any]]) -> float | None:
    """Core-seconds of events; None if none says."""
    told = [e["cpu_seconds"] for e in events if isinstance(e.get("cpu_seconds"), int | float)]
    return round(sum(told), 3) if told else None


def runs(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Condition by condition, the small tables first."""
    known = index(args.data)
    names = args.tables or [n for n in TABLES if n.partition(":")[0] in known]
    if not args.tables and len(names) < 3:  # another folder: all that it holds, and a small cut
        names = [f"{next(iter(known))}:150", *known]
    for condition, name, budget in product(args.conditions, names, args.budgets):
        yield {"table": name, "condition": condition, "budget": budget}


def measure(args: argparse.Namespace, results: Results, folder: Path) -> None:
    """Run what there is no result of yet, as long as there is time."""
    known, started = index(args.data), time.monotonic()
    prepared: dict[str, int] = {}
    for key in runs(args):
        left = 60 * args.limit_minutes - (time.monotonic() - started)
        if results.find(key) or left < allowed(key["budget"]) + 10:
            continue
        name, _, rows = key["table"].partition(":")
        place = folder / key["table"].replace(":", "-")
        if key["table"] not in prepared:
            n = in_a_child(prepare, args.data, known[name], int(rows) if rows else None, place)
            prepared[key["table"]] = n
        row = key | run(
            place, known[name], prepared[key["table"]], key["condition"], key["budget"]
        )
        results.add(row)
        told = "kept" if row["kept"] else "NOT KEPT"
        print(
            f"{key['condition']:10} {key['table']:22} {row['rows']:9,} rows  {row['wall']:7.2f} s "
            f"of {key['budget']:g}  {told}  {'model' if row['model'] else 'NO MODEL'}",
            flush=True,
        )


def show(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print the tables."""
    groups: dict[tuple[Any, Any], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["condition"], row["budget"]), []).append(row)
    print_table([summary(*key, group) for key, group in groups.items()])
    bad = [r for r in rows if not (r["kept"] and r["model"] and r["exit"] == 0 and not r["left"])]
    columns = ("table", "condition", "budget", "wall", "exit", "model", "left")
    print_table([{c: r[c] for c in columns} | {"said": _last_line(r)} for r in bad])
    print_table(scores(rows))
    print_table(losses(rows))


def summary(condition: str, budget: float, group: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One line for a condition and a budget."""
    big = [r["utilisation"] for r in group if r["rows"] >= 10_000 and r["utilisation"] is not None]
    busy = [r["busy"] for r in group if r["rows"] >= 10_000]
    worst = max(group, key=lambda r: r["wall"])
    first = [
        r["first_model_after_read"]
        for r in group
        if r["rows"] <= 12_000 and r["first_model_after_read"] is not None
    ]
    return {
        "condition": condition,
        "budget, s": f"{budget:g}",
        "runs": len(group),
        "kept": sum(r["kept"] for r in group),
        "worst overrun, s": worst["wall"] - budget,
        "of": worst["table"],
        "models": sum(r["model"] for r in group),
        "better than constant": sum(r["model"] and r["winner"] != "constant" for r in group),
        "in fits, median of 10,000 rows and more": statistics.median(big) if big else None,
        "whole tree": statistics.median(busy) if busy else None,
        "last first model, up to 12,000 rows, s": max(first, default=None),
        "most runnable threads": max(r["max_runnable"] for r in group),
        "peak PSS, MiB": max(r["peak_pss_mib"] for r in group),
    }


def scores(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Held-out scores of each table and budget, condition by condition."""
    conditions = list(dict.fromkeys(r["condition"] for r in rows))
    lines: dict[tuple[Any, Any], dict[str, Any]] = {}
    for row in rows:
        line = lines.setdefault((row["table"], row["budget"]), {
            "table": row["table"], "rows": f"{row['rows']:,}", "budget, s": f"{row['budget']:g}",
        } | dict.fromkeys(conditions))  # fmt: skip
        held = row["held_out"]
        line[row["condition"]] = None if held is None else f"{held:.5g} ({row['wall']:.1f} s)"
    return list(lines.values())


def losses(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Of each condition, what its runs lose against quiet ones with as many core-seconds."""
    quiet = {(r["table"], r["budget"]): r.get("error") for r in rows if r["condition"] == "quiet"}
    lines = []
    for condition, share in SHARES.items():
        runs = [r for r in rows if r["condition"] == condition and r.get("reach") and r["error"]]
        pairs = [(r, expected_error(quiet, r["table"], share, r["budget"])) for r in runs]
        both = [(r, expected) for r, expected in pairs if expected]
        if not both:
            continue
        worse = [r["error"] / expected - 1 for r, expected in both]
        near = [abs(r["error"] - expected) <= r["reach"] for r, expected in both]
        outside = [r["table"] for (r, _), n in zip(both, near, strict=True) if not n]
        lines.append({
            "condition": condition,
            "beside quiet at": f"{share:g} x budget",
            "runs": len(both),
            "median error more, %": 100 * statistics.median(worse),
            "mean": 100 * statistics.mean(worse),
            "within the interval's reach": f"{sum(near)} of {len(near)}",
            "not": ", ".join(outside),
        })  # fmt: skip
    return lines


def expected_error(
    quiet: Mapping[tuple[str, float], float | None], table: str, share: float, budget: float
) -> float | None:
    """The error alone in a share of a budget; between two budgets, on the way between theirs."""
    if found := quiet.get((table, share * budget)):
        return found
    half, whole = (quiet.get((table, part * budget)) for part in (0.5, 1.0))
    if not half or not whole:
        return None
    way = math.log2(2 * share)
    return float(half ** (1 - way) * whole**way)


def _last_line(row: Mapping[str, Any]) -> str:
    lines = str(row.get("said") or row.get("model_said") or "").strip().splitlines()
    return lines[-1][:120] if lines else ""


def main() -> None:
    """Measure, or show what was measured."""
    options = parser(str(__doc__))
    options.add_argument("--budgets", type=numbers, default=[5.0, 20.0, 60.0], help="seconds")
    options.add_argument("--conditions", type=words, default=list(CONDITIONS))
    options.add_argument("--limit-minutes", type=float, default=float("inf"))
    args = options.parse_args()
    measure_or_show(args, KEYS, measure=measure, show=show)


if __name__ == "__main__":
    main()
