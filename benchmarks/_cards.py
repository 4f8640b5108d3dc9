"""What `gpu.py` measures, each in a process of its own, which a card may end."""

import json
import resource
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from _tables import index, load
from sklearn.metrics import log_loss, root_mean_squared_error

from automl.compute import resolve_device
from automl.compute._driver import _free_bytes
from automl.families import FitData, Problem, Resources, Watch, compare_devices, get_family
from automl.features import Matrix, fit_encoder
from automl.table import Schema, Target

ROUNDS, MOST_ROWS = 100, 200_000
"""Of a fit whose seconds are measured, and of a table on which devices are compared."""


def compare(job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The check that a run makes before it trusts a card."""
    started = time.perf_counter()
    found = compare_devices(job["family"], job["device"])
    seconds = time.perf_counter() - started
    yield {**vars(found), "seconds": seconds}


def held_out(job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One family on one table and one device: a held-out loss per seed."""
    data = Path(job["data"])
    entry = index(data)[job["table"]]
    frame = load(data, entry)
    if len(frame) > MOST_ROWS:
        frame = frame.sample(MOST_ROWS, random_state=0).reset_index(drop=True)
    features = frame.drop(columns=entry["target"])
    schema = Schema.infer(features)
    table = schema.apply(features, fitting=True)
    target, y, _ = Target.fit(frame[entry["target"]], task=entry["task"], name="y")
    matrix = fit_encoder("tree", table).transform(table)
    n_classes = 0 if target.classes is None else len(target.classes)
    problem = Problem(target.task, table.n_rows, len(schema.features), n_classes)
    for seed in job["seeds"]:
        parts = np.random.default_rng(seed).permutation(len(y)) % 5
        train, valid, test = (np.flatnonzero(np.isin(parts, p)) for p in ([0, 1, 2], [3], [4]))
        loss = partial(loss_of, problem, y[valid])
        watch, began = Watch(loss), time.perf_counter()
        family = get_family(job["family"])
        model = family.fit(
            family.starts(problem)[0].params,
            FitData(matrix, y, train, valid),
            watch,
            problem=problem,
            resources=resources(job, seed),
        )
        seconds = time.perf_counter() - began
        value = loss_of(problem, y[test], model.predict(matrix.values[test]))
        yield {
            "seed": seed, "loss": value, "seconds": seconds, "step": watch.best_step,
            "on": watch.device, "copies": watch.copies,
        }  # fmt: skip


def loss_of(problem: Problem, y: np.ndarray, out: np.ndarray) -> float:
    """Log loss or RMSE."""
    if problem.task == "regression":
        return float(root_mean_squared_error(y, out[:, 0]))
    out = np.clip(np.asarray(out, dtype=np.float64), 1e-9, 1 - 1e-9)
    if problem.task == "binary":
        out = np.column_stack([1 - out, out])
    shares = out / out.sum(axis=1, keepdims=True)
    return float(log_loss(y, shares, labels=np.arange(problem.n_classes)))


def plain_log_loss(y: np.ndarray, out: np.ndarray) -> float:
    """Log loss of two classes without a look at what is given: quick, also on millions of rows."""
    return float(-np.log(np.clip(np.where(y == 1, out[:, 0], 1 - out[:, 0]), 1e-9, 1)).mean())


def made(n_rows: int, n_columns: int) -> tuple[Matrix, np.ndarray]:
    """A table of numbers, some of which tell of two classes, by products and steps too."""
    rng = np.random.default_rng(0)
    values = np.empty((n_rows, n_columns), np.float32)
    for start in range(0, n_rows, 500_000):
        part = values[start : start + 500_000]
        part[:] = rng.standard_normal(part.shape, dtype=np.float32)
    odds = values[:, 0] + values[:, 1] * values[:, 2] + (values[:, 3] > 0.5) * values[:, 4]
    y = (odds + rng.standard_normal(n_rows, dtype=np.float32) > 0).astype(np.int64)
    names = tuple(f"x{i}" for i in range(n_columns))
    return Matrix(values, names, names, (0,) * n_columns), y


def fit(job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Three fits of one family on a made table: the first finds nothing prepared."""
    matrix, y = made(job["rows"], job["columns"])
    n_train = len(y) * 4 // 5
    train, valid = np.arange(n_train), np.arange(n_train, len(y))
    problem = Problem("binary", len(y), job["columns"], 2)
    family, kept = get_family(job["family"]), dict[Any, Any]()
    params = dict(family.starts(problem)[0].params) | {"learning_rate": 0.1}
    free, before = free_bytes(job), peak()
    for run in ("first", "second", "third"):
        watch, began = Watch(partial(plain_log_loss, y[valid]), limit=job["rounds"]), time.time()
        data = FitData(matrix, y, train, valid, cache=kept)
        family.fit(params, data, watch, problem=problem, resources=resources(job, 0))
        after = free_bytes(job)
        yield {
            "run": run, "seconds": time.time() - began, "loss": watch.best_loss,
            "steps": watch.last_step, "on": watch.device, "copies": watch.copies,
            "host_mib": (peak() - before) / 2**20,
            "card_mib": None if free is None or after is None else (free - after) / 2**20,
        }  # fmt: skip


def search(job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One whole search, and the loss of its model on rows that it never saw."""
    import pandas as pd

    from automl import AutoModel

    if job["table"] == "made":
        matrix, y = made(job["rows"], 30)
        frame, task = pd.DataFrame(matrix.values, columns=list(matrix.names)), "binary"
    else:
        data = Path(job["data"])
        entry = index(data)[job["table"]]
        whole, task = load(data, entry), entry["task"]
        frame, y = whole.drop(columns=entry["target"]), whole[entry["target"]].to_numpy()
    test = np.random.default_rng(1).permutation(len(y)) % 10 == 0
    folder = Path(job["folder"])
    metric = "rmse" if task == "regression" else "log_loss"
    model = AutoModel(
        metric=metric, time_budget=job["budget"], device=job["device"], random_state=0,
        run_dir=str(folder),
    )  # fmt: skip
    began = time.time()
    model.fit(frame[~test].reset_index(drop=True), y[~test])
    seconds = time.time() - began
    events = [json.loads(line) for line in (folder / "events.jsonl").open()]
    fits = [e for e in events if e["event"] == "fit" and e["result"] == "done"]
    ended = [e for e in events if e["event"] == "ended" and e["score"] is not None]
    yield {
        "metric": metric, "seconds": seconds, "winner": model.winner_,
        "loss": float(-model.score(frame[test], y[test])),
        "cross_validated": model.score_,
        "trials": len(ended),
        "fits": {d: sum(e["device"] == d for e in fits) for d in {e["device"] for e in fits}},
        "copies": sum(e["copies"] for e in fits),
        "path": [[round(e["t"], 2), e["name"], e["score"]] for e in ended],
    }  # fmt: skip


def resources(job: dict[str, Any], seed: int) -> Resources:
    """The device, and all cores."""
    card = resolve_device(job["device"])
    kept = 0.0 if card is None else 0.4 * card.memory_bytes
    return Resources(seed, job["threads"], job["device"], kept)


def free_bytes(job: dict[str, Any]) -> int | None:
    """What of the card's memory is free now."""
    card = resolve_device(job["device"])
    return None if card is None else _free_bytes(card.number)


def peak() -> int:
    """The most memory that this process had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


WORK = {"probe": compare, "parity": held_out, "fit": fit, "search": search}

if __name__ == "__main__":
    task = json.loads(sys.argv[1])
    for line in WORK[task["part"]](task):
        print(json.dumps(line), flush=True)
