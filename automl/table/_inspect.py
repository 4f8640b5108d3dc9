"""What a table holds, before anything is fitted: roles with reasons, and what looks wrong."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from automl.exceptions import DataError, UsageError
from automl.table._column import Column, Role
from automl.table._frames import to_frame
from automl.table._look import UNREADABLE
from automl.table._messages import close_match, counted, listed
from automl.table._numbers import ID_NAME
from automl.table._schema import Schema
from automl.table._single import SingleColumns
from automl.table._table import Table
from automl.table._target import Target
from automl.table._values import canonical, is_missing

LEAK = 0.95
"""A column that takes away this share of the error alone is suspicious."""
MOSTLY = 0.5
_MANY_KEYS, _KEY_SHARE = 100, 0.5
_RARE = 10
_KEYS = "set aside as identifiers: {}. Declare their types if they tell something."
_EXAMPLES, _EXAMPLE_LENGTH = 3, 30
_MEASURED = (Role.NUMERIC, Role.CATEGORICAL, Role.BOOLEAN, Role.DATETIME)


@dataclass(frozen=True)
class ColumnReport:
    """One column: its role, why, and what it looks like.

    Parameters
    ----------
    name, role, reason : str
        As in the schema.
    missing : float
        Share of rows without a value that a model could use.
    distinct : int
        How many different values there are.
    examples : list of str
        A few of them.
    spelled : bool, default=False
        Whether the letters of its categories are read. That is found, and can't be declared:
        declared categories are taken as they are.
    """

    name: str
    role: str
    reason: str
    missing: float
    distinct: int
    examples: list[str]
    spelled: bool = False


@dataclass(frozen=True)
class Finding:
    """One thing that looks wrong.

    Parameters
    ----------
    kind : str
        ``"leak"``, ``"identifier"``, ``"constant"``, ``"mostly_missing"``, ``"unreadable"``,
        ``"marks"``, ``"nested"``, ``"duplicate_rows"``, ``"target"``, ``"target_missing"`` or
        ``"rare_classes"``.
    columns : list of str
        The columns that it is about.
    message : str
        What was found, and what to do.
    """

    kind: str
    columns: list[str]
    message: str


@dataclass(frozen=True)
class Inspection:
    """What `inspect_table` found.

    Parameters
    ----------
    n_rows : int
    columns : tuple of ColumnReport
        All columns but the target, in their order.
    target : dict or None
        ``name``, ``task``, ``reason`` and, for classes, their rows by label.
    warnings : tuple of Finding
    """

    n_rows: int
    columns: tuple[ColumnReport, ...]
    target: dict[str, Any] | None
    warnings: tuple[Finding, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, as ``automl inspect --json`` prints it."""
        return {
            "n_rows": self.n_rows,
            "columns": [asdict(column) for column in self.columns],
            "target": self.target,
            "warnings": [asdict(found) for found in self.warnings],
        }


def inspect_table(
    frame: Any,
    target: str | None = None,
    *,
    task: str = "auto",
    types: Mapping[str, str] | None = None,
    drop: Collection[str] = (),
) -> Inspection:
    """Give every column a role, and look for what often goes wrong.

    Parameters
    ----------
    frame : object
        A table; anything that `to_frame` takes.
    target : str, optional
        The column to predict. With it, columns that foretell it alone are looked for, and what
        is wrong with itself.
    task : str, default="auto"
        What the target is, see `infer_task`.
    types, drop
        Roles that are known better, and columns to leave out; see `Schema.infer`.

    Returns
    -------
    Inspection

    Raises
    ------
    UsageError
        If there is no such target, or ``types`` or ``drop`` name an unknown column or role.

    Examples
    --------
    >>> frame = pd.DataFrame({"key": range(100), "x": [1.5, 2.5] * 50, "paid": ["no", "yes"] * 50})
    >>> found = inspect_table(frame, "paid")
    >>> [(column.name, column.role) for column in found.columns]
    [('key', 'identifier'), ('x', 'numeric')]
    >>> [(warned.kind, warned.columns) for warned in found.warnings]
    [('leak', ['x']), ('identifier', ['key']), ('duplicate_rows', [])]
    """
    table = to_frame(frame).copy(deep=False)  # the caller's keeps its target
    table.columns = [str(name) for name in table.columns]
    y = _take_target(table, target)
    schema = Schema.infer(table, types=types, drop=drop, allow_empty=True)
    typed = schema.apply(table, fitting=True) if schema.features else None
    reports = tuple(_report(column, table[column.name], typed) for column in schema.columns)
    facts, encoded, warnings = None, None, list[Finding]()
    if y is not None:
        facts, encoded, warnings = _look_at_target(y, str(target), task)
    if encoded is not None and typed is not None:
        warnings = [*_leaks(typed, encoded, str(target)), *warnings]
    warnings += _of_columns(schema, reports, typed, len(table))
    warnings += _repeated(table, schema, y)
    return Inspection(len(table), reports, facts, tuple(warnings))


