"""Show every configuration that a run tried, the best first."""

import argparse
from pathlib import Path

from automl.cli._console import Console


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``automl leaderboard``."""
    parser.add_argument("run", metavar="RUN", help="folder of a run, or the model in it")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace, console: Console) -> int:
    """Read, print."""
    from automl.report import leaderboard_text
    from automl.run import read_leaderboard

    path = Path(args.run).expanduser().resolve()
    facts, rows = read_leaderboard(path)
    result = facts["result"]
    if console.json:
        folder = path.parent if path.is_file() else path
        shown = {"run": str(folder), "metric": result["metric"], "winner": result["winner"]}
        console.print_json({**shown, "leaderboard": rows})
    else:
        console.print(leaderboard_text(rows, result["metric"]))
    return 0
