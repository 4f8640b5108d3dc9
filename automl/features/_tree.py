"""The encoding for trees: numbers as they are, categories as codes, dates as parts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.features._dates import date_parts
from automl.features._matrix import Matrix
from automl.table import Table

MAX_CATEGORIES = 254
"""Categories with a code of their own; a histogram of 255 bins holds them and the missing."""

FLOAT32_EXACT = 2.0**24
FLOAT32_MAX = float(np.finfo(np.float32).max)
"""Where larger numbers are cut off: models work in float32, and refuse an infinite value."""


@dataclass(frozen=True)
class TreeEncoder:
    """Encode a table for tree ensembles.

    Numbers and booleans pass through, a categorical column becomes one column of codes in the
    order of its frequency, the rare end of a long one shares a last code and its column is
    accompanied by the frequency of each category. Dates become the parts that vary.

    Parameters
    ----------
    parts : mapping of str to tuple of str
        For each datetime column, which parts are used.
    frequencies : mapping of str to tuple of float
        For each categorical column with more than 254 categories, the share of rows of each.
    cardinalities : mapping of str to int
        Number of codes of each categorical column.
    wide : bool
        Whether numbers need float64 to stay distinct.
    """

    parts: Mapping[str, tuple[str, ...]]
    frequencies: Mapping[str, tuple[float, ...]]
    cardinalities: Mapping[str, int]
    wide: bool

    kind = "tree"

    @classmethod
    def fit(cls, table: Table) -> "TreeEncoder":
        """Learn which parts of dates vary and how frequent the categories are."""
        parts: dict[str, tuple[str, ...]] = {}
        frequencies: dict[str, tuple[float, ...]] = {}
        cardinalities: dict[str, int] = {}
        wide = False
        for column in table.schema.features:
            values = table.columns[column.name]
            if column.role == "datetime":
                parts[column.name] = varying_parts(values)
            elif column.role == "categorical":
                n = len(column.categories)
                cardinalities[column.name] = min(n, MAX_CATEGORIES + 1)
                if n > MAX_CATEGORIES:
                    counts = np.bincount(values[values >= 0], minlength=n)
                    frequencies[column.name] = tuple((counts / max(1, len(values))).tolist())
            else:
                wide = wide or merges_in_float32(values)
        return cls(parts, frequencies, cardinalities, wide)

    def transform(self, table: Table) -> Matrix:
        """Encode the rows of `table`, which has the schema of the fit."""
        blocks: list[tuple[str, str, np.ndarray, int]] = []
        for column in table.schema.features:
            values, name = table.columns[column.name], column.name
            if column.role == "datetime":
                split = date_parts(values)
                blocks += [(f"{name}.{p}", name, split[p], 0) for p in self.parts[name]]
            elif column.role == "categorical":
                n = self.cardinalities[name]
                codes = np.where(values >= 0, np.minimum(values, n - 1), np.nan)
                blocks.append((name, name, codes, n))
                if name in self.frequencies:
                    shares = np.append(np.asarray(self.frequencies[name]), 0.0)
                    blocks.append((f"{name}.frequency", name, shares[values], 0))
            else:
                blocks.append((name, name, values, 0))
        out = np.empty((table.n_rows, len(blocks)), np.float64 if self.wide else np.float32)
        for i, block in enumerate(blocks):
            out[:, i] = np.clip(block[2], -FLOAT32_MAX, FLOAT32_MAX)
        names, sources, _, cardinalities = zip(*blocks, strict=True)
        return Matrix(out, names, sources, cardinalities)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "kind": self.kind,
            "parts": {k: list(v) for k, v in self.parts.items()},
            "frequencies": {k: list(v) for k, v in self.frequencies.items()},
            "cardinalities": dict(self.cardinalities),
            "wide": self.wide,
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> "TreeEncoder":
        """Inverse of :meth:`to_dict`."""
        return cls(
            {k: tuple(v) for k, v in state["parts"].items()},
            {k: tuple(v) for k, v in state["frequencies"].items()},
            {k: int(v) for k, v in state["cardinalities"].items()},
            bool(state["wide"]),
        )


def varying_parts(seconds: np.ndarray) -> tuple[str, ...]:
    """Names of the parts of these moments that have more than one value."""
    names = [
        name
        for name, values in date_parts(seconds).items()
        if len(np.unique(values[np.isfinite(values)])) > 1
    ]
    return tuple(names) or ("days",)


def merges_in_float32(values: np.ndarray) -> bool:
    """Whether rounding to float32 makes distinct integers or ids equal.

    Measurements with more digits than float32 holds are not worth twice the memory; large
    integers (identifiers of things, amounts in cents, epoch numbers) are.
    """
    finite = np.clip(values[np.isfinite(values)], -FLOAT32_MAX, FLOAT32_MAX)
    if not len(finite) or np.abs(finite).max() < FLOAT32_EXACT:
        return False
    if (finite != np.floor(finite)).any():
        return False
    return len(np.unique(finite)) > len(np.unique(finite.astype(np.float32)))
