"""Where a command's output goes: the result to standard output, all else to standard error."""

import contextlib
import json
import logging
import os
import sys
import warnings
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from automl._json import plain
from automl.cli._signals import Signals
from automl.exceptions import AutoMLError
from automl.report import Screen


class OutputError(AutoMLError, OSError):
    """The result can't be written where it was asked for."""

    code = "output"


class Console:
    """Standard output and standard error of one command, and its signals.

    While it is open, nothing but the command's result reaches standard output: what a library or
    a user's metric prints goes to standard error, so that a result can be piped and parsed.

    Parameters
    ----------
    json : bool
        Whether the result, or the error, is one JSON object.

    Attributes
    ----------
    screen : Screen
        Standard error.
    signals : Signals
    """

    def __init__(self, *, json: bool = False) -> None:
        self.json = json
        self.screen = Screen(sys.stderr)
        self.signals = Signals()
        self._handler = _Lines(self.screen)
        self._stack = contextlib.ExitStack()
        self._stdout: int | None = None

    def __enter__(self) -> Self:
        self._stack.enter_context(self.signals)
        self._stdout = self._take_stdout()
        self._stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        os.environ.setdefault("PYTHONWARNINGS", "ignore")  # for the worker processes
        for name, handler in (("automl", self._handler), ("", logging.NullHandler())):
            logger = logging.getLogger(name)
            logger.addHandler(handler)
            self._stack.callback(logger.removeHandler, handler)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.screen.status("")
        self._stack.close()

    def be_quiet(self) -> None:
        """Let only errors reach standard error."""
        self._handler.setLevel(logging.ERROR)

    def note(self, text: str) -> None:
        """Write a line to standard error."""
        self.screen.line(text)

    def inform(self, text: str) -> None:
        """Write a line to standard error that a quiet command leaves out."""
        if self._handler.level <= logging.WARNING:
            self.note(text)

    def print(self, text: str) -> None:
        """Write text to standard output, as the result."""
        if not text.endswith("\n"):
            text += "\n"
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        self.write(text.encode(encoding, errors="backslashreplace"))

    def print_json(self, value: Mapping[str, Any]) -> None:
        """Write an object to standard output; what is no number becomes null."""
        self.print(json.dumps(plain(value), indent=2, allow_nan=False))

    def write(self, content: bytes) -> None:
        """Write bytes to standard output; who reads it may stop before its end.

        Raises
        ------
        OutputError
            If they can't be written.
        """
        self.screen.status("")
        rest = memoryview(content)
        try:
            while self._stdout is not None and len(rest):
                rest = rest[os.write(self._stdout, rest) :]
        except BrokenPipeError:
            self._stdout = None
        except OSError as error:
            self._stdout = None
            raise OutputError(f"Standard output can't be written: {error.strerror}.") from error

    def fail(self, code: str, message: str) -> None:
        """Tell the user of an error, and the program that reads the JSON, too."""
        self.screen.line(f"error: {message}")
        if self.json:
            with contextlib.suppress(OutputError):
                self.print_json({"error": {"code": code, "message": message}})

    def _take_stdout(self) -> int | None:
        """Keep standard output for the result; what else writes to it gets standard error."""
        try:
            sys.stdout.flush()
            ours = os.dup(1)
        except (AttributeError, OSError):  # closed by the caller
            return None
        self._stack.callback(_point_stdout_to, ours)
        with contextlib.suppress(OSError):  # standard error is closed
            os.dup2(2, 1)
        return ours


def _point_stdout_to(ours: int) -> None:
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    os.dup2(ours, 1)
    os.close(ours)


class _Lines(logging.Handler):
    """Writes log records as plain lines that don't tear the progress line."""

    def __init__(self, screen: Screen) -> None:
        super().__init__(logging.WARNING)
        self._screen = screen

    def emit(self, record: logging.LogRecord) -> None:
        self._screen.line(f"{record.levelname.lower()}: {record.getMessage()}")
