"""Roles in a file that people can read and change: TOML, one column a line."""

import json
import tomllib
from collections.abc import Iterable
from pathlib import Path

from automl.exceptions import UsageError
from automl.table._checks import declarable
from automl.table._inference import DECLARABLE
from automl.table._inspect import ColumnReport
from automl.table._messages import close_match, shown

_HEAD = """\
# Roles of columns. Change what is wrong and give the file to `automl fit --schema`.
# Roles: {roles}.
# A line that is taken out or begins with "#" leaves the role to be found.

[columns]
"""


def roles_text(columns: Iterable[ColumnReport]) -> str:
    """Return the roles as the text of a TOML file, the reasons beside them.

    Columns that are constant or hold nested values are told in comments: no such role can be
    declared. So are categories whose letters are read: declared ones are taken as they are.

    Parameters
    ----------
    columns : iterable of ColumnReport

    Examples
    --------
    >>> column = ColumnReport("size (m)", "numeric", "numbers from 1 to 2", 0.0, 2, [])
    >>> print(roles_text([column]).splitlines()[-1])
    "size (m)" = "numeric"  # numbers from 1 to 2
    """
    lines = []
    for column in columns:
        line = f'{_quoted(column.name)} = "{column.role}"'
        mark = "" if declarable(column.role) and not column.spelled else "# "
        lines.append(f"{mark}{line}  # {_one_line(column.reason)}")
    return _HEAD.format(roles=", ".join(DECLARABLE)) + "\n".join(lines) + "\n"


def _quoted(name: str) -> str:
    """Return the name as a basic string of TOML: those of JSON, but for one character."""
    return json.dumps(name, ensure_ascii=False).replace("\x7f", "\\u007F")


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


def read_roles(path: str | Path) -> dict[str, str]:
    """Read the roles of a file that `roles_text` made, or somebody changed.

    Parameters
    ----------
    path : str or Path
        A TOML file with a table ``columns``, or a JSON file with an object ``columns``.

    Returns
    -------
    dict of str to str
        Roles by column, as ``types`` of `Schema.infer` and of ``AutoModel`` takes them.

    Raises
    ------
    UsageError
        If the file can't be read, or has no such table or roles.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise UsageError(f"The schema file {str(path)!r} can't be read: {reason}.") from error
    try:
        found = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except ValueError as error:
        raise UsageError(
            f"The schema file {str(path)!r} is neither TOML nor JSON: {error}."
        ) from error
    columns = found.get("columns")
    if isinstance(columns, list):  # what `automl inspect --json` printed
        told = [c for c in columns if isinstance(c, dict) and c.get("spelled") is not True]
        pairs = [(c.get("name"), c.get("role")) for c in told]
        columns = {n: r for n, r in pairs if not isinstance(r, str) or declarable(r)}
    if not isinstance(columns, dict):
        raise UsageError(f"The schema file {str(path)!r} has no table [columns].")
    for name, role in columns.items():
        if not isinstance(role, str) or not isinstance(name, str) or not declarable(role):
            guess = close_match(role, DECLARABLE) if isinstance(role, str) else ""
            raise UsageError(
                f"The schema file {str(path)!r} declares {name!r} to be {shown(role)}{guess}; "
                f"a column can be declared {', '.join(DECLARABLE)}."
            )
    return columns
