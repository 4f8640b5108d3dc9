"""How well the cost model foresees the seconds of a fit, and the memory that a family asks for.

``costs.py fit`` fits random configurations and writes a line per fit, ``costs.py replay`` reads
those lines and shows what the cost model would have said before each, and the constants that
the families and the model should have; ``costs.py memory`` compares the estimate with the peak
of a fresh process.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
from _tables import METRICS, SHIPPED, index, load, machine

from automl.families import (
    BUILT_IN,
    Family,
    FitData,
    Params,
    Problem,
    Resources,
    Watch,
    choose_families,
    get_family,
)
from automl.features import Matrix, fit_encoder
from automl.objective import get_metric, make_splits
from automl.search._cost import FIXED, CostModel
from automl.table import Schema, Target

PART = 8000
"""Rows from which every other configuration is fitted on a quarter of them."""

LARGE = 60_000
"""Rows from which fewer configurations are fitted."""


class Counting(Watch):
    """A watch that knows the last step that was taken."""

    last = 0

    def due(self, step: int) -> bool:
        """Note the step."""
        self.last = step
        return super().due(step)

    def observe(self, step: int, predictions: np.ndarray) -> bool:
        """Note the step."""
        self.last = step
        return super().observe(step, predictions)


class Fits:
    """One table, prepared as the search prepares it, and the fits on its first fold."""

    def __init__(self, frame: pd.DataFrame, entry: dict[str, Any], seed: int) -> None:
        features = frame.drop(columns=entry["target"])
        schema = Schema.infer(features)
        self.table = schema.apply(features, fitting=True)
        target, self.y, _ = Target.fit(frame[entry["target"]], task=entry["task"], name="y")
        classes = target.classes
        self.problem = Problem(
            target.task,
            self.table.n_rows,
            len(schema.features),
            0 if classes is None else len(classes),
        )
        self.metric = get_metric(METRICS[target.task], task=target.task, classes=classes)
        self.splits = make_splits(self.y, task=target.task, n_folds_hint=5, random_state=seed)
        self.rng = np.random.default_rng([seed, *entry["name"].encode()])
        self.matrices: dict[str, Matrix] = {}
        self.caches: dict[str, dict[Any, Any]] = {}

    def configurations(self, family: Family, n: int) -> Iterator[Params]:
        """The first starting configuration, then random ones."""
        yield family.starts(self.problem)[0].params
        sampler = optuna.samplers.RandomSampler(seed=int(self.rng.integers(2**31)))
        study = optuna.create_study(sampler=sampler)
        for _ in range(n - 1):
            yield family.suggest(study.ask(), self.problem)

    def fit(
        self, family: Family, params: Params, share: float, fold: int, cut: float
    ) -> dict[str, Any]:
        """Fit once, and say what it took."""
        encoding = family.encoding(params)
        if encoding not in self.matrices:
            self.matrices[encoding] = fit_encoder(encoding, self.table).transform(self.table)
        matrix = self.matrices[encoding]
        train, valid = self.splits.folds[fold].train, self.splits.folds[fold].valid
        whole = family.out_of_bag and len(self.y) < LARGE
        if whole:
            train = np.arange(len(self.y))
        if share < 1:
            train = np.sort(self.rng.choice(train, int(share * len(train)), replace=False))
        if whole:
            valid = train
        cache = self.caches.setdefault(encoding, {})
        data = FitData(matrix, self.y, train, valid, None, cache, out_of_bag=whole)
        watch = self._watch(valid, cut)
        cpu = time.process_time()
        problem = replace(self.problem, n_rows=len(train))
        family.fit(params, data, watch, problem=self.problem, resources=Resources())
        return {
            "family": family.name,
            "params": params,
            "problem": asdict(problem),
            "width": matrix.shape[1],
            "itemsize": matrix.values.itemsize,
            "fold": fold,
            "whole": whole,
            "seconds": round(watch.seconds, 4),
            "cpu": round(time.process_time() - cpu, 4),
            "steps": watch.last,
            "best": watch.best_step,
            "cut": watch.interrupted,
        }

    def _watch(self, valid: np.ndarray, cut: float) -> Counting:
        metric, y = self.metric, self.y[valid]

        def loss(predictions: np.ndarray) -> float:
            return metric.loss(metric.score(y, predictions, None))

        def half_loss(half: np.ndarray, predictions: np.ndarray) -> float:
            return metric.loss(metric.score(y[half], predictions, None))

        watch = Counting(
            loss,
            half=np.random.default_rng(len(valid)).permutation(len(valid)) % 2 == 0,
            half_loss=half_loss,
            stopped=lambda: watch.seconds > cut,
        )
        return watch


def fit_tables(args: argparse.Namespace) -> None:
    """Fit random configurations of all families on each table, in random order."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    known = index(args.data)
    for name in args.tables.split(",") if args.tables else list(known):
        fits = Fits(load(args.data, known[name]), known[name], args.seed)
        n = args.configurations if len(fits.y) < LARGE else (args.configurations + 1) // 2
        todo = [
            (family, params, 0.25 if i % 2 and len(fits.y) > PART else 1.0, fold)
            for family in choose_families("auto", fits.problem)
            for i, params in enumerate(fits.configurations(family, n))
            for fold in range(args.folds)
        ]
        for i in fits.rng.permutation(len(todo)):
            row = {"table": name, **fits.fit(*todo[i], args.cut)}
            with args.out.open("a") as file:
                file.write(json.dumps(row) + "\n")
        print(f"{name:24} {len(todo)} fits, load {machine()['load_before']}", flush=True)


