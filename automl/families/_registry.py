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


def named_families(wanted: str | Sequence[str]) -> list[str]:
    """Names of families, each once, as they were given.

    Parameters
    ----------
    wanted : str or sequence of str
        Names may be separated by commas.

    Examples
    --------
    >>> named_families("linear, mlp"), named_families(["auto"])
    (['linear', 'mlp'], ['auto'])
    """
    text = wanted if isinstance(wanted, str) else ",".join(map(str, wanted))
    return list(dict.fromkeys(n.strip() for n in text.split(",") if n.strip()))


def choose_families(wanted: str | Sequence[str], problem: Problem) -> list[Family]:
    """Families for a search: those asked for, or all that suit the problem.

    Parameters
    ----------
    wanted : "auto", a comma-separated str or a sequence of str
    problem : Problem

    Returns
    -------
    list of Family
        Without the constant baseline, which is always on the leaderboard.

    Raises
    ------
    UsageError
        If a name is unknown, or a family that was asked for does not suit the problem.
    """
    names = named_families(wanted)
    if names == ["auto"]:
        chosen = [get_family(n) for n in family_names()]
        return [f for f in chosen if f.name != "constant" and f.supports(problem)]
    families = [get_family(n) for n in names]
    if not families:
        raise UsageError(f"No model family was named. Installed: {', '.join(family_names())}.")
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
