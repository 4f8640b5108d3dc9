"""The engine of this machine: worker processes forked by the server."""

import itertools
import logging
import math
import os
import pickle
import re
import select
import shutil
import sys
import tempfile
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from automl.compute import _launch, _shared, _worker
from automl.compute._engine import DataRef, Event, Job, Killed
from automl.compute._line import GarbledError, Report
from automl.compute._member import Member, Task
from automl.compute._watch import Watch
from automl.exceptions import AutoMLError, UsageError

if TYPE_CHECKING:
    import numpy as np

_log = logging.getLogger("automl.compute")
_FALSE_STARTS = 3  # times that each worker may die before it is up, in a row


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
    memory_limit : int or None
        Bytes that the driver, the server and the workers may have together. Above it, the worker
        that has most for itself is killed. Linux only; looked at in `wait`, every 0.1 s.

    Raises
    ------
    UsageError
        If `n_workers`, `threads_per_worker` or `memory_limit` is below 1, or the platform can't
        fork.

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
        memory_limit: int | None = None,
    ) -> None:
        if min(n_workers, threads_per_worker, 1 if memory_limit is None else memory_limit) < 1:
            raise UsageError(
                f"{n_workers=}, {threads_per_worker=}, {memory_limit=} is not allowed: "
                "each must be 1 or more."
            )
        self._n_workers = n_workers
        self._scratch = Path(scratch).absolute()
        self._folder: Path | None = None
        self._greeting = _worker.greeting(sys.path if paths is None else paths)
        self._server = _launch.acquire(tuple(preload), threads_per_worker)
        self._owner = os.getpid()
        self._closed = False
        self._numbers = itertools.count(1)
        self._queue: deque[Task] = deque()
        self._members: list[Member] = []
        self._events: list[Event] = []
        self._deaths: list[Event] = []
        self._false_starts = 0
        self._watch = Watch(memory_limit)

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

    @property
    def peak_bytes(self) -> int:
        """The most that driver, server and workers had together while jobs ran, as `wait` saw it.

        The sum of the proportional set sizes, which counts memory that processes share once. 0
        where it can't be measured, that is, outside Linux.
        """
        return self._watch.peak_bytes

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
        payload = _worker.dumps(job.payload)
        task = Task(next(self._numbers), replace(job, payload=None), payload)
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
        give_up = math.inf if timeout is None else time.monotonic() + timeout
        while True:
            self._listen(0.0)  # what has come while nobody listened is not late
            self._fill()
            self._expire()
            self._look()
            if self._events or not self.busy:
                break
            self._listen(self._patience(give_up))
            if time.monotonic() >= give_up:
                break
        self._fill()
        events, self._events = self._events, []
        return events

    def deaths(self) -> list[Event]:
        """Return the ends of workers that died before or between jobs, since it was last asked.

        No job is lost with them. Each is a "killed" event of job 0; its `pid` is None if the
        process had not said yet that it was up.
        """
        deaths, self._deaths = self._deaths, []
        return deaths

    def stop(self, job: int) -> None:
        """Ask a job to end: its ``channel.stopped`` turns true. A queued one never starts.

        A job that has ended already is left alone.
        """
        for member in self._members:
            if member.task and member.task.number == job:
                member.stop()
        self._withdraw(job)

    def kill(self, job: int) -> None:
        """End a job now, whatever it is doing. Its event says "killed".

        A job that has ended already is left alone.
        """
        for member in self._members:
            if member.task and member.task.number == job:
                member.kill("asked")
        self._withdraw(job)
        self._fill()

    def close(self) -> None:
        """Kill the workers and remove the shared data. The server stays for the next engine."""
        if self._closed or os.getpid() != self._owner:
            return
        self._closed = True
        self._queue.clear()
        for member in self._members:
            member.kill("asked")
            member.line.close()
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

    def _tasks(self) -> list[Task]:
        """The jobs that a worker has."""
        return [member.task for member in self._members if member.task]

    def _fill(self) -> None:
        """Man every place, and give waiting jobs to free workers."""
        if self._closed:
            return
        for _ in range(self._n_workers - sum(not member.doom for member in self._members)):
            self._start_worker()
        free = [m for m in self._members if m.pid and not m.task and not m.doom]
        while self._queue and free:
            task = self._queue.popleft()
            member = _nearest(free, task.job.place)
            free.remove(member)
            member.give(task)

    def _start_worker(self) -> None:
        if not self._server.alive:
            _log.warning("The worker server has died; starting another.")
            dead, preload = self._server, self._server.preload
            self._server = _launch.acquire(preload, dead.threads_per_worker)
            _launch.release(dead)
            if self._folder is not None:
                self._server.hold(self._folder)
        number, line = self._server.fork(self._greeting)
        self._members.append(Member(self._server, number, line))

    def _listen(self, seconds: float) -> None:
        """Wait until a worker says something, at most so long, and take what it says."""
        members = {member.line.fileno(): member for member in self._members}
        poll = select.poll()
        for number, member in members.items():
            poll.register(number, member.line.wants)
        for number, _ in poll.poll(None if seconds == math.inf else math.ceil(seconds * 1000)):
            self._hear(members[number])

    def _hear(self, member: Member) -> None:
        """Take a worker's messages, or its death."""
        try:
            member.line.flush()
            for frame in member.line.receive():
                self._note(member, Report.unpack(frame))
        except GarbledError as error:
            if not member.doom:
                _log.warning("Ending worker %s, whose line is garbled: %s.", member.pid, error)
            member.kill("died")
        except (EOFError, OSError):
            self._bury(member)
        except KeyboardInterrupt:  # half a message may be gone, so the line can't be used again
            member.kill("asked")
            raise

    def _note(self, member: Member, report: Report) -> None:
        if report.kind == "ready":
            member.pid = member.pid or pickle.loads(report.body)
            self._false_starts = 0
        elif event := member.hear(report):
            self._events.append(event)

    def _bury(self, member: Member) -> None:
        """Take a dead worker out; tell of its job, or queue it again if it had not begun."""
        self._members.remove(member)
        member.line.close()
        returncode, cpu_seconds = member.server.end(member.number)
        event = member.fate(returncode, cpu_seconds)
        if event:
            self._events.append(event)
        elif returncode != 0 and not member.doom:  # one that was spoiled by a job ends with 0
            self._deaths.append(Event(0, "killed", Killed("died", returncode), member.pid))
        if not event and member.task:
            self._queue.appendleft(member.task)
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
            if member.task and member.task.hard_deadline <= now:
                member.kill("deadline")
        for task in [task for task in self._queue if task.hard_deadline <= now]:
            self._queue.remove(task)
            self._events.append(Event(task.number, "killed", Killed("deadline")))

    def _look(self) -> None:
        """Look at the memory of all processes."""
        if any(self._tasks()):
            servers = {self._server.pid, *(member.server.pid for member in self._members)}
            self._watch.look([self._owner, *servers], self._members)

    def _patience(self, give_up: float) -> float:
        """Seconds until something must be done, though no worker says anything."""
        moments = [task.hard_deadline for task in self._queue]
        moments += [m.task.hard_deadline for m in self._members if m.task and not m.doom]
        moments += [self._watch.next_look] * any(self._tasks())
        return max(0.0, min([give_up, *moments]) - time.monotonic())

    def _withdraw(self, job: int) -> None:
        """Take a job out of the queue, if it is there."""
        for task in [task for task in self._queue if task.number == job]:
            self._queue.remove(task)
            self._events.append(Event(job, "killed", Killed("asked")))


def _nearest(free: Sequence[Member], place: str) -> Member:
    """The first worker that had jobs of this place; else one that had none of any place."""
    for wanted in ({place} - {""}, set[str]()):
        for member in free:
            if wanted <= member.places and (wanted or not member.places):
                return member
    return free[0]
