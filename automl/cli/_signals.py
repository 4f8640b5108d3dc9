"""Ctrl-C and SIGTERM on the command line."""

import contextlib
import os
import signal
import threading

from automl._interrupt import Interruption

_PATIENCE = 1.0  # seconds for the workers' end when the user wants to leave at once


class Signals(Interruption):
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
    >>> import signal
    >>> with Signals() as signals:
    ...     signals.gentle = True
    ...     signal.raise_signal(signal.SIGTERM)
    ...     signals(), signals.exit_code
    (True, 143)
    """

    def __init__(self) -> None:
        super().__init__()
        self.gentle = False

    @property
    def exit_code(self) -> int:
        """128 and the signal's number, as shells have it; 0 without a signal."""
        return 0 if self.received is None else 128 + self.received

    def _answer(self, number: int, again: bool) -> None:
        if again:
            _leave(128 + number)
        if not self.gentle:
            raise KeyboardInterrupt


def _leave(exit_code: int) -> None:
    """End the workers and this process, whatever it is doing."""
    from automl.compute import shut_down

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # further ones would only hold up the end

    # In a thread: what was interrupted may hold the lock that this needs. Workers whose server
    # could not be told end by themselves when this process is gone.
    ending = threading.Thread(target=shut_down, daemon=True)
    ending.start()
    ending.join(_PATIENCE)
    with contextlib.suppress(OSError):
        if os.isatty(2):
            os.write(2, b"\n")  # the shell's prompt gets a line of its own
    os._exit(exit_code)
