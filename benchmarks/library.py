"""A table of results: configurations by tables, with all their predictions.

``fit`` evaluates configurations as the search would (the same folds, encodings, early stopping),
without a clock, and keeps for each the out-of-fold predictions, the mean of the fold models'
predictions for held-out rows, and the CPU seconds. ``order`` learns from them in which order the
starting configurations should be tried; ``value`` says what each family adds to the greedy
ensemble of all others.

    python benchmarks/library.py fit --data FOLDER --out LIBRARY --tables a,b --max-rows 6000
    python benchmarks/library.py order --out LIBRARY
    python benchmarks/library.py value --out LIBRARY

Extra configurations to evaluate come from a JSON file, ``--configurations FILE``, a list of
``{"family": ..., "params": {...}, "label": ...}``; ``--random N`` adds random ones of each family.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
from _results import words
from _tables import METRICS, SHIPPED, index, load, split

from automl.ensemble import Candidate, choose, greedy_weights
from automl.families import BUILT_IN, MANY, Family, Params, Problem, Resources, get_family
from automl.features import Matrix, fit_encoder
from automl.objective import Metric, Splits, get_metric, make_splits, tells_ratios
from automl.search._fold import FoldTask, fit_fold
from automl.search._jobs import target_arrays
from automl.search._trial import WHOLE
from automl.table import Schema, Table, Target

CLEAR = 0.05
"""Per cent of the error that count as a change."""


class Quiet:
    """What a fit may say, and nobody listens."""

    def __init__(self) -> None:
        self.cache: dict[Any, Any] = {}
        self.stopped = False

    def time_left(self) -> float:
        """No deadline."""
        return float("inf")

    def report(self, _value: Any) -> None:
        """Nothing."""


@dataclass
class Prepared:
    """A table split into rows to train and rows held out, as the search prepares it."""

    train: Table
    test: Table
    y: np.ndarray
    y_test: np.ndarray
    problem: Problem
    metric: Metric
    splits: Splits

    @classmethod
    def of(
        cls, data: Path, entry: Mapping[str, Any], seed: int, max_rows: int, n_folds: int
    ) -> "Prepared":
        """Split and understand a table."""
        train, test = split(load(data, dict(entry)), dict(entry), seed)
        if len(train) > max_rows:
            train = train.sample(max_rows, random_state=seed).reset_index(drop=True)
        name = entry["target"]
        features = train.drop(columns=name)
        schema = Schema.infer(features)
        table = schema.apply(features, fitting=True)
        target, y, _ = Target.fit(train[name], task=entry["task"], name="y")
        if target.classes is None:
            y_test = test[name].to_numpy(np.float64)
        else:
            known = {c: i for i, c in enumerate(target.classes)}
            test = test[test[name].isin(list(known))].reset_index(drop=True)
            y_test = test[name].map(known).to_numpy(np.int64)
        n_classes = 0 if target.classes is None else len(target.classes)
        problem = Problem(
            target.task,
            table.n_rows,
            len(schema.features),
            n_classes,
            n_categorical=len(schema.categorical),
            ratios=target.classes is None and tells_ratios(y),
            n_many=sum(len(column.categories) > MANY for column in schema.features),
        )
        metric = get_metric(METRICS[target.task], task=target.task, classes=target.classes)
        splits = make_splits(y, task=target.task, n_folds_hint=n_folds, random_state=seed)
        held_out = schema.apply(test.drop(columns=name))
        return cls(table, held_out, y, y_test, problem, metric, splits)


class Fitter:
    """Evaluates configurations on one table."""

    def __init__(self, prepared: Prepared, work: Path) -> None:
        self.p, self._work = prepared, work
        self._matrices: dict[str, tuple[Matrix, Matrix]] = {}
        self._target = target_arrays(prepared.problem, prepared.splits, prepared.y)
        self._channel = Quiet()
        self._count = 0

    def run(self, family: Family, params: Params) -> dict[str, Any]:
        """Fit all folds; return predictions and CPU seconds."""
        p, encoding = self.p, family.encoding(params)
        if encoding not in self._matrices:
            encoder = fit_encoder(encoding, p.train)
            self._matrices[encoding] = (encoder.transform(p.train), encoder.transform(p.test))
        matrix, test = self._matrices[encoding]
        whole = family.out_of_bag and p.splits.random and len(p.splits.folds) > 1
        folds = [WHOLE] if whole else list(range(len(p.splits.folds)))
        width = p.problem.n_outputs
        oof = np.full((len(p.y), width), np.nan, dtype=np.float32)
        held, steps, started = [], [], time.process_time()
        for fold in folds:
            self._count += 1
            folder = self._work / f"{self._count}"
            folder.mkdir(parents=True)
            task = FoldTask(
                family.name, dict(params), p.problem, p.metric.to_payload(), fold,
                Resources(), encoding, (matrix.names, matrix.sources, matrix.cardinalities),
                folder / "model", folder / "valid.npy", self._work / encoding,
            )  # fmt: skip
            outcome = fit_fold(task, (self._target, {"values": matrix.values}), self._channel)
            steps.append(outcome.step)
            rows = np.arange(len(p.y)) if whole else p.splits.folds[fold].valid
            oof[rows] = np.load(folder / "valid.npy").reshape(len(rows), width)
            files = {f.name: f.read_bytes() for f in (folder / "model").iterdir()}
            held.append(family.load(files).predict(test.values).astype(np.float32))
        return {
            "oof": oof,
            "test": np.mean(held, axis=0),
            "test_of_folds": np.stack(held),
            "seconds": time.process_time() - started,
            "steps": np.array(steps),
        }


def configurations(
    problem: Problem,
    families: Sequence[str],
    extra: Sequence[Mapping[str, Any]],
    n_starts: int,
    n_random: int,
) -> Iterator[tuple[str, Family, Params]]:
    """Starting configurations of the families, then those of a file, then random ones."""
    for name in families:
        family = get_family(name)
        if not family.supports(problem):
            continue
        for i, start in enumerate(family.starts(problem)[:n_starts]):
            yield f"{name}-{i}", family, start.params
        mine = [e for e in extra if e["family"] == name]
        for i, entry in enumerate(mine):
            usual = family.starts(problem)[0].params
            yield entry.get("label", f"{name}-x{i}"), family, usual | dict(entry["params"])
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
        for i in range(n_random if family.tunable else 0):
            yield f"{name}-r{i}", family, family.suggest(study.ask(), problem)


def fit(args: argparse.Namespace) -> None:
    """Fill the library with what it does not hold yet."""
    known = index(args.data)
    extra = json.loads(args.configurations.read_text()) if args.configurations else []
    for name in args.tables or list(known):
        prepared: Prepared | None = None
        with tempfile.TemporaryDirectory() as work:
            prepared = Prepared.of(args.data, known[name], args.seed, args.max_rows, args.folds)
            folder = args.out / f"{name}-{args.seed}"
            folder.mkdir(parents=True, exist_ok=True)
            _write_truth(folder, prepared)
            fitter, spent = Fitter(prepared, Path(work)), 0.0
            todo = configurations(prepared.problem, args.families, extra, args.starts, args.random)
            for label, family, params in todo:
                path = folder / f"{label}.npz"
                if path.exists():
                    continue
                found = fitter.run(family, params)
                np.savez(path, **found)
                spent += found["seconds"]
                loss = _test_loss(prepared.metric, prepared.y_test, found["test"])
                print(f"{name:24} {label:18} {found['seconds']:7.1f} s  {loss:.5f}", flush=True)
                if spent > args.limit:
                    break


def _write_truth(folder: Path, prepared: Prepared) -> None:
    parts = np.zeros(len(prepared.y), dtype=np.int64)
    for i, fold in enumerate(prepared.splits.folds):
        parts[fold.valid] = i
    classes = max(2, prepared.problem.n_classes)
    truth = {"y": prepared.y, "y_test": prepared.y_test, "parts": parts}
    np.savez(folder / "truth.npz", **truth, task=prepared.problem.task, classes=classes)


def _test_loss(metric: Metric, y: np.ndarray, predictions: np.ndarray) -> float:
    return metric.loss(metric.score(y, predictions.astype(np.float64), None))


class Shelf:
    """What the library holds of one table."""

    def __init__(self, folder: Path) -> None:
        truth = np.load(folder / "truth.npz")
        self.name, self.y, self.y_test = folder.name, truth["y"], truth["y_test"]
        self.parts, task = truth["parts"], str(truth["task"])
        classes = None if task == "regression" else np.arange(int(truth["classes"]))
        self.metric = get_metric(METRICS[task], task=task, classes=classes)
        files = sorted(f for f in folder.glob("*.npz") if f.name != "truth.npz")
        found = {f.stem: np.load(f) for f in files}
        self.oof = {k: v["oof"].astype(np.float64) for k, v in found.items()}
        self.test = {k: v["test"].astype(np.float64) for k, v in found.items()}
        self.seconds = {k: float(v["seconds"]) for k, v in found.items()}
        self.losses = {k: self.loss(v) for k, v in self.oof.items()}

    def loss(self, predictions: np.ndarray, rows: np.ndarray | None = None) -> float:
        """Loss of out-of-fold predictions, on some rows."""
        y = self.y if rows is None else self.y[rows]
        return self.metric.loss(self.metric.score(y, predictions, None))

    def error(self, predictions: np.ndarray) -> float:
        """Error of predictions for the held-out rows: 0 would be perfect."""
        loss = _test_loss(self.metric, self.y_test, predictions)
        return loss - self.metric.loss(self.metric.optimum)

    def greedy(self, labels: Sequence[str], n_steps: int = 40) -> float:
        """Held-out error of the greedy ensemble of some configurations."""
        weights = greedy_weights([self.oof[k] for k in labels], self.loss, n_steps=n_steps)
        return self.error(sum(w * self.test[k] for w, k in zip(weights, labels, strict=True)))

    def chosen(self, labels: Sequence[str]) -> float:
        """Held-out error of what the package's own rule chooses."""
        candidates = [Candidate(k, self.oof[k], self.losses[k]) for k in labels]
        found = choose(candidates, lambda rows, p: self.loss(p, rows), self.parts, seconds=1e9)
        return self.error(
            sum(w * self.test[k] for w, k in zip(found.weights, labels, strict=True))
        )


