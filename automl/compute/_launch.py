"""The driver's side of the server: start it, reuse it, ask it for workers."""

import atexit
import itertools
import logging
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from automl.compute import _worker
from automl.compute._line import Line
from automl.compute._threads import worker_environment
from automl.exceptions import UsageError

_log = logging.getLogger("automl.compute")
_PATIENCE = 5.0  # seconds for an answer of the server, which answers in milliseconds


class Server:
    """A running server process. Safe to use from several threads."""

    def __init__(self, preload: tuple[str, ...], threads_per_worker: int) -> None:
        self.preload = preload
        self.threads_per_worker = threads_per_worker
        self.users = 0
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._socket, theirs = _socket_pair()
        self._control = Connection(os.dup(self._socket.fileno()))
        with theirs:
            self._process = subprocess.Popen(
                _command_line(theirs.fileno(), preload),
                env=os.environ | worker_environment(threads_per_worker),
                stdin=subprocess.DEVNULL,
                stdout=_error_stream(),  # the driver's own output stays its own
                stderr=_error_stream(),
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def serves(self, preload: tuple[str, ...], threads_per_worker: int) -> bool:
        """Whether workers of this server are what is asked for."""
        fits = threads_per_worker == self.threads_per_worker and set(preload) <= set(self.preload)
        return fits and self.alive

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def fork(self, greeting: _worker.Greeting) -> tuple[int, Line]:
        """Ask for a worker; return its number and the line to it at once.

        The worker reports "ready", with its process, when it is up. If it can't start, the line
        is closed from the other end.
        """
        ours, theirs = _socket_pair()
        line = Line(ours)
        with self._lock, theirs:
            number = next(self._numbers)
            try:
                self._send("fork", number)
                socket.send_fds(self._socket, [b"w"], [theirs.fileno()])
            except OSError:
                self._see_it_end()
        line.send(_worker.dumps(greeting))
        return number, line

    def end(self, worker: int) -> tuple[int | None, float]:
        """End a worker; return the return code, if it can be known, and its CPU seconds.

        A server that does not answer is ended too; its workers end with it.
        """
        with self._lock, suppress(OSError, EOFError):
            self._send("end", worker)
            while self._control.poll(_PATIENCE):
                number, returncode, cpu_seconds = pickle.loads(self._control.recv_bytes())
                if number == worker:
                    return returncode, cpu_seconds
            if self.alive:
                _log.warning("The worker server does not answer; ending it.")
                self._process.kill()
                self._see_it_end()
        return None, 0.0

    def drop(self, worker: int) -> None:
        """End a worker without waiting for it."""
        self._tell("drop", worker)

    def hold(self, folder: Path) -> None:
        """Let the server remove `folder` if the driver dies."""
        self._tell("hold", str(folder))

    def release(self, folder: Path) -> None:
        """Take `hold` back."""
        self._tell("release", str(folder))

    def close(self) -> None:
        """End the server and all its workers."""
        self.abandon()
        try:
            self._process.wait(timeout=1.0)
        except subprocess.TimeoutExpired:  # in the middle of a long import
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()

    def abandon(self) -> None:
        """Close this process's ends of the server's socket."""
        self._socket.close()
        self._control.close()

    def _see_it_end(self) -> None:
        """Wait a moment until `alive` knows that the process is ending."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1.0)

    def _tell(self, verb: str, what: object) -> None:
        with self._lock, suppress(OSError):
            self._send(verb, what)

    def _send(self, verb: str, what: object) -> None:
        self._control.send_bytes(pickle.dumps((verb, what)))


_servers: list[Server] = []
_servers_lock = threading.Lock()


def warm_up(preload: Sequence[str] = (), threads_per_worker: int = 1) -> None:
    """Start the worker server in the background, before there is work for it.

    Call it as early as possible: the server's imports then overlap with whatever comes next. An
    engine with the same settings takes the running server.

    Parameters
    ----------
    preload : sequence of str
        Modules that workers will need. One that can't be imported is passed over.
    threads_per_worker : int
        As for `LocalEngine`.

    Raises
    ------
    UsageError
        On a platform that can't fork.

    Examples
    --------
    >>> warm_up(["json"])
    """
    with _servers_lock:
        _find(tuple(preload), threads_per_worker)


def shut_down() -> None:
    """End the worker servers of this process; it happens by itself when the process ends.

    Work of open engines is lost. The next engine starts another server.

    Examples
    --------
    >>> shut_down()
    """
    with _servers_lock:
        while _servers:
            _servers.pop().close()


def acquire(preload: tuple[str, ...], threads_per_worker: int) -> Server:
    """Return a running server for an engine, which must `release` it."""
    with _servers_lock:
        server = _find(preload, threads_per_worker)
        server.users += 1
        return server


def release(server: Server) -> None:
    """Give a server back. It goes on running, for the next engine."""
    with _servers_lock:
        server.users -= 1


def _find(preload: tuple[str, ...], threads_per_worker: int) -> Server:
    """Return a server that fits, started if there is none; end those of no more use."""
    for server in _servers:
        if server.serves(preload, threads_per_worker):
            return server
    _require_fork()
    for server in [server for server in _servers if not (server.users and server.alive)]:
        _servers.remove(server)
        server.close()
    started = Server(preload, threads_per_worker)
    _log.debug("Started a worker server, process %d.", started.pid)
    _servers.append(started)
    return started


def _socket_pair() -> tuple[socket.socket, socket.socket]:
    """Return two connected sockets that block, whatever ``socket.setdefaulttimeout`` says."""
    pair = socket.socketpair()
    for end in pair:
        end.setblocking(True)
    return pair


def _require_fork() -> None:
    if not (hasattr(os, "fork") and hasattr(socket, "send_fds")):
        raise UsageError(
            f"Training does not run on {sys.platform}: it needs Linux or macOS, whose processes "
            "can fork. Prediction with a saved model works everywhere."
        )


def _command_line(fd: int, preload: tuple[str, ...]) -> list[str]:
    flags = ["-P"]  # no module of the current folder shadows an installed one
    flags += ["-E"] * bool(sys.flags.ignore_environment)
    flags += ["-s"] * bool(sys.flags.no_user_site)
    script = str(Path(__file__).with_name("_server.py"))
    return [sys.executable, *flags, script, str(fd), str(os.getpid()), ",".join(preload)]


def _error_stream() -> int:
    try:
        os.fstat(2)
    except OSError:
        return subprocess.DEVNULL
    return 2


def _forget_parents_servers() -> None:
    """In a forked child: the servers are the parent's, and only it may hold their sockets."""
    global _servers_lock  # noqa: PLW0603 - a thread of the parent may have held the old one
    _servers_lock = threading.Lock()
    while _servers:
        _servers.pop().abandon()


atexit.register(shut_down)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_parents_servers)
