"""The engine of this machine: worker processes forked by the server."""

import itertools
import logging
import math
import os
import pickle
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.connection import wait as wait_for_any
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from automl.compute import _launch, _shared, _worker
from automl.compute._engine import DataRef, Event, Job, Killed
from automl.exceptions import AutoMLError, UsageError

if TYPE_CHECKING:
    import numpy as np

_log = logging.getLogger("automl.compute")
_FALSE_STARTS = 3  # times that each worker may die before it is up, in a row


@dataclass
class _Task:
    """A job on its way."""

    number: int
    job: Job
    payload: bytes
    sent: float = 0.0
    began: bool = False
    cpu_before: float = 0.0  # CPU seconds of its worker before this job


@dataclass(eq=False)
class _Member:
    """A worker as the driver sees it."""

    server: _launch.Server
    number: int
    link: Connection
    pid: int | None = None  # None until it is up
    task: _Task | None = None
    doom: Literal["asked", "deadline"] | None = None  # why it was killed, if it was
    cpu_seconds: float = 0.0


class LocalEngine:
    """Runs jobs in worker processes of this machine.

    The workers are forked from a server process that has imported `preload` before. They start
    with the first job, and each lives until the engine is closed or the worker is killed; then
    another takes its place. One thread of the driver uses an engine.

    Parameters
    ----------
    n_workers : int
        How many jobs run at once.
    scratch : Path
        Folder for shared data. It should lie on a fast disk or in memory.
    threads_per_worker : int
        What OpenMP and BLAS libraries may use in each worker.
    preload : sequence of str
        Modules that the workers need. A job may import others; that costs it their import.
    paths : sequence of str or None
        Folders from which jobs may import modules, behind all that is installed. By default
        the driver's ``sys.path``.

    Raises
    ------
    UsageError
        If `n_workers` or `threads_per_worker` is below 1, or the platform can't fork.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     code = "def double(payload, data, channel): return 2 * payload"
    ...     _ = Path(folder, "some_jobs.py").write_text(code)
    ...     with LocalEngine(n_workers=1, scratch=Path(folder), paths=[folder]) as engine:
    ...         job = engine.submit(Job("some_jobs:double", 21))
    ...         [event.value for event in engine.wait()]
    [42]
    """

    def __init__(
        self,
        *,
        n_workers: int,
        scratch: Path,
        threads_per_worker: int = 1,
        preload: Sequence[str] = (),
        paths: Sequence[str] | None = None,
    ) -> None:
        if n_workers < 1 or threads_per_worker < 1:
            raise UsageError(
                f"{n_workers=} and {threads_per_worker=} are not allowed: both must be 1 or more."
            )
        self._n_workers = n_workers
        self._scratch = Path(scratch).absolute()
        self._folder: Path | None = None
        self._greeting = _worker.greeting(sys.path if paths is None else paths)
        self._server = _launch.acquire(tuple(preload), threads_per_worker)
        self._owner = os.getpid()
        self._closed = False
        self._numbers = itertools.count(1)
        self._queue: deque[_Task] = deque()
        self._members: list[_Member] = []
        self._events: list[Event] = []
        self._false_starts = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def busy(self) -> int:
        """How many jobs have not ended."""
        return len(self._queue) + len(self._tasks())

    @property
    def idle(self) -> int:
        """How many more jobs could run at once."""
        return max(0, self._n_workers - self.busy)

    def put(self, name: str, arrays: "Mapping[str, np.ndarray]") -> DataRef:
        """Share arrays with the workers, which see them read-only and without a copy each.

        Parameters
        ----------
        name : str
            Part of the folder's name, for people who look into it.
        arrays : mapping of str to array

        Returns
        -------
        DataRef
            What jobs name in `Job.data`. It holds until the engine is closed.

        Raises
        ------
        ValueError
            If an array holds Python objects, or `name` does not fit into a file's name.
        """
        self._require_open()
        if not re.fullmatch(r"[\w.-]+", name):
            raise ValueError(f"{name=} is not allowed: use letters, digits, '.', '-' and '_'.")
        if self._folder is None:
            self._scratch.mkdir(parents=True, exist_ok=True)
            self._folder = Path(tempfile.mkdtemp(prefix="shared-", dir=self._scratch))
            self._server.hold(self._folder)
        return _shared.write(self._folder, name, arrays)

    def submit(self, job: Job) -> int:
        """Queue a job; the first free worker takes the oldest.

        Parameters
        ----------
        job : Job
            Its payload is pickled here, so later changes to it don't reach the worker.

        Returns
        -------
        int
            The number under which events speak of it.
        """
        self._require_open()
        payload = pickle.dumps(job.payload, _worker.PROTOCOL)
        task = _Task(next(self._numbers), replace(job, payload=None), payload)
        self._queue.append(task)
        self._fill()
        return task.number

    def wait(self, timeout: float | None = None) -> list[Event]:
        """Return the next events.

        Parameters
        ----------
        timeout : float or None
            Seconds to wait at most.

        Returns
        -------
        list of Event
            In the order in which they came. Empty when the time is out, and at once when no job
            is queued or running, for then nothing can come.

        Raises
        ------
        AutoMLError
            If no worker can be started.
        """
        give_up = None if timeout is None else time.monotonic() + timeout
        while not self._events and (self._queue or any(self._tasks())):
            self._fill()
            self._expire()
            if self._events:
                break
            members = {member.link: member for member in self._members}
            for link in wait_for_any(list(members), self._patience(give_up)):
                self._hear(members[link])  # type: ignore[index]
            if give_up is not None and time.monotonic() >= give_up:
                break
        self._fill()
        events, self._events = self._events, []
        return events

    def stop(self, job: int) -> None:
        """Ask a job to end: its ``channel.stopped`` turns true. A queued one never starts.

        A job that has ended already is left alone.
        """
        for member in self._members:
            if member.task and member.task.number == job:
                with suppress(OSError):
                    _worker.send(member.link, ("stop", job))
        self._withdraw(job)

    def kill(self, job: int) -> None:
        """End a job now, whatever it is doing. Its event says "killed".

        A job that has ended already is left alone.
        """
        for member in self._members:
            if member.task and member.task.number == job:
                self._kill(member, "asked")
        self._withdraw(job)
        self._fill()

    def close(self) -> None:
        """Kill the workers and remove the shared data. The server stays for the next engine."""
        if self._closed or os.getpid() != self._owner:
            return
        self._closed = True
        self._queue.clear()
        for member in self._members:
            self._kill(member, "asked")
            member.link.close()
        for member in self._members:
            # One that is not up yet may wait for the server's imports: don't wait with it.
            (member.server.end if member.pid else member.server.drop)(member.number)
        self._members.clear()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._server.release(self._folder)
        _launch.release(self._server)

    def _require_open(self) -> None:
        if self._closed:
            raise RuntimeError("The engine is closed: make a new LocalEngine.")

    def _tasks(self) -> list[_Task]:
        """The jobs that a worker has."""
        return [member.task for member in self._members if member.task]

    def _fill(self) -> None:
        """Man every place, and give waiting jobs to free workers."""
        if self._closed:
            return
        for _ in range(self._n_workers - sum(not member.doom for member in self._members)):
            self._start_worker()
        for member in self._members:
            if self._queue and member.pid and not member.task and not member.doom:
                self._give(member, self._queue.popleft())

    def _start_worker(self) -> None:
        if not self._server.alive:
            _log.warning("The worker server has died; starting another.")
            dead, preload = self._server, self._server.preload
            self._server = _launch.acquire(preload, dead.threads_per_worker)
            _launch.release(dead)
            if self._folder is not None:
                self._server.hold(self._folder)
        number, link = self._server.fork(self._greeting)
        self._members.append(_Member(self._server, number, link))

    def _give(self, member: _Member, task: _Task) -> None:
        task.sent, task.cpu_before = time.monotonic(), member.cpu_seconds
        member.task = task
        with suppress(OSError):  # a dead worker: its closed line is heard of in `wait`
            _worker.send(member.link, ("job", task.number, task.job))
            member.link.send_bytes(task.payload)

    def _hear(self, member: _Member) -> None:
        """Take one message of a worker, or its death."""
        try:
            message = _worker.receive(member.link)
            if message[0] == "ready":
                member.pid = message[1]
                self._false_starts = 0
            else:
                self._note(member, message, member.link.recv_bytes())
        except (EOFError, OSError):
            self._bury(member)
        except KeyboardInterrupt:  # half a message may be gone, so the line can't be used again
            self._kill(member, "asked")
            raise

    def _note(self, member: _Member, message: tuple[Any, ...], frame: bytes) -> None:
        """Turn a worker's message about its job into an event."""
        kind, number, seconds, member.cpu_seconds = message
        task = member.task
        assert task is not None
        assert task.number == number
        if kind == "began":
            task.began = True
            return
        kind, value = _worker.decode(kind, frame)
        cpu_seconds = member.cpu_seconds - task.cpu_before
        self._events.append(Event(number, kind, value, member.pid, seconds, cpu_seconds))
        if kind != "progress":
            member.task = None

    def _bury(self, member: _Member) -> None:
        """Take a dead worker out; tell of its job, or queue it again if it had not begun."""
        self._members.remove(member)
        member.link.close()
        returncode, cpu_seconds = member.server.end(member.number)
        task = member.task
        if task and (task.began or member.doom):
            killed = Killed(member.doom or "died", returncode)
            self._events.append(
                Event(
                    task.number,
                    "killed",
                    killed,
                    member.pid,
                    seconds=time.monotonic() - task.sent,
                    cpu_seconds=max(0.0, cpu_seconds - task.cpu_before),
                )
            )
        elif task:
            self._queue.appendleft(task)
        if member.pid is None:
            self._note_false_start()

    def _note_false_start(self) -> None:
        """Go on with the workers there are if others can't be started; give up without any."""
        self._false_starts += 1
        if self._false_starts < _FALSE_STARTS * self._n_workers:
            return
        manned = sum(member.pid is not None for member in self._members)
        if not manned:
            raise AutoMLError(
                f"No worker process could be started in {self._false_starts} tries. The machine "
                "may be out of memory or processes; what they said is on the error stream."
            )
        _log.warning("Going on with %d of %d workers.", manned, self._n_workers)
        self._n_workers, self._false_starts = manned, 0

    def _expire(self) -> None:
        """Kill the jobs whose hard deadline has passed; those still queued never start."""
        now = time.monotonic()
        for member in self._members:
            if member.task and _hard_deadline(member.task) <= now and not member.doom:
                self._kill(member, "deadline")
        for task in [task for task in self._queue if _hard_deadline(task) <= now]:
            self._queue.remove(task)
            self._events.append(Event(task.number, "killed", Killed("deadline")))

    def _patience(self, give_up: float | None) -> float | None:
        """Seconds until something must be done, though no worker says anything."""
        moments = [_hard_deadline(task) for task in self._queue]
        moments += [_hard_deadline(m.task) for m in self._members if m.task and not m.doom]
        moments += [] if give_up is None else [give_up]
        first = min(moments, default=math.inf)
        return None if first == math.inf else max(0.0, first - time.monotonic())

    def _withdraw(self, job: int) -> None:
        """Take a job out of the queue, if it is there."""
        for task in [task for task in self._queue if task.number == job]:
            self._queue.remove(task)
            self._events.append(Event(job, "killed", Killed("asked")))

    def _kill(self, member: _Member, reason: Literal["asked", "deadline"]) -> None:
        member.doom = member.doom or reason
        if member.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(member.pid, signal.SIGKILL)


def _hard_deadline(task: _Task) -> float:
    return math.inf if task.job.hard_deadline is None else task.job.hard_deadline