def shelves(folder: Path) -> list[Shelf]:
    """All tables of a library."""
    return [Shelf(f) for f in sorted(folder.iterdir()) if (f / "truth.npz").exists()]


def order(args: argparse.Namespace) -> None:
    """Greedy order: next is what lowers the ensemble's mean relative error most."""
    found = shelves(args.out)
    labels = sorted(set.intersection(*(set(s.oof) for s in found)))
    print(f"{len(found)} tables, {len(labels)} configurations that all of them have")
    best = {s.name: min(s.error(s.test[k]) for k in labels) for s in found}
    chosen: list[str] = []
    while len(chosen) < min(args.steps, len(labels)):
        worth = {
            k: float(np.mean([s.greedy([*chosen, k]) / best[s.name] for s in found]))
            for k in labels
            if k not in chosen
        }
        pick = min(worth, key=lambda k: worth[k])
        chosen.append(pick)
        seconds = np.median([s.seconds[pick] for s in found])
        print(f"{len(chosen):3} {pick:22} {worth[pick]:.4f}  median {seconds:.1f} s", flush=True)


def value(args: argparse.Namespace) -> None:
    """What the ensemble loses without each family, per cent of its held-out error."""
    found = shelves(args.out)
    families = sorted({_family(k) for s in found for k in s.oof})
    rows = {
        s.name: {"error": s.greedy(list(s.oof)), **_losses_without(s, families)} for s in found
    }
    frame = pd.DataFrame(rows).T
    print(frame.round(4).to_string(float_format="{:.3g}".format))
    shares = frame[families]
    summary = {
        "mean": shares.mean(),
        "median": shares.median(),
        "helps": (shares > CLEAR).sum(),
        "hurts": (shares < -CLEAR).sum(),
    }
    print(pd.DataFrame(summary).round(2).to_string())


