"""The metrics that have a name, by task.

Each metric is entered once, under its everyday name, with the names of the function and of
the scorer in scikit-learn as further names. A loss named ``x`` can also be asked for as
``neg_x``, which scikit-learn's scorers do: it then carries a minus sign, and greater is
better.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np

from automl.objective import _confusion as confusion
from automl.objective import _kernels as kernels
from automl.objective._types import Needs

DEFAULTS = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "rmse"}

EXTRAS = {
    "binary": (
        "accuracy",
        "average_precision",
        "balanced_accuracy",
        "brier",
        "f1",
        "log_loss",
        "mcc",
        "roc_auc",
    ),
    "multiclass": (
        "accuracy",
        "balanced_accuracy",
        "f1_macro",
        "f1_weighted",
        "log_loss",
        "mcc",
        "roc_auc_ovr",
    ),
    "regression": ("mae", "mape", "median_absolute_error", "r2", "rmse"),
}


@dataclass(frozen=True)
class Entry:
    """How to compute a named metric, and which way it points.

    `function` takes ``(y, predictions, weights)`` of one column or, for several classes,
    of one column per class; where `needs` is "label" it takes a `Confusion`.
    `ranks_positive` marks a metric of probabilities that changes with the positive class;
    such a metric looks at the order of the rows only. `decides` marks a metric of labels that
    another class than the most probable one may suit; precision and recall alone would be best
    off with silly ones. `calibrates` marks a metric that rewards predictions of the right size,
    not only in the right order.
    """

    function: Callable[..., float]
    needs: Needs
    greater_is_better: bool = True
    optimum: float = 1.0
    sign: float = 1.0
    ranks_positive: bool = False
    decides: bool = False
    calibrates: bool = False


Table = list[tuple[tuple[str, ...], Entry]]

_LABEL: Table = [
    (("accuracy", "accuracy_score"), Entry(confusion.accuracy, "label")),
    (
        ("balanced_accuracy", "balanced_accuracy_score"),
        Entry(confusion.balanced_accuracy, "label", decides=True),
    ),
    (("mcc", "matthews_corrcoef"), Entry(confusion.matthews_corrcoef, "label", decides=True)),
    (("cohen_kappa", "cohen_kappa_score"), Entry(confusion.cohen_kappa, "label", decides=True)),
]

_PER_CLASS: dict[str, confusion.Parts] = {
    "f1": confusion.f1_parts,
    "jaccard": confusion.jaccard_parts,
    "precision": confusion.precision_parts,
    "recall": confusion.recall_parts,
}


def _decides(name: str, how: str) -> bool:
    """Whether a metric weighs false alarms against misses, or one class against another."""
    return (name in ("f1", "jaccard") and how != "micro") or (name, how) == ("recall", "macro")


def _loss(function: Callable[..., float], needs: Needs) -> Entry:
    return Entry(function, needs, greater_is_better=False, optimum=0.0)


def _averages() -> Table:
    return [
        (
            (f"{name}_{how}",),
            Entry(confusion.averaged(parts, how), "label", decides=_decides(name, how)),
        )
        for name, parts in _PER_CLASS.items()
        for how in ("macro", "micro", "weighted")
    ]


def _binary() -> Table:
    probability = partial(Entry, needs="probability")
    auc_names = ("roc_auc", "roc_auc_score", "roc_auc_ovr", "roc_auc_ovo")
    weighted_names = ("roc_auc_ovr_weighted", "roc_auc_ovo_weighted")
    single = [
        (
            (name, f"{name}_score"),
            Entry(confusion.of_positive(parts), "label", decides=_decides(name, "positive")),
        )
        for name, parts in _PER_CLASS.items()
    ]
    return [
        *_LABEL,
        *_averages(),
        *single,
        (auc_names + weighted_names, probability(kernels.roc_auc)),
        (
            ("average_precision", "average_precision_score"),
            probability(kernels.average_precision, ranks_positive=True),
        ),
        (("log_loss",), _loss(kernels.log_loss, "probability")),
        (
            ("brier", "brier_score", "brier_score_loss"),
            _loss(kernels.brier, "probability"),
        ),
        (("d2_log_loss_score",), probability(kernels.d2(kernels.log_loss))),
        (("d2_brier_score",), probability(kernels.d2(kernels.brier))),
        (
            ("positive_likelihood_ratio",),
            Entry(confusion.positive_likelihood_ratio, "label", optimum=np.inf),
        ),
        (
            ("negative_likelihood_ratio",),
            _loss(confusion.negative_likelihood_ratio, "label"),
        ),
    ]


def _multiclass() -> Table:
    probability = partial(Entry, needs="probability")
    single = [
        (
            (name, f"{name}_score"),
            Entry(confusion.averaged(parts, "macro"), "label", decides=_decides(name, "macro")),
        )
        for name, parts in _PER_CLASS.items()
    ]
    areas: Table = []
    for weighted, suffix in ((False, ""), (True, "_weighted")):
        rest = kernels.one_vs_rest(kernels.roc_auc, weighted=weighted)
        areas.append(((f"roc_auc_ovr{suffix}",), probability(rest)))
        areas.append(
            ((f"roc_auc_ovo{suffix}",), probability(kernels.one_vs_one(weighted=weighted)))
        )
    precision = kernels.one_vs_rest(kernels.average_precision, weighted=False)
    return [
        *_LABEL,
        *_averages(),
        *single,
        *areas,
        (("average_precision", "average_precision_score"), probability(precision)),
        (("log_loss",), _loss(kernels.log_loss_multi, "probability")),
        (
            ("brier", "brier_score", "brier_score_loss"),
            _loss(kernels.brier_multi, "probability"),
        ),
        (
            ("d2_log_loss_score",),
            probability(kernels.d2(kernels.log_loss_multi)),
        ),
        (("d2_brier_score",), probability(kernels.d2(kernels.brier_multi))),
        (
            ("top_k_accuracy", "top_k_accuracy_score"),
            probability(kernels.top_2_accuracy),
        ),
    ]


def _regression() -> Table:
    losses: dict[Callable[..., float], tuple[str, ...]] = {
        kernels.rmse: ("rmse", "root_mean_squared_error"),
        kernels.mse: ("mse", "mean_squared_error"),
        kernels.mae: ("mae", "mean_absolute_error"),
        kernels.median_absolute_error: ("median_absolute_error",),
        kernels.max_error: ("max_error",),
        kernels.mape: ("mape", "mean_absolute_percentage_error"),
        kernels.msle: ("msle", "mean_squared_log_error"),
        kernels.rmsle: ("rmsle", "root_mean_squared_log_error"),
        kernels.poisson_deviance: ("mean_poisson_deviance",),
        kernels.gamma_deviance: ("mean_gamma_deviance",),
    }
    scores: dict[Callable[..., float], tuple[str, ...]] = {
        kernels.r2: ("r2", "r2_score"),
        kernels.explained_variance: ("explained_variance", "explained_variance_score"),
        kernels.d2_absolute_error: ("d2_absolute_error_score",),
    }
    return [
        *((names, _loss(function, "value")) for function, names in losses.items()),
        *((names, Entry(function, "value")) for function, names in scores.items()),
    ]


_CALIBRATED = (
    "log_loss",
    "brier",
    "d2_log_loss_score",
    "d2_brier_score",
    "rmse",
    "mse",
    "r2",
    "explained_variance",
)

_TABLES: dict[str, Callable[[], Table]] = {
    "binary": _binary,
    "multiclass": _multiclass,
    "regression": _regression,
}


@cache
def entries(task: str) -> dict[str, Entry]:
    """Return every named metric of a task."""
    found: dict[str, Entry] = {}
    for names, plain in _TABLES[task]():
        entry = replace(plain, calibrates=names[0] in _CALIBRATED)
        for name in names:
            found[name] = entry
            if not entry.greater_is_better:
                found[f"neg_{name}"] = replace(entry, greater_is_better=True, sign=-1.0)
    return found


def everyday_names(task: str) -> list[str]:
    """Return the first name of each metric, sorted: what an error message lists."""
    return sorted(names[0] for names, _ in _TABLES[task]())
