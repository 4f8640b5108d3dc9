"""What keeps a job within its bounds inside its own worker: an alarm and a cap on memory.

Both work without the driver, which may be busy, stopped or gone.
"""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from automl.compute import _usage
from automl.compute._memory import release_memory

GRACE = 0.2
"""Seconds behind the hard deadline at which a worker ends itself; the driver comes before."""

_TRIM_FROM = 2**22  # bytes: for less a walk through the heap is not worth it


@contextmanager
def alarm(deadline: float | None) -> Iterator[None]:
    """End this process soon after the deadline, if it is still in this block."""
    _set_alarm(deadline)
    try:
        yield
    finally:
        _set_alarm(None)


@contextmanager
def cap(memory: int | None) -> Iterator[None]:
    """Let this process get `memory` more bytes and no more, in this block.

    ``RLIMIT_DATA`` counts private memory that can be written to. ``RLIMIT_AS`` would count
    mapped files and what a CUDA driver only reserves.
    """
    has = None if memory is None else _usage.data_size()
    if memory is None or has is None:
        yield
        return
    import resource

    before = soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    bounds = [limit for limit in before if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min([has + memory, sys.maxsize, *bounds]), hard))
    try:
        yield
    finally:
        with suppress(ValueError):  # the job has lowered the hard limit
            resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _set_alarm(deadline: float | None) -> None:
    """Let SIGALRM end this process after the deadline, whatever a job has done to it before."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGALRM])
    if deadline is not None:
        left = deadline + GRACE - time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, max(0.001, left))


def give_back(grown: int) -> None:
    """Return freed memory to the system, if a job has let this process grow by much."""
    if grown >= _TRIM_FROM:
        release_memory()
