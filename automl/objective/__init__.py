"""What success means: the metric, the validation splits, and the honest interval.

Nothing here trains. Importing the package imports numpy, but not scikit-learn.
"""

from automl.objective._decision import Decision, best_position, decisions, plain_position
from automl.objective._draw import draw_rows
from automl.objective._errors import MetricError
from automl.objective._interval import MOST_ROWS, bootstrap_interval
from automl.objective._kernels import weighted_median
from automl.objective._labels import decide_labels
from automl.objective._lookup import extra_metrics, get_metric, metric_names
from automl.objective._loss import Loss, loss_of
from automl.objective._metric import Metric
from automl.objective._ratios import tells_ratios
from automl.objective._splits import Split, Splits, make_splits

__all__ = [
    "Loss",
    "MOST_ROWS",
    "Decision",
    "Metric",
    "MetricError",
    "Split",
    "Splits",
    "best_position",
    "bootstrap_interval",
    "decide_labels",
    "decisions",
    "draw_rows",
    "extra_metrics",
    "get_metric",
    "loss_of",
    "make_splits",
    "metric_names",
    "plain_position",
    "tells_ratios",
    "weighted_median",
]
