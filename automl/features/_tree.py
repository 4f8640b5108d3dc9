"""The encoding for trees: numbers as they are, categories as codes, dates as parts."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np

from automl.features._dates import PARTS, date_parts
from automl.features._elapsed import Pairs, elapsed_days, elapsed_name, elapsed_pairs
from automl.features._matrix import Encoder, Matrix
from automl.features._text_encoder import NO_TEXTS, TextEncoder
from automl.table import Schema, Table

MAX_CATEGORIES = 254
"""Categories with a code of their own; a histogram of 255 bins holds them and the missing."""

ALL = 1 - 1e-9
"""Sum of the shares of all categories where no row is without one."""

FLOAT32_EXACT = 2.0**24
FLOAT32_MAX = float(np.finfo(np.float32).max)
"""Where larger numbers are cut off: models work in float32, and refuse an infinite value."""


@dataclass(frozen=True)
class TreeEncoder(Encoder):
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
    texts : TextEncoder
        The columns of texts, and of categories that are too many for their rows. Of the latter
        only the frequency stays beside what their texts become, if that tells of the target.
    elapsed : tuple of (str, str)
        Pairs of datetime columns of which the time between is a number.
    """

    parts: Mapping[str, tuple[str, ...]]
    frequencies: Mapping[str, tuple[float, ...]]
    cardinalities: Mapping[str, int]
    wide: bool
    texts: TextEncoder = NO_TEXTS
    elapsed: Pairs = ()

    kind = "tree"

    @classmethod
    def fit(cls, table: Table, texts: TextEncoder | None = None) -> "TreeEncoder":
        """Learn which parts of dates vary and how frequent the categories are."""
        texts = TextEncoder.fit(table) if texts is None else texts
        parts: dict[str, tuple[str, ...]] = {}
        frequencies: dict[str, tuple[float, ...]] = {}
        cardinalities: dict[str, int] = {}
        wide = False
        for column in table.schema.features:
            name, n = column.name, len(column.categories)
            if column.role == "datetime":
                parts[name] = varying_parts(table, name)
            elif column.role == "categorical":
                if not column.spelled or not texts.told:
                    cardinalities[name] = min(n, MAX_CATEGORIES + 1)
                if n > MAX_CATEGORIES or column.spelled:
                    codes = table.columns[name]
                    counts = np.bincount(codes[codes >= 0], minlength=n)
                    frequencies[name] = tuple((counts / max(1, len(codes))).tolist())
            elif column.role != "text":
                wide = wide or merges_in_float32(table, name)
        return cls(parts, frequencies, cardinalities, wide, texts, elapsed_pairs(table))

    def header(self, schema: Schema) -> Matrix:
        """Return the matrix of a table of this schema without its rows: names and dtype."""
        entries: list[tuple[str, str, int]] = []
        for column in schema.features:
            name = column.name
            if column.role == "datetime":
                entries += [(f"{name}.{part}", name, 0) for part in self.parts[name]]
            elif not column.readable or name in self.cardinalities:
                entries.append((name, name, self.cardinalities.get(name, 0)))
            if name in self.frequencies:
                entries.append((f"{name}.frequency", name, 0))
        entries += [(elapsed_name(pair), pair[1], 0) for pair in self.elapsed]
        entries += [(name, source, 0) for name, source in self.texts.names]
        names, sources, cardinalities = zip(*entries, strict=True)
        return Matrix(np.empty((0, len(entries)), self._dtype), names, sources, cardinalities)

    def origins(self, schema: Schema) -> tuple[tuple[str, ...], ...]:
        """For each matrix column those that it is made of: both ends of a span of time."""
        found = super().origins(schema)
        end = len(found) - len(self.texts.names)
        return (*found[: end - len(self.elapsed)], *self.elapsed, *found[end:])

    def _write(self, table: Table, rows: slice, out: np.ndarray) -> None:
        at = 0
        for column in table.schema.features:
            if column.role == "text":
                continue
            values = table.block(column.name, rows, limit=FLOAT32_MAX)
            if column.role == "datetime":
                blocks = list(date_parts(values, self.parts[column.name]).values())
            elif column.role == "categorical":
                per_code = self._per_code[column.name]
                blocks = [np.take(entries, values, mode="wrap") for entries in per_code]
            else:
                blocks = [values]
            for block in blocks:
                out[:, at] = block
                at += 1
        for pair in self.elapsed:
            out[:, at] = elapsed_days(table, pair, rows)
            at += 1
        if self.texts.columns:
            out[:, at:] = self.texts.numbers(table, rows)

    @property
    def _dtype(self) -> "np.dtype[Any]":
        return np.dtype(np.float64 if self.wide else np.float32)

    @cached_property
    def _per_code(self) -> dict[str, list[np.ndarray]]:
        """What stands in the matrix for each code of a category; the last entry is for -1.

        That is a missing or a new category. Where nothing was missing in a long column it is a new
        one, and stands with the rarest: they were new to the models of the other folds.
        """
        found: dict[str, list[np.ndarray]] = {}
        for name in dict.fromkeys([*self.cardinalities, *self.frequencies]):
            shares, n = self.frequencies.get(name, ()), self.cardinalities.get(name, 0)
            whole = bool(shares) and sum(shares) > ALL
            found[name] = []
            if name in self.cardinalities:
                codes = np.minimum(np.arange(max(n, len(shares)) + 1), n - 1).astype(self._dtype)
                codes[-1] = n - 1 if whole else np.nan
                found[name].append(codes)
            if shares:
                never = min(shares) if whole else 0.0
                found[name].append(np.array([*shares, never], dtype=self._dtype))
        return found

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "kind": self.kind,
            "parts": {k: list(v) for k, v in self.parts.items()},
            "frequencies": {k: list(v) for k, v in self.frequencies.items()},
            "cardinalities": dict(self.cardinalities),
            "wide": self.wide,
            "elapsed": [list(pair) for pair in self.elapsed],
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any], texts: TextEncoder = NO_TEXTS) -> "TreeEncoder":
        """Inverse of :meth:`to_dict`, which leaves the texts out."""
        return cls(
            {k: tuple(v) for k, v in state["parts"].items()},
            {k: tuple(v) for k, v in state["frequencies"].items()},
            {k: int(v) for k, v in state["cardinalities"].items()},
            bool(state["wide"]),
            texts,
            tuple((str(a), str(b)) for a, b in state.get("elapsed", ())),
        )


