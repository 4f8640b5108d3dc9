"""What the package costs beside a script that makes the same fits with the raw library.

The package makes one trial of one family without an ensemble: folds, early stopping, out-of-fold
predictions, score, saved model. The script makes the same fits with LightGBM or XGBoost itself:
the same folds, parameters and numbers of rounds, all granted cores for each fit, the library's
own metric after each round as `evals` and `valid_sets` are used, out-of-fold predictions, their
score, saved boosters. Each runs in a process of its own, alternating; imports and the start of
the package's workers are not in the seconds but are told beside them. With `--bare` the script
looks at no metric while it trains, which nobody could stop early by.
"""

import argparse
import json
import operator
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _tables import machine

N_COLUMNS = 20
OURS = ("family", "generated")
"""Parameters that the library itself does not know."""

RATIO, SECONDS = 1.15, 0.3
"""The package may take this times the script's seconds, or so many seconds more."""


def make_table(n_rows: int, task: str) -> tuple[pd.DataFrame, np.ndarray]:
    """Floats, some with gaps, integers and truth values; a third of the variance is noise."""
    rng = np.random.default_rng(0)
    columns: dict[str, Any] = {}
    for i in range(N_COLUMNS):
        if i % 10 == 8:
            columns[f"flag{i}"] = rng.random(n_rows) < 0.3
        elif i % 10 in (4, 5, 6):
            columns[f"count{i}"] = rng.poisson(4, n_rows) * (10 if i % 10 == 6 else 1)
        else:
            values = rng.normal(size=n_rows)
            if i % 10 == 9:
                values[rng.random(n_rows) < 0.1] = np.nan
            columns[f"number{i}"] = values
    frame = pd.DataFrame(columns)
    a, b, c, d = (frame[f"number{i}"].to_numpy() for i in range(4))
    signal = a * b + np.sin(2 * c) + 0.3 * (frame["count4"].to_numpy() - 4) * (d > 0)
    signal += 0.5 * frame["flag8"].to_numpy() + 0.2 * frame["number9"].fillna(2).to_numpy()
    signal += 0.7 * signal.std() * rng.normal(size=n_rows)
    if task == "binary":
        return frame, (signal > np.median(signal)).astype(np.int64)
    return frame, signal


# -- the package ------------------------------------------------------------------------


def run_package(family: str, n_rows: int, task: str, folder: Path) -> dict[str, Any]:
    """One trial through the public estimator, its workers' server running already."""
    from automl import AutoModel
    from automl._fit import fit_table  # noqa: F401 - so that `fit` need not import it

    frame, y = make_table(n_rows, task)
    start = _start_workers(family, folder)
    model = AutoModel(
        families=[family],
        max_trials=1,
        ensemble=False,
        time_budget=None,
        random_state=0,
        run_dir=folder / "run",
    )
    started, cpu = time.perf_counter(), time.process_time()
    model.fit(frame, y)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    events = [json.loads(line) for line in (folder / "run" / "events.jsonl").open()]
    fits = [e for e in events if e["event"] == "fit" and e["family"] == family]
    fits.sort(key=lambda e: e["fold"])
    jobs = [e for e in events if e["event"] in ("phase", "fit", "score")]
    return {
        "seconds": seconds,
        "cpu": cpu + sum(e.get("cpu_seconds", 0.0) for e in jobs),
        "fit_cpu": sum(e["cpu_seconds"] for e in fits),
        "start": start,
        "score": model.score_,
        "rounds": [e["steps"] for e in fits],
        "best": [e["step"] for e in fits],
        "threads": [e["n_threads"] for e in fits],
        "params": {k: v for k, v in model.best_params_.items() if k not in OURS},
    }


def _start_workers(family: str, folder: Path) -> float:
    """Seconds from nothing to the first job done; the server then stays for the fit."""
    from automl._prepare import preload_names
    from automl.compute import Job, LocalEngine, warm_up

    started = time.perf_counter()
    warm_up(preload_names([family]))
    with LocalEngine(n_workers=1, scratch=folder, preload=preload_names([family])) as engine:
        engine.submit(Job("operator:call", operator.is_))  # a job that does nothing
        engine.wait()
    return time.perf_counter() - started


# -- the script -------------------------------------------------------------------------


def run_script(family: str, n_rows: int, task: str, folder: Path, told: Any) -> dict[str, Any]:
    """The same fits by the library alone."""
    import lightgbm  # noqa: F401
    import xgboost  # noqa: F401
    from sklearn.metrics import roc_auc_score, root_mean_squared_error

    from automl.compute import granted_cores
    from automl.objective import make_splits

    frame, y = make_table(n_rows, task)
    fit = {"lightgbm": _fit_lightgbm, "xgboost": _fit_xgboost}[family]
    started, cpu = time.perf_counter(), time.process_time()
    X = frame.to_numpy(np.float32)
    n_folds = len(told["rounds"])
    predictions, seen = np.zeros(n_rows), np.zeros(n_rows, dtype=bool)
    for i, fold in enumerate(make_splits(y, task=task, n_folds_hint=n_folds).folds):
        rounds = told["rounds"][i], told["best"][i]
        settings = told["params"] | _settings(family, task, seed=i, n_threads=granted_cores())
        if told.get("bare"):
            settings["metric"] = "None"
            settings.pop("eval_metric", None)
        part = X[fold.train], y[fold.train], X[fold.valid], y[fold.valid]
        predictions[fold.valid] = fit(settings, part, rounds, folder / f"{i}")
        seen[fold.valid] = True
    score = {"binary": roc_auc_score, "regression": root_mean_squared_error}[task]
    value = score(y[seen], predictions[seen])
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    return {"seconds": seconds, "cpu": cpu, "score": float(value)}


