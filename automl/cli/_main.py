"""The command line as a whole: which command, and how it ends."""

import argparse
import contextlib
import errno
import io
import os
import signal
import traceback
from collections.abc import Sequence
from typing import NoReturn, Protocol

from automl import __version__
from automl.cli import (
    doctor,
    evaluate,
    explain,
    fit,
    inspect,
    leaderboard,
    models,
    predict,
    retrain,
)
from automl.cli._console import Console
from automl.exceptions import AutoMLError, NoModelError, UsageError


class _Command(Protocol):
    """What each command's module has."""

    __doc__: str | None

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, args: argparse.Namespace, console: Console) -> int: ...


COMMANDS: dict[str, _Command] = {
    "inspect": inspect,
    "fit": fit,
    "predict": predict,
    "evaluate": evaluate,
    "leaderboard": leaderboard,
    "explain": explain,
    "retrain": retrain,
    "models": models,
    "doctor": doctor,
}

_EPILOG = """\
exit codes: 0 done, 1 unexpected, 2 usage, 3 data or schema, 4 every trial failed: no model,
5 --min-score not reached (the model is kept), or retrain kept the champion,
6 another job has the registry, 130 Ctrl-C, 143 SIGTERM (best so far is kept)

example: automl fit data.csv --target y --time-budget 10m
"""


class _Parser(argparse.ArgumentParser):
    """Raises instead of leaving the process, so that one place answers all errors."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see {self.prog} --help")


def run_command(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code; nothing but that and output comes out of it.

    Parameters
    ----------
    arguments : sequence of str
        The words after ``automl``.

    Returns
    -------
    int
    """
    with Console(json="--json" in arguments) as console:
        show_traceback = "--traceback" in arguments or _is_set("AUTOML_TRACEBACK")
        try:
            return _run(arguments, console)
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last one who can
            if show_traceback:
                console.note(traceback.format_exc().rstrip())
            return _answer(error, console)


def _run(arguments: Sequence[str], console: Console) -> int:
    parser = _parser()
    if not arguments:
        console.print(parser.format_help())
        return UsageError.exit_code
    shown = io.StringIO()
    try:
        with contextlib.redirect_stdout(shown):
            args = parser.parse_args(arguments)
    except SystemExit:  # after --help and --version
        console.print(shown.getvalue())
        return 0
    from automl.compute import calm_threads

    calm_threads()  # before a library that counts cores is loaded
    return COMMANDS[args.command].run(args, console)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="automl",
        description="Find the best model for a table inside a budget, with an honest score.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"automl {__version__}")
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", required=True, parser_class=_Parser
    )
    for name, module in COMMANDS.items():
        text = module.__doc__ or ""
        command = commands.add_parser(
            name,
            help=text.splitlines()[0].rstrip(".").lower(),
            description=text,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        module.add_arguments(command)
        command.add_argument(
            "--traceback", action="store_true", help="show where an error came from"
        )
    return parser


def _answer(error: BaseException, console: Console) -> int:
    """Tell the user what went wrong, and return the exit code."""
    signals = console.signals
    if signals() or isinstance(error, KeyboardInterrupt):
        # Whatever a library made of it, the signal is the cause.
        early = signals.gentle and isinstance(error, NoModelError)
        when = " before a first model was finished" if early else ""
        console.fail("interrupted", f"Interrupted{when}.")
        return signals.exit_code or 128 + signal.SIGINT
    if isinstance(error, AutoMLError):
        console.fail(error.code, str(error))
        return error.exit_code
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        where = f": {error.filename}" if error.filename else ""
        console.fail("disk_full", f"The disk is full ({error.strerror}){where}.")
        return 1
    text = " ".join(str(error).split())
    console.fail(
        "internal",
        f"unexpected error: {type(error).__name__}: {text}; run with --traceback to see it",
    )
    return 1


def _is_set(variable: str) -> bool:
    return os.environ.get(variable, "").strip().lower() not in ("", "0", "false", "no", "off")
