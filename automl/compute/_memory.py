"""How much memory this process and its workers may use, and how people write such numbers."""

import operator
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from automl.compute import _usage
from automl.compute._cgroups import own_groups, read
from automl.exceptions import UsageError

_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_FILE_CACHE = ("active_file", "inactive_file")
_SIZE = re.compile(r"(\d{1,20}(?:\.\d{0,20})?)\s*(?:([kmgt]?)(?:i?b)?)", re.ASCII | re.IGNORECASE)
_NO_LIMIT = 2**60  # version 1 writes a number near 2**63 where there is no limit


def parse_size(size: str | int) -> int:
    """Turn an amount of memory, as people write it, into bytes.

    Parameters
    ----------
    size : str or int
        A number of bytes, or a number and a unit: ``k``, ``m``, ``g`` or ``t``, also with ``b``
        or ``ib`` behind, in small or capital letters. All are binary, so ``4g``, ``4GB`` and
        ``4 GiB`` are the same 4 * 1024**3 bytes.

    Returns
    -------
    int

    Raises
    ------
    UsageError
        If it is none of these, or less than a byte.

    Examples
    --------
    >>> parse_size("800m")
    838860800
    >>> parse_size("1.5 GiB")
    1610612736
    """
    size_in_bytes = _parse(size) if isinstance(size, str) else _whole(size)
    if size_in_bytes < 1:
        raise UsageError(
            f"{size!r} is not an amount of memory: write a number above zero with a unit, such as "
            "800m, 4g or 1.5GiB (k, m, g and t are powers of 1024), or a whole number of bytes."
        )
    return size_in_bytes


def _parse(text: str) -> int:
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        return 0
    number, unit = match[1], match[2].lower()
    scale = 1024 ** _POWERS[unit]
    return int(float(number) * scale) if "." in number else int(number) * scale


def _whole(size: object) -> int:
    try:
        return 0 if isinstance(size, bool) else operator.index(size)  # type: ignore[arg-type]
    except TypeError:
        return 0


def memory_limit(root: Path = Path("/")) -> int | None:
    """Find how much memory this process and its workers may use together.

    Ask early: workers that run already count as others.

    Parameters
    ----------
    root : Path
        Where ``proc`` and ``sys`` lie.

    Returns
    -------
    int or None
        Bytes, the least of: what the machine can give without swapping; what each control group
        (versions 1 and 2) from the own one up to the root leaves; and the soft limits
        ``ulimit -d`` and ``ulimit -v``. What this process has already is in it. None if nothing
        is known.

    Notes
    -----
    A group's limit is shared by all its processes, so what others in the group use is taken off.
    Its file cache is not: the kernel gives that up when memory is short. The same holds for
    ``MemAvailable``. The files are described in the Linux kernel's
    ``Documentation/admin-guide/cgroup-v2.rst`` and ``cgroup-v1/memory.rst``.

    Examples
    --------
    >>> limit = memory_limit()
    >>> limit is None or limit > 0
    True
    """
    own = _usage.private(root)
    limits = [*_free(root, own), *_group_limits(root, own), *_process_limits()]
    return max(1, min(limits)) if limits else None


def _free(root: Path, own: int) -> Iterator[int]:
    """Yield what the machine has left, or else what it has in all."""
    found = re.search(r"^MemAvailable: +(\d{1,20}) kB$", read(root / "proc/meminfo"), re.M | re.A)
    if found:
        yield int(found[1]) * 1024 + own
        return
    try:
        pages = os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return
    if pages > 0:
        yield pages * os.sysconf("SC_PAGE_SIZE")


def _group_limits(root: Path, own: int) -> Iterator[int]:
    """Yield what each control group leaves to this process."""
    for group in own_groups(root, "memory"):
        limits = [
            *_numbers(group / "memory.max"),
            *_numbers(group / "memory.high"),
            *_numbers(group / "memory.limit_in_bytes"),
        ]
        if limits and min(limits) < _NO_LIMIT:
            yield min(limits) - max(0, _used(group) - own)


def _used(group: Path) -> int:
    """Return what the processes of a group use, without its file cache."""
    used = [*_numbers(group / "memory.current"), *_numbers(group / "memory.usage_in_bytes"), 0]
    stat: dict[str, str] = dict(
        re.findall(r"^(\w+) (\d{1,20})$", read(group / "memory.stat"), re.M | re.A)
    )
    # In version 1 the numbers without "total_" leave out the groups below.
    return used[0] - sum(
        int(stat.get(f"total_{name}", stat.get(name, "0"))) for name in _FILE_CACHE
    )


def _process_limits() -> Iterator[int]:
    """Yield the soft limits on this process, which its workers inherit."""
    try:
        import resource
    except ImportError:  # not a POSIX system
        return
    for name in ("RLIMIT_AS", "RLIMIT_DATA"):
        soft = resource.getrlimit(getattr(resource, name))[0]
        if soft != resource.RLIM_INFINITY:
            yield soft


def _numbers(file: Path) -> Iterator[int]:
    """Yield the number in a file, if it holds one."""
    if re.fullmatch(r"\d{1,20}\s*", text := read(file), re.A):
        yield int(text)


def release_memory() -> None:
    """Return to the system what this process has freed.

    The C library and pyarrow each keep it for their next use, which helps no other process.
    """
    if arrow := sys.modules.get("pyarrow"):
        arrow.default_memory_pool().release_unused()
    import ctypes

    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
