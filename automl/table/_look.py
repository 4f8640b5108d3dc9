"""A column at fit, with what the detectors ask of it worked out once."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from automl.table._blocks import Extent, blocks
from automl.table._column import Column, Role
from automl.table._convert import Distinct, plain_dates, plain_numbers
from automl.table._values import Parsed, canonical, is_missing

_SAMPLE = 200
UNREADABLE = "unreadable and taken as missing"
MARKED = 0.2
"""A column of numbers or dates has at least this share of them beside words for "not known"."""


@dataclass(frozen=True)
class Look:
    """What is known of one column before it has a role."""

    name: str
    series: pd.Series
    like: Column | None = None

    @cached_property
    def numbers(self) -> np.ndarray | None:
        """The column as numpy holds it if its dtype is numeric or boolean."""
        return plain_numbers(self.series)

    @cached_property
    def dates(self) -> np.ndarray | None:
        """The column as ``datetime64`` if its dtype is a date."""
        return plain_dates(self.series)

    @cached_property
    def extent(self) -> Extent:
        """How many of the numbers or dates are missing, and how far the others reach."""
        typed = self.numbers if self.numbers is not None else self.dates
        assert typed is not None
        return Extent.of(typed)

    @cached_property
    def distinct(self) -> Distinct:
        """The distinct values and the rows that hold them."""
        return Distinct.of(self.series)

    @cached_property
    def texts(self) -> list[str | None]:
        """Canonical text of each distinct value, None where it is missing."""
        return [None if is_missing(value) else canonical(value) for value in self.distinct.values]

    @cached_property
    def known(self) -> np.ndarray:
        """Which distinct values are values at all."""
        return np.array([text is not None for text in self.texts], dtype=bool)

    @cached_property
    def frequencies(self) -> dict[str, int]:
        """Rows of each canonical text, the missing ones left out."""
        rows: dict[str, int] = {}
        for text, count in zip(self.texts, self.distinct.counts.tolist(), strict=True):
            if text is not None and count:
                rows[text] = rows.get(text, 0) + count
        return rows

    @cached_property
    def n_missing(self) -> int:
        """Rows without a value."""
        if self.numbers is not None or self.dates is not None:
            return self.extent.n_missing
        return len(self.series) - sum(self.frequencies.values())

    @cached_property
    def sample(self) -> list[Any]:
        """Up to 200 values, from rows spread over the whole column."""
        codes, known = self.distinct.codes, np.append(self.known, False)
        counts = np.array([np.count_nonzero(known[codes[b]]) for b in blocks(len(codes))])
        ends = counts.cumsum()
        total = int(ends[-1]) if len(ends) else 0
        wanted = np.arange(total)
        if total > _SAMPLE:
            wanted = np.linspace(0, total - 1, _SAMPLE).astype(int)
        values: list[Any] = []
        for rows, end, count in zip(blocks(len(codes)), ends, counts, strict=True):
            places = wanted[(wanted >= end - count) & (wanted < end)] - (end - count)
            block = codes[rows]
            found = block[np.flatnonzero(known[block])[places]] if len(places) else []
            values += [self.distinct.values[code] for code in found]
        return values

    @cached_property
    def words(self) -> float:
        """Words of a value on average, 0 if there is none."""
        counts = [len(canonical(value).split()) for value in self.sample]
        return float(np.mean(counts)) if counts else 0.0

    def share_read(self, parsed: Parsed) -> float:
        """Return which share of the rows that have a value could be read.

        Words that say "not known" count neither way, unless nearly all values are such words.
        """
        counts = self.distinct.counts
        total = counts[self.known].sum()
        bad = counts[parsed.bad & self.known].sum()
        read = counts[~np.isnan(parsed.values) & self.known].sum()
        return float(read / (read + bad)) if read >= MARKED * total > 0 else 0.0

    def first_row(self, code: int) -> int:
        """Return the first row that holds this distinct value."""
        return int((self.distinct.codes == code).argmax())

    def column(
        self,
        role: Role,
        reason: str,
        *,
        parsed: Parsed | None = None,
        categories: Sequence[str] = (),
        date_format: str = "",
        number_format: str = "",
        sentinels: Sequence[float] = (),
    ) -> Column:
        """Return the column, its missing and unreadable values told in the reason."""
        missing, bad = self.n_missing, 0
        if parsed is not None:
            counts = self.distinct.counts
            bad = int(counts[parsed.bad].sum())
            missing += int(counts[np.isnan(parsed.values) & ~parsed.bad & self.known].sum())
        notes = [f"{missing:,} missing"] if missing else []
        notes += [f"{bad:,} {UNREADABLE}"] if bad else []
        told = "; ".join([reason, *notes])
        return Column(
            self.name,
            role,
            told,
            tuple(categories),
            date_format,
            tolerant=bad > 0,
            number_format=number_format,
            sentinels=tuple(sentinels),
        )
