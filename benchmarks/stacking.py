"""What a second layer would add: boosting on the rows and on what the first layer says of them.

There is no such layer. From a library that ``library.py fit`` made the greedy ensemble of the
starting configurations is selected; then LightGBM with extremely random splits is fitted on the
same folds, on the table's columns and the out-of-fold predictions of the ensemble's members. The
package's own rule chooses with and without it.

    python benchmarks/stacking.py --data FOLDER --library LIBRARY
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
from _tables import SHIPPED, index
from library import CLEAR, Prepared, Shelf

from automl.ensemble import greedy_weights
from automl.features import fit_encoder

ROUNDS, PATIENCE = 2000, 60
USUAL = {
    "extra_trees": True,
    "learning_rate": 0.05,
    "num_leaves": 15,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "num_threads": 1,
    "seed": 0,
    "verbose": -1,
}
LEAST = 1e-6
"""Probability below which a logarithm says no more."""


def members(shelf: Shelf) -> list[str]:
    """The configurations that the greedy ensemble is made of."""
    labels = list(shelf.oof)
    weights = greedy_weights([shelf.oof[k] for k in labels], shelf.loss)
    return [k for k, weight in zip(labels, weights, strict=True) if weight > 0]


def stacked(
    prepared: Prepared, shelf: Shelf, labels: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Out-of-fold predictions of the second layer, and for the held-out rows their mean."""
    problem, classes = prepared.problem, prepared.problem.task != "regression"
    encoder = fit_encoder("tree", prepared.train)
    train, test = (
        np.hstack([encoder.transform(table).values, *(_scores(found[k], classes) for k in labels)])
        for table, found in ((prepared.train, shelf.oof), (prepared.test, shelf.test))
    )
    params = {**USUAL, "objective": problem.task}
    if problem.task == "multiclass":
        params["num_class"] = problem.n_classes
    oof, held = np.empty((len(train), problem.n_outputs)), []
    for part in np.unique(shelf.parts):
        inside, outside = shelf.parts != part, shelf.parts == part
        rows = lightgbm.Dataset(train[inside], shelf.y[inside])
        booster = lightgbm.train(
            params,
            rows,
            ROUNDS,
            valid_sets=[lightgbm.Dataset(train[outside], shelf.y[outside], reference=rows)],
            callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)],
        )
        oof[outside] = np.asarray(booster.predict(train[outside])).reshape(-1, problem.n_outputs)
        held.append(np.asarray(booster.predict(test)).reshape(-1, problem.n_outputs))
    return oof, np.mean(held, axis=0)


def _scores(predictions: np.ndarray, classes: bool) -> np.ndarray:
    return np.log(np.clip(predictions, LEAST, None)) if classes else predictions


def lines(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Change of the held-out error on each table, per cent, and the seconds of the layer."""
    known = index(args.data)
    for folder in sorted(f.parent for f in args.library.glob("*/truth.npz")):
        name, _, seed = folder.name.rpartition("-")
        shelf = Shelf(folder)
        prepared = Prepared.of(args.data, known[name], int(seed), args.max_rows, args.folds)
        if not np.array_equal(prepared.y, shelf.y):
            print(f"{name}: the library was made with other options")
            continue
        labels, first = list(shelf.oof), members(shelf)
        before, began = shelf.chosen(labels), time.process_time()
        shelf.oof["stacked"], shelf.test["stacked"] = stacked(prepared, shelf, first)
        seconds = time.process_time() - began
        shelf.losses["stacked"] = shelf.loss(shelf.oof["stacked"])
        yield {
            "table": folder.name,
            "rows": len(shelf.y),
            "alone": 100 * (shelf.error(shelf.test["stacked"]) / before - 1),
            "chosen": 100 * (shelf.chosen([*labels, "stacked"]) / before - 1),
            "seconds": seconds,
            "first layer": sum(shelf.seconds[k] for k in labels),
        }


def main() -> None:
    """Print a line per table, and what they come to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=SHIPPED)
    parser.add_argument("--library", type=Path, required=True)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--max-rows", type=int, default=3000)
    frame = pd.DataFrame(lines(parser.parse_args())).set_index("table")
    print(frame.round(2).to_string())
    changes = frame["chosen"]
    told = {"mean": changes.mean(), "median": changes.median()}
    told |= {"better": (changes < -CLEAR).sum(), "worse": (changes > CLEAR).sum()}
    print(pd.Series(told).round(2).to_string())


if __name__ == "__main__":
    main()
