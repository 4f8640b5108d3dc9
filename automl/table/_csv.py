"""Reading text tables: quickly with pandas in pieces, and again where a file has surprises.

A file is read under a `Plan`. What can't be known from its first rows - that it is not UTF-8
after all, that a row is too long, that a quote is never closed - comes up while reading: then
the plan is replaced by one that expects it, and the reading begins anew.
"""

import csv
import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import Any

import pandas as pd
from pandas.errors import EmptyDataError, ParserError, ParserWarning

from automl.exceptions import DataError
from automl.table._dialect import SPACES, Dialect, read_rows, sniff, without_quotes
from automl.table._encoding import Cleaned, Encoding, Endless, encoding_of, other_than_utf8
from automl.table._messages import listed
from automl.table._parts import check_same_columns, check_wanted
from automl.table._pieces import read_csv
from automl.table._repair import Repaired, Tally
from automl.table._settle import with_grouped_numbers
from automl.table._source import Source, explained
from automl.table._values import MISSING_TEXTS
from automl.table._zeros import padded_columns

logger = logging.getLogger("automl.table")

EXTRA = "\0"
"""A column beyond the last, to see rows that are too long; no name in a file holds this."""

HEAD, LONGEST_HEAD, ENOUGH_LINES = 1 << 18, 1 << 23, 20
PIECE_BYTES = 1 << 26
"""About as many bytes of a file are parsed at once at most."""

LONGEST_PIECE = 1 << 28
"""A piece that takes more bytes is read again in pieces of `FEWEST` rows."""

FEWEST = 256


@dataclass(frozen=True)
class Plan:
    """How one text file is read."""

    source: Source
    encoding: Encoding
    dialect: Dialect
    tally: Tally
    row_bytes: float
    constants: Mapping[str, Any] = field(default_factory=dict)
    mended: bool = False
    padded: tuple[str, ...] = ()

    @classmethod
    def of(cls, source: Source, constants: Mapping[str, Any], *, lenient: bool) -> "Plan":
        """Look at the head of a file."""
        with explained(source.shown):
            encoding = encoding_of(source)
            text, complete = _head(source, encoding)
            dialect = sniff(text, complete=complete)
            if twice := set(constants) & set(dialect.names):
                raise DataError(f"its folder and its header both name {listed(sorted(twice))}")
            padded = padded_columns(text, dialect, complete=complete)
        row_bytes = len(text) / max(1, text.count("\n"), text.count("\r"))
        tally = Tally(lenient)
        return cls(source, encoding, dialect, tally, row_bytes, constants, padded=padded)

    @property
    def names(self) -> list[str]:
        """The columns, those of the folder's name last."""
        return [*self.dialect.names, *self.constants]

    @property
    def notes(self) -> list[str]:
        """What the user should know."""
        told = [self.encoding.note, *self.dialect.notes, self.tally.note]
        return [note for note in told if note]

    def pieces(self, size: int | None, texts: Sequence[str]) -> Iterator[pd.DataFrame]:
        """Read the file from its beginning.

        Parameters
        ----------
        size : int or None
            Rows of a piece; None for all at once.
        texts : sequence of str
            Columns that are texts whatever they look like.

        Raises
        ------
        Replaced
            If another plan is needed.
        """
        if size is not None:
            size = max(1, min(size, int(PIECE_BYTES / self.row_bytes)))
        with explained(self.source.shown):
            try:
                yield from self._pieces(size, texts)
            except UnicodeDecodeError as error:
                raise Replaced(self, self._recoded(error)) from error
            except Endless as error:
                raise Replaced(self, self._in_small_pieces()) from error
            except (ParserError, ParserWarning) as error:
                raise Replaced(self, self._mended(str(error))) from error

    def _pieces(self, size: int | None, texts: Sequence[str]) -> Iterator[pd.DataFrame]:
        with self._body() as (cleaned, stream):
            cleaned.longest = LONGEST_PIECE if size is not None else None
            reader = self._reader(stream, size, texts)
            while (piece := _next(reader)) is not None:
                if piece.pop(EXTRA).notna().any():
                    raise ParserError("rows are longer than the header")
                cleaned.begin_piece()
                yield piece.assign(**self.constants) if self.constants else piece

    @contextmanager
    def _body(self) -> Iterator[tuple[Cleaned, io.TextIOBase]]:
        """Open the text at the first line after the header."""
        cleaned = Cleaned(self.source.open(), keep_zeros=self.encoding.wide)
        buffered = io.BufferedReader(cleaned, HEAD)
        with io.TextIOWrapper(
            buffered, encoding=self.encoding.name, errors=self.encoding.errors, newline=""
        ) as stream:
            for _ in islice(stream, self.dialect.n_lines):
                pass
            yield cleaned, Repaired(stream, self.dialect, self.tally) if self.mended else stream

    def _reader(
        self, stream: Any, size: int | None, texts: Sequence[str]
    ) -> Iterator[pd.DataFrame]:
        dialect = self.dialect
        options: dict[str, Any] = {
            "sep": dialect.delimiter,
            "decimal": dialect.decimal,
            "skipinitialspace": dialect.spaced,
            "na_values": list(MISSING_TEXTS),
            "dtype": dict.fromkeys(set(dialect.names).intersection(texts), "str"),
            "low_memory": False,
            "header": None,
            "names": [*dialect.names, EXTRA],
            "index_col": False,
        }
        if not self.mended and dialect.escape:
            options["escapechar"] = dialect.escape
        if not self.mended and not dialect.quoting:
            options["quoting"] = csv.QUOTE_NONE
        if size is None:
            yield pd.read_csv(stream, **options)
            return
        with pd.read_csv(stream, chunksize=size, **options) as reader:
            yield from reader

    def _recoded(self, error: UnicodeDecodeError) -> "Plan":
        """Return the plan that reads text which is not in the encoding first thought of."""
        if self.encoding.name != "utf-8":
            name = self.encoding.name.upper()
            raise DataError(f"it is not valid {name} ({error.reason})") from error
        return replace(self, encoding=other_than_utf8(self.source))

    def _in_small_pieces(self) -> "Plan":
        """Return the plan for rows that become very long."""
        if self.row_bytes >= PIECE_BYTES / FEWEST:
            raise DataError(
                f"{FEWEST} rows take more than {LONGEST_PIECE / 2**20:,.0f} MiB, too much for a "
                f"table; is a quote never closed?"
            )
        return replace(self, row_bytes=PIECE_BYTES / FEWEST)

    def _mended(self, told: str) -> "Plan":
        """Return the plan that reads on in spite of what pandas found."""
        if "inside string" in told and self.dialect.quoting:
            other = without_quotes(self.dialect, _head(self.source, self.encoding)[0])
            if other is not None:
                return replace(self, dialect=other)
            raise DataError(
                f"a quote that opens in line {self._last_row():,} is never closed. Close it, or "
                f"double it if it belongs to the text; is the end of the file missing?"
            )
        if self.mended or self.dialect.delimiter == SPACES:
            raise DataError(f"it can't be read as a table: {told.strip()}")
        return replace(self, mended=True)

    def _last_row(self) -> int:
        """Return the line with which the last row begins."""
        before = last = self.dialect.n_lines
        with replace(self, mended=False)._body() as (_, stream):
            reader = read_rows(stream, self.dialect.delimiter, self.dialect.escape)
            for _ in reader:
                before, last = last, self.dialect.n_lines + reader.line_num
        return before + 1


