"""Show which columns a saved model relies on.

Importance is how much the metric loses when the values of a column are shuffled; it needs the
target's column in the table. Contribution is the column's share in the boosters' own account of
their predictions.
"""

import argparse
import logging
from typing import TYPE_CHECKING, Any

from automl.cli._console import Console
from automl.cli._options import MODEL
from automl.exceptions import DataError, UsageError

if TYPE_CHECKING:
    import pandas as pd

    from automl.model import AutoModel

logger = logging.getLogger("automl.cli")

ROWS = 2000
"""Rows to look at, drawn at random: more would change little and take long."""

CONTRIBUTION_ROWS = 100
"""Of these, rows whose predictions the boosters account for: that takes some 10 ms per row."""

REPEATS = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``automl explain``."""
    parser.add_argument("model", metavar="MODEL", help=MODEL)
    parser.add_argument("data", metavar="DATA", help="table to explain with; - for standard input")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--repeats",
        metavar="N",
        default=REPEATS,
        type=int,
        help=f"times that each column is shuffled (default: {REPEATS})",
    )


def run(args: argparse.Namespace, console: Console) -> int:
    """Load, shuffle, print."""
    if args.repeats < 1:
        raise UsageError(f"--repeats {args.repeats} is not allowed: give 1 or more.")

    from automl import load
    from automl.cli._tables import known_weights
    from automl.registry import find_model
    from automl.report import importance_text
    from automl.table import read_table

    model = load(args.model)
    frame = read_table(args.data, texts=model._predictor.texts).reset_index(drop=True)
    weight = known_weights(model, frame, source=args.data)
    frame, y = _sample(frame, model._predictor.target.name)
    rows = _rows(model, frame, y, weight, repeats=args.repeats)
    if console.json:
        facts = {
            "model": str(find_model(args.model)),
            "n_rows": len(frame),
            "metric": model._metric.name,
            "repeats": None if y is None else args.repeats,
            "importances": rows,
        }
        console.print_json(facts)
    else:
        console.print(importance_text(rows, model._metric.name))
    return 0


def _sample(frame: "pd.DataFrame", target: str) -> "tuple[pd.DataFrame, pd.Series | None]":
    if len(frame) > ROWS:
        frame = frame.sample(ROWS, random_state=0)
    y = frame.pop(target) if target in frame.columns else None
    return frame, y


def _rows(
    model: "AutoModel",
    frame: "pd.DataFrame",
    y: "pd.Series | None",
    weight: "pd.Series[float] | None",
    *,
    repeats: int,
) -> list[dict[str, Any]]:
    """One row per feature, the most important first."""
    predictor = model._predictor
    frame = frame[[c for c in frame.columns if c in predictor.schema.names]]
    shares = predictor.contributions(frame.head(CONTRIBUTION_ROWS))
    measured = {} if y is None else _permute(model, frame, y, weight, repeats)
    if y is None:
        name = predictor.target.name
        why = f"The table has no column {name!r}, the target, which importance needs"
        if shares is None:
            raise DataError(f"{why}; and no member of the model can account for its predictions.")
        logger.warning("%s: these are the boosters' own contributions only.", why)
    rows = []
    for column in predictor.schema.features:
        importance, std = measured.get(column.name, (None, None))
        share = None if shares is None else shares.get(column.name, 0.0)
        rows.append(
            {
                "column": column.name,
                "importance": importance,
                "std": std,
                "contribution": share,
            }
        )
    return sorted(rows, key=_weight, reverse=True)


def _weight(row: dict[str, Any]) -> tuple[float, float]:
    return row["importance"] or 0.0, row["contribution"] or 0.0


def _permute(
    model: "AutoModel",
    frame: "pd.DataFrame",
    y: "pd.Series",
    weight: "pd.Series[float] | None",
    repeats: int,
) -> dict[str, tuple[float, float]]:
    """What the score loses, and how much that varies, for each column of the table."""
    from sklearn.inspection import permutation_importance

    w = None if weight is None else weight[frame.index].to_numpy()
    found = permutation_importance(
        model, frame, y, n_repeats=repeats, random_state=0, sample_weight=w
    )
    pairs = zip(found.importances_mean.tolist(), found.importances_std.tolist(), strict=True)
    return dict(zip(map(str, frame.columns), pairs, strict=True))
