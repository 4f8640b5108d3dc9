"""Pickles a user's callable so that a process without the user's modules can run it."""

import pickle
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from automl.exceptions import UsageError


def dumps_by_value(name: str, value: object) -> bytes:
    """Pickle `value` with the code of every module that is not an installed package.

    A worker process starts in another folder and imports no script of the user: only
    installed packages are there, everything else must travel along.
    """
    import cloudpickle  # type: ignore[import-untyped]

    try:
        with _by_value():
            payload: bytes = cloudpickle.dumps(value)
    except (pickle.PicklingError, TypeError, AttributeError, ValueError, RuntimeError) as error:
        raise UsageError(
            f"metric {name!r} can't be sent to the worker processes: "
            f"{type(error).__name__}: {error}. Use a function that holds no open file, lock "
            "or connection."
        ) from error
    return payload


@contextmanager
def _by_value() -> Iterator[None]:
    import cloudpickle

    known = cloudpickle.cloudpickle.list_registry_pickle_by_value()
    chosen = [m for m in _local_modules() if m.__name__ not in known]
    for module in chosen:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in chosen:
            cloudpickle.unregister_pickle_by_value(module)


def _local_modules() -> list[ModuleType]:
    """Return the imported modules that a fresh interpreter would not find."""
    paths = sysconfig.get_paths()
    installed = tuple(
        str(Path(paths[key]).resolve()) for key in ("stdlib", "platstdlib", "purelib", "platlib")
    )
    return [
        module
        for name, module in list(sys.modules.items())
        if isinstance(module, ModuleType)
        and module.__name__ == name
        and name != "__main__"
        and name.partition(".")[0] != "automl"
        and _is_local(getattr(module, "__file__", None), installed)
    ]


def _is_local(file: str | None, installed: tuple[str, ...]) -> bool:
    if not file or not file.endswith(".py"):
        return False
    path = Path(file).resolve()
    if {"site-packages", "dist-packages"} & set(path.parts):
        return False
    return not str(path).startswith(installed)
