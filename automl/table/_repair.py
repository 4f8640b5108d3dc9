"""Reading on where rows are longer than the header: slowly, row by row, with line numbers."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field

from automl.exceptions import DataError
from automl.table._dialect import Dialect, read_rows
from automl.table._messages import counted, shown

SKIPPED_SHARE = 0.01
"""More rows than this share, and more than one, are not left out silently."""

_BATCH = 1000


@dataclass
class Tally:
    """What was seen of rows that are too long.

    Parameters
    ----------
    lenient : bool
        Whether they are left out; else the first is an error.
    """

    lenient: bool
    n_rows: int = 0
    n_skipped: int = 0
    first: str = field(default="")

    def begin(self) -> None:
        """Count anew."""
        self.n_rows = self.n_skipped = 0

    def skip(self, line: int, row: list[str], width: int) -> None:
        """Count a row that is too long.

        Raises
        ------
        DataError
            If none may be left out.
        """
        told = f"line {line:,} has {len(row)} cells, but the header names {width} columns"
        if not self.n_skipped:
            self.first = f"{told}: {shown(', '.join(row))}"
        self.n_skipped += 1
        if not self.lenient:
            raise DataError(f"{self.first}. Correct the line; is a delimiter not in quotes?")

    def end(self) -> None:
        """Judge, when all rows were seen.

        Raises
        ------
        DataError
            If too many were left out.
        """
        if self.n_skipped > max(1, SKIPPED_SHARE * self.n_rows):
            raise DataError(
                f"{self.n_skipped:,} of {counted(self.n_rows, 'row')} are too long; the first: "
                f"{self.first}. Correct the lines; is a delimiter not in quotes?"
            )

    @property
    def note(self) -> str:
        """What the user should know."""
        if not self.n_skipped:
            return ""
        rows = counted(self.n_skipped, "row")
        return f"{rows} of {self.n_rows:,} too long and left out; the first: {self.first}"


class Repaired(io.TextIOBase):
    """The text after the header with rows of at most its width, in the plainest dialect.

    Parameters
    ----------
    stream : text file
        At the first line after the header.
    dialect : Dialect
    tally : Tally
    """

    def __init__(self, stream: io.TextIOBase, dialect: Dialect, tally: Tally) -> None:
        super().__init__()
        self._stream, self._dialect, self._tally = stream, dialect, tally
        self._texts = self._written()

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> str:
        return next(self._texts, "")

    def __next__(self) -> str:  # type: ignore[override]
        return next(self._texts)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()

    def _written(self) -> Iterator[str]:
        out = io.StringIO()
        writer = csv.writer(out, delimiter=self._dialect.delimiter, lineterminator="\n")
        for n_rows, row in enumerate(self._rows(), 1):
            writer.writerow(row)
            if n_rows % _BATCH == 0:
                yield out.getvalue()
                out.seek(0)
                out.truncate()
        if rest := out.getvalue():
            yield rest

    def _rows(self) -> Iterator[list[str]]:
        dialect, tally, width = self._dialect, self._tally, len(self._dialect.names)
        reader = read_rows(self._stream, dialect.delimiter, dialect.escape, dialect.quoting)
        tally.begin()
        after = dialect.n_lines
        for row in reader:
            before, after = after, dialect.n_lines + reader.line_num
            if not row:
                continue
            tally.n_rows += 1
            if any(cell.strip() for cell in row[width:]):
                tally.skip(before + 1, row, width)
            else:
                yield row[:width]
        tally.end()
