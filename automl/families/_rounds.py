"""How many rounds boosting is expected to take until validation rows see no more progress.

The numbers were fitted to 224 fits of LightGBM and XGBoost on 18 tables of 800 to 390,000 rows
(``benchmarks/costs.py fit``). Tables differ by a factor of 3 in what they take; a search learns
that from its first fits.
"""

from automl.families._base import Problem

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
