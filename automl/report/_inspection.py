"""What was found in a table, as text for people."""

from collections.abc import Mapping
from typing import Any

from automl.report._text import _aligned

_LONGEST = 48


def inspection_text(facts: Mapping[str, Any]) -> str:
    """Show the columns of a table, a line each, and what looks wrong.

    Parameters
    ----------
    facts : mapping
        As `automl.table.Inspection.to_dict` returns it.

    Returns
    -------
    str

    Examples
    --------
    >>> column = {"name": "a", "role": "numeric", "reason": "integers from 1 to 2",
    ...           "missing": 0.25, "distinct": 2, "examples": ["1", "2"]}
    >>> found = {"kind": "duplicate_rows", "columns": [], "message": "2 rows repeat."}
    >>> print(inspection_text(
    ...     {"n_rows": 4, "columns": [column], "target": None, "warnings": [found]}))
    4 rows, 1 column
    <BLANKLINE>
    column  role     missing   reason                examples
    a       numeric     25 %   integers from 1 to 2  1, 2
    <BLANKLINE>
    warnings
    - duplicate_rows: 2 rows repeat.
    """
    rows, columns = facts["n_rows"], facts["columns"]
    many = "" if len(columns) == 1 else "s"
    lines = [f"{rows:,} rows, {len(columns):,} column{many}"]
    target = facts["target"]
    if target is not None:
        lines.append(f"target {target['name']}: {target['task']} ({target['reason']})")
    head = ["column", "role", "missing", "reason", "examples"]
    cells = [head, *(_cells(column) for column in columns)]
    lines += ["", _aligned(cells, left=(0, 1, 3, 4))]
    warned = [f"- {found['kind']}: {found['message']}" for found in facts["warnings"]]
    return "\n".join([*lines, *(["", "warnings", *warned] if warned else [])])


def _cells(column: Mapping[str, Any]) -> list[str]:
    share = column["missing"]
    missing = "" if not share else "< 1 %" if share < 0.01 else f"{share:.0%}".replace("%", " %")
    cells = [column["name"], column["role"], missing, column["reason"]]
    return [_short(cell) for cell in [*cells, ", ".join(column["examples"])]]


def _short(text: str) -> str:
    text = "".join(c if c.isprintable() else " " for c in text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