def _take_target(table: pd.DataFrame, target: str | None) -> pd.Series | None:
    if target is None:
        return None
    if target not in table.columns:
        raise UsageError(
            f"There is no target column {target!r}{close_match(target, list(table.columns))}; "
            f"the columns are {listed(table.columns, 20)}."
        )
    return table.pop(target)


def _report(column: Column, series: pd.Series, typed: Table | None) -> ColumnReport:
    """Describe a column; what a model gets says what is missing."""
    if typed is not None and column.role in _MEASURED:
        values = typed.columns[column.name]
        missing = values < 0 if column.role is Role.CATEGORICAL else np.isnan(values)
        share = float(missing.mean()) if len(values) else 0.0
    else:
        share = float(series.isna().mean()) if len(series) else 0.0
    return ColumnReport(
        column.name,
        column.role.value,
        column.reason,
        share,
        _distinct(series),
        _examples(series),
        column.spelled,
    )


def _distinct(series: pd.Series) -> int:
    try:
        return int(series.nunique())
    except TypeError:  # nested values
        return int(series.astype(str).nunique())


def _examples(series: pd.Series) -> list[str]:
    """Return the first few different values."""
    found: dict[str, None] = {}
    for value in series.head(1000).array:
        if len(found) == _EXAMPLES:
            break
        if not is_missing(value):
            text = " ".join(canonical(value).split())
            cut = len(text) > _EXAMPLE_LENGTH
            found[text[: _EXAMPLE_LENGTH - 3] + "..." if cut else text] = None
    return list(found)


def _look_at_target(
    y: pd.Series, name: str, task: str
) -> tuple[dict[str, Any] | None, tuple[Target, np.ndarray, np.ndarray] | None, list[Finding]]:
    """Encode the target where it is known; tell what is wrong with it."""
    warnings = []
    known = y.notna().to_numpy()
    if y.dtype.kind not in "biufmM":
        known = np.array([not is_missing(value) for value in y.array], dtype=bool)
    rows = np.flatnonzero(known)
    if len(rows) < len(y):
        told = f"{counted(len(y) - len(rows), 'row')} of {len(y):,} without a target"
        warnings.append(Finding("target_missing", [name], f"{told}: fit refuses them; drop them."))
    try:
        target, encoded, reason = Target.fit(
            y.iloc[rows].reset_index(drop=True), task=task, name=name
        )
    except DataError as error:
        warnings.append(Finding("target", [name], str(error)))
        return None, None, warnings
    facts: dict[str, Any] = {"name": name, "task": target.task, "reason": reason}
    if target.classes is not None:
        counts = np.bincount(encoded.astype(np.int64), minlength=len(target.classes))
        labels = [str(label) for label in target.classes.tolist()]
        facts["classes"] = dict(zip(labels, counts.tolist(), strict=True))
        rare = [label for label, n in facts["classes"].items() if n < _RARE]
        if rare:
            told = f"fewer than {_RARE} rows of the class {listed(rare, 5)}"
            warnings.append(
                Finding("rare_classes", [name], f"{told}: too few to learn or to judge them.")
            )
    return facts, (target, encoded, rows), warnings


