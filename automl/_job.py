"""A declared fit with its data understood: what the search then works on."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from automl._configurations import read_configurations
from automl._sample import Rows
from automl._spec import FitSpec
from automl._weights import name_of_weights
from automl.compute import Device, plan_workers
from automl.exceptions import DataError
from automl.families import MANY, Family, Problem, Resources, choose_families
from automl.features import expected_width
from automl.objective import Metric, Splits, get_metric, make_splits, tells_ratios
from automl.search import Clock, choose_n_folds
from automl.table import Schema, Table, Target

ABSOLUTE_ERRORS = (
    "mae",
    "mean_absolute_error",
    "median_absolute_error",
    "mape",
    "mean_absolute_percentage_error",
)
"""Metrics that medians win; a leading ``neg_`` does not matter."""


@dataclass(frozen=True)
class Job:
    """A declared fit with its data understood.

    The frame that it was read from is not kept: what is needed of it is in the typed table, which
    shares columns of floating point numbers with it.
    """

    spec: FitSpec
    clock: Clock
    schema: Schema
    target: Target
    table: Table
    y: np.ndarray
    weight: np.ndarray | None
    groups: np.ndarray | None
    metric: Metric
    problem: Problem
    families: tuple[Family, ...]
    splits: Splits
    n_workers: int
    resources: Resources
    reason: str
    memory: int | None = None
    left_out: str = ""
    configurations: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    starts: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    card: Device | None = None
    sentences: bool = False
    began: float = 0.0
    weights: str | None = None

    @classmethod
    def prepare(
        cls,
        data: Rows,
        spec: FitSpec,
        clock: Clock,
        card: Device | None = None,
        *,
        memory: int | None = None,
        left_out: str = "",
    ) -> "Job":
        """Understand the data: roles, task, metric, families, splits.

        Parameters
        ----------
        data : Rows
        spec : FitSpec
        clock : Clock
        card : Device, optional
            The card that fits may run on.
        memory : int, optional
            Bytes that all processes may use together.
        left_out : str
            Why the data is not all that the user gave.
        """
        frame, y, groups = data.frame, data.y, data.groups
        schema = Schema.infer(frame, types=dict(spec.types), drop=tuple(spec.drop), like=spec.like)
        target, codes, reason = Target.fit(y, task=spec.task, name=_name_of(y))
        codes = codes.copy()  # a view of one column keeps the others
        table = schema.apply(frame, fitting=True)
        metric = get_metric(
            spec.metric,
            task=target.task,
            classes=target.classes,
            positive_label=spec.positive_label,
        )
        problem = problem_of(schema, target, codes, metric)
        plan = plan_workers(spec.n_jobs)
        core_seconds = None if clock.budget is None else clock.budget * plan.n_workers
        splits = make_splits(
            codes,
            task=target.task,
            cv=spec.cv,
            groups=groups,
            n_folds_hint=choose_n_folds(_as_trees_see(problem, schema), core_seconds),
            random_state=spec.seed,
        )
        return cls(
            spec,
            clock,
            schema,
            target,
            table,
            codes,
            _weight_of(data, codes, target),
            None if groups is None else np.array(groups),
            metric,
            problem,
            tuple(choose_families(spec.families, problem)),
            splits,
            plan.n_workers,
            Resources(spec.seed, plan.threads_per_worker, "cpu" if card is None else card.cuda),
            reason,
            memory,
            left_out,
            read_configurations(spec.configurations),
            read_configurations(spec.starts),
            card,
            weights=_column_of(data.sample_weight, schema),
        )

    @property
    def group_codes(self) -> np.ndarray | None:
        """The number of each row's group, if rows have groups."""
        if self.groups is None:
            return None
        return np.asarray(pd.factorize(self.groups, use_na_sentinel=False)[0])

    def facts(self) -> dict[str, Any]:
        """What was understood and decided before the first fit."""
        return {
            "task": self.target.task,
            "reason": self.reason,
            "metric": self.metric.name,
            "greater_is_better": self.metric.greater_is_better,
            "rows": self.table.n_rows,
            "left_out": self.left_out,
            "columns": len(self.schema.columns),
            "roles": {c.name: [str(c.role), c.reason] for c in self.schema.columns},
            "validation": self.splits.kind,
            "families": [f.name for f in self.families],
            "workers": self.n_workers,
            "device": self.resources.device,
            "budget_s": self.clock.budget,
            "memory_bytes": self.memory,
            "seed": self.spec.seed,
        }


def _as_trees_see(problem: Problem, schema: Schema) -> Problem:
    """The problem with as many columns as texts become."""
    if not schema.readable:
        return problem
    return replace(problem, n_columns=expected_width("tree", schema))


def problem_of(schema: Schema, target: Target, codes: np.ndarray, metric: Metric) -> Problem:
    """What families are told of a table.

    Parameters
    ----------
    schema : Schema
    target : Target
    codes : ndarray of shape (n_rows,)
        The encoded target.
    metric : Metric
    """
    return Problem(
        target.task,
        len(codes),
        len(schema.features),
        0 if target.classes is None else len(target.classes),
        metric.name.removeprefix("neg_") in ABSOLUTE_ERRORS,
        len(schema.categorical),
        target.classes is None and tells_ratios(codes),
        sum(len(column.categories) > MANY for column in schema.features),
    )


def _weight_of(data: Rows, codes: np.ndarray, target: Target) -> np.ndarray | None:
    """Weights of the rows, if they have any; refuses those that leave nothing to learn from."""
    if data.sample_weight is None:
        return None
    weight = np.asarray(data.sample_weight, dtype=np.float64)
    if not np.isfinite(weight).all() or (weight < 0).any() or not (weight > 0).any():
        raise DataError("sample_weight must be finite, not negative, and above zero somewhere.")
    if target.classes is not None:
        left = target.classes[np.bincount(codes, weights=weight, minlength=2) > 0]
        if len(left) < 2:
            raise DataError(
                f"Rows with a weight above zero are all of one class, {left[0]!r}; at least two "
                "classes are needed."
            )
    return weight


def _column_of(weights: Any, schema: Schema) -> str | None:
    """The column that the weights come from; a feature of the same name is another matter."""
    name = name_of_weights(weights)
    return None if name in {column.name for column in schema.features} else name


def _name_of(y: Any) -> str:
    """The target's own name, which messages and ``automl evaluate`` use."""
    name = getattr(y, "name", None)
    return name if isinstance(name, str) and name else "target"
