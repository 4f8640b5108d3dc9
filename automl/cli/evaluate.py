"""Score a saved model on a table that has the target.

Prints the metric that the model was chosen by, and the usual further ones for its task. Rows count
by their weights where the model was fitted with a column of them and the table has it.
"""

import argparse
from typing import TYPE_CHECKING, Any

from automl.cli._console import Console
from automl.cli._options import MODEL

if TYPE_CHECKING:
    import pandas as pd

    from automl.model import AutoModel


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``automl evaluate``."""
    parser.add_argument("model", metavar="MODEL", help=MODEL)
    parser.add_argument(
        "data", metavar="DATA", help="table with the target's column; - for standard input"
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object, in full precision"
    )


def run(args: argparse.Namespace, console: Console) -> int:
    """Load, predict, score, print."""
    from automl import load
    from automl.cli._tables import known_weights, take_column
    from automl.registry import find_model
    from automl.report import evaluation_text
    from automl.table import read_table

    model = load(args.model)
    frame = read_table(args.data, texts=model._predictor.texts)
    y = take_column(frame, model._predictor.target.name, what="target", source=args.data)
    weight = known_weights(model, frame, source=args.data)
    facts = {
        "model": str(find_model(args.model)),
        "n_rows": len(frame),
        **({} if weight is None else {"weights": weight.name}),
        **_scores(model, frame, y, weight),
    }
    if console.json:
        console.print_json(facts)
    else:
        console.print(evaluation_text(facts))
    return 0


def _scores(
    model: "AutoModel", frame: "pd.DataFrame", y: Any, weight: "pd.Series[float] | None"
) -> dict[str, Any]:
    """The declared metric, then each further metric; nan where one is not defined."""
    from automl.compute import resolve_n_jobs
    from automl.objective import MetricError, extra_metrics, get_metric

    predictor, metric = model._predictor, model._metric
    target = predictor.target
    codes = target.encode(y)
    w = None if weight is None else weight.to_numpy()
    raw = predictor.predict_raw(frame, n_threads=resolve_n_jobs(-1))
    scores = {"metric": metric.name, "score": predictor.score(metric, codes, raw, w)}
    positive = model._facts["positive_label"]
    for name in extra_metrics(target.task):
        extra = get_metric(name, task=target.task, classes=target.classes, positive_label=positive)
        try:
            scores[name] = predictor.score(extra, codes, raw, w)
        except MetricError:  # not defined for such a target
            scores[name] = float("nan")
    return scores
