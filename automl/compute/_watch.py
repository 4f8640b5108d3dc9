"""The driver's eye on the memory of all processes of a run."""

import logging
import math
import time
from collections.abc import Iterable

from automl.compute import _usage
from automl.compute._member import Member
from automl.compute._usage import Memory

_log = logging.getLogger("automl.compute")
_LOOK_EVERY = 0.1  # seconds between two looks; one costs about 50 us a process
_CLOSER_EVERY = 1.0  # seconds between two closer looks at sharing; one costs 10 ms a process
_CLOSER_SHARE = 0.2  # of the driver's time that they may take
_NEWS = 1.03  # a total that is this many times the peak may be a new one
_FRESH = 2**26  # bytes that a worker has by itself: less than this can't be won by ending it


class Watch:
    """Knows what all processes have together, and ends a worker where that is too much.

    A cheap sum counts a page once in each process that sees it. By how much that is too much was
    found out in the last closer look, which counts each page once, and is taken off. Only where
    the rest is too much, or a new peak, another closer look follows.

    Parameters
    ----------
    limit : int or None
        Bytes that all processes together may have.
    """

    def __init__(self, limit: int | None) -> None:
        self.peak_bytes = 0
        self.next_look = 0.0
        self._limit = math.inf if limit is None else limit
        self._doubled = 0  # bytes that the cheap sum counts too much
        self._known: frozenset[int] = frozenset()  # the processes for which that is so
        self._closer_at = -math.inf
        self._closer_from = -math.inf
        self._warned = False

    def look(self, others: Iterable[int], members: Iterable[Member]) -> None:
        """Look at the driver and the servers, and at the workers, if it is time to."""
        now = time.monotonic()
        if now < self.next_look:
            return
        self.next_look = now + _LOOK_EVERY
        trees = {m: [m.pid, *_usage.descendants(m.pid)] for m in members if m.pid}
        everyone = frozenset([*others, *(pid for pids in trees.values() for pid in pids)])
        rough = {pid: _usage.memory_of(pid) for pid in everyone}
        for member, pids in trees.items():
            member.saw(sum(rough[pid].private for pid in pids))
        if not self._is_worth_a_closer_look(rough, now):
            return
        exact = self._look_closer(rough, now)
        total = _sum(exact)
        # One that is dying already has not given its memory back yet.
        if total > self._limit and not any(member.doom for member in trees):
            own = {member: sum(exact[pid].private for pid in trees[member]) for member in trees}
            self._make_room(total, own)

    def _is_worth_a_closer_look(self, rough: dict[int, Memory], now: float) -> bool:
        if now < self._closer_from:
            return False
        total = _sum(rough)
        guess = total - self._doubled if rough.keys() == self._known else total
        # Who only reads shared memory at first may write to it later, which adds up unseen.
        stale = total > self._limit and now >= self._closer_at + _CLOSER_EVERY
        too_much = guess > self._limit and not self._warned
        return too_much or stale or guess > self.peak_bytes * _NEWS

    def _look_closer(self, rough: dict[int, Memory], now: float) -> dict[int, Memory]:
        """Count what is shared once only."""
        busy = time.thread_time()
        # While a second process begins to share, its pages count as whole ones of the first, read
        # before, and also as its own. Of two readings the smaller one is less wrong.
        exact = min(_shares(rough), _shares(rough), key=_sum)
        self.peak_bytes = max(self.peak_bytes, _sum(exact))
        self._doubled = _sum(rough) - _sum(exact)
        self._known = frozenset(rough)
        self._closer_at = now
        self._closer_from = now + (time.thread_time() - busy) / _CLOSER_SHARE
        return exact

    def _make_room(self, total: int, own: dict[Member, int]) -> None:
        """End the worker that has most for itself, if ending workers can help at all."""
        assert self._limit < math.inf
        won = sum(max(0, size - _FRESH) for size in own.values())
        if total - won > self._limit:
            if not self._warned:
                _log.warning(
                    "The limit of %d MiB is too small: %d MiB are in use, and ending jobs would "
                    "win back %d MiB of them. Going on.",
                    *(round(size / 2**20) for size in (self._limit, total, won)),
                )
            self._warned = True
            return
        victim = max(own, key=lambda member: own[member])
        _log.info("Ending worker %d, which has %d MiB.", victim.pid, own[victim] // 2**20)
        victim.kill("memory")


def _sum(memory: dict[int, Memory]) -> int:
    return sum(each.resident for each in memory.values())


def _shares(rough: dict[int, Memory]) -> dict[int, Memory]:
    """Read the share that each process has in what it sees."""
    exact = {pid: _usage.share(pid) or Memory() for pid in rough}
    return exact if _sum(exact) else _without_shared(rough)


def _without_shared(rough: dict[int, Memory]) -> dict[int, Memory]:
    """Where the kernel does not tell of sharing: count no file but those of the first process."""
    largest = max(rough, key=lambda pid: rough[pid].resident - rough[pid].private)
    return {
        pid: memory if pid == largest else Memory(memory.private, memory.private)
        for pid, memory in rough.items()
    }