def _family(label: str) -> str:
    return label.rpartition("-")[0]


def _losses_without(shelf: Shelf, families: Sequence[str]) -> dict[str, float]:
    """Change of the ensemble's error where the configurations of a family are left out."""
    labels = list(shelf.oof)
    whole, losses = shelf.greedy(labels), {}
    for family in families:
        rest = [k for k in labels if _family(k) != family]
        known = 0 < len(rest) < len(labels)
        losses[family] = 100 * (shelf.greedy(rest) / whole - 1) if known else float("nan")
    return losses


def main() -> None:
    """Run the part that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=("fit", "order", "value"))
    parser.add_argument("--data", type=Path, default=SHIPPED)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tables", type=words)
    families = [f for f in BUILT_IN if f != "constant"]
    parser.add_argument("--families", type=words, default=families)
    parser.add_argument("--configurations", type=Path)
    parser.add_argument("--starts", type=int, default=99, help="of each family, at most")
    parser.add_argument("--random", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--max-rows", type=int, default=6000)
    parser.add_argument("--limit", type=float, default=float("inf"), help="CPU seconds a table")
    parser.add_argument("--steps", type=int, default=20)
    args = parser.parse_args()
    {"fit": fit, "order": order, "value": value}[args.part](args)


if __name__ == "__main__":
    main()
