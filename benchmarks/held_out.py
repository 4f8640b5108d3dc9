"""Fit through the command line, predict held-out rows, compare with default LightGBM."""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
from _tables import METRICS, SHIPPED, index, load, machine, score, split

from automl.features import fit_encoder
from automl.table import Schema


def run_automl(
    train: pd.DataFrame, test: pd.DataFrame, entry: dict[str, Any], budget: float, folder: Path
) -> dict[str, Any]:
    """`automl fit`, then `automl predict --proba`, each as a command."""
    task, target = entry["task"], entry["target"]
    train.to_csv(folder / "train.csv", index=False)
    test.to_csv(folder / "test.csv", index=False)
    command = [sys.executable, "-m", "automl", "fit", str(folder / "train.csv")]
    command += ["--target", target, "--task", task, "--metric", METRICS[task]]
    command += ["--time-budget", str(budget), "--out", str(folder / "run"), "--json", "--quiet"]
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode:
        return {"error": done.stdout + done.stderr, "exit": done.returncode, "seconds": seconds}
    told = json.loads(done.stdout)
    command = [sys.executable, "-m", "automl", "predict", told["model"]]
    command += [str(folder / "test.csv"), "--out", str(folder / "p.csv")]
    command += ["--proba"] if task != "regression" else []
    subprocess.run(command, capture_output=True, check=True)
    predicted = pd.read_csv(folder / "p.csv")
    classes = [c.removeprefix("proba_") for c in predicted.columns if c.startswith("proba_")]
    values = predicted[[f"proba_{c}" for c in classes]] if classes else predicted["prediction"]
    return {
        "score": score(task, test[target], values.to_numpy(), classes),
        "told": told["score"],
        "interval": told["score_interval"],
        "seconds": seconds,
        "exit": 0,
        "winner": told["winner"],
        "trials": told["n_trials"],
        "pruned": told["n_pruned"],
        "failed": told["n_failed"],
    }


def run_lightgbm(train: pd.DataFrame, test: pd.DataFrame, entry: dict[str, Any]) -> float:
    """LightGBM with its defaults on the same columns, strings as categories."""
    task, target = entry["task"], entry["target"]
    schema = Schema.infer(train.drop(columns=target))
    table = schema.apply(train.drop(columns=target), fitting=True)
    encoder = fit_encoder("tree", table)
    matrix = encoder.transform(table)
    new = encoder.transform(schema.apply(test.drop(columns=target))).values
    make = lightgbm.LGBMRegressor if task == "regression" else lightgbm.LGBMClassifier
    model = make(verbose=-1, n_jobs=1)
    model.fit(matrix.values, train[target], categorical_feature=list(matrix.categorical))
    if task == "regression":
        return score(task, test[target], np.asarray(model.predict(new)), [])
    probabilities = np.asarray(model.predict_proba(new))
    return score(task, test[target], probabilities, [str(c) for c in model.classes_])


def main() -> None:
    """Measure and print a line per table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=SHIPPED)
    parser.add_argument("--tables", help="names, separated by commas; all by default")
    parser.add_argument("--budget", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="append JSON lines to this file")
    args = parser.parse_args()
    known = index(args.data)
    wins = 0
    names = args.tables.split(",") if args.tables else list(known)
    for name in names:
        entry = known[name]
        train, test = split(load(args.data, entry), entry, args.seed)
        with tempfile.TemporaryDirectory() as folder:
            row = run_automl(train, test, entry, args.budget, Path(folder))
        row |= {"table": name, "task": entry["task"], "budget": args.budget, "rows": len(train)}
        row |= {"lightgbm": run_lightgbm(train, test, entry), **machine()}
        sign = 1 if entry["task"] == "binary" else -1
        better = "score" in row and sign * row["score"] > sign * row["lightgbm"]
        wins += better
        print(
            f"{name:24} {row.get('score', float('nan')):9.5f}  LightGBM {row['lightgbm']:9.5f}  "
            f"{'better' if better else 'worse':6}  {row['seconds']:6.1f} s of {args.budget:g}  "
            f"{row.get('error', '')}",
            flush=True,
        )
        if args.out:
            with args.out.open("a") as f:
                f.write(json.dumps(row) + "\n")
    print(f"better on {wins} of {len(names)}")


if __name__ == "__main__":
    main()