def _settings(family: str, task: str, *, seed: int, n_threads: int) -> dict[str, Any]:
    """What the package fixes beside what it searches."""
    if family == "lightgbm":
        return {
            "objective": {"binary": "binary", "regression": "regression"}[task],
            "metric": {"binary": "auc", "regression": "rmse"}[task],
            "min_sum_hessian_in_leaf": 1e-7,
            "feature_pre_filter": False,
            "data_random_seed": 1,
            "bagging_freq": 1,
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
            "seed": seed,
            "num_threads": n_threads,
        }
    return {
        "objective": {"binary": "binary:logistic", "regression": "reg:squarederror"}[task],
        "eval_metric": {"binary": "auc", "regression": "rmse"}[task],
        "tree_method": "hist",
        "max_bin": 256,
        "verbosity": 0,
        "seed": seed,
        "nthread": n_threads,
    }


def _fit_lightgbm(
    settings: dict[str, Any], part: tuple[np.ndarray, ...], rounds: tuple[int, int], path: Path
) -> np.ndarray:
    import lightgbm as lgb

    X, y, valid_X, valid_y = part
    train = lgb.Dataset(X, y, params=settings)
    valid = lgb.Dataset(valid_X, valid_y, reference=train, params=settings)
    valid_sets = [valid] if settings["metric"] != "None" else None
    booster = lgb.train(settings, train, rounds[0], valid_sets=valid_sets)
    booster.save_model(path, num_iteration=rounds[1])
    n_threads = settings["num_threads"]
    return np.asarray(booster.predict(valid_X, num_iteration=rounds[1], num_threads=n_threads))


def _fit_xgboost(
    settings: dict[str, Any], part: tuple[np.ndarray, ...], rounds: tuple[int, int], path: Path
) -> np.ndarray:
    import xgboost as xgb

    X, y, valid_X, valid_y = part
    n_threads = settings["nthread"]
    train = xgb.QuantileDMatrix(X, y, max_bin=settings["max_bin"], nthread=n_threads)
    valid = xgb.QuantileDMatrix(
        valid_X, valid_y, ref=train, max_bin=settings["max_bin"], nthread=n_threads
    )
    evals = [(valid, "valid")] if "eval_metric" in settings else None
    booster = xgb.train(settings, train, rounds[0], evals=evals, verbose_eval=False)
    booster[: rounds[1]].save_model(path.with_suffix(".ubj"))
    return np.asarray(booster.predict(valid, iteration_range=(0, rounds[1])))


# -- the comparison ---------------------------------------------------------------------


def in_process(side: str, family: str, n_rows: int, task: str, told: Any = None) -> Any:
    """Run one side in a fresh process."""
    command = [sys.executable, __file__, "--side", side, "--families", family]
    command += ["--rows", str(n_rows), "--task", task, "--told", json.dumps(told)]
    # Threads that spin while they wait make the script many times slower on a busy machine.
    env = {"OMP_WAIT_POLICY": "PASSIVE"} | os.environ
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    if done.returncode:
        raise RuntimeError(f"{command} ended with {done.returncode}:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def compare(family: str, n_rows: int, task: str, *, repeats: int, bare: bool) -> dict[str, Any]:
    """Alternate the two sides and put their medians together."""
    package, script = [], []
    for _ in range(repeats):
        package.append(in_process("package", family, n_rows, task))
        told = package[-1] | {"bare": bare}
        script.append(in_process("script", family, n_rows, task, told))
    a, b = (statistics.median(r["seconds"] for r in runs) for runs in (package, script))
    return {
        "family": family,
        "rows": n_rows,
        "task": task,
        "bare": bare,
        "folds": len(package[0]["rounds"]),
        "rounds": package[0]["rounds"],
        "threads": package[0]["threads"],
        "package_s": [round(r["seconds"], 3) for r in package],
        "script_s": [round(r["seconds"], 3) for r in script],
        "ratio": round(a / b, 3),
        "difference_s": round(a - b, 3),
        "kept": a <= max(RATIO * b, b + SECONDS),
        "package_cpu_s": [round(r["cpu"], 3) for r in package],
        "package_fits_cpu_s": [round(r["fit_cpu"], 3) for r in package],
        "script_cpu_s": [round(r["cpu"], 3) for r in script],
        "start_s": round(statistics.median(r["start"] for r in package), 3),
        "package_score": round(package[0]["score"], 5),
        "script_score": round(script[0]["score"], 5),
    }


def main() -> None:
    """Compare, or run one side where `--side` says so."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--families", nargs="+", default=["lightgbm", "xgboost"])
    parser.add_argument("--rows", nargs="+", type=int, default=[1000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--task", choices=["binary", "regression"], default="binary")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--bare", action="store_true", help="let the script watch no metric")
    parser.add_argument("--out", type=Path, help="append JSON lines to this file")
    parser.add_argument("--side", choices=["package", "script"], help=argparse.SUPPRESS)
    parser.add_argument("--told", type=json.loads, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.side:
        with tempfile.TemporaryDirectory() as folder:
            case = args.families[0], args.rows[0], args.task, Path(folder)
            if args.side == "package":
                print(json.dumps(run_package(*case)))
            else:
                print(json.dumps(run_script(*case, args.told)))
        return
    for n_rows in args.rows:
        for family in args.families:
            row = machine() | compare(
                family, n_rows, args.task, repeats=args.repeats, bare=args.bare
            )
            print(json.dumps(row), flush=True)
            if args.out:
                with args.out.open("a") as f:
                    f.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
