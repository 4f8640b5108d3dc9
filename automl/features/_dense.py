"""The encodings for everything that is not a tree: scaled, or piecewise linear."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from automl.features._dates import date_parts
from automl.features._matrix import Matrix
from automl.features._tree import FLOAT32_MAX, varying_parts
from automl.table import Column, Table

MAX_ONE_HOT = 40
"""Categories of one column with an indicator of their own; the rest share one."""

MAX_BINS = 24
WIDTH = 3000
"""Matrix columns beyond which a piecewise encoding takes fewer bins."""

FAR = 1e6
"""Scaled numbers are cut off here, where the smooth clipping has long levelled out."""

CYCLES = {"month": 12.0, "weekday": 7.0, "day_of_year": 365.25, "hour": 24.0, "day": 31.0}


@dataclass(frozen=True)
class Number:
    """How one number is encoded: where it is centred, its scale, its bin edges."""

    name: str
    source: str
    center: float
    scale: float
    indicator: bool
    edges: tuple[float, ...] = ()


@dataclass(frozen=True)
class Category:
    """How one category is encoded: the codes with an indicator, and whether others are met."""

    name: str
    codes: int
    others: bool
    missing: bool


@dataclass(frozen=True)
class DenseEncoder:
    """Encode a table for networks, linear models and distances: no missing value is left.

    Parameters
    ----------
    kind : {"scaled", "piecewise"}
        ``scaled`` centres a number by its median, divides it by its interquartile range and
        clips it smoothly, x / sqrt(1 + (x / 3)^2). ``piecewise`` also turns it into a thermometer
        over quantile bins, which lets a plain network or a linear model bend.
    numbers : tuple of Number
    categories : tuple of Category
    parts : mapping of str to tuple of str
        For each datetime column, which parts are used.

    References
    ----------
    Holzmueller, Grinsztajn, Steinwart (2024), Better by default (scaling and smooth clipping).
    Gorishniy, Rubachev, Babenko (2022), On embeddings for numerical features in tabular deep
    learning (piecewise linear encoding).
    """

    kind: str
    numbers: tuple[Number, ...]
    categories: tuple[Category, ...]
    parts: Mapping[str, tuple[str, ...]]

    @classmethod
    def fit(cls, table: Table, kind: str) -> "DenseEncoder":
        """Learn medians, scales, edges and frequent categories."""
        parts = {
            c.name: varying_parts(table.columns[c.name])
            for c in table.schema.features
            if c.role == "datetime"
        }
        streams = list(_number_streams(table, parts))
        bins = 0
        if kind == "piecewise" and streams:
            bins = int(np.clip(WIDTH // len(streams), 4, MAX_BINS))
        numbers = tuple(_fit_number(name, source, v, bins) for name, source, v in streams)
        categories = tuple(
            _fit_category(c, table.columns[c.name])
            for c in table.schema.features
            if c.role == "categorical"
        )
        return cls(kind, numbers, categories, parts)

    def transform(self, table: Table) -> Matrix:
        """Encode the rows of `table`, which has the schema of the fit."""
        columns: list[np.ndarray] = []
        names: list[str] = []
        sources: list[str] = []

        def add(name: str, source: str, values: np.ndarray) -> None:
            columns.append(values.astype(np.float32, copy=False))
            names.append(name)
            sources.append(source)

        streams = {name: v for name, _, v in _number_streams(table, self.parts)}
        for number in self.numbers:
            values = streams[number.name]
            missing = ~np.isfinite(values)
            filled = np.where(missing, number.center, values)
            with np.errstate(over="ignore"):
                scaled = np.clip((filled - number.center) / number.scale, -FAR, FAR)
            add(number.name, number.source, scaled / np.sqrt(1 + (scaled / 3) ** 2))
            for i, low in enumerate(number.edges[:-1]):
                width = number.edges[i + 1] - low
                with np.errstate(over="ignore"):
                    level = np.clip((filled - low) / width, 0.0, 1.0)
                add(f"{number.name}>{low:.6g}", number.source, level)
            if number.indicator:
                add(f"{number.name}?", number.source, missing)
        for category in self.categories:
            codes = table.columns[category.name]
            for code in range(category.codes):
                add(f"{category.name}={code}", category.name, codes == code)
            if category.others:
                add(f"{category.name}=other", category.name, codes >= category.codes)
            if category.missing:
                add(f"{category.name}?", category.name, codes < 0)
        values = np.stack(columns, axis=1) if columns else np.zeros((table.n_rows, 0), np.float32)
        return Matrix(values, tuple(names), tuple(sources), (0,) * len(names))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self) | {"parts": {k: list(v) for k, v in self.parts.items()}}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> "DenseEncoder":
        """Inverse of :meth:`to_dict`."""
        return cls(
            str(state["kind"]),
            tuple(Number(**(n | {"edges": tuple(n["edges"])})) for n in state["numbers"]),
            tuple(Category(**c) for c in state["categories"]),
            {k: tuple(v) for k, v in state["parts"].items()},
        )


def _number_streams(
    table: Table, parts: Mapping[str, Sequence[str]]
) -> list[tuple[str, str, np.ndarray]]:
    """Every number of the table, those of its dates included: (name, source, values)."""
    streams: list[tuple[str, str, np.ndarray]] = []
    for column in table.schema.features:
        values = table.columns[column.name]
        if column.role == "datetime":
            split = date_parts(values)
            for part in parts[column.name]:
                streams.append((f"{column.name}.{part}", column.name, split[part]))
                if part in CYCLES:
                    angle = split[part] * (2 * np.pi / CYCLES[part])
                    streams.append((f"{column.name}.{part}.sin", column.name, np.sin(angle)))
                    streams.append((f"{column.name}.{part}.cos", column.name, np.cos(angle)))
        elif column.role != "categorical":
            bounded = np.clip(values, -FLOAT32_MAX, FLOAT32_MAX)
            streams.append((column.name, column.name, bounded))
    return streams


def _fit_number(name: str, source: str, values: np.ndarray, bins: int) -> Number:
    finite = values[np.isfinite(values)]
    indicator = len(finite) < len(values)
    if not len(finite):
        return Number(name, source, 0.0, 1.0, indicator)
    low, center, high = np.quantile(finite, [0.25, 0.5, 0.75])
    span = finite.max() - finite.min()
    # scaled so that a normal number has about unit variance; the range where quartiles agree
    scale = (high - low) / 1.349 if high > low else span / 2
    edges: tuple[float, ...] = ()
    if bins:
        cuts = np.unique(np.quantile(finite, np.linspace(0, 1, bins + 1)))
        edges = tuple(cuts.tolist()) if len(cuts) > 2 else ()
    return Number(name, source, float(center), float(scale) or 1.0, indicator, edges)


def _fit_category(column: Column, codes: np.ndarray) -> Category:
    n = len(column.categories)
    counts = np.bincount(codes[codes >= 0], minlength=n)
    frequent = int((counts >= min(3, max(1, len(codes) // 100))).sum())
    own = min(frequent, MAX_ONE_HOT)
    return Category(column.name, own, others=own < n, missing=bool((codes < 0).any()))
