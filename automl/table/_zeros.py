"""Which columns of a text table have whole numbers with zeros in front, such as 01234.

As numbers they would lose their zeros, so they are read as texts; what they are, codes or numbers
after all, is decided with the role of the column. Only the beginning of a file is looked at, since
looking at all of it would take as long as reading it. Where the first zero comes later, the column
is one of numbers, as it would be without that zero; codes are then known by their numbers.
"""

import io
import re
from itertools import islice, zip_longest

from automl.table._dialect import SPACES, Dialect, read_rows
from automl.table._values import MISSING_TEXTS

_HINT = re.compile(r"0(?<![\w.:/+-]0)\d", re.ASCII)
_WHOLE = re.compile(r"\s*\d*\s*", re.ASCII)
_PADDED = re.compile(r"\s*0\d*[1-9]\d*\s*", re.ASCII)


def padded_columns(text: str, dialect: Dialect, *, complete: bool) -> tuple[str, ...]:
    """Name the columns of which all values are whole numbers, some with zeros in front.

    Zeros alone, such as the minutes 00, don't count.

    Parameters
    ----------
    text : str
        The beginning of a file.
    dialect : Dialect
        Its layout.
    complete : bool
        Whether that is all; else the last row may be cut.

    Examples
    --------
    >>> layout = Dialect(("zip", "share", "n"), ",")
    >>> padded_columns("zip,share,n\\n01234,0.5,0\\n,01.5,7\\n", layout, complete=True)
    ('zip',)
    """
    if not _HINT.search(text):
        return ()
    lines = islice(io.StringIO(text, newline=""), dialect.n_lines, None)
    if dialect.delimiter == SPACES:
        rows = list(map(str.split, lines))
    else:
        rows = list(read_rows(lines, dialect.delimiter, dialect.escape, dialect.quoting))
    if not complete:
        rows = rows[:-1]
    columns = zip(dialect.names, zip_longest(*rows, fillvalue=""), strict=False)
    return tuple(name for name, cells in columns if _are_padded(cells))


def _are_padded(cells: tuple[str, ...]) -> bool:
    values = set(cells) - MISSING_TEXTS
    return all(map(_WHOLE.fullmatch, values)) and any(map(_PADDED.fullmatch, values))
