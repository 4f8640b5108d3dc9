"""How many rounds boosting is expected to take until validation rows see no more progress.

The numbers were fitted to 224 fits of LightGBM and XGBoost on 18 tables of 800 to 390,000 rows
(``benchmarks/costs.py fit``). Tables differ by a factor of 3 in what they take; a search learns
that from its first fits.
"""

from collections.abc import Mapping
from typing import Any

from automl.families._base import Params, Problem

ROWS = 0.35
LEAVES = -0.3
"""Exponents of the rows and of the leaves of a tree: more rows can tell more, and a tree with
more leaves says more at once."""

COLUMNS = 0.35
"""Exponent of the share of the columns that a tree may use, as a factor of the rate: of fewer
columns a round learns less."""

FIRST = {"binary": 0.6, "multiclass": 3.0, "regression": 1.5}
"""Rounds at a learning rate, rows and leaves of 1."""

LEAST = 30.0

HIGHEST_RATE = 0.3
"""Up to here boosting may learn faster where time is short."""


def expected_rounds(problem: Problem, rate: float, leaves: float, most: int) -> float:
    """Rounds until early stopping: as many more as the learning rate is smaller.

    Parameters
    ----------
    problem : Problem
    rate : float
    leaves : float
        Of one tree.
    most : int
        Rounds after which a fit ends anyhow.

    Examples
    --------
    >>> problem = Problem("binary", n_rows=10_000, n_columns=20, n_classes=2)
    >>> slow, fast = (expected_rounds(problem, rate, 31, 5000) for rate in (0.05, 0.1))
    >>> round(slow / fast, 3)
    2.0
    """
    rounds = FIRST[problem.task] * problem.n_rows**ROWS * max(1.0, leaves) ** LEAVES
    return float(min(most, max(LEAST, rounds / max(rate, 1e-6))))


def faster_rate(params: Mapping[str, Any], times: float) -> tuple[Params, float]:
    """Parameters of boosting with a higher learning rate, which takes fewer rounds.

    Parameters
    ----------
    params : mapping
        Those without a ``learning_rate`` stay as they are.
    times : float
        By which the rate rises, at most to `HIGHEST_RATE`.

    Returns
    -------
    params : dict
    times : float
        By which it has risen.

    Examples
    --------
    >>> faster_rate({"learning_rate": 0.05, "num_leaves": 31}, 2.0)
    ({'learning_rate': 0.1, 'num_leaves': 31}, 2.0)
    """
    rate = params.get("learning_rate", HIGHEST_RATE)
    higher = max(rate, min(rate * times, HIGHEST_RATE))
    return ({**params, "learning_rate": higher} if higher > rate else dict(params)), higher / rate
