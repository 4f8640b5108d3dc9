"""The encodings for everything that is not a tree: scaled, straight, or piecewise linear."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain
from typing import Any

import numpy as np

from automl.features._dates import date_parts
from automl.features._elapsed import Pairs, elapsed_days, elapsed_name, elapsed_pairs
from automl.features._matrix import Encoder, Matrix
from automl.features._text_encoder import NO_TEXTS, TextEncoder
from automl.features._tree import FLOAT32_MAX, varying_parts
from automl.table import Column, Schema, Table

MAX_ONE_HOT = 40
"""Categories of one column with an indicator of their own; the rest share one."""

MAX_BINS = 24
WIDTH = 3000
"""Matrix columns beyond which a piecewise encoding takes fewer bins."""

FAR = 1e6
"""Scaled numbers are cut off here, where the smooth clipping has long levelled out."""

CYCLES = {"month": 12.0, "weekday": 7.0, "day_of_year": 365.25, "hour": 24.0, "day": 31.0}


def level_out(scaled: np.ndarray) -> np.ndarray:
    """Clip scaled numbers smoothly, at 3.

    Examples
    --------
    >>> level_out(np.array([0.0, -0.1, 1e6])).round(3).tolist()
    [0.0, -0.1, 3.0]
    """
    out = np.asarray(scaled / 3)  # in place from here on: a table may be as large as memory allows
    np.multiply(out, out, out=out)
    out += 1
    np.sqrt(out, out=out)
    np.divide(scaled, out, out=out)
    return out


@dataclass(frozen=True)
class Number:
    """How one number is encoded: where it is centred, its scale, its bin edges, and whether it
    goes on straight far out."""

    name: str
    source: str
    center: float
    scale: float
    indicator: bool
    edges: tuple[float, ...] = ()
    straight: bool = False

    def blocks(self, values: np.ndarray) -> Iterator[np.ndarray]:
        """The columns of a matrix that it becomes."""
        missing = ~np.isfinite(values)
        filled = np.where(missing, self.center, values)
        with np.errstate(over="ignore"):
            scaled = np.clip((filled - self.center) / self.scale, -FAR, FAR)
        yield scaled if self.straight else level_out(scaled)
        for i, low in enumerate(self.edges[:-1]):
            with np.errstate(over="ignore"):
                yield np.clip((filled - low) / (self.edges[i + 1] - low), 0.0, 1.0)
        if self.indicator:
            yield missing


@dataclass(frozen=True)
class Category:
    """How one category is encoded: the codes with an indicator, and whether others are met."""

    name: str
    codes: int
    others: bool
    missing: bool


@dataclass(frozen=True)
class DenseEncoder(Encoder):
    """Encode a table for networks, linear models and distances: no missing value is left.

    Parameters
    ----------
    kind : {"scaled", "straight", "piecewise"}
        ``scaled`` centres a number by its median, divides it by its interquartile range and
        clips it smoothly, see :func:`level_out`. ``straight`` does not clip it, for targets
        that are sums of columns. ``piecewise`` clips it, and also turns it into a thermometer
        over quantile bins, which lets a plain network or a linear model bend.
    numbers : tuple of Number
    categories : tuple of Category
    parts : mapping of str to tuple of str
        For each datetime column, which parts are used.
    texts : TextEncoder
        The columns of texts, and of categories that are too many for their rows.
    topics : tuple of Number
        How the numbers that texts become are scaled. They are not bent.
    elapsed : tuple of (str, str)
        Pairs of datetime columns of which the time between is a number,
    spans : tuple of Number
        and how it is encoded.

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
    texts: TextEncoder = NO_TEXTS
    topics: tuple[Number, ...] = ()
    elapsed: Pairs = ()
    spans: tuple[Number, ...] = ()

    @classmethod
    def fit(cls, table: Table, kind: str, texts: TextEncoder | None = None) -> "DenseEncoder":
        """Learn medians, scales, edges and frequent categories."""
        texts = TextEncoder.fit(table) if texts is None else texts
        features = table.schema.features
        parts = {c.name: varying_parts(table, c.name) for c in features if c.role == "datetime"}
        sources = [c.name for c in features if c.role not in ("categorical", "text")]
        width = sum(len(_stream_names(name, parts)) for name in sources)
        bins = 0
        if kind == "piecewise" and width:
            bins = int(np.clip(WIDTH // width, 4, MAX_BINS))
        straight = kind == "straight"
        numbers = tuple(
            _fit_number(name, source, values, bins, straight=straight)
            for source in sources  # one after the other: all at once would be the table again
            for name, values in _streams(source, table.columns[source], parts).items()
        )
        categories = tuple(
            _fit_category(c, table.columns[c.name]) for c in features if c.role == "categorical"
        )
        topics, elapsed = _fit_topics(table, texts), elapsed_pairs(table)
        spans = tuple(
            _fit_number(
                elapsed_name(p),
                p[1],
                elapsed_days(table, p, slice(None)),
                bins,
                straight=straight,
            )
            for p in elapsed
        )
        return cls(kind, numbers, categories, parts, texts, topics, elapsed, spans)

    def header(self, schema: Schema) -> Matrix:
        """Return the matrix of a table of this schema without its rows: names and dtype."""
        entries: list[tuple[str, str]] = []
        for n in (*self.numbers, *self.spans, *self.topics):
            labels = [n.name, *(f"{n.name}>{low:.6g}" for low in n.edges[:-1])]
            labels += [f"{n.name}?"] if n.indicator else []
            entries += [(label, n.source) for label in labels]
        for c in self.categories:
            labels = [f"{c.name}={code}" for code in range(c.codes)]
            labels += [f"{c.name}=other"] if c.others else []
            labels += [f"{c.name}?"] if c.missing else []
            entries += [(label, c.name) for label in labels]
        names = tuple(label for label, _ in entries)
        sources = tuple(source for _, source in entries)
        empty = np.empty((0, len(names)), np.float32)
        return Matrix(empty, names, sources, (0,) * len(names))

    def _write(self, table: Table, rows: slice, out: np.ndarray) -> None:
        numbers, categories = self._number_blocks(table, rows), self._category_blocks(table, rows)
        spans, topics = self._span_blocks(table, rows), self._topic_blocks(table, rows)
        for i, block in enumerate(chain(numbers, spans, topics, categories)):
            out[:, i] = block

    def _number_blocks(self, table: Table, rows: slice) -> Iterator[np.ndarray]:
        source, streams = None, dict[str, np.ndarray]()
        for number in self.numbers:
            if number.source != source:
                source = number.source
                streams = _streams(source, table.block(source, rows), self.parts)
            yield from number.blocks(streams[number.name])

    def _span_blocks(self, table: Table, rows: slice) -> Iterator[np.ndarray]:
        for pair, number in zip(self.elapsed, self.spans, strict=True):
            yield from number.blocks(elapsed_days(table, pair, rows))

    def _topic_blocks(self, table: Table, rows: slice) -> Iterator[np.ndarray]:
        if self.topics:
            found = self.texts.numbers(table, rows)
            for topic, values in zip(self.topics, found.T, strict=True):
                yield from topic.blocks(values.astype(np.float64))

    def _category_blocks(self, table: Table, rows: slice) -> Iterator[np.ndarray]:
        for category in self.categories:
            codes = table.block(category.name, rows)
            for code in range(category.codes):
                yield codes == code
            if category.others:  # where nothing was missing, what has no code is a new category
                new = np.zeros(len(codes), bool) if category.missing else codes < 0
                yield (codes >= category.codes) | new
            if category.missing:
                yield codes < 0

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        state = {
            "kind": self.kind,
            "numbers": [asdict(n) for n in self.numbers],
            "categories": [asdict(c) for c in self.categories],
            "parts": {k: list(v) for k, v in self.parts.items()},
        }
        for name in ("topics", "spans"):
            state |= {name: [asdict(n) for n in getattr(self, name)]}
        return state | {"elapsed": [list(pair) for pair in self.elapsed]}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any], texts: TextEncoder = NO_TEXTS) -> "DenseEncoder":
        """Inverse of :meth:`to_dict`, which leaves the texts out."""
        return cls(
            str(state["kind"]),
            _read_numbers(state["numbers"]),
            tuple(Category(**c) for c in state["categories"]),
            {k: tuple(v) for k, v in state["parts"].items()},
            texts,
            _read_numbers(state.get("topics", ())),
            tuple((str(a), str(b)) for a, b in state.get("elapsed", ())),
            _read_numbers(state.get("spans", ())),
        )


