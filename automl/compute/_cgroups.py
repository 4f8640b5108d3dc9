"""The control groups that hold this process, where a container's limits are written."""

from collections.abc import Iterator
from pathlib import Path


def own_groups(root: Path, controller: str) -> Iterator[Path]:
    """Yield the folders of the own group and of each group around it.

    Parameters
    ----------
    root : Path
        Where ``proc`` and ``sys`` lie.
    controller : str
        Name of the version 1 controller that is wanted; version 2 has one tree for all.

    Yields
    ------
    Path
        Folders that may lack any file, or not exist.
    """
    mounts = root / "sys/fs/cgroup"
    for line in read(root / "proc/self/cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if not controllers:
            bases = [mounts, mounts / "unified"]
        elif controller in controllers.split(","):
            bases = [mounts / controllers, mounts / controller]
        else:
            continue
        # In a container the path may be the host's, of which only the root is visible here.
        parts = [part for part in path.split("/") if part not in ("", "..")]
        for depth in range(len(parts) + 1):
            for base in bases:
                yield base.joinpath(*parts[:depth])


def read(path: Path) -> str:
    """Return a file's text; empty where it can't be read."""
    try:
        return path.read_text(errors="replace")
    except (OSError, ValueError):
        return ""
