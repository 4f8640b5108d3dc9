"""The whole command on each of many nasty files: a model, or a message that says why.

``automl fit FILE --target y`` runs on one after the other. A file is as it should be if the
command ends in time and in little memory, without a traceback, and with a model or with the
message that the corpus expects. Where no fit ended within the budget, the model is the constant
baseline, and told as that. Linux only.
"""

import argparse
import json
import re
import shutil
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from _process import Plan, Tree, fit_command, watch
from _results import Results, measure_or_show, parser, print_table
from _tables import machine

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tests.table.nasty import Nasty, corpus  # noqa: E402 - beside the package, not in it

GRACE = 30.0
"""Seconds beside the budget, for files that take long to read or to refuse."""

MEMORY = 2048.0
"""MiB that the processes may take together."""


def run(one: Nasty, folder: Path, budget: float, trials: int | None) -> dict[str, Any]:
    """Write the file and fit."""
    options = ["--time-budget", f"{budget:g}s"]
    if trials:
        options += ["--max-trials", str(trials)]
    (folder / "cwd").mkdir(parents=True)
    path, tree = one.write(folder), Tree()
    plan = Plan(folder / "cwd", give_up=budget + 120, every=0.1, pss_every=0.5)
    command = fit_command(path, "y", folder / "out", *options)
    watched = watch(command, tree, plan)
    tree.kill()
    is_model = watched.exit == 0 and (folder / "out" / "model.automl").exists()
    winner = watched.told.get("winner")
    error = watched.told.get("error") or {}
    message = str(error.get("message", "")).replace(str(folder) + "/", "")
    expected = bool(re.search(one.told, message)) if one.told else is_model
    bounded = watched.wall <= budget + GRACE and watched.usage.rss / 2**20 <= MEMORY
    return {
        "outcome": _outcome(is_model, winner, message),
        "as_expected": expected and ("Traceback" not in watched.said),
        "bounded": bounded,
        "exit": watched.exit,
        "seconds": round(watched.wall, 1),
        "mib": round(watched.usage.rss / 2**20),
        "winner": winner,
        "message": message or (watched.said[-600:] if watched.exit else ""),
    }


def _outcome(is_model: bool, winner: Any, message: str) -> str:
    if is_model:
        return "constant" if winner == "constant" else "model"
    return "message" if message else "neither"


def measure(args: argparse.Namespace, results: Results, folder: Path) -> None:
    """Each file that there is no result of."""
    for one in corpus().values():
        case = {"file": one.name, "budget_s": args.budget, "trials": args.trials}
        if (args.tables and one.name not in args.tables) or results.find(case) is not None:
            continue
        work = folder / "one"
        row = machine() | case | run(one, work, args.budget, args.trials)
        shutil.rmtree(work)
        results.add(row)
        print(json.dumps(row), flush=True)


def show(rows: list[dict[str, Any]]) -> None:
    """The list, and how many there are of each outcome."""
    columns = ("file", "outcome", "seconds", "mib", "message")
    print_table([{c: _cell(row[c]) for c in columns} for row in rows])
    counts = Counter(row["outcome"] for row in rows)
    odd = [row["file"] for row in rows if not (row["as_expected"] and row["bounded"])]
    told = ", ".join(f"{n} {outcome}" for outcome, n in counts.items())
    print(f"\n{len(rows)} files: {told}; not as expected: {', '.join(odd) or 'none'}")
    if rows:
        print(
            f"longest {max(r['seconds'] for r in rows)} s, most {max(r['mib'] for r in rows)} MiB"
        )


def _cell(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = value.replace("|", "\\|").replace("\n", " ")
    return text if len(text) <= 160 else f"{text[:157]}..."


def main() -> None:
    """Measure, or show a file of results."""
    options = parser(__doc__)
    options.add_argument("--budget", type=float, default=5.0)
    options.add_argument("--trials", type=int, help="end after this many, for a busy machine")
    args = options.parse_args()
    measure_or_show(args, ("file", "budget_s", "trials"), measure=measure, show=show)


if __name__ == "__main__":
    main()
