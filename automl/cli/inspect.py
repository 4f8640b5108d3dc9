"""Show how the columns of a table are read, and what looks wrong in it.

Prints each column with its role, why it has it, how much is missing, and examples; then warnings:
likely leaks of the target, identifiers, constant columns, repeated rows, rare classes. With
--schema-out the roles go to a file that can be changed and given to fit as --schema.
"""

import argparse
from pathlib import Path

from automl.cli import fit
from automl.cli._console import Console
from automl.cli._options import Option, add_options, path, read_settings
from automl.exceptions import UsageError

_OF_FIT = ("target", "task", "drop", "types", "schema", "json")
OPTIONS = (
    *(option for option in fit.OPTIONS if option.name in _OF_FIT),
    Option("schema-out", "write the roles to this file (TOML)", path, "FILE"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``automl inspect``."""
    parser.add_argument("data", metavar="DATA", help="table to look at; - for standard input")
    add_options(parser, OPTIONS)


def run(args: argparse.Namespace, console: Console) -> int:
    """Read, look, print."""
    settings = read_settings(OPTIONS, args)
    console.json = bool(settings.get("json"))
    target, out = settings.get("target"), settings.get("schema-out")
    types, drop = fit.declared_types(settings), settings.get("drop")
    task = settings.get("task")

    from automl.report import inspection_text
    from automl.table import inspect_table, read_table, roles_text

    found = inspect_table(
        read_table(args.data, skip_bad_rows=True), target, task=task, types=types, drop=drop
    )
    if out is not None:
        _write(out, roles_text(found.columns))
    if console.json:
        console.print_json(found.to_dict())
    else:
        console.print(inspection_text(found.to_dict()))
    return 0


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"--schema-out {file}: it can't be written ({error.strerror})."
        ) from error