def _leaks(
    typed: Table, known: tuple[Target, np.ndarray, np.ndarray], name: str
) -> Iterator[Finding]:
    """Yield the columns that alone foretell the target nearly perfectly."""
    target, encoded, rows = known
    n_classes = 0 if target.classes is None else len(target.classes)
    measure = SingleColumns(encoded, n_classes=n_classes)
    for column in typed.schema.features:
        if column.role not in _MEASURED:
            continue
        values = typed.columns[column.name]
        values = values if len(rows) == typed.n_rows else values[rows]
        share = measure(values, codes=column.role is Role.CATEGORICAL)
        if share >= LEAK:
            yield Finding(
                "leak",
                [column.name],
                f"{column.name!r} alone takes away {share:.0%} of the error in {name!r}: make "
                "sure that it is known before the target is, or drop it.",
            )


def _of_columns(
    schema: Schema, reports: Collection[ColumnReport], typed: Table | None, n_rows: int
) -> Iterator[Finding]:
    """Yield what the roles and shares of the columns say."""
    numeric = schema.numeric if typed is not None else frozenset[str]()
    integral = {name for name in numeric if typed is not None and typed.is_integral(name)}
    by_role = {role: [c.name for c in schema.columns if c.role is role] for role in Role}
    keys = by_role[Role.IDENTIFIER]
    if keys:
        yield Finding("identifier", keys, _KEYS.format(listed(keys, 10)))
    repeated = [r.name for r in reports if _is_like_a_key(r, n_rows, r.name in integral)]
    if repeated:
        told = f"nearly a key, yet a feature: {listed(repeated, 10)}"
        yield Finding("identifier", repeated, f"{told}: drop what later rows won't share.")
    if by_role[Role.CONSTANT]:
        names = by_role[Role.CONSTANT]
        yield Finding("constant", names, f"set aside as constant: {listed(names, 10)}.")
    if by_role[Role.NESTED]:
        names = by_role[Role.NESTED]
        told = f"set aside, since they hold nested values: {listed(names, 10)}"
        yield Finding("nested", names, f"{told}. Spread them over several columns.")
    features = {column.name for column in schema.features}
    empty = [r.name for r in reports if r.missing > MOSTLY and r.name in features]
    if empty:
        told = f"missing in more than half of the rows: {listed(empty, 10)}."
        yield Finding("mostly_missing", empty, told)
    tolerant = [c.name for c in schema.features if c.tolerant and UNREADABLE in c.reason]
    if tolerant:
        told = f"values that can't be read are taken as missing: {listed(tolerant, 10)}"
        yield Finding("unreadable", tolerant, f"{told}; see the reasons.")
    marked = [c.name for c in schema.features if c.sentinels]
    if marked:
        told = f"numbers such as 9999 are taken as missing: {listed(marked, 10)}"
        yield Finding("marks", marked, f"{told}; see the reasons.")


def _is_like_a_key(report: ColumnReport, n_rows: int, integral: bool) -> bool:
    """Tell categories, or integers named like keys, of which most rows have one of their own."""
    many = report.distinct >= max(_MANY_KEYS, _KEY_SHARE * n_rows)
    named = report.role == Role.NUMERIC and ID_NAME.search(report.name) is not None
    return many and (report.role == Role.CATEGORICAL or (named and integral))


def _repeated(table: pd.DataFrame, schema: Schema, y: pd.Series | None) -> Iterator[Finding]:
    """Yield how many rows repeat earlier ones, keys left out."""
    aside = (Role.IDENTIFIER, Role.NESTED, Role.DROPPED, Role.CONSTANT)
    names = [column.name for column in schema.columns if column.role not in aside]
    if not names:
        return
    mixed = {name: "str" for name in names if table[name].dtype == object}
    hashes = pd.util.hash_pandas_object(table[names].astype(mixed), index=False)
    if y is not None:
        plain = y if y.dtype.kind in "biuf" else y.astype(str)
        hashes = hashes * 31 + pd.util.hash_pandas_object(plain, index=False)
    n_repeated = int(hashes.duplicated().sum())
    if n_repeated:
        also = " and in the target" if y is not None else ""
        verb = "repeats" if n_repeated == 1 else "repeat"
        told = f"{counted(n_repeated, 'row')} of {len(table):,} {verb} an earlier one"
        yield Finding(
            "duplicate_rows",
            [],
            f"{told} in every feature{also}: the score is too good if they fall into both the "
            "training and the validation rows.",
        )
