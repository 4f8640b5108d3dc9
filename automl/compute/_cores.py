"""How many cores this process may use, and how they are split into workers.

The host's core count is the wrong number in a container or under ``taskset``: more threads than
granted cores make boosters several times slower. So one place decides, from affinity and quota.
"""

import logging
import math
import operator
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from automl.compute._cgroups import own_groups, read
from automl.exceptions import UsageError

_log = logging.getLogger("automl.compute")


@dataclass(frozen=True)
class Plan:
    """How the granted cores are split: ``n_workers`` processes of ``threads_per_worker``."""

    n_workers: int
    threads_per_worker: int = 1


def granted_cores(root: Path = Path("/")) -> int:
    """Count the cores this process may use.

    Parameters
    ----------
    root : Path
        Where ``proc`` and ``sys`` lie.

    Returns
    -------
    int
        The least of the CPU affinity and every cgroup quota (versions 1 and 2) from the own
        group up to the root; a broken core counts as a whole one. At least 1.

    Notes
    -----
    ``cpu.max`` and ``cpu.cfs_quota_us`` are described in the Linux kernel's
    ``Documentation/admin-guide/cgroup-v2.rst`` and ``Documentation/scheduler/sched-bwc.rst``.

    Examples
    --------
    >>> granted_cores() >= 1
    True
    """
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min([cores, *map(math.ceil, _quotas_then(root, int(time.monotonic())))]))


def resolve_n_jobs(n_jobs: int | None) -> int:
    """Turn a user's ``n_jobs`` into a number of cores.

    Parameters
    ----------
    n_jobs : int or None
        A positive number asks for that many cores. -1 and None mean all granted cores, -2 all
        but one, and so on, as in joblib.

    Returns
    -------
    int
        Between 1 and `granted_cores`; a greater wish is cut, with a warning in the log.

    Raises
    ------
    UsageError
        If `n_jobs` is 0 or not an integer.

    Examples
    --------
    >>> resolve_n_jobs(1)
    1
    >>> resolve_n_jobs(-1) == granted_cores()
    True
    """
    granted = granted_cores()
    try:
        wish = -1 if n_jobs is None else operator.index(n_jobs)
    except TypeError:
        wish = 0
    if wish == 0 or isinstance(n_jobs, bool):
        raise UsageError(
            f"n_jobs={n_jobs!r} is not allowed: give a number of cores from 1 up, "
            "-1 for all granted cores, or -2 for all but one."
        )
    if wish > granted:
        _log.warning(
            "n_jobs=%d is more than the %d granted cores: using %d.", wish, granted, granted
        )
    return min(granted, wish) if wish > 0 else max(1, granted + 1 + wish)


def plan_workers(n_jobs: int | None) -> Plan:
    """Split the cores into workers of one thread each.

    Workers of one thread beat one process of many threads on small and middle tables, and
    don't collapse when other processes want the cores.

    Parameters
    ----------
    n_jobs : int or None
        As in `resolve_n_jobs`.

    Returns
    -------
    Plan

    Raises
    ------
    UsageError
        If `n_jobs` is 0 or not an integer.

    Examples
    --------
    >>> plan_workers(1)
    Plan(n_workers=1, threads_per_worker=1)
    """
    return Plan(n_workers=resolve_n_jobs(n_jobs))


@lru_cache(maxsize=1)
def _quotas_then(root: Path, second: int) -> tuple[float, ...]:
    """The quotas, read once a second at most: each prediction asks, and they lie in many files."""
    return tuple(_quotas(root))


def _quotas(root: Path) -> Iterator[float]:
    """Yield, in cores, each quota that the own control groups set."""
    for group in own_groups(root, "cpu"):
        yield from _quota(group)


def _quota(group: Path) -> Iterator[float]:
    """Yield the quota of one group, if it has one."""
    both = read(group / "cpu.max").split() or [
        read(group / "cpu.cfs_quota_us").strip(),
        read(group / "cpu.cfs_period_us").strip(),
    ]
    try:
        quota, period = (int(number) for number in both)
    except ValueError:  # "max", or no such file
        return
    if quota > 0 and period > 0:
        yield quota / period
