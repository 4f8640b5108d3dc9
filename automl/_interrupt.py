"""Ctrl-C and SIGTERM: the first asks the run to end with what it has, the second ends it."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self

from automl.exceptions import NoModelError


class Interruption:
    """Catches SIGINT and SIGTERM while a run is on, where that is possible (the main thread).

    Attributes
    ----------
    received : int or None
        Number of the first signal.

    Examples
    --------
    >>> with Interruption() as interruption:
    ...     signal.raise_signal(signal.SIGINT)
    ...     interruption()
    True
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._before: dict[int, Any] = {}
        self._owner = os.getpid()

    def __call__(self) -> bool:
        """Whether a signal has come."""
        return self.received is not None

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
        again = self.received is not None
        self.received = self.received or number
        self._answer(number, again)

    def _answer(self, number: int, again: bool) -> None:
        """What to do beyond leaving a mark; `again` is True from the second signal on."""
        if again:
            raise KeyboardInterrupt


@contextmanager
def interruptible(interruption: Interruption) -> Iterator[None]:
    """Ctrl-C before a first model was finished is a ``KeyboardInterrupt``, as anywhere else."""
    try:
        yield
    except NoModelError as e:
        if interruption():
            raise KeyboardInterrupt("interrupted before a first model was finished") from e
        raise