def replay(args: argparse.Namespace) -> None:
    """Let the cost model foresee each fit from those before it, in random orders."""
    lines = [line for path in args.results for line in path.read_text().splitlines()]
    rows = pd.DataFrame([json.loads(line) for line in lines])
    rows["seconds"] = rows[args.clock] + FIXED
    rows["family"] = rows["family"].map(get_family)
    rows["problem"] = [Problem(**p) for p in rows["problem"]]
    seen = []
    for seed in range(args.orders):
        for _, table in rows.groupby("table"):
            seen += foresee(table.sample(frac=1, random_state=seed))
    scored = pd.DataFrame(seen)
    told = [
        {"family": family, "before": before, "at least": k, "at most": last, **errors(part)}
        for family, of_family in (("all", scored), *scored.groupby("family"))
        for before in ("fits", "own")
        for k, last in ((0, 0), (1, 1), (2, 3), (4, 9), (10, 10**6))
        if len(part := of_family[of_family[before].between(k, last)])
    ]
    print("before it: fits of all families, or of its own")
    for row in told:
        more = "+" if row["at most"] > row["at least"] else " "
        print(
            f"{row['family']:14}{row['before']:5}{row['at least']:3}{more} a factor of "
            f"{row['factor']:4.2f}, 90 % bound held {row['held']:4.0%} ({row['forecasts']})"
        )
    if args.out:
        facts = {"tables": sorted(rows["table"].unique()), "fits": len(rows), **machine()}
        with args.out.open("a") as file:
            file.write(json.dumps(facts | {"forecasts": told}) + "\n")
    constants(rows)


