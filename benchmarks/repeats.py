"""Whether a small table should get its folds again, dealt anew, for the same configurations.

``fit`` deals the folds several times and fits the first starting configurations of each family on
each dealing. ``compare`` lets the package's own rule choose from one of them, and then from the
mean of the out-of-fold predictions of several, with the models of all of these: the change of the
held-out error in per cent, and its parts.

    python benchmarks/repeats.py fit --data FOLDER --tables a,b --seeds 0,1 --out REPEATS
    python benchmarks/repeats.py compare --out REPEATS
"""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _results import numbers, words
from _tables import METRICS, SHIPPED, index
from library import Fitter, Prepared, configurations

from automl.ensemble import Candidate, choose
from automl.families import BUILT_IN
from automl.objective import get_metric, make_splits

N_STARTS = 2
"""First starting configurations of each family."""


def fit(args: argparse.Namespace) -> None:
    """Store the predictions of each table, seed and dealing."""
    known, families = index(args.data), [f for f in BUILT_IN if f != "constant"]
    args.out.mkdir(parents=True, exist_ok=True)
    for seed, name in ((int(s), t) for s in args.seeds for t in args.tables):
        p = Prepared.of(args.data, known[name], seed, args.max_rows, args.folds)
        for repeat in range(args.repeats):
            path = args.out / f"{name}-{seed}-{repeat}.npz"
            if path.exists():
                continue
            dealt = make_splits(
                p.y,
                task=p.problem.task,
                n_folds_hint=args.folds,
                random_state=1000 * repeat + seed,
            )
            found: dict[str, Any] = {}
            with tempfile.TemporaryDirectory() as work:
                fitter = Fitter(replace(p, splits=dealt), Path(work))
                for label, family, params in configurations(p.problem, families, [], N_STARTS, 0):
                    fitted = fitter.run(family, params)
                    found |= {f"{label}|oof": fitted["oof"], f"{label}|test": fitted["test"]}
            parts = np.zeros(len(p.y), dtype=np.int64)
            for i, fold in enumerate(dealt.folds):
                parts[fold.valid] = i
            truth = {"y": p.y, "y_test": p.y_test, "parts": parts}
            classes = max(2, p.problem.n_classes)
            np.savez(path, **found, **truth, task=p.problem.task, classes=classes)
        print(name, seed, flush=True)


class Repeats:
    """All dealings of one table."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._found = [dict(np.load(path)) for path in paths]
        first = self._found[0]
        self._y, self._y_test, task = first["y"], first["y_test"], str(first["task"])
        self._labels = [k.partition("|")[0] for k in first if k.endswith("|oof")]
        classes = None if task == "regression" else np.arange(int(first["classes"]))
        self._metric = get_metric(METRICS[task], task=task, classes=classes)

    def changes(self, n: int) -> dict[str, float]:
        """What `n` dealings in place of one do to the held-out error, per cent."""
        alone = [self._choose([r], self._labels) for r in self._found]
        each = zip(alone, self._found, strict=True)
        before = float(np.mean([self._error(w, [r]) for w, r in each]))
        errors: dict[str, list[float]] = {"models": [], "choice": [], "members": [], "all": []}
        for chosen in combinations(range(len(self._found)), n):
            group = [self._found[i] for i in chosen]
            weights = self._choose(group, self._labels)
            errors["all"].append(self._error(weights, group))
            for i in chosen:
                errors["models"].append(self._error(alone[i], group))
                errors["choice"].append(self._error(weights, [self._found[i]]))
                members = self._choose(group, list(alone[i]))
                errors["members"].append(self._error(members, group))
        return {k: 100 * (float(np.mean(v)) / before - 1) for k, v in errors.items()}

    def _choose(self, group: Sequence[dict[str, Any]], labels: list[str]) -> dict[str, float]:
        """Shares of the configurations, by the mean of their out-of-fold predictions."""
        oof = [np.mean([r[f"{k}|oof"] for r in group], axis=0, dtype=np.float64) for k in labels]
        rows = np.arange(len(self._y))
        pool = [Candidate(k, o, self._loss(rows, o)) for k, o in zip(labels, oof, strict=True)]
        weights = choose(pool, self._loss, group[0]["parts"], seconds=None).weights
        return {k: float(w) for k, w in zip(labels, weights, strict=True) if w > 0}

    def _loss(self, rows: np.ndarray, predictions: np.ndarray) -> float:
        return self._metric.loss(self._metric.score(self._y[rows], predictions, None))

    def _error(self, weights: dict[str, float], group: Sequence[dict[str, Any]]) -> float:
        """Held-out error of the mean over the models of some dealings."""
        parts = [w * r[f"{k}|test"].astype(np.float64) for k, w in weights.items() for r in group]
        score = self._metric.score(self._y_test, sum(parts) / len(group), None)
        return self._metric.loss(score) - self._metric.loss(self._metric.optimum)


def compare(args: argparse.Namespace) -> None:
    """Print a line per table, and the medians."""
    names = sorted({path.stem.rpartition("-")[0] for path in args.out.glob("*.npz")})
    rows = {}
    for name in names:
        paths = sorted(args.out.glob(f"{name}-[0-9].npz"))
        if len(paths) >= args.repeats:
            rows[name] = Repeats(paths).changes(args.repeats)
    frame = pd.DataFrame(rows).T
    print(frame.round(2).to_string())
    better = (frame < 0).sum()
    summary = {"mean": frame.mean(), "median": frame.median(), "better": better}
    print(pd.DataFrame(summary).round(2).to_string())


def main() -> None:
    """Run the part that was asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("part", choices=("fit", "compare"))
    parser.add_argument("--data", type=Path, default=SHIPPED)
    parser.add_argument("--tables", type=words, default=["birdstrikes"])
    parser.add_argument("--seeds", type=numbers, default=[0.0])
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--folds", type=int, default=8)
    parser.add_argument("--max-rows", type=int, default=2000)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    {"fit": fit, "compare": compare}[args.part](args)


if __name__ == "__main__":
    main()