def _read_numbers(state: Sequence[Mapping[str, Any]]) -> tuple[Number, ...]:
    return tuple(Number(**{**n, "edges": tuple(n["edges"])}) for n in state)


def _stream_names(source: str, parts: Mapping[str, Sequence[str]]) -> list[str]:
    """Names of the numbers that a column is to a model: itself, or the parts of its dates."""
    if source not in parts:
        return [source]
    names = []
    for part in parts[source]:
        names.append(f"{source}.{part}")
        if part in CYCLES:
            names += [f"{source}.{part}.sin", f"{source}.{part}.cos"]
    return names


def _streams(
    source: str, values: np.ndarray, parts: Mapping[str, Sequence[str]]
) -> dict[str, np.ndarray]:
    """The numbers that a column is to a model, by name."""
    if source not in parts:
        return {source: np.clip(values, -FLOAT32_MAX, FLOAT32_MAX)}
    found = []
    for part, numbers in date_parts(values, parts[source]).items():
        found.append(numbers)
        if part in CYCLES:
            angle = numbers * (2 * np.pi / CYCLES[part])
            found += [np.sin(angle), np.cos(angle)]
    return dict(zip(_stream_names(source, parts), found, strict=True))


def _fit_number(
    name: str, source: str, values: np.ndarray, bins: int, *, straight: bool = False
) -> Number:
    finite = values[np.isfinite(values)]
    indicator = len(finite) < len(values)
    if not len(finite):
        return Number(name, source, 0.0, 1.0, indicator, straight=straight)
    low, center, high = np.quantile(finite, [0.25, 0.5, 0.75])
    span = finite.max() - finite.min()
    # scaled so that a normal number has about unit variance; the range where quartiles agree
    scale = (high - low) / 1.349 if high > low else span / 2
    edges: tuple[float, ...] = ()
    if bins:
        cuts = np.unique(np.quantile(finite, np.linspace(0, 1, bins + 1)))
        edges = tuple(cuts.tolist()) if len(cuts) > 2 else ()
    return Number(name, source, float(center), float(scale) or 1.0, indicator, edges, straight)


def _fit_topics(table: Table, texts: TextEncoder) -> tuple[Number, ...]:
    """Scales of the numbers that texts become; one indicator tells that there was no text."""
    values, topics = texts.numbers(table, slice(None)), list[Number]()
    for i, (name, source) in enumerate(texts.names):
        number = _fit_number(name, source, values[:, i].astype(np.float64), 0)
        first = not topics or topics[-1].source != source
        topics.append(replace(number, indicator=number.indicator and first))
    return tuple(topics)


def _fit_category(column: Column, codes: np.ndarray) -> Category:
    n = len(column.categories)
    counts = np.bincount(codes[codes >= 0], minlength=n)
    frequent = int((counts >= min(3, max(1, len(codes) // 100))).sum())
    own = min(frequent, MAX_ONE_HOT)
    return Category(column.name, own, others=own < n, missing=bool((codes < 0).any()))
