"""What can be wrong with a declaration or with a table at predict, and how to say it."""

import logging
from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd

from automl.exceptions import SchemaError, UsageError
from automl.table._column import Column, Role
from automl.table._convert import EXPECTED
from automl.table._inference import DECLARABLE
from automl.table._messages import close_match, counted, listed, shown

logger = logging.getLogger("automl.table")


def declared_roles(
    names: Sequence[str], types: Mapping[str, str], drop: Collection[str]
) -> dict[str, Role]:
    """Return the roles that the caller declares, by column.

    Raises
    ------
    UsageError
        If a column or a role is unknown, or a column is dropped and given another role.
    """
    if isinstance(drop, str):
        drop = [drop]
    known = set(names)
    for name in [*types, *drop]:
        if name not in known:
            raise UsageError(
                f"There is no column {name!r}{close_match(str(name), names)}; "
                f"the columns are {listed(names, 20)}."
            )
    roles = {name: _role(name, wanted) for name, wanted in types.items()}
    for name in drop:
        if roles.get(name, Role.DROPPED) is not Role.DROPPED:
            raise UsageError(
                f"Column {name!r} is both dropped and declared {types[name]!r}; keep one of them."
            )
        roles[name] = Role.DROPPED
    return roles


def declarable(wanted: str) -> bool:
    """Tell whether a column can be declared to have this role.

    Examples
    --------
    >>> declarable("numeric"), declarable("drop"), declarable("constant")
    (True, True, False)
    """
    return wanted == "drop" or wanted in DECLARABLE


def _role(name: str, wanted: str) -> Role:
    if wanted == "drop":
        return Role.DROPPED
    if not declarable(wanted):
        raise UsageError(
            f"Column {name!r} is declared {wanted!r}{close_match(str(wanted), DECLARABLE)}; "
            f"a column can be declared {', '.join(DECLARABLE)}."
        )
    return Role(wanted)


def missing_columns(missing: Sequence[str], unseen: Sequence[str]) -> SchemaError:
    """Return the error that names all missing columns, with look-alikes among the unseen ones."""
    told = ", ".join(f"{name!r}{close_match(name, unseen)}" for name in missing)
    return SchemaError(
        f"The table has no {'column' if len(missing) == 1 else 'columns'} {told}, on which the "
        f"model was fitted. Add what is missing, empty where it is not known."
    )


def judge_unreadable(column: Column, series: pd.Series, bad: np.ndarray, *, quiet: bool) -> None:
    """Let unreadable values pass as missing if there were some at fit; raise otherwise.

    Raises
    ------
    SchemaError
        Naming the column, the first such row and its value.
    """
    expected = EXPECTED[column.role]
    many = counted(int(bad.sum()), "value")
    if column.tolerant:
        if not quiet:
            logger.warning(
                "Column %r: %s not readable as %s, taken as missing as at fit",
                column.name,
                many,
                expected,
            )
        return
    row = int(bad.argmax())
    value = series.iloc[row]
    value = value.item() if isinstance(value, np.generic) else value
    raise SchemaError(
        f"Column {column.name!r} was {column.role.value} at fit ({column.reason}), but row {row} "
        f"(counting from 0) has {shown(value)}, which is not {expected}; {many} like "
        f"that. Correct them, or leave them empty if they are not known."
    )
