"""Configurations that a user names: these are tried, and nothing else."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from automl.exceptions import UsageError
from automl.families import get_family

Configuration = tuple[str, Mapping[str, Any]]


def read_configurations(given: Any) -> tuple[Configuration, ...]:
    """Read configurations.

    Parameters
    ----------
    given : sequence of mapping, or str or Path
        Each with ``family`` and ``params``; or a JSON file of one such object or a list of them,
        such as a run writes into ``failures/`` and ``leaderboard.json``.

    Returns
    -------
    tuple of (str, mapping)
        Family and parameters; empty where none were given.

    Raises
    ------
    UsageError
        If the file can't be read, an entry has no family or one that does not exist.

    Examples
    --------
    >>> read_configurations([{"family": "linear", "params": {"encoding": "scaled"}}])
    (('linear', {'encoding': 'scaled'}),)
    """
    if isinstance(given, str | Path):
        given = _read(Path(given))
    if isinstance(given, Mapping):
        given = [given]
    return tuple(_configuration(entry) for entry in given or ())


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise UsageError(f"The configurations in {path} can't be read: {error}.") from error


def _configuration(entry: Any) -> Configuration:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("family"), str):
        raise UsageError(
            f"{entry!r} is not a configuration: give a mapping with 'family' and 'params'."
        )
    params = entry.get("params", {})
    if not isinstance(params, Mapping):
        raise UsageError(f"The params {params!r} of a configuration must be a mapping.")
    get_family(entry["family"])
    return entry["family"], dict(params)
