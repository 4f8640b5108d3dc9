"""The server: imports the heavy libraries once, then forks a ready worker whenever asked.

It is run as a script by the driver. It never computes, so it never has threads, and forking from
it is safe and takes milliseconds. When the driver is gone it ends all workers and itself.
"""

import gc
import os
import pickle
import resource
import select
import shutil
import signal
import socket
import sys
import time
import traceback
from collections.abc import Iterable
from contextlib import suppress
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

_LOOK_EVERY = 0.5  # seconds between two looks at who lives, when nothing happens
_PATIENCE = 2.0  # seconds for a killed process to end, which takes milliseconds


def main() -> None:
    """Read the command line: the control socket, the driver's process, the modules to load."""
    fd, driver, modules = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3].split(",")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the driver to answer
    hard_limit = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard_limit))  # no core files of crashed fits
    _load_own_package()
    _adopt_orphans()
    server = _Server(Connection(fd), driver)
    server.preload(name for name in modules if name)
    server.serve()


def _load_own_package() -> None:
    """Import the package this file belongs to, wherever it lies.

    Its folder is not put on the search path: files beside it could shadow installed modules.
    """
    folder = Path(__file__).resolve().parents[1]
    spec = spec_from_file_location(folder.name, folder / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    package = module_from_spec(spec)
    sys.modules[folder.name] = package
    spec.loader.exec_module(package)
    from automl.compute import _worker  # noqa: F401 - so that every fork has it


class _Server:
    """Forks workers on request; a worker is known by the number the driver gave it."""

    def __init__(self, control: Connection, driver: int) -> None:
        self._control = control
        self._socket = socket.socket(fileno=os.dup(control.fileno()))  # for what carries sockets
        self._driver = driver
        self._hang_up = select.poll()
        self._hang_up.register(control.fileno(), 0)
        self._children: dict[int, int] = {}
        self._held: set[str] = set()

    def preload(self, modules: Iterable[str]) -> None:
        """Import what workers will need, and freeze it so that workers share its memory."""
        gc.disable()
        sys.meta_path.insert(0, self)
        for name in modules:
            try:
                import_module(name)
            except Exception:  # noqa: BLE001, S112 - a job that needs it will say so
                continue
        sys.meta_path.remove(self)
        gc.freeze()

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        """Find no module. Being asked, at every import, is the chance to see a dead driver."""
        if self._driver_is_gone():
            self._leave()

    def serve(self) -> None:
        """Answer the driver until it is gone."""
        while not self._driver_is_gone():
            try:
                if self._control.poll(_LOOK_EVERY):
                    self._answer(*pickle.loads(self._control.recv_bytes()))
                self._look_for_dead()
            except (EOFError, ConnectionError):
                break
        self._leave()

    def _answer(self, verb: str, what: Any) -> None:
        match verb:
            case "fork":
                self._fork(what)
            case "end":
                self._control.send_bytes(pickle.dumps(self._end(what)))
            case "drop":
                self._end(what)
            case "hold":
                self._held.add(what)
            case "release":
                self._held.discard(what)

    def _fork(self, worker: int) -> None:
        """Fork a worker. Where that fails, its socket closes, which tells the driver."""
        _, fds, _, _ = socket.recv_fds(self._socket, 1, 1)
        server = os.getpid()
        try:
            pid = os.fork()
        except OSError:
            os.close(fds[0])
            return
        if pid == 0:
            self._control.close()
            self._socket.close()
            _be_worker(fds[0], server)
        self._children[worker] = pid
        os.close(fds[0])

    def _end(self, worker: int) -> tuple[int, int | None, float]:
        """Kill a worker if it still runs; return its number, return code and CPU seconds."""
        pid = self._children.pop(worker, None)
        if pid is None:
            return worker, None, 0.0
        _kill(pid)
        ended = _reap(pid)
        self._end_orphans()
        return worker, *ended

    def _look_for_dead(self) -> None:
        """End what dead workers have started: it may hold their lines open, and so hide it."""
        if not hasattr(os, "waitid"):  # macOS
            return
        for pid in self._children.values():
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                _kill(pid)
                self._end_orphans()

    def _end_orphans(self) -> None:
        """End processes that have come here when the worker that had started them ended."""
        own = set(self._children.values())
        while orphans := [pid for pid in _children_of_this() if pid not in own]:
            for pid in orphans:
                _kill(pid)
                own.add(pid)
                _reap(pid)

    def _driver_is_gone(self) -> bool:
        # The socket stays open where another process has a copy of it: so look at the parent too.
        return bool(self._hang_up.poll(0)) or os.getppid() != self._driver

    def _leave(self) -> None:
        """End the workers, drop the data shared for them, and end what they started."""
        for pid in self._children.values():
            _kill(pid)
        for folder in self._held:
            shutil.rmtree(folder, ignore_errors=True)
        for worker in list(self._children):
            self._end(worker)
        os.killpg(0, signal.SIGKILL)


def _kill(pid: int) -> None:
    """Kill a process and the group it leads."""
    for end in (os.kill, os.killpg):
        with suppress(OSError):
            end(pid, signal.SIGKILL)


def _reap(pid: int) -> tuple[int | None, float]:
    """Wait for a killed child; return its return code, if it ends in time, and CPU seconds."""
    give_up = time.monotonic() + _PATIENCE
    pause = 0.0002
    with suppress(ChildProcessError):
        while time.monotonic() < give_up:
            ended, status, usage = os.wait4(pid, os.WNOHANG)
            if ended:
                return os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime
            time.sleep(pause)
            pause = min(2 * pause, 0.05)
    return None, 0.0


def _children_of_this() -> list[int]:
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", "rb") as file:
            return [int(pid) for pid in file.read().split()]
    except OSError:
        return []


def _adopt_orphans() -> None:
    """Let processes whose parent, a worker, has ended become children of this one."""
    if sys.platform == "linux":
        import ctypes

        set_child_subreaper = 36
        ctypes.CDLL(None).prctl(set_child_subreaper, 1)


def _be_worker(fd: int, server: int) -> None:
    """Become a worker, in the forked child. Never returns into the server's code."""
    code = 1
    try:
        os.setpgid(0, 0)  # one signal then reaches what its jobs start, too
        _die_with(server)
        from automl.compute import _worker

        _worker.work(fd)
        code = 0
    except BaseException:  # noqa: BLE001 - nothing may unwind into the server's frames
        traceback.print_exc()
    finally:
        os._exit(code)


def _die_with(server: int) -> None:
    """Let the kernel kill this process when the server ends, whatever it is doing then."""
    if sys.platform == "linux":
        import ctypes

        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
    if os.getppid() != server:
        os._exit(1)


if __name__ == "__main__":
    main()
