"""The worker server's start before anything heavy is imported here.

The server and the command then import numpy, pandas and the boosters at the same time, which
saves a second of every run. To know what the server should import, families are not asked but
read: importing them is what takes the second.
"""

import ast
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from automl._preload import JOB_MODULES
from automl.compute import warm_up


def start_server() -> None:
    """Start the worker server with what any built-in family needs."""
    warm_up(preload_modules())


def preload_modules() -> tuple[str, ...]:
    """Modules that workers import before they fit, as the families' files declare them.

    Examples
    --------
    >>> preload_modules()[0]
    'automl.search._score'
    """
    spec = find_spec("automl.families")
    folders = [] if spec is None else list(spec.submodule_search_locations or [])
    files = [file for folder in folders for file in sorted(Path(folder).glob("[!_]*.py"))]
    declared = (name for file in files for name in _declared(file))
    return tuple(dict.fromkeys([*JOB_MODULES, *declared]))


def _declared(file: Path) -> Iterator[str]:
    """The ``preload = (...)`` of the classes in a file."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError):  # then the server starts later, and complete
        return
    for node in (n for c in tree.body if isinstance(c, ast.ClassDef) for n in c.body):
        match node:
            case ast.Assign(targets=[ast.Name(id="preload")], value=ast.Tuple(elts=names)):
                yield from (str(n.value) for n in names if isinstance(n, ast.Constant))
