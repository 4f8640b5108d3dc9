"""What pruning saves: the same budget with and without it, read back from Optuna's journal."""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import optuna
from _tables import SHIPPED, index, load, machine
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from automl.search import FOLD_STEPS


def read_journal(path: Path) -> Counter[str]:
    """Count trials by what ended them, from the journal alone."""
    storage = JournalStorage(JournalFileBackend(str(path)))
    counts: Counter[str] = Counter()
    for name in optuna.get_all_study_names(storage):
        study = optuna.load_study(study_name=name, storage=storage)
        for trial in study.trials:
            counts[trial.state.name.lower()] += 1
            if trial.state is optuna.trial.TrialState.PRUNED:
                last = max(trial.intermediate_values)
                counts["pruned inside a fit" if last < FOLD_STEPS else "pruned between folds"] += 1
            counts["intermediate values"] += len(trial.intermediate_values)
    return counts


def run(table: Path, entry: dict[str, Any], budget: float, pruning: bool) -> dict[str, Any]:
    """One run through the command line."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "automl", "fit", str(table), "--target", entry["target"]]
        command += ["--time-budget", str(budget), "--out", folder, "--json", "--quiet"]
        command += [] if pruning else ["--no-pruning"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        told = json.loads(done.stdout)
        return {
            "pruning": pruning,
            "configurations": told["n_trials"],
            "score": told["score"],
            **read_journal(Path(folder) / "journal.log"),
        }


def main() -> None:
    """Run both ways and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=SHIPPED)
    parser.add_argument("--table", default="birdstrikes")
    parser.add_argument("--budget", type=float, default=60.0)
    parser.add_argument("--out", type=Path, help="append JSON lines to this file")
    args = parser.parse_args()
    entry = index(args.data)[args.table]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.parquet"
        load(args.data, entry).to_parquet(path)
        for pruning in (True, False):
            row = {"table": args.table, "budget": args.budget} | machine()
            row |= run(path, entry, args.budget, pruning)
            print(json.dumps(row))
            if args.out:
                with args.out.open("a") as f:
                    f.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
