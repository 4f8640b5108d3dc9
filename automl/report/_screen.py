"""Standard error: plain lines, and on a terminal one status line below them."""

import os
import threading
from typing import TextIO

_ERASE = "\r\x1b[2K"
_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"
_DEFAULT_WIDTH = 80


class Screen:
    """A text stream whose last line may be a status that changes. Safe to use from threads.

    Parameters
    ----------
    stream : TextIO or None
        Usually ``sys.stderr``; nothing is written where there is none.

    Attributes
    ----------
    live : bool
        Whether a status line can be shown: the stream is a terminal that can erase a line.

    Examples
    --------
    >>> import io
    >>> screen = Screen(io.StringIO())
    >>> screen.live
    False
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._lock = threading.RLock()
        self._status = ""
        self.live = _is_terminal(stream)
        self._coloured = self.live and not os.environ.get("NO_COLOR")

    def line(self, text: str) -> None:
        """Write a line above the status."""
        with self._lock:
            self._write((_ERASE if self._status else "") + text + "\n" + self._status)

    def status(self, text: str, strong: str = "") -> None:
        """Replace the status line; an empty one takes it away.

        Parameters
        ----------
        text : str
            Cut to the terminal's width.
        strong : str
            The part of `text` to show in bold.
        """
        if not self.live:
            return
        with self._lock:
            shown = self._fit(text, strong)
            if shown != self._status:
                self._status = shown
                self._write(_ERASE + shown)

    def _fit(self, text: str, strong: str) -> str:
        width = self._width() - 1  # a full line would wrap on some terminals
        cut = text if len(text) <= width else text[: max(0, width - 1)] + "…"
        if strong and self._coloured and strong in cut:
            return cut.replace(strong, f"{_BOLD}{strong}{_PLAIN}", 1)
        return cut

    def _width(self) -> int:
        try:
            assert self._stream is not None
            columns = os.get_terminal_size(self._stream.fileno()).columns
        except (AssertionError, OSError, ValueError):
            columns = 0
        return columns or _DEFAULT_WIDTH

    def _write(self, text: str) -> None:
        if self._stream is None:
            return
        try:
            try:
                self._stream.write(text)
            except UnicodeEncodeError:
                self._stream.write(text.encode("ascii", "replace").decode())
            self._stream.flush()
        except (OSError, ValueError):  # closed, or nobody reads it: progress is not worth a run
            self._stream = None


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"
    except (AttributeError, ValueError):
        return False
