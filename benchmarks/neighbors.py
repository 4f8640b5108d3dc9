"""What nearest neighbours would add to the greedy ensemble, on a table of results.

There is no such family. The same folds as in a library that ``library.py fit`` made, with the
same options, get k neighbours weighted by distance, on the ``scaled`` encoding; then the ensemble
of the first starting configuration of each family is selected with and without them.

    python benchmarks/neighbors.py --data FOLDER --library LIBRARY
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from _tables import SHIPPED, index
from library import CLEAR, Prepared, Shelf
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from automl.families import to_outputs
from automl.features import fit_encoder

COUNTS = (5, 15, 50)
"""Numbers of neighbours."""


def neighbors(
    prepared: Prepared, parts: np.ndarray, k: int, values: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Out-of-fold predictions, and for the held-out rows the mean over the folds."""
    values_train, values_test = values
    oof = np.empty((len(parts), prepared.problem.n_outputs))
    held = []
    for part in np.unique(parts):
        train = parts != part
        kinds = (KNeighborsRegressor, KNeighborsClassifier)
        model = kinds[prepared.problem.task != "regression"](k, weights="distance")
        model.fit(values_train[train], prepared.y[train])
        oof[~train] = _predict(model, values_train[~train], prepared, train)
        held.append(_predict(model, values_test, prepared, train))
    return oof, np.mean(held, axis=0)


def _predict(
    model: KNeighborsClassifier | KNeighborsRegressor,
    values: np.ndarray,
    prepared: Prepared,
    train: np.ndarray,
) -> np.ndarray:
    """Values, or probabilities as if one neighbour more had the classes of all rows."""
    if prepared.problem.task == "regression":
        return np.asarray(model.predict(values)).reshape(-1, 1)
    shares = np.bincount(prepared.y[train])[model.classes_] / train.sum()
    k = model.n_neighbors
    smooth = (k * model.predict_proba(values) + shares) / (k + 1)
    return to_outputs(smooth, model.classes_, prepared.problem)


def lines(args: argparse.Namespace) -> Iterator[dict[str, object]]:
    """Change of the ensemble's held-out error on each table, per cent."""
    known = index(args.data)
    for folder in sorted(f.parent for f in args.library.glob("*/truth.npz")):
        name, _, seed = folder.name.rpartition("-")
        shelf = Shelf(folder)
        prepared = Prepared.of(args.data, known[name], int(seed), args.max_rows, args.folds)
        if not np.array_equal(prepared.y, shelf.y):
            print(f"{name}: the library was made with other options")
            continue
        encoder = fit_encoder("scaled", prepared.train)
        values = tuple(encoder.transform(t).values for t in (prepared.train, prepared.test))
        firsts = [label for label in shelf.oof if label.endswith("-0")]
        before = {"greedy": shelf.greedy(firsts), "chosen": shelf.chosen(firsts)}
        for k in COUNTS:
            found = neighbors(prepared, shelf.parts, k, values)
            shelf.oof[f"k={k}"], shelf.test[f"k={k}"] = found
            shelf.losses[f"k={k}"] = shelf.loss(found[0])
        new = [f"k={k}" for k in COUNTS]
        row = {f"k={k}": shelf.greedy([*firsts, f"k={k}"]) for k in COUNTS}
        row["all"] = shelf.greedy([*firsts, *new])
        row = {key: 100 * (error / before["greedy"] - 1) for key, error in row.items()}
        row["all, chosen"] = 100 * (shelf.chosen([*firsts, *new]) / before["chosen"] - 1)
        yield {"table": name, **row}


def main() -> None:
    """Print a line per table, and what they come to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=SHIPPED)
    parser.add_argument("--library", type=Path, required=True)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--max-rows", type=int, default=3000)
    frame = pd.DataFrame(lines(parser.parse_args())).set_index("table")
    print(frame.round(2).to_string())
    better, worse = (frame < -CLEAR).sum(), (frame > CLEAR).sum()
    summary = {"mean": frame.mean(), "median": frame.median(), "better": better, "worse": worse}
    print(pd.DataFrame(summary).round(2).to_string())


if __name__ == "__main__":
    main()