def foresee(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Forecast each fit, then enter it."""
    model, seen = CostModel(), []
    own: dict[str, int] = {}
    for row in table.to_dict("records"):
        family, about = row["family"], (row["family"], row["params"], row["problem"])
        forecast = model.forecast(*about, width=row["width"])
        bound = forecast.at(0.9)
        n = own.setdefault(family.name, 0)
        told = {"family": family.name, "fits": len(seen), "own": n, "cut": row["cut"]}
        told["error"] = abs(np.log(row["seconds"] / forecast.seconds))
        told["held"] = row["seconds"] <= bound
        if row["cut"] and told["held"]:
            told["held"] = np.nan  # nobody knows
        seen.append(told)
        own[family.name] += 1
        model.book(*about, row["seconds"], width=row["width"], cut=row["cut"])
    return seen


def errors(part: pd.DataFrame) -> dict[str, float]:
    """Median error as a factor, and how often the bound held."""
    whole = part[~part["cut"]]
    factor = float(np.exp(whole["error"].median()))
    held = float(part["held"].dropna().mean())
    return {"factor": round(factor, 3), "held": round(held, 3), "forecasts": len(whole)}


def constants(rows: pd.DataFrame) -> None:
    """Seconds per unit of work, and the spreads on which the model's priors rest."""
    rows = rows[~rows["cut"]].copy()
    work = [
        f.work(p, problem, width=w)
        for f, p, problem, w in rows[["family", "params", "problem", "width"]].to_numpy()
    ]
    rows["family"] = [f.name for f in rows["family"]]
    rows["rest"] = np.log(rows["seconds"] - FIXED) - np.log(work)
    cells = rows.groupby(["table", "family"])["rest"].mean().unstack()
    units = cells.median()
    rows["rest"] -= rows["family"].map(units)
    rows["size"] = np.log(rows["seconds"] - FIXED) - rows["rest"]
    shared = (cells - units).mean(axis=1)
    own = (cells - units).sub(shared, axis=0)
    inside = rows["rest"] - rows.groupby(["table", "family"])["rest"].transform("mean")
    print("\nfamily         unit_seconds  own spread  noise  exponent of work, all tables, within")
    for name, part in rows.groupby("family"):
        within = part["size"] - part.groupby("table")["size"].transform("mean")
        slope = np.polyfit(part["size"], part["rest"], 1)[0] + 1
        own_slope = (within @ inside[part.index]) / (within @ within) + 1
        print(
            f"{name:14} {np.exp(units[name]):12.3g} {own[name].std():11.2f} "
            f"{inside[part.index].std():6.2f} {slope:9.2f} {own_slope:9.2f}"
        )
    print(f"spread of what all families share on a table: {shared.std():.2f}")


def weigh(args: argparse.Namespace) -> None:
    """Fit and save one configuration, and print what it added to the process at most."""
    family = get_family(args.family)
    for module in family.preload:
        import_module(module)
    values = np.load(args.matrix, mmap_mode="r")
    rng = np.random.default_rng(0)
    signal = np.asarray(values[:, :3]).sum(axis=1) + rng.normal(size=len(values))
    y = signal
    if args.classes:
        cuts = np.quantile(signal, np.linspace(0, 1, args.classes + 1)[1:-1])
        y = np.searchsorted(cuts, signal)
    width = values.shape[1]
    task = {0: "regression", 2: "binary"}.get(args.classes, "multiclass")
    problem = Problem(task, len(y), width, args.classes)
    columns = tuple(str(i) for i in range(width))
    params = family.starts(problem)[args.start].params
    whole = family.out_of_bag and len(y) < LARGE

    def fit(rows: int) -> Counting:
        matrix = Matrix(values[:rows], columns, columns, (0,) * width)
        valid = np.arange(rows) % 5 == 0
        train, valid = np.flatnonzero(~valid | whole), np.flatnonzero(valid | whole)
        data = FitData(matrix, y[:rows], train, valid, out_of_bag=whole)
        loss = fits_loss(task, y[:rows][valid])
        watch = Counting(loss, stopped=lambda: watch.seconds > args.cut)
        family.fit(params, data, watch, problem=problem, resources=Resources()).save()
        return watch

    fit(200)  # loads what is loaded late
    with Peak() as held:
        watch = fit(len(y))
    estimate = family.memory(params, problem, width=width, itemsize=values.itemsize)
    told = {"family": args.family, "task": task, "rows": len(y), "width": width}
    told |= {"start": args.start, "steps": watch.last, "cut": watch.interrupted, "whole": whole}
    told |= {"measured": held.bytes, "estimate": round(estimate), "params": params}
    print(json.dumps(told))


def fits_loss(task: str, y: np.ndarray) -> Callable[[np.ndarray], float]:
    """The metric of a task on these rows."""
    metric = get_metric(METRICS[task], task=task, classes=np.unique(y))
    return lambda predictions: metric.loss(metric.score(y, predictions, None))


class Peak:
    """The most private memory that this process had, beyond what it had at first."""

    def __enter__(self) -> "Peak":
        self.bytes, self._first, self._ended = 0, self._now(), threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(0.002):
            self.bytes = max(self.bytes, self._now() - self._first)

    @staticmethod
    def _now() -> int:
        status = Path("/proc/self/status").read_text()
        return 1024 * int(status.partition("RssAnon:")[2].split()[0])


def weigh_all(args: argparse.Namespace) -> None:
    """Weigh each family on made-up tables, each in a fresh process."""
    for rows in args.rows:
        for width in args.columns:
            with tempfile.TemporaryDirectory() as folder:
                matrix = Path(folder) / "matrix.npy"
                values = np.random.default_rng(0).normal(size=(rows, width)).astype(np.float32)
                np.save(matrix, values)
                for family in args.families.split(","):
                    for classes in args.classes:
                        problem = Problem("binary", rows, width, classes, n_categorical=width)
                        if not get_family(family).supports(problem):
                            continue
                        row = _weigh_apart(family, matrix, classes, args)
                        ratio = row["estimate"] / max(row["measured"], 1)
                        print(
                            f"{family:14}{rows:8}{width:5}{classes:4} {row['steps']:5} steps "
                            f"{row['measured'] / 1e6:8.1f} MB, {ratio:5.2f} x",
                            flush=True,
                        )
                        if args.out:
                            with args.out.open("a") as file:
                                file.write(json.dumps(row) + "\n")


def _weigh_apart(
    family: str, matrix: Path, classes: int, args: argparse.Namespace
) -> dict[str, Any]:
    command = [sys.executable, __file__, "weigh", "--family", family, "--matrix", str(matrix)]
    command += ["--classes", str(classes), "--cut", str(args.cut), "--start", str(args.start)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Fit, replay or weigh."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    fit = commands.add_parser("fit")
    fit.set_defaults(run=fit_tables)
    fit.add_argument("--data", type=Path, default=SHIPPED)
    fit.add_argument("--tables", help="names, separated by commas; all by default")
    fit.add_argument("--configurations", type=int, default=6, help="of each family on a table")
    fit.add_argument("--folds", type=int, default=1, help="fits of each configuration")
    fit.add_argument("--cut", type=float, default=20.0, help="seconds after which a fit is cut")
    fit.add_argument("--seed", type=int, default=0)
    fit.add_argument("--out", type=Path, required=True, help="append JSON lines to this file")
    again = commands.add_parser("replay")
    again.set_defaults(run=replay)
    again.add_argument("results", type=Path, nargs="+")
    again.add_argument("--orders", type=int, default=10, help="random orders of each table's fits")
    again.add_argument("--out", type=Path, help="append JSON lines to this file")
    again.add_argument("--clock", choices=("cpu", "seconds"), default="cpu")
    one = commands.add_parser("weigh")
    one.set_defaults(run=weigh)
    one.add_argument("--family", required=True)
    one.add_argument("--matrix", type=Path, required=True)
    every = commands.add_parser("memory")
    every.set_defaults(run=weigh_all)
    every.add_argument("--families", default=",".join(n for n in BUILT_IN if n != "constant"))
    every.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 500_000])
    every.add_argument("--columns", type=int, nargs="+", default=[5, 50, 200])
    every.add_argument("--out", type=Path, help="append JSON lines to this file")
    for command, classes in ((one, {}), (every, {"nargs": "+", "default": [2, 0, 10]})):
        command.add_argument("--classes", type=int, **classes)
        command.add_argument("--cut", type=float, default=10.0)
        command.add_argument("--start", type=int, default=0, help="which starting configuration")
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
