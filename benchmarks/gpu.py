"""The card against the cores: is it right, how fast is it, and what does a search gain.

Four parts, each of which stops by itself before its time limit and goes on the next time: what the
file of results holds is not measured again. Every measurement is a process of its own, which may
die without harm. One that fails is a line of results, too.

``probe``   what there is, and the check that a run makes before it trusts a card
``parity``  held-out log loss or RMSE on six tables, card against CPU, over 20 seeds
``fit``     seconds and memory of 100 rounds on made tables of 10,000 to 10,000,000 rows
``search``  whole searches of equal and unequal seconds, on a made table of a million rows

    python benchmarks/gpu.py --part fit --results benchmarks/results/gpu.jsonl
    python benchmarks/gpu.py --part fit --device cpu --quick
    python benchmarks/gpu.py --show benchmarks/results/gpu.jsonl
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import mean, median
from typing import Any

from _results import Results, print_table, read_results
from _svg import COLOURS, Strips
from _tables import SHIPPED, index, machine

from automl.cli.doctor import examine
from automl.compute import resolve_device
from automl.exceptions import UsageError
from automl.families import BACKENDS

CHILD = Path(__file__).with_name("_cards.py")
KEYS = ("part", "family", "device", "table", "rows", "columns", "seeds", "rounds", "budget", "n")
PARTS = ("probe", "parity", "fit", "search")
LIMIT = 450.0
"""Seconds of a part."""

TABLES = ("adult", "diamonds", "otto", "electricity", "miami_housing", "kropt")
SHIPPED_TABLES = ("birdstrikes", "flights", "colleges", "earthquakes", "weather", "penguins")
SIZES = (
    *((10_000, 20), (10_000, 100), (100_000, 20), (100_000, 100), (1_000_000, 20)),
    *((1_000_000, 100), (100_000, 500), (3_000_000, 50), (1_000_000, 500), (10_000_000, 20)),
)
SEARCHES = (("auto", 24), ("cpu", 240), ("cpu", 24), ("auto", 60), ("cpu", 60))
QUICK_SIZES = ((2000, 10), (4000, 10))
AT_ONCE = 5
"""Seeds of one process: so much at most is lost with it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, measure what is missing, show what there is."""
    args = options().parse_args(arguments)
    if args.show:
        show(read_results(args.show), args.plot)
        return 0
    try:
        card = resolve_device(args.device)
    except UsageError as error:
        print(f"error: {error}")
        return error.exit_code
    args.device = "cpu" if card is None else card.cuda
    results = Results(args.results, KEYS, resume=args.results is not None)
    end = time.monotonic() + args.seconds
    for job in JOBS[args.part](args):
        job = {"part": args.part, "n": 0} | job | {"threads": args.threads}  # noqa: PLW2901
        if results.find({k: job.get(k) for k in KEYS}):
            continue
        left = end - time.monotonic()
        if left < job.get("least", 5.0):
            print(f"{args.part}: the time is over; run it again to go on")
            break
        for line in measure(job, left):
            kept = {k: job[k] for k in KEYS if k in job} | line | {"machine": machine()}
            results.add(kept)
            print(brief(kept), flush=True)
    show(results.rows, args.plot)
    return 0


def options() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    found.add_argument("--part", choices=PARTS, default="probe")
    found.add_argument("--device", default="cuda", help="cuda, cuda:N, auto or cpu")
    found.add_argument("--tables", type=Path, help="folder with index.json")
    found.add_argument("--families", default=",".join(BACKENDS), help="of xgboost, lightgbm")
    found.add_argument("--results", type=Path, help="append JSON lines to this file")
    found.add_argument("--seconds", type=float, default=LIMIT, help="limit of a part")
    found.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    found.add_argument("--seeds", type=int, default=20)
    found.add_argument("--quick", action="store_true", help="small sizes, to try the script")
    found.add_argument("--show", type=Path, help="print a file of results, measure nothing")
    found.add_argument("--plot", type=Path, help="draw how many times faster the card is, as SVG")
    return found


# -- what there is to measure ---------------------------------------------------------------


def devices(args: argparse.Namespace) -> list[str]:
    """The card first, and the CPU to compare it with."""
    return list(dict.fromkeys([args.device, "cpu"]))


def probes(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The machine, then the check of each family."""
    print(json.dumps(examine(), indent=1))
    for family in args.families.split(","):
        yield {"family": family, "device": args.device}


