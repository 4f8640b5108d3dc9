"""The worker: a forked child of the server that runs one job after another.

It talks to the driver over one socket. Messages are pickled; values travel as a frame of their
own behind their header, so that a large one is pickled once only.
"""

import gc
import math
import os
import pickle
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from automl.compute import _shared
from automl.compute._engine import DataRef, Failure, Job

PROTOCOL = 5
_POLL_EVERY = 0.005  # seconds between two looks at the socket: a look costs about 20 us


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


def send(link: Connection, message: Any) -> None:
    """Send one pickled message."""
    link.send_bytes(pickle.dumps(message, PROTOCOL))


def receive(link: Connection) -> Any:
    """Receive one pickled message."""
    return pickle.loads(link.recv_bytes())


def decode(kind: str, frame: bytes) -> tuple[Any, Any]:
    """Read a value in the driver; one that can't be read there fails its job, not the driver."""
    try:
        return kind, pickle.loads(frame)
    except Exception as error:  # noqa: BLE001 - the trial boundary
        return "failed" if kind == "done" else kind, Failure.of(error)


def work(fd: int) -> None:
    """Run jobs that arrive over the socket `fd` until the driver closes it."""
    gc.enable()
    link = Connection(fd)
    try:
        _settle_in(receive(link))
        send(link, ("ready", os.getpid()))
        _serve(link)
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


def _serve(link: Connection) -> None:
    cache: dict[Any, Any] = {}
    opened: dict[DataRef, dict[str, Any]] = {}
    while True:
        message = receive(link)
        if message[0] == "job":
            _, number, job = message
            _run(_WorkerChannel(link, number, job.soft_deadline, cache), job, opened)


def _run(channel: "_WorkerChannel", job: Job, opened: dict[DataRef, dict[str, Any]]) -> None:
    """Call the job's function; whatever it raises is its result."""
    channel.tell("began", b"")
    payload = channel.link.recv_bytes()
    try:
        function = _find(job.function)
        for ref in job.data:
            if ref not in opened:
                opened[ref] = _shared.read(ref)
        data = [dict(opened[ref]) for ref in job.data]
        answer = function(pickle.loads(payload), data, channel)
        kind, frame = "done", pickle.dumps(answer, PROTOCOL)
    except BaseException as error:  # noqa: BLE001 - the trial boundary; SystemExit and panics too
        kind, frame = "failed", pickle.dumps(Failure.of(error), PROTOCOL)
    sys.stdout.flush()
    channel.tell(kind, frame)


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
        self, link: Connection, job: int, soft_deadline: float | None, cache: dict[Any, Any]
    ) -> None:
        self.cache = cache
        self.link = link
        self._job = job
        self._deadline = math.inf if soft_deadline is None else soft_deadline
        self._started = time.monotonic()
        self._next_look = 0.0
        self._asked = False

    @property
    def stopped(self) -> bool:
        now = time.monotonic()
        if not self._asked and now >= self._next_look:
            self._next_look = now + _POLL_EVERY
            while self.link.poll(0):
                self._asked |= receive(self.link) == ("stop", self._job)
        return self._asked or now >= self._deadline

    def time_left(self) -> float:
        return self._deadline - time.monotonic()

    def report(self, value: Any) -> None:
        self.tell("progress", pickle.dumps(value, PROTOCOL))

    def tell(self, kind: str, frame: bytes) -> None:
        """Send a header with the time spent, then the value."""
        seconds = time.monotonic() - self._started
        send(self.link, (kind, self._job, seconds, time.process_time()))
        self.link.send_bytes(frame)
