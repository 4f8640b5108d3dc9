"""The line between driver and worker: whole messages over a socket that may stop within one.

Nothing here blocks the driver: what has not arrived completely is kept until the rest comes, and
what the other side does not take is sent later. So a worker that is stopped, or writes half a
message, costs its own job only.
"""

import select
import socket
import struct
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, Self

Kind = Literal["ready", "began", "progress", "done", "failed"]

_KINDS: tuple[Kind, ...] = ("ready", "began", "progress", "done", "failed")
_PREFIX = struct.Struct("!4sQ")  # before each frame: a mark, and how many bytes follow
_MARK = b"\xa5aml"
_HEAD = struct.Struct("!BQddQ")
_AT_ONCE = 2**18  # bytes per read, about what a socket's buffer holds


class GarbledError(ValueError):
    """What arrived is not a message."""


@dataclass(frozen=True)
class Report:
    """What a worker says: of which job, what it has spent, and a pickled value behind it."""

    kind: Kind
    job: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0
    body: bytes = b""

    def pack(self) -> bytes:
        """Write this report as a frame."""
        spent = (self.seconds, self.cpu_seconds, self.peak_bytes)
        return _HEAD.pack(_KINDS.index(self.kind), self.job, *spent) + self.body

    @classmethod
    def unpack(cls, frame: bytes) -> Self:
        """Read a frame.

        Raises
        ------
        GarbledError
            If it is not one.
        """
        if len(frame) < _HEAD.size or frame[0] >= len(_KINDS):
            raise GarbledError(f"{frame[:20]!r} does not begin a report")
        kind, job, seconds, cpu_seconds, peak_bytes = _HEAD.unpack_from(frame)
        spent = (seconds, cpu_seconds, peak_bytes)
        return cls(_KINDS[kind], job, *spent, frame[_HEAD.size :])


class Line:
    """One end of the line. The driver asks for what has come; the worker waits for it."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._socket = end
        self._arrived = bytearray()
        self._frames: deque[bytes] = deque()
        self._unsent = bytearray()

    def fileno(self) -> int:
        """Return the socket's number."""
        return self._socket.fileno()

    def close(self) -> None:
        """Close this end."""
        self._socket.close()

    @property
    def wants(self) -> int:
        """What `select.poll` should look for."""
        return select.POLLIN | (select.POLLOUT if self._unsent else 0)

    def send(self, frame: bytes) -> None:
        """Send what goes at once and keep the rest for `flush`."""
        self._unsent += _PREFIX.pack(_MARK, len(frame))
        self._unsent += frame
        self.flush()

    def flush(self) -> None:
        """Send what goes of that which was kept; nothing is kept for an end that is closed."""
        try:
            while self._unsent:
                sent = self._socket.send(self._unsent)
                del self._unsent[:sent]
        except BlockingIOError:
            return
        except OSError:  # `receive` will tell, behind what the other end had still to say
            self._unsent.clear()

    def receive(self) -> Iterator[bytes]:
        """Yield the frames that are here completely.

        Raises
        ------
        EOFError
            If the other end is closed and all frames are read.
        GarbledError
            If what has arrived behind them can't be a frame.
        """
        if not self._frames:
            with suppress(BlockingIOError):
                self._take(self._socket.recv(_AT_ONCE))
        while self._frames:
            yield self._frames.popleft()
        self._require_mark()

    def wait(self) -> bytes:
        """Return the next frame when it is here; for the worker, which may block."""
        while (frame := next(self.receive(), None)) is None:
            self._poll(select.POLLIN)
        return frame

    def finish(self) -> None:
        """Return when all is sent; for the worker, which may block."""
        while self._unsent:
            self._poll(select.POLLOUT)
            self.flush()

    def _take(self, data: bytes) -> None:
        """Cut what has arrived into frames."""
        if not data:
            raise EOFError("the other end is closed")
        self._arrived += data
        while len(self._arrived) >= _PREFIX.size:
            mark, length = _PREFIX.unpack_from(self._arrived)
            end = _PREFIX.size + length
            if mark != _MARK or len(self._arrived) < end:
                return
            self._frames.append(bytes(memoryview(self._arrived)[_PREFIX.size : end]))
            del self._arrived[:end]

    def _require_mark(self) -> None:
        begun = bytes(self._arrived[: _PREFIX.size])
        if not _MARK.startswith(begun[: len(_MARK)]):
            raise GarbledError(f"{begun!r} does not begin a message")

    def _poll(self, event: int) -> None:
        poll = select.poll()
        poll.register(self._socket, event)
        poll.poll()
