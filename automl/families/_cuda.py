"""What LightGBM can and can't do on a card, as of its release 4.7.

Its CUDA learner ignores some parameters without a word, gives wrong results or ends the process
where a column has more than 255 bins or categories, and does not wait for its own kernels between
two steps: what else runs on the card at that time can change the result. See ``docs/gpu.md``.
"""

import re
from collections.abc import Mapping
from typing import Any

from automl.families._base import DeviceUse, Problem
from automl.features import Matrix

MOST_CATEGORIES = 255
"""A column of more can end the process."""

KNOWN = frozenset(
    {
        *("learning_rate", "num_leaves", "min_data_in_leaf", "feature_fraction"),
        *("bagging_fraction", "extra_trees", "lambda_l1", "lambda_l2", "cat_smooth"),
        *("generated", "min_sum_hessian_in_leaf"),
    }
)
"""Parameters of the space, all of which the CUDA learner heeds. Others it may ignore, as it does
``max_depth`` and ``monotone_constraints``, or refuse: they are for the CPU."""

CELL, HISTOGRAM, ROW, CONTEXT = 2.0, 8192.0, 64.0, 7e8
"""Bytes on the card of a binned cell (twice: the whole table, and the rows of a fold), of the
histogram of a leaf and column, of a row, and of CUDA itself: estimated, not measured."""

_DEVICE = re.compile(r"^\[(device_type|gpu_device_id): (.*)\]$", re.MULTILINE)


def card_use(
    params: Mapping[str, Any], problem: Problem, matrix: Matrix, leaves: float
) -> DeviceUse | None:
    """What a fit needs of a card, alone on it; ``None`` where it belongs on the CPU.

    Parameters
    ----------
    params : mapping
    problem : Problem
    matrix : Matrix
    leaves : float
        Of a tree.

    Examples
    --------
    >>> import numpy as np
    >>> problem = Problem("binary", n_rows=1000, n_columns=1, n_classes=2)
    >>> few, many = (Matrix(np.empty((0, 1)), ("a",), ("a",), (n,)) for n in (255, 256))
    >>> card_use({"num_leaves": 31}, problem, few, 31.0).exclusive
    True
    >>> card_use({"num_leaves": 31}, problem, many, 31.0)
    >>> card_use({"max_depth": 3}, problem, few, 31.0)
    """
    usual = {k for k, v in params.items() if (k, v) != ("objective", "regression")}
    if not KNOWN.issuperset(usual) or max(matrix.cardinalities, default=0) > MOST_CATEGORIES:
        return None
    if params.get("generated", "none") != "none":
        return None  # columns are chosen by a fit on the CPU, and a process trains on one device
    columns = max(1, len(matrix.names))
    rows = problem.n_rows * (2 * CELL * columns + ROW + 32 * problem.n_outputs)
    return DeviceUse(rows + leaves * columns * HISTOGRAM + CONTEXT, exclusive=True)


def card_settings(device: str) -> dict[str, Any]:
    """Parameters that name the device, for the rows and for the training.

    Examples
    --------
    >>> card_settings("cuda:1")
    {'device_type': 'cuda', 'gpu_device_id': 1}
    """
    kind, _, number = device.partition(":")
    return {"device_type": kind} | ({"gpu_device_id": int(number or 0)} if kind == "cuda" else {})


def device_of(text: str, wanted: str) -> str:
    """Where a model was trained, by its own account.

    Examples
    --------
    >>> device_of("[device_type: cuda]", "cuda:1"), device_of("[device_type: cpu]", "cuda:1")
    ('cuda:1', 'cpu')
    """
    found = dict(_DEVICE.findall(text, _parameters(text))).get("device_type", wanted)
    return wanted if wanted.startswith(found) else found


def without_device(text: str) -> str:
    """A model's text that names no card: it is loaded where there may be none.

    Examples
    --------
    >>> without_device("[device_type: cuda]\\n[gpu_device_id: 1]\\n[seed: 1]")
    '[device_type: cpu]\\n[gpu_device_id: -1]\\n[seed: 1]'
    """
    usual = {"device_type": "cpu", "gpu_device_id": "-1"}
    trees, parameters = text[: _parameters(text)], text[_parameters(text) :]
    return trees + _DEVICE.sub(lambda m: f"[{m[1]}: {usual[m[1]]}]", parameters)


def _parameters(text: str) -> int:
    """Where the parameters begin in a model's text; they follow on the trees, which are long."""
    return max(0, text.rfind("\nparameters:"))
