"""One job at a time: a lock that the kernel gives back however its holder ends.

What counts is the kernel's lock on the file (``flock``), not that the file is there. So a lock
never outlives its process, whether that was killed, its number was given to another, or it ran in
another container; nothing has to be guessed. The file holds who has it, for the message to those
who wait.
"""

import errno
import json
import os
import shlex
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from automl.exceptions import MissingDependencyError, RegistryLockedError, RegistryWriteError

POLL = 0.05
"""Seconds between two looks at a lock that another holds."""

_held: set[int] = set()
"""Open files with a lock. A forked child closes its copies: else it would go on holding the lock
of a parent that was killed."""


def _close_in_child() -> None:
    for number in _held:
        with suppress(OSError):
            os.close(number)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_in_child)


def this_process(owner: str) -> dict[str, Any]:
    """Say who does something: name, process, machine, command.

    Examples
    --------
    >>> sorted(this_process("retrain"))
    ['command', 'host', 'owner', 'pid']
    """
    return {
        "owner": owner,
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "command": _command(),
    }


def _command() -> str:
    program = Path(sys.argv[0])
    name = program.parent.name if program.name == "__main__.py" else program.name
    return shlex.join([name, *sys.argv[1:]])


@contextmanager
def hold(path: Path, owner: str, timeout: float | None) -> Iterator[Mapping[str, Any] | None]:
    """Hold a lock for the time of a ``with`` block.

    Parameters
    ----------
    path : Path
        The lock's file. It stays.
    owner : str
        Who takes it, in a word.
    timeout : float or None
        Seconds to wait for another holder; ``None`` waits for as long as it takes.

    Yields
    ------
    mapping or None
        The holder before, if it ended without giving the lock back.

    Raises
    ------
    RegistryLockedError
        If another job has it for longer than that.
    """
    number = _take(path, timeout)
    _held.add(number)
    try:
        left = _read_owner(path)
        since = datetime.now(UTC).isoformat(timespec="seconds")
        _write_owner(number, json.dumps({**this_process(owner), "since": since}).encode())
        try:
            yield left
        except Exception:
            _write_owner(number, b"")  # ended by an error, and not cut off
            raise
        _write_owner(number, b"")
    finally:
        _held.discard(number)
        with suppress(OSError):
            os.close(number)  # gives the lock back


def holder(path: Path) -> Mapping[str, Any] | None:
    """Who has a lock now; ``None`` if nobody has.

    Parameters
    ----------
    path : Path

    Returns
    -------
    mapping or None
        Empty if the holder has not yet said who it is.
    """
    try:
        number = os.open(path, os.O_RDWR)
    except OSError:
        return None
    try:
        return None if _try(number, path) else _read_owner(path) or {}
    except (MissingDependencyError, RegistryWriteError):  # where nothing can hold a lock
        return None
    finally:
        os.close(number)


def _take(path: Path, timeout: float | None) -> int:
    """Open and lock the file; wait for it where another has it."""
    # Twice at least: who only asks for the holder has it for a moment.
    give_up = None if timeout is None else time.monotonic() + max(timeout, POLL)
    while True:
        number = _open(path)
        try:
            if _try(number, path):
                return number
        except BaseException:
            os.close(number)
            raise
        os.close(number)
        if give_up is not None and time.monotonic() >= give_up:
            raise RegistryLockedError(_told(path, timeout))
        time.sleep(POLL)


def _open(path: Path) -> int:
    try:
        path.parent.mkdir(exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as e:
        raise RegistryWriteError(f"The lock {path} can't be written: {e.strerror}.") from e


def _try(number: int, path: Path) -> bool:
    """Lock an open file if nobody else has."""
    try:
        import fcntl
    except ImportError as e:
        raise MissingDependencyError(
            "A registry can be changed on Linux and macOS only; reading it works everywhere."
        ) from e
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as e:
        if e.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return False
        raise RegistryWriteError(
            f"The file system of {path} can't lock files ({e.strerror}), and without that two "
            "jobs could damage the registry: move it to a local disk."
        ) from e
    return True


def _read_owner(path: Path) -> Mapping[str, Any] | None:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _write_owner(number: int, content: bytes) -> None:
    with suppress(OSError):  # on a full disk the lock is as good without a name in it
        os.ftruncate(number, 0)
        os.pwrite(number, content, 0)


def described(who: Mapping[str, Any]) -> str:
    """Show who has or had a lock.

    Examples
    --------
    >>> described({"owner": "retrain", "pid": 7, "host": "a", "since": "2026-01-01T00:00:00"})
    'retrain (process 7 on a, since 2026-01-01T00:00:00)'
    >>> described({})
    'another job'
    """
    if not {"owner", "pid", "host"} <= who.keys():
        return "another job"
    since = f", since {who['since']}" if "since" in who else ""
    command = f": {who['command']}" if "command" in who else ""
    return f"{who['owner']} (process {who['pid']} on {who['host']}{since}{command})"


def _told(path: Path, timeout: float | None) -> str:
    return (
        f"The registry {path.parent.parent} is in use by {described(_read_owner(path) or {})}; "
        f"waited {timeout:g} s. Try again later."
    )