def varying_parts(table: Table, name: str) -> tuple[str, ...]:
    """Names of the parts of a column's moments that have more than one value."""
    low = dict.fromkeys(PARTS, np.inf)
    high = dict.fromkeys(PARTS, -np.inf)
    for seconds in table.blocks(name):
        for part, values in date_parts(seconds).items():
            low[part] = np.fmin(low[part], np.fmin.reduce(values))
            high[part] = np.fmax(high[part], np.fmax.reduce(values))
    return tuple(part for part in PARTS if low[part] < high[part]) or ("days",)


def merges_in_float32(table: Table, name: str) -> bool:
    """Whether rounding to float32 makes distinct integers or ids equal.

    Measurements with more digits than float32 holds are not worth twice the memory; large
    integers (identifiers of things, amounts in cents, epoch numbers) are.
    """
    extent = table.extent(name)
    if not max(abs(extent.low), abs(extent.high)) >= FLOAT32_EXACT or not table.is_integral(name):
        return False
    if all(_exact(_finite(block)) for block in table.blocks(name)):
        return False
    if any(_merges(_finite(block)) for block in islice(table.blocks(name), 1)):
        return True
    return _merges(_finite(table.columns[name]))


def _finite(values: np.ndarray) -> np.ndarray:
    finite: np.ndarray = np.clip(values[np.isfinite(values)], -FLOAT32_MAX, FLOAT32_MAX)
    return finite


def _exact(values: np.ndarray) -> bool:
    return bool((values.astype(np.float32) == values).all())


def _merges(values: np.ndarray) -> bool:
    distinct = np.unique(values)
    return len(distinct) > len(np.unique(distinct.astype(np.float32)))
