"""Families by name: the built-in table, and what other distributions register."""

import difflib
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

from automl.exceptions import UsageError
from automl.families._base import Family, Problem

ENTRY_POINT_GROUP = "automl.families"


@cache
def _targets() -> dict[str, str]:
    from automl.families import BUILT_IN

    found = {e.name: e.value for e in entry_points(group=ENTRY_POINT_GROUP)}
    return {**found, **BUILT_IN}


def family_names() -> list[str]:
    """Names of all families that are installed, the built-in ones first.

    Examples
    --------
    >>> family_names()[0]
    'constant'
    """
    names = _targets()
    from automl.families import BUILT_IN

    return [*BUILT_IN, *(n for n in names if n not in BUILT_IN)]


@cache
def get_family(name: str) -> Family:
    """Make the family registered under `name`.

    Raises
    ------
    UsageError
        If no family has that name.
    """
    targets = _targets()
    if name not in targets:
        close = difflib.get_close_matches(name, targets, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise UsageError(
            f"There is no model family {name!r}.{hint} Installed: {', '.join(family_names())}."
        )
    module, _, attribute = targets[name].partition(":")
    family = getattr(import_module(module), attribute)()
    assert isinstance(family, Family)
    return family


def choose_families(
    wanted: str | Sequence[str], problem: Problem, *, lenient: bool = False
) -> list[Family]:
    """Families for a search: those asked for, or all that suit the problem.

    Parameters
    ----------
    wanted : "auto", a comma-separated str or a sequence of str
    problem : Problem
    lenient : bool, default=False
        Whether families that don't suit the problem are left out rather than refused; all that
        suit it if none of those asked for does.

    Returns
    -------
    list of Family
        Without the constant baseline, which is always on the leaderboard.

    Raises
    ------
    UsageError
        If a name is unknown, or a family that was asked for does not suit the problem.
    """
    if isinstance(wanted, str):
        wanted = [n.strip() for n in wanted.split(",") if n.strip()]
    if list(wanted) == ["auto"]:
        return _all_that_suit(problem)
    families = [get_family(n) for n in dict.fromkeys(wanted)]
    if not families:
        raise UsageError(f"No model family was named. Installed: {', '.join(family_names())}.")
    if lenient:
        suited = [f for f in families if f.name != "constant" and f.supports(problem)]
        return suited or _all_that_suit(problem)
    for family in families:
        if not family.supports(problem):
            raise UsageError(
                f"The family {family.name!r} can't be used for {problem.task} with "
                f"{problem.n_rows} rows and {problem.n_columns} columns."
            )
    chosen = [f for f in families if f.name != "constant"]
    if not chosen:
        raise UsageError("The constant baseline always runs; name a family beside it.")
    return chosen


def _all_that_suit(problem: Problem) -> list[Family]:
    families = [get_family(n) for n in family_names() if n != "constant"]
    return [f for f in families if f.supports(problem)]
