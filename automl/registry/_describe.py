"""What a version's manifest says beside its lineage: the model in short, and what was around."""

import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from automl import __version__

PATIENCE = 5.0
"""Seconds that git may take."""


def describe_model(saved: Mapping[str, Any]) -> dict[str, Any]:
    """What can be shown and compared without opening the model.

    Parameters
    ----------
    saved : mapping
        The manifest of a saved model.

    Returns
    -------
    dict
    """
    kept = (
        "created", "task", "metric", "positive_label", "score", "score_interval", "winner",
        "n_rows", "seed", "config",
    )  # fmt: skip
    members = [
        {name: member[name] for name in ("name", "family", "encoding", "params", "weight")}
        for member in saved["members"]
    ]
    return {
        **{name: saved.get(name) for name in kept},
        "members": members,
        "target": saved["target"],
        "columns": {c["name"]: c["role"] for c in saved["schema"]["columns"]},
        "automl": saved["automl"],
        "libraries": saved["versions"],
    }


def describe_surroundings(folder: Path | None = None) -> dict[str, Any]:
    """The code and the machine that a version was made with.

    Parameters
    ----------
    folder : Path, optional
        Whose git commit is noted; the working folder by default.

    Examples
    --------
    >>> sorted(describe_surroundings())
    ['automl', 'git', 'machine', 'python', 'system']
    """
    return {
        "automl": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "git": _git(folder or Path.cwd()),
    }


def _git(folder: Path) -> dict[str, Any] | None:
    """The commit of a folder, and whether its tracked files differ from that."""
    commit = _ask_git(folder, "rev-parse", "HEAD")
    if not commit:
        return None
    changes = _ask_git(folder, "status", "--porcelain", "--untracked-files=no")
    return {"commit": commit, "changed": None if changes is None else bool(changes)}


def _ask_git(folder: Path, *words: str) -> str | None:
    """What git prints; ``None`` where there is no git, no repository, or no answer in time."""
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", "-c", "core.fsmonitor=false", *words],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else None
