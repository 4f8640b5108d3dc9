"""How much memory processes have, as Linux tells it in ``/proc``; elsewhere nothing is known."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_RESET_PEAK = b"5"  # see /proc/<pid>/clear_refs in the kernel's documentation of proc
_UNBUFFERED = 0
_SIZE = re.compile(
    rb"^(VmHWM|RssAnon|RssFile|RssShmem|VmData|Pss|Private_Clean|Private_Dirty):\s+(\d+) kB$", re.M
)


@dataclass(frozen=True)
class Memory:
    """Bytes that a process has in memory: all it sees, and those that no file stands behind."""

    resident: int = 0
    private: int = 0


def resident(pid: int | None = None) -> int:
    """Return the bytes that a process has in memory, those it shares with others included.

    Parameters
    ----------
    pid : int or None
        By default this process.

    Returns
    -------
    int
        0 where it is not known: outside Linux, or when there is no such process.

    Examples
    --------
    >>> resident() >= 0
    True
    """
    return memory_of(os.getpid() if pid is None else pid).resident


def memory_of(pid: int) -> Memory:
    """Return what a process has, in about 10 us.

    Pages that processes share count in each of them, so a sum over a tree is an upper bound.
    """
    try:
        _, total, shared, *_ = map(int, _read(f"/proc/{pid}/statm").split())
    except ValueError:
        return Memory()
    size = os.sysconf("SC_PAGE_SIZE")
    return Memory(total * size, max(0, total - shared) * size)


def share(pid: int) -> Memory | None:
    """Return a process's proportional share of what it sees, and what is its alone.

    A page that n processes see counts as 1/n of a page in each, so a sum over a tree is exact.
    It takes milliseconds, more for a large process. None where the kernel does not tell.
    """
    sizes = _sizes(f"/proc/{pid}/smaps_rollup")
    if b"Pss" not in sizes:
        return None
    own = sizes.get(b"Private_Clean", 0) + sizes.get(b"Private_Dirty", 0)
    return Memory(sizes[b"Pss"], own)


def descendants(pid: int) -> list[int]:
    """Return the processes that a process has started, and theirs, as far as they live."""
    found = list(_children(pid))
    for child in found:
        found.extend(_children(child))
    return found


def data_size() -> int | None:
    """Return the bytes that count against ``RLIMIT_DATA`` in this process; None if unknown."""
    return _sizes("/proc/self/status").get(b"VmData")


def private(root: Path = Path("/")) -> int:
    """Return the bytes of this process that no file stands behind."""
    return _sizes(root / "proc/self/status").get(b"RssAnon", 0)


class PeakMeter:
    """Measures the peak of this process's private memory, beyond what it had at the start.

    The kernel keeps the peak of the resident memory and forgets it when asked. From it the shared
    part is taken off, as it was at the last look or is now, whichever is more: mapped files never
    count. The more looks, the more exact; one takes about 0.1 ms.
    """

    def __init__(self) -> None:
        self.peak = 0
        self.grown = 0  # what the process had more at the last look than at the start
        self._resets = _forget_peak()
        now = _sizes("/proc/self/status")
        self._base = now.get(b"RssAnon", 0)
        self._shared = _shared(now)

    def look(self) -> None:
        """Bring `peak` and `grown` up to date; they stay 0 where they can't be measured."""
        now = _sizes("/proc/self/status")
        shared = _shared(now)
        high = now.get(b"VmHWM", 0) - max(shared, self._shared) if self._resets else 0
        self.grown = now.get(b"RssAnon", 0) - self._base
        self.peak = max(self.peak, high - self._base, self.grown)
        self._resets = self._resets and _forget_peak()
        self._shared = shared


def _forget_peak() -> bool:
    """Let the kernel's mark of the highest resident memory be what it is now."""
    try:
        with open("/proc/self/clear_refs", "wb", _UNBUFFERED) as file:
            file.write(_RESET_PEAK)
    except OSError:
        return False
    return True


def _shared(sizes: dict[bytes, int]) -> int:
    return sizes.get(b"RssFile", 0) + sizes.get(b"RssShmem", 0)


def _children(pid: int) -> Iterator[int]:
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            yield from map(int, _read(f"/proc/{pid}/task/{thread}/children").split())


def _sizes(path: str | Path) -> dict[bytes, int]:
    """Read lines such as ``VmHWM:  12 kB`` as bytes."""
    return {name: 1024 * int(number) for name, number in _SIZE.findall(_read(path))}


def _read(path: str | Path) -> bytes:
    try:
        with open(path, "rb", _UNBUFFERED) as file:
            return file.read()
    except OSError:
        return b""
