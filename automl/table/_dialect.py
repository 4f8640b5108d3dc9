"""How a text is laid out as a table: delimiter, header, quotes, escapes and decimal mark.

All of it follows from the first rows, by counting. A delimiter is right if it splits the header
and the rows below into equally many fields.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from automl.exceptions import DataError
from automl.table._messages import listed, shown

if TYPE_CHECKING:
    from _csv import Reader

DELIMITERS = ",;\t|"
SPACES = r"\s+"
NO_DELIMITER = "\x1f"
"""For a file of one column, whose cells may hold any usual delimiter."""

SNIFFED_ROWS = 100
AGREED = 0.9
"""From this share of equally long rows on, a delimiter is taken for the right one."""

_WIDEST_FIELD = 2**31 - 1
_SEP = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
_ESCAPED_QUOTE = re.compile(r'\\"(?=[^,;\t|\r\n"])')
_QUOTED = re.compile(r'(?:^|[,;\t|])\s*"[^"\r\n]*"\s*(?:[,;\t|]|$)', re.MULTILINE)
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d+)*|[.,]\d+)([eE][+-]?\d+)?", re.ASCII)
_GROUPED = {mark: re.compile(rf"\d{{1,3}}([{mark}]\d{{3}})+", re.ASCII) for mark in ",."}


@dataclass(frozen=True)
class Dialect:
    """The layout of a text.

    Parameters
    ----------
    names : tuple of str
        The columns, each with a name of its own.
    delimiter : str
        One character, or `SPACES` for a table aligned by spaces.
    decimal : str, default="."
    quoting : bool, default=True
        Whether quotes enclose cells; else they are characters like others.
    escape : str, default=""
        What stands before a quote within quotes, beside a second quote.
    spaced : bool, default=False
        Whether spaces follow delimiters. To look for them where there are none costs a quarter
        of the reading.
    n_lines : int, default=1
        Lines up to the end of the header.
    notes : tuple of str, default=()
        What the user should know.
    """

    names: tuple[str, ...]
    delimiter: str
    decimal: str = "."
    quoting: bool = True
    escape: str = ""
    spaced: bool = False
    n_lines: int = 1
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Split:
    """The first rows under one delimiter."""

    delimiter: str
    rows: list[list[str]]
    ends: list[int]  # the line with which each row ends
    header: int = 0
    escape: str = ""

    @property
    def width(self) -> int:
        return len(self.rows[self.header])

    @property
    def agree(self) -> float:
        """Share of rows as long as the header."""
        data = self.rows[self.header :]
        return sum(len(row) == self.width for row in data) / len(data)


def sniff(text: str, *, complete: bool) -> Dialect:
    """Find the layout of a text by its first rows.

    Parameters
    ----------
    text : str
        The beginning of it.
    complete : bool
        Whether that is all; else the last row may be cut.

    Raises
    ------
    DataError
        If there is no text, or the header has fewer cells than the rows.

    Examples
    --------
    >>> sniff("a;b\\n1,5;x\\n", complete=True)
    Dialect(names=('a', 'b'), delimiter=';', decimal=',', ...)
    """
    lines = list(io.StringIO(text, newline=""))
    before = 0
    if lines and (told := _SEP.fullmatch(lines[0])):  # Excel's own way of telling
        splits, before = [_split(lines[1:], told[1], complete)], 1
    else:
        splits = [_split(lines, delimiter, complete) for delimiter in DELIMITERS]
    splits = [split for split in splits if split.rows]
    if not splits:
        raise DataError("there is no text in it, but a header and rows are needed")
    best = _best(splits, lines, complete)
    if best.delimiter in DELIMITERS and _ESCAPED_QUOTE.search(text):
        best = _escaped(best, lines[before:], complete)
    _refuse_short_header(best)
    names, notes = unique_names(best.rows[best.header])
    if best.header:
        told_lines = f"{best.header} line{'s' if best.header > 1 else ''} before the header"
        notes = [f"{told_lines} skipped: {shown(' '.join(best.rows[0]))}", *notes]
    return Dialect(
        names=names,
        delimiter=best.delimiter,
        decimal=_decimal(best),
        escape=best.escape,
        spaced=f"{best.delimiter} " in text,
        n_lines=best.ends[best.header] + before,
        notes=tuple(notes),
    )


def without_quotes(dialect: Dialect, text: str) -> Dialect | None:
    """Return the dialect in which quotes are ordinary, None if some enclose cells in the text."""
    body = "".join(io.StringIO(text, newline="").readlines()[dialect.n_lines :])
    if dialect.delimiter == SPACES or _QUOTED.search(body):
        return None
    note = "a quote is never closed; quotes are taken as ordinary characters"
    return replace(dialect, quoting=False, notes=(*dialect.notes, note))


def unique_names(header: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    """Give each column a name of its own; return the names with notes for the user.

    Examples
    --------
    >>> unique_names(["a", "", "a", "a.2", "a"])[0]
    ('a', 'Unnamed: 1', 'a.3', 'a.2', 'a.4')
    """
    taken, seen = set(header), set[str]()
    count: Counter[str] = Counter()
    names, twins = [], []
    for position, given in enumerate(header):
        name = given if given.strip() else f"Unnamed: {position}"
        if name in seen:
            twins.append(name)
            count[name] = max(2, count[name] + 1)
            while f"{name}.{count[name]}" in taken | seen:
                count[name] += 1
            name = f"{name}.{count[name]}"
        seen.add(name)
        names.append(name)
    notes = []
    if twins:
        again = listed(dict.fromkeys(twins), 5)
        notes.append(f"several columns are called {again}; numbered from the second on, as in "
                     f"{twins[0] + '.2'!r}")  # fmt: skip
    return tuple(names), notes


def read_rows(
    lines: Iterable[str], delimiter: str, escape: str = "", quoting: bool = True
) -> "Reader":
    """Split lines into rows of cells."""
    csv.field_size_limit(_WIDEST_FIELD)
    return csv.reader(
        lines,
        delimiter=delimiter,
        skipinitialspace=True,
        escapechar=escape or None,
        quoting=csv.QUOTE_MINIMAL if quoting else csv.QUOTE_NONE,
    )


def _split(lines: Sequence[str], delimiter: str, complete: bool, escape: str = "") -> _Split:
    reader = read_rows(lines, delimiter, escape)
    rows, ends = [], []
    for row in reader:
        if row and (len(row) > 1 or row[0].strip()):
            rows.append(row)
            ends.append(reader.line_num)
            if len(rows) > SNIFFED_ROWS:
                complete = False
                break
    if not complete and len(rows) > 2:
        rows.pop()  # it may be cut
    return _Split(delimiter, rows, ends, _header(rows), escape)


def _header(rows: Sequence[Sequence[str]]) -> int:
    """Find the row that names the columns: the first, or the one below a title or comments."""
    widths = Counter(len(row) for row in rows[1:] if len(row) > 1)
    if not widths:
        return 0
    width = widths.most_common(1)[0][0]
    first = next(i for i, row in enumerate(rows) if len(row) == width)
    above = rows[:first]
    below = rows[first:]
    if not all(row[0].startswith("#") for row in above):
        titles = all(sum(map(bool, row)) <= 1 for row in above)
        # One column of names such as "Smith, John" looks alike, but holds no numbers.
        if not titles or not any(_NUMBER.fullmatch(cell) for row in below for cell in row):
            return 0
    agreed = sum(len(row) == width for row in below) >= AGREED * len(below) and len(below) > 1
    named = all(cell.strip() and not _NUMBER.fullmatch(cell.strip()) for cell in rows[first])
    return first if agreed and named else 0


def _best(splits: Sequence[_Split], lines: Sequence[str], complete: bool) -> _Split:
    agreed = [split for split in splits if split.width > 1 and split.agree >= AGREED]
    if agreed:
        return max(agreed, key=lambda split: split.width)
    aligned = _aligned(lines, complete)
    if aligned is not None:
        return aligned
    widest = max(splits, key=lambda split: split.width)
    if widest.width > 1 or len(splits) == 1:
        return widest
    return _split(lines, NO_DELIMITER, complete)


def _aligned(lines: Sequence[str], complete: bool) -> _Split | None:
    """Return rows split at spaces if that gives equally many cells and a column of numbers."""
    some = [(line.split(), n) for n, line in enumerate(lines[:SNIFFED_ROWS], 1) if line.strip()]
    if not complete and len(some) > 2:
        some.pop()
    rows = [row for row, _ in some]
    if len(rows) < 2 or len(rows[0]) < 2 or len({len(row) for row in rows}) > 1:
        return None
    if not any(all(map(_NUMBER.fullmatch, cells)) for cells in zip(*rows[1:], strict=True)):
        return None
    return _Split(SPACES, rows, [n for _, n in some])


def _escaped(best: _Split, lines: Sequence[str], complete: bool) -> _Split:
    """Read a backslash before a quote as an escape if the rows then fit at least as well."""
    other = _split(lines, best.delimiter, complete, escape="\\")
    fits = other.width == best.width and other.header == best.header
    return other if fits and other.agree >= best.agree else best


def _refuse_short_header(split: _Split) -> None:
    data = split.rows[split.header + 1 :]
    longer = [row for row in data if any(cell.strip() for cell in row[split.width :])]
    if longer and len(longer) == len(data):
        raise DataError(
            f"the header names {split.width} columns, but the first row has {len(data[0])} "
            f"cells. Name each column in the header, one of row names, too"
        )


def _decimal(split: _Split) -> str:
    """Return "," where the first rows write 1,5 and never 1.5, as much of Europe does."""
    cells = [cell.strip().lstrip("+-") for row in split.rows[split.header + 1 :] for cell in row]
    plain = [cell for cell in cells if _NUMBER.fullmatch(cell)]

    def written(mark: str, ambiguous: bool) -> bool:
        return any(
            cell.rfind(mark) > cell.rfind(_OTHER[mark])
            and cell.count(mark) == 1
            and (ambiguous or not _GROUPED[mark].fullmatch(cell))
            for cell in plain
        )

    # Beside commas as delimiters, "1,234" in quotes has its thousands marked.
    commas = written(",", ambiguous=split.delimiter != ",")
    return "," if commas and not written(".", ambiguous=False) else "."


_OTHER = {",": ".", ".": ","}