class Replaced(Exception):  # noqa: N818 - a signal, not an error
    """Reading must begin anew with another plan."""

    def __init__(self, old: Plan, new: Plan) -> None:
        super().__init__()
        self.old, self.new = old, new


def read_texts(
    sources: Sequence[tuple[Source, Mapping[str, Any]]],
    columns: Sequence[str] | None,
    *,
    texts: Sequence[str] = (),
    lenient: bool,
) -> pd.DataFrame:
    """Read text files, one below the other, as one table.

    Parameters
    ----------
    sources : sequence of (Source, mapping)
        Each with the columns that its folder's name adds.
    columns : sequence of str or None
        Only these.
    texts : sequence of str
        Columns that are texts whatever they look like.
    lenient : bool
        Whether a few rows that are too long may be left out.

    Raises
    ------
    DataError
        If a file can't be read, or has other columns than the first.
    """
    plans = [Plan.of(source, constants, lenient=lenient) for source, constants in sources]
    for plan in plans[1:]:
        check_same_columns(plans[0].names, plan.names, [plans[0].source.shown, plan.source.shown])
    with explained(plans[0].source.shown):
        check_wanted(plans[0].names, columns)
    names = list(plans[0].names if columns is None else columns)
    while True:
        try:
            frame = _read(plans, names, texts)
            break
        except Replaced as replaced:
            plans = [replaced.new if plan is replaced.old else plan for plan in plans]
    for plan in plans:
        for note in plan.notes:
            logger.warning("%s: %s", plan.source.shown, note)
    if any(plan.dialect.decimal == "," for plan in plans):
        frame = with_grouped_numbers(frame)
    return frame


def _read(plans: Sequence[Plan], names: list[str], texts: Sequence[str]) -> pd.DataFrame:
    known = {name for plan in plans for name in plan.padded}.union(texts)

    def pieces(size: int | None, texts: Sequence[str]) -> Iterator[pd.DataFrame]:
        as_texts = [*known.union(texts)]
        every = chain.from_iterable(plan.pieces(size, as_texts) for plan in plans)
        return (piece if list(piece.columns) == names else piece[names] for piece in every)

    return read_csv(pieces, names, n_columns=len(plans[0].names), shown=plans[0].source.shown)


def _next(reader: Iterator[pd.DataFrame]) -> pd.DataFrame | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", ParserWarning)
            return next(reader, None)
    except EmptyDataError:
        return None


def _head(source: Source, encoding: Encoding) -> tuple[str, bool]:
    """Return the beginning of a text and whether it is all: some lines, however long they are."""
    size = HEAD
    while True:
        content = source.head(size)
        complete = len(content) < size
        text = encoding.text(content)
        n_lines = text.count("\n") or text.count("\r")
        if complete or n_lines > ENOUGH_LINES or (size >= LONGEST_HEAD and n_lines):
            return text, complete
        if size >= LONGEST_HEAD:
            raise DataError(f"its first {size:,} bytes have no line end: that is no table")
        size *= 4
