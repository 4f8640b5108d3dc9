"""Columns generated inside a fold: chosen and fitted on its training rows alone."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from automl.families._base import FitData, Problem, Resources
from automl.families._generated import Formula, Generator, Groups, Statistic
from automl.families._screen import (
    PARTS,
    SMOOTHING,
    as_outputs,
    can_cross,
    choose,
    inner_parts,
    mean_one,
    out_of_part,
)
from automl.features import Matrix

KINDS = ("none", "crosses", "arithmetic", "both")
NOTHING = KINDS[0]
"""What may be generated: nothing; what groups of rows tell of the target; numbers computed."""

FEWEST = 100
"""Training rows below which nothing is generated: chance would choose."""

SAMPLE = 10_000
"""Training rows that candidates are judged on."""

MOST = {"crosses": 6, "arithmetic": 12}
"""Crosses and formulas that are used."""

MOST_GROUPS = 50_000
MOST_CODES = 2.0**62
"""Groups of a cross that are known, and all that its columns could make."""

KEPT_CELLS = 10_000_000
"""Generated tables are kept for the next fit on the same fold while they have fewer cells."""

CHOOSING, JUDGING, FITTING = 20.0, 6.0, 8.0
"""Microseconds of a row that candidates are judged on, more for each output, and of any row."""


def extended(
    kind: str, data: FitData, *, problem: Problem, resources: Resources
) -> tuple[Generator | None, FitData]:
    """Training and validation rows with generated columns, if any is worth it.

    Parameters
    ----------
    kind : {"none", "crosses", "arithmetic", "both"}
    data : FitData
    problem : Problem
    resources : Resources

    Returns
    -------
    Generator or None
        For rows that are not trained on; ``None`` where no column is generated.
    FitData
        `data` itself then; otherwise the training rows, those to validate on, and no others.
    """
    if kind == NOTHING:
        return None, data
    kept: dict[Any, tuple[Generator | None, FitData]] = data.cache.setdefault("generated", {})
    key = kind, hash(data.train.tobytes()), hash(data.valid.tobytes())
    if key in kept:
        return kept[key]
    generator, columns = generate(kind, data, problem=problem, resources=resources)
    found: tuple[Generator | None, FitData] = None, data
    cells = 0
    if generator.parents:
        found = generator, _with_columns(data, generator, columns)
        cells = found[1].matrix.values.size
    while kept and cells + sum(d.matrix.values.size for g, d in kept.values() if g) > KEPT_CELLS:
        del kept[next(iter(kept))]
    if cells <= KEPT_CELLS:
        kept[key] = found
    return found


def expected_columns(kind: str, problem: Problem) -> int:
    """Columns that are generated at most."""
    crosses = 2 * MOST["crosses"] if can_cross(problem) else 0
    counts = {"crosses": crosses, "arithmetic": MOST["arithmetic"]}
    return sum(n for name, n in counts.items() if kind in (name, "both"))


def expected_work(kind: str, problem: Problem) -> float:
    """Microseconds to choose columns and to fit them."""
    if kind == NOTHING or problem.n_rows < FEWEST:
        return 0.0
    judged = min(problem.n_rows, SAMPLE) * (CHOOSING + JUDGING * problem.n_outputs)
    return judged + problem.n_rows * FITTING


def _with_columns(data: FitData, generator: Generator, columns: np.ndarray) -> FitData:
    matrix, (n_train, n_new) = data.matrix, columns.shape
    rows, n_given = np.concatenate([data.train, data.valid]), matrix.shape[1]
    values = np.empty((len(rows), n_given + n_new), matrix.values.dtype)
    values[:n_train, :n_given] = data.train_X
    values[:n_train, n_given:] = columns
    valid = data.valid_X
    values[n_train:, :n_given] = valid
    values[n_train:, n_given:] = generator.transform(valid)
    names = tuple(f"generated {i}" for i in range(n_new))
    return FitData(
        Matrix(
            values,
            matrix.names + names,
            matrix.sources + names,
            matrix.cardinalities + (0,) * n_new,
        ),
        data.y[rows],
        np.arange(n_train),
        np.arange(n_train, len(rows)),
        None if data.weight is None else data.weight[rows],
    )


def generate(
    kind: str, data: FitData, *, problem: Problem, resources: Resources
) -> tuple[Generator, np.ndarray]:
    """Choose columns and fit them on the training rows.

    Parameters
    ----------
    kind : {"crosses", "arithmetic", "both"}
    data : FitData
    problem : Problem
    resources : Resources

    Returns
    -------
    Generator
    ndarray of shape (n_train, n_generated), float32
        The columns of the training rows: what looks at the target is out of fold.
    """
    rows = data.train
    if len(rows) < FEWEST:
        return Generator(data.matrix.shape[1]), np.empty((len(rows), 0), np.float32)
    if len(rows) > SAMPLE:
        rows = np.sort(np.random.default_rng(0).choice(rows, SAMPLE, replace=False))
    crosses, formulas = choose(kind, data, rows, problem=problem, resources=resources)
    crosses, formulas = crosses[: MOST["crosses"]], formulas[: MOST["arithmetic"]]
    return realise(crosses, formulas, data, problem)


def realise(
    crosses: Sequence[tuple[int, ...]],
    formulas: Sequence[Formula],
    data: FitData,
    problem: Problem,
) -> tuple[Generator, np.ndarray]:
    """Fit the chosen columns on all training rows; returns what :func:`generate` does."""
    X, y = data.train_X, as_outputs(data.train_y, problem)
    weight = mean_one(data.weight, data.train)
    statistics, blocks = [], [np.empty((len(X), 0), np.float32)]
    for columns in crosses:
        found = frequent(*Groups.of(X, columns))
        if found is not None:
            statistic, block = target_statistic(*found, y, weight)
            statistics.append(statistic)
            blocks.append(block)
    blocks += [f.apply(X)[:, None] for f in formulas]
    return Generator(X.shape[1], tuple(statistics), tuple(formulas)), np.hstack(blocks)


def target_statistic(
    groups: Groups, numbers: np.ndarray, y: np.ndarray, weight: np.ndarray
) -> tuple[Statistic, np.ndarray]:
    """Means of the target by group, then the logarithm of how many rows they are of.

    Parameters
    ----------
    groups : Groups
    numbers : ndarray of int of shape (n_rows,)
        Each row's group; the number after all is for rows of none.
    y : ndarray of shape (n_rows, n_outputs)
    weight : ndarray of shape (n_rows,)

    Returns
    -------
    Statistic
    ndarray of shape (n_rows, n_outputs + 1), float32
        The same for these rows, as the rows of the other parts tell it.
    """
    n_groups = len(groups.codes)
    mean = weight @ y / weight.sum()
    known = numbers < n_groups
    means, others = out_of_part(numbers, n_groups + 1, y - mean, weight, inner_parts(len(y)))
    block = np.column_stack([means, np.log1p(others * PARTS / (PARTS - 1))]) * known[:, None]
    mass = np.bincount(numbers, weight, n_groups + 1)
    sums = np.column_stack([np.bincount(numbers, weight * t, n_groups + 1) for t in (y - mean).T])
    values = np.column_stack([sums / (mass + SMOOTHING)[:, None], np.log1p(mass)])
    values[-1] = 0.0
    shift = np.append(mean, 0.0)
    values, block = ((found + shift).astype(np.float32) for found in (values, block))
    return Statistic(groups, values), block


def frequent(groups: Groups, numbers: np.ndarray) -> tuple[Groups, np.ndarray] | None:
    """The groups of two or more rows, at most so many; other rows have the number after all.

    ``None`` where there are none, or their codes don't fit into an integer.
    """
    counts = np.bincount(numbers)
    least = 2
    if (counts >= least).sum() > MOST_GROUPS:
        least = int(np.sort(counts)[-MOST_GROUPS]) + 1
    kept = np.flatnonzero(counts >= least)
    if not len(kept) or np.prod([float(len(v)) for v in groups.levels]) >= MOST_CODES:
        return None
    places = np.full(len(counts), len(kept))
    places[kept] = np.arange(len(kept))
    return groups.only(kept), places[numbers]