def parities(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Six tables, two families, both devices, some seeds at a time."""
    data = args.tables or SHIPPED
    known = index(data)
    tables = [t for t in (*TABLES, *SHIPPED_TABLES) if t in known][: 1 if args.quick else 6]
    seeds = range(2 if args.quick else args.seeds)
    for first in range(0, len(seeds), AT_ONCE):
        for table in tables:
            for family in args.families.split(","):
                for device in devices(args):
                    some = list(seeds[first : first + AT_ONCE])
                    yield {
                        "family": family, "device": device, "table": table, "seeds": some,
                        "data": str(data.resolve()),
                    }  # fmt: skip


def fits(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Sizes from small to large; a fifth of the rows is validated on."""
    for rows, columns in QUICK_SIZES if args.quick else SIZES:
        for device in devices(args):
            for family in args.families.split(","):
                yield {
                    "family": family, "device": device, "rows": rows, "columns": columns,
                    "rounds": 10 if args.quick else 100,
                    "least": 5 + rows * columns / 3e6,
                }  # fmt: skip


def searches(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The same table with less time and a card, and with more time and none."""
    named = "flights_3m" if args.tables and "flights_3m" in index(args.tables) else "made"
    for device, budget in SEARCHES:
        if device != "cpu" and args.device == "cpu":
            continue
        budget = budget / 8 if args.quick else budget  # noqa: PLW2901
        yield {
            "device": "cpu" if device == "cpu" else "auto", "budget": budget, "table": named,
            "rows": 5000 if args.quick else 1_000_000,
            "data": str((args.tables or SHIPPED).resolve()),
            "least": 1.2 * budget + 20,
        }  # fmt: skip


JOBS = {"probe": probes, "parity": parities, "fit": fits, "search": searches}


# -- one measurement ------------------------------------------------------------------------


def measure(job: dict[str, Any], seconds: float) -> Iterator[dict[str, Any]]:
    """Lines of one process, as they come; the last says if it did not end well."""
    with tempfile.TemporaryDirectory(prefix="automl-gpu-") as folder:
        task = job | {"folder": str(Path(folder, "run"))}
        env = os.environ | {
            "OMP_NUM_THREADS": str(job["threads"]),
            "OMP_WAIT_POLICY": "PASSIVE",  # as in a run's workers
        }
        with tempfile.TemporaryFile("w+") as said:
            child = subprocess.Popen(
                [sys.executable, str(CHILD), json.dumps(task)],
                stdout=subprocess.PIPE, stderr=said, text=True, env=env,
            )  # fmt: skip
            timer = threading.Timer(seconds, child.kill)
            timer.start()
            assert child.stdout is not None
            for line in child.stdout:
                if line.startswith("{"):
                    yield json.loads(line)
            code = child.wait()
            timer.cancel()
            said.seek(0)
            if code:
                late = "it was ended by its time limit: " if not timer.is_alive() else ""
                yield {"error": late + f"exit code {code}", "said": said.read()[-600:]}


def brief(row: dict[str, Any]) -> str:
    """A result in a line."""
    shown = {k: row[k] for k in row if k not in ("machine", "path", "said", "seeds")}
    return " ".join(
        f"{k}={v:.5g}" if isinstance(v, float) else f"{k}={v}" for k, v in shown.items()
    )


# -- what came of it ------------------------------------------------------------------------


def show(rows: list[dict[str, Any]], plot: Path | None = None) -> None:
    """Print the tables of each part that there are results of."""
    good = [r for r in rows if "error" not in r]
    print_table(parity_table([r for r in good if r["part"] == "parity"]))
    speeds = fit_table([r for r in good if r["part"] == "fit"])
    print_table(speeds)
    names = ("device", "budget", "table", "metric", "loss", "trials", "fits", "copies", "winner")
    print_table([{k: r.get(k) for k in names} for r in good if r["part"] == "search"])
    names = ("part", "family", "device", "table", "rows", "columns", "error")
    print_table([{k: r.get(k) for k in names} for r in rows if "error" in r])
    if plot is not None and (drawn := picture(speeds)):
        plot.write_text(drawn)


def parity_table(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """How much larger the loss is on the card, in percent, over seeds."""
    found = []
    by_case: dict[tuple[str, str], dict[str, dict[int, float]]] = {}
    for r in rows:
        case = by_case.setdefault((r["table"], r["family"]), {})
        case.setdefault("cpu" if r["on"] == "cpu" else "card", {})[r["seed"]] = r["loss"]
    for (table, family), case in sorted(by_case.items()):
        card, cpu = case.get("card", {}), case.get("cpu", {})
        seeds = sorted(card.keys() & cpu.keys())
        row = {"table": table, "family": family, "seeds": len(seeds) or len(cpu)}
        row |= {"cpu": mean(cpu.values()) if cpu else math.nan}
        more = [100 * (card[s] / cpu[s] - 1) for s in seeds]
        row["card, % more"] = mean(more) if more else None
        row["of one seed at most"] = max(more, key=abs) if more else None
        found.append(row)
    return found


def fit_table(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Seconds of a first fit and of the next, and how many times faster the card is."""
    seconds: dict[tuple[int, int, str], dict[str, list[float]]] = {}
    for r in rows:
        device = "cpu" if r["on"] == "cpu" else "card"
        case = seconds.setdefault((r["rows"], r["columns"], r["family"]), {})
        case.setdefault(f"{device}, {'first' if r['run'] == 'first' else 'next'}", []).append(
            r["seconds"]
        )
        if r.get("card_mib") is not None:
            case.setdefault("card, MiB", []).append(r["card_mib"])
    found = []
    for (n_rows, n_columns, family), case in sorted(seconds.items()):
        row = {"rows": n_rows, "columns": n_columns, "family": family}
        for name in ("cpu, first", "cpu, next", "card, first", "card, next", "card, MiB"):
            row[name] = median(case[name]) if name in case else None
        both = row["cpu, next"] and row["card, next"]
        row["times faster"] = row["cpu, next"] / row["card, next"] if both else None
        found.append(row)
    return found


def picture(rows: list[dict[str, Any]]) -> str:
    """How many times faster the card is than all cores, by family and size."""
    rows = [r for r in rows if r["times faster"]]
    if not rows:
        return ""
    families = sorted({r["family"] for r in rows})
    colours = dict(zip(families, COLOURS, strict=False))
    names = list(dict.fromkeys(f"{r['rows']:,} x {r['columns']}" for r in rows))
    ticks = {v: f"{v:g}" for v in (0.1, 0.3, 1, 3, 10, 30, 100)}
    strips = Strips(names, (0.05, 200), ticks, "times faster than all cores", True, colours)
    strips.rule(1.0)
    for r in rows:
        place = strips.x.place(r["times faster"]), strips.y(f"{r['rows']:,} x {r['columns']}")
        strips.drawing.dot(*place, colours[r["family"]])
    return strips.drawing.svg()


if __name__ == "__main__":
    sys.exit(main())
