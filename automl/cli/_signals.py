"""Ctrl-C and SIGTERM on the command line."""

import contextlib
import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

_PATIENCE = 1.0  # seconds for the workers' end when the user wants to leave at once


class Signals:
    """What SIGINT and SIGTERM do to a command.

    The first one raises ``KeyboardInterrupt``, or, once `gentle` is set, only leaves a mark, so
    that a search can end with what it has. The second one ends the process at once.

    Attributes
    ----------
    received : int or None
        Number of the first signal.
    gentle : bool
        Whether the first signal only leaves a mark.

    Examples
    --------
    >>> with Signals() as signals:
    ...     signals.gentle = True
    ...     signal.raise_signal(signal.SIGTERM)
    ...     signals(), signals.exit_code
    (True, 143)
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self.gentle = False
        self._before: dict[int, Any] = {}
        self._owner = os.getpid()

    def __call__(self) -> bool:
        """Whether a signal has come."""
        return self.received is not None

    @property
    def exit_code(self) -> int:
        """128 and the signal's number, as shells have it; 0 without a signal."""
        return 0 if self.received is None else 128 + self.received

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)

    def _take(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._owner:
            return
        if self.received is not None:
            _leave(128 + number)
        self.received = number
        if not self.gentle:
            raise KeyboardInterrupt


def _leave(exit_code: int) -> None:
    """End the workers and this process, whatever it is doing."""
    from automl.compute import shut_down

    # In a thread: what was interrupted may hold the lock that this needs. Workers whose server
    # could not be told end by themselves when this process is gone.
    ending = threading.Thread(target=shut_down, daemon=True)
    ending.start()
    ending.join(_PATIENCE)
    with contextlib.suppress(OSError):
        if os.isatty(2):
            os.write(2, b"\n")  # the shell's prompt gets a line of its own
    os._exit(exit_code)
