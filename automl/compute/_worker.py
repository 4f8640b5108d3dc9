"""The worker: a forked child of the server that runs one job after another.

It talks to the driver over one line. A job can't keep it: an alarm ends the process behind the
hard deadline, memory has a cap, and what a job has left behind can't speak for the next one.
"""

import gc
import math
import os
import pickle
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from automl.compute import _shared, _usage
from automl.compute._engine import DataRef, Failure, Job, SpoiledError
from automl.compute._guard import alarm, cap, give_back
from automl.compute._line import Kind, Line, Report

_PROTOCOL = 5
_POLL_EVERY = 0.005  # seconds between two looks at the socket: a look costs about 20 us
_MEASURE_EVERY = 0.05  # seconds between two looks at the memory: a look costs about 100 us


@dataclass(frozen=True)
class Greeting:
    """The driver's first message: what a worker must know of the driver.

    Attributes
    ----------
    paths : tuple of str
        The driver's module search path.
    main : str
        Name by which workers could import the driver's own script, and so run it again; or "".
    """

    paths: tuple[str, ...]
    main: str


def greeting(paths: Sequence[str]) -> Greeting:
    """Describe this process, the driver, to its workers."""
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    name = spec.name if spec else Path(getattr(main, "__file__", None) or "").stem
    # A script that the driver has imported itself is meant to be imported.
    own = "" if name in sys.modules else str(name)
    return Greeting(tuple(map(os.path.abspath, paths)), own)


def dumps(value: Any) -> bytes:
    """Pickle a value for the line."""
    return pickle.dumps(value, _PROTOCOL)


def decode(kind: Kind, body: bytes) -> tuple[Any, Any]:
    """Read a value in the driver; one that can't be read there fails its job, not the driver."""
    try:
        return kind, pickle.loads(body)
    except Exception as error:  # noqa: BLE001 - the trial boundary
        return "failed" if kind == "done" else kind, Failure.of(error)


def work(fd: int) -> None:
    """Run jobs that arrive over the socket `fd` until the driver closes it."""
    gc.enable()
    line = Line(socket.socket(fileno=fd))
    try:
        _settle_in(pickle.loads(line.wait()))
        line.send(Report("ready", body=dumps(os.getpid())).pack())
        line.finish()
        _serve(line)
    except (EOFError, OSError):  # the driver has closed the engine or is gone
        return


def _settle_in(greeting: Greeting) -> None:
    """Make the driver's modules importable, behind everything that is installed.

    The driver's own script is not: importing it would run it a second time, here.
    """
    known = set(sys.path)
    sys.path.extend(path for path in greeting.paths if path not in known)
    if greeting.main:
        sys.modules.setdefault(greeting.main, None)  # type: ignore[arg-type]


def _serve(line: Line) -> None:
    cache: dict[Any, Any] = {}
    opened: dict[DataRef, dict[str, Any]] = {}
    while True:
        message = pickle.loads(line.wait())
        if message[0] == "job":
            _, number, job, payload = message
            channel = _WorkerChannel(line, number, job.soft_deadline, cache)
            if not _run(channel, job, payload, opened):
                return
            give_back(channel.meter.grown)


def _run(
    channel: "_WorkerChannel", job: Job, payload: bytes, opened: dict[DataRef, dict[str, Any]]
) -> bool:
    """Call the job's function; whatever it raises is its result. False ends the worker."""
    channel.tell("began", b"")
    kind: Kind = "done"
    spoiled = False
    try:
        with alarm(job.hard_deadline):
            function, data = _find(job.function), _data(job, opened)
            value = pickle.loads(payload)
            # What was imported until here stays in the worker, and is not the job's.
            channel.meter = _usage.PeakMeter()
            with cap(job.memory):
                body = dumps(function(value, data, channel))
    except BaseException as error:  # noqa: BLE001 - the trial boundary; SystemExit and panics too
        kind, body = "failed", dumps(Failure.of(error))
        spoiled = isinstance(error, SpoiledError)
    with suppress(Exception):  # the stream may be whatever the job has made of it
        sys.stdout.flush()
    channel.tell(kind, body)
    if kind == "failed":
        gc.collect()  # frames of the traceback may hold much, in circles
    return not spoiled


def _data(job: Job, opened: dict[DataRef, dict[str, Any]]) -> list[dict[str, Any]]:
    for ref in job.data:
        if ref not in opened:
            opened[ref] = _shared.read(ref)
    return [dict(opened[ref]) for ref in job.data]


def _find(name: str) -> Callable[..., Any]:
    """Resolve ``"module:qualname"``."""
    module, _, qualname = name.partition(":")
    found: Any = import_module(module)
    for part in qualname.split("."):
        found = getattr(found, part)
    function: Callable[..., Any] = found
    return function


class _WorkerChannel:
    """The worker's side of `automl.compute.Channel`, for one job."""

    def __init__(
        self, line: Line, job: int, soft_deadline: float | None, cache: dict[Any, Any]
    ) -> None:
        self.cache = cache
        self._line = line
        self._lock = threading.Lock()
        self._job = job
        self._pid = os.getpid()
        self._deadline = math.inf if soft_deadline is None else soft_deadline
        self._started = time.monotonic()
        self._next_look = 0.0
        self._asked = False
        self._ended = False
        self.meter = _usage.PeakMeter()
        self._next_measure = self._started + _MEASURE_EVERY

    @property
    def stopped(self) -> bool:
        now = time.monotonic()
        if not self._asked and now >= self._next_look:
            self._next_look = now + _POLL_EVERY
            self._listen()
        return self._asked or now >= self._deadline

    def time_left(self) -> float:
        return self._deadline - time.monotonic()

    def report(self, value: Any) -> None:
        if os.getpid() != self._pid:
            raise RuntimeError("Only the process that runs the job can report.")
        self.tell("progress", dumps(value))

    def tell(self, kind: Kind, body: bytes) -> None:
        """Send a value with what has been spent until now."""
        if os.getpid() != self._pid:  # the job has forked, and its child has returned from it too
            os._exit(1)
        with self._lock:
            if self._ended:  # a thread that the job has left behind
                return
            self._ended = kind in ("done", "failed")
            now = time.monotonic()
            if now >= self._next_measure or self._ended:
                self._next_measure = now + _MEASURE_EVERY
                self.meter.look()
            seconds = now - self._started
            peak = self.meter.peak
            report = Report(kind, self._job, seconds, time.process_time(), peak, body)
            self._line.send(report.pack())
            self._line.finish()

    def _listen(self) -> None:
        with self._lock:
            if self._ended or os.getpid() != self._pid:
                return
            for frame in self._line.receive():
                self._asked |= pickle.loads(frame) == ("stop", self._job)
