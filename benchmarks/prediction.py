"""What the way from a frame to predictions costs beside the booster alone.

For each booster and table: rows per second of `AutoModel.predict_proba` on a frame over those of
the raw booster on a prepared array, alternating in one process, and the milliseconds of one row.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _tables import machine

from automl import AutoModel, load
from automl.artifact import describe, dump_bytes, write_bytes
from automl.compute import granted_cores
from automl.ensemble import Member, Predictor
from automl.families import FitData, Problem, Resources, Watch, get_family
from automl.features import fit_encoder
from automl.table import Schema, Target

FACTS = {
    "metric": {"name": "roc_auc"},
    "seed": 0,
    "score": 0.5,
    "winner": "booster",
    "positive_label": None,
}


def numeric_table(n_rows: int, n_columns: int, rng: np.random.Generator) -> pd.DataFrame:
    """Floats without gaps."""
    return pd.DataFrame(rng.normal(size=(n_rows, n_columns))).add_prefix("n")


def mixed_table(n_rows: int, n_columns: int, rng: np.random.Generator) -> pd.DataFrame:
    """Of ten columns three texts, a date, a truth value, an integer, four floats with gaps."""
    columns: dict[str, Any] = {}
    for i in range(n_columns):
        kind = i % 10
        if kind < 3:
            pool = np.array([f"value {k}" for k in range((3, 30, 400)[kind])], dtype=object)
            values = pool[(len(pool) * rng.random(n_rows) ** 2).astype(int)]
            values[rng.random(n_rows) < 0.05] = None
            columns[f"text{i}"] = pd.array(values, dtype="str")
        elif kind == 3:
            seconds = rng.integers(1_500_000_000, 1_700_000_000, n_rows)
            columns[f"date{i}"] = seconds.astype("datetime64[s]").astype("datetime64[us]")
        elif kind == 4:
            columns[f"flag{i}"] = rng.random(n_rows) < 0.3
        elif kind == 5:
            columns[f"count{i}"] = rng.integers(0, 1000, n_rows)
        else:
            values = rng.normal(size=n_rows)
            values[rng.random(n_rows) < 0.1] = np.nan
            columns[f"n{i}"] = values
    return pd.DataFrame(columns)


TABLES = {"numeric": numeric_table, "mixed": mixed_table}
PARAMS = {
    "lightgbm": {"num_leaves": 63, "learning_rate": 0.05},
    "xgboost": {"max_depth": 6, "learning_rate": 0.08},
}


def fitted(family_name: str, frame: pd.DataFrame, n_trees: int) -> AutoModel:
    """An `AutoModel` that holds one booster, saved and loaded."""
    rng = np.random.default_rng(1)
    schema = Schema.infer(frame)
    table = schema.apply(frame, fitting=True)
    encoder = fit_encoder("tree", table)
    matrix = encoder.transform(table)
    signal = np.nan_to_num(matrix.values[:, :8]).std(axis=0)
    sums = (np.nan_to_num(matrix.values[:, :8]) / np.where(signal > 0, signal, 1)).sum(axis=1)
    y = sums + rng.normal(size=len(frame)) > np.median(sums)
    target, codes, _ = Target.fit(y)
    problem = Problem("binary", len(frame), matrix.shape[1], 2)
    family = get_family(family_name)
    params = dict(family.starts(problem)[0].params) | PARAMS[family_name]
    data = FitData(matrix, codes, np.arange(len(frame)), np.arange(0))
    resources = Resources(n_threads=granted_cores())
    model = family.fit(
        params, data, Watch(None, limit=n_trees), problem=problem, resources=resources
    )
    member = Member("booster", family_name, "tree", params, 1.0, (model.save(),))
    predictor = Predictor(schema, target, {"tree": encoder}, [member])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.automl"
        write_bytes(dump_bytes(predictor, describe(predictor, FACTS)), path)
        return load(path)


def raw_booster(model: AutoModel, frame: pd.DataFrame, n_threads: int) -> Callable[[], Any]:
    """The library's own call on a prepared float32 array."""
    predictor = model._predictor
    member = predictor.members[0]
    table = predictor.schema.apply(frame)
    X = np.ascontiguousarray(predictor.encoders["tree"].transform(table).values, dtype=np.float32)
    family = get_family(member.family)
    booster: Any = family.load(member.files[0])
    booster = booster.booster
    if member.family == "lightgbm":
        return lambda: booster.predict(X, num_threads=n_threads)
    booster.set_param({"nthread": n_threads})
    return lambda: booster.inplace_predict(X, validate_features=False)


def medians(calls: dict[str, Callable[[], Any]], runs: int) -> dict[str, float]:
    """Median seconds of each call, taken in turn."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(runs):
        for name, call in calls.items():
            started = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - started)
    return {name: statistics.median(taken) for name, taken in seconds.items()}


def measure(args: argparse.Namespace, family: str, kind: str, n_columns: int) -> dict[str, Any]:
    """Ratios of batches at one and all threads, and one row."""
    frame = TABLES[kind](args.rows, n_columns, np.random.default_rng(0))
    model = fitted(family, frame, args.trees)
    found: dict[str, Any] = {"family": family, "table": kind, "columns": n_columns}
    for n_threads in sorted({1, granted_cores()}):
        model.set_params(n_jobs=n_threads)
        raw = raw_booster(model, frame, n_threads)
        taken = medians({"raw": raw, "automl": lambda: model.predict_proba(frame)}, args.runs)
        found[f"raw_rows_per_s_{n_threads}t"] = round(args.rows / taken["raw"])
        found[f"rows_per_s_{n_threads}t"] = round(args.rows / taken["automl"])
        found[f"ratio_{n_threads}t"] = round(taken["raw"] / taken["automl"], 3)
    model.set_params(n_jobs=-1)
    rows = [frame.iloc[[i]] for i in range(50)]
    calls = {str(i): (lambda row=row: model.predict(row)) for i, row in enumerate(rows)}
    found["one_row_ms"] = round(1e3 * statistics.median(medians(calls, 3).values()), 3)
    return found


def main() -> None:
    """Measure every booster on every table and print a line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--trees", type=int, default=300)
    parser.add_argument("--columns", type=int, nargs="+", default=[20, 50])
    parser.add_argument("--families", nargs="+", default=sorted(PARAMS))
    parser.add_argument("--tables", nargs="+", default=sorted(TABLES))
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--out", type=Path, help="append JSON lines to this file")
    args = parser.parse_args()
    facts = machine()
    for family in args.families:
        for kind in args.tables:
            for n_columns in args.columns:
                line = json.dumps(measure(args, family, kind, n_columns) | facts)
                print(line, flush=True)
                if args.out:
                    with args.out.open("a") as file:
                        file.write(line + "\n")


if __name__ == "__main__":
    main()
