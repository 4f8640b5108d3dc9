"""Options that can be given in four places: flag, environment, configuration file, default."""

import argparse
import csv
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from automl.exceptions import UsageError

PREFIX = "AUTOML_"
CONFIG = "config"
MODEL = "model.automl, the folder of its run, or a registry: the version that serves"
"""What the argument of commands that read a model may be."""

Read = Callable[[Any], Any]
"""Turns a text, or a value of a TOML file, into the option's value; raises ``ValueError``."""


@dataclass(frozen=True)
class Option:
    """One option of a command.

    Parameters
    ----------
    name : str
        The long option without its dashes.
    help : str
    read : callable, optional
        How its value is read; by default as text.
    metavar : str
        What stands for the value in the help; an option without one is a switch.
    default : object
    """

    name: str
    help: str
    read: Read = str
    metavar: str = ""
    default: Any = None

    @property
    def variable(self) -> str:
        """The environment's name for it."""
        return PREFIX + self.key.upper()

    @property
    def key(self) -> str:
        """Its name in a configuration file; dashes do, too."""
        return self.name.replace("-", "_")


@dataclass(frozen=True)
class Given:
    """A value as it was given, and where."""

    value: Any
    origin: str


def add_options(parser: argparse.ArgumentParser, options: Sequence[Option]) -> None:
    """Add the flags of options to a parser.

    Parameters
    ----------
    parser : ArgumentParser
    options : sequence of Option
    """
    for option in options:
        flag = f"--{option.name}"
        if option.metavar:
            parser.add_argument(flag, metavar=option.metavar, default=None, help=option.help)
        else:
            parser.add_argument(flag, action="store_true", default=None, help=option.help)


class Settings:
    """The options of a command, each from the first of the four places that has it.

    Parameters
    ----------
    options : sequence of Option
    flags : mapping
        What argparse found, by key; ``None`` where a flag was not given.
    environment : mapping of str to str

    Raises
    ------
    UsageError
        If the configuration file can't be read, or has a key that is no option.

    Examples
    --------
    >>> seed = Option("seed", "Seed.", whole(0), "N", 0)
    >>> Settings([seed], {"seed": None}, {"AUTOML_SEED": "7"}).get("seed")
    7
    >>> Settings([seed], {"seed": "x"}, {}).get("seed")
    Traceback (most recent call last):
    ...
    automl.exceptions.UsageError: --seed: 'x' is not allowed, give a whole number from 0 up.
    """

    def __init__(
        self,
        options: Sequence[Option],
        flags: Mapping[str, Any],
        environment: Mapping[str, str],
    ) -> None:
        self._options = {option.name: option for option in options}
        self._given: dict[str, Given] = {}
        for option in options:
            variable = environment.get(option.variable, "")
            if flags.get(option.key) is not None:
                self._given[option.name] = Given(flags[option.key], f"--{option.name}")
            elif variable.strip():
                self._given[option.name] = Given(variable, option.variable)
        if self.given(CONFIG):
            for name, given in self._read_file(self.get(CONFIG)).items():
                self._given.setdefault(name, given)

    def __contains__(self, name: str) -> bool:
        """Whether the command has this option."""
        return name in self._options

    def given(self, name: str) -> bool:
        """Whether the option was given anywhere."""
        return name in self._given

    def get(self, name: str) -> Any:
        """Return an option's value.

        Raises
        ------
        UsageError
            If what was given can't be read; the message says where it was given.
        """
        option = self._options[name]
        if name not in self._given:
            return option.default
        given = self._given[name]
        try:
            return (option.read if option.metavar else switch)(given.value)
        except ValueError as error:
            raise UsageError(f"{given.origin}: {error}") from error

    def _read_file(self, path: Path) -> dict[str, Given]:
        import tomllib

        try:
            content = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise UsageError(
                f"The configuration {path} can't be read: {error.strerror}."
            ) from error
        except ValueError as error:
            raise UsageError(f"The configuration {path} is not TOML: {error}.") from error
        found = {}
        for key, value in content.items():
            name = key.replace("_", "-")
            if name not in self._options or name == CONFIG:
                raise UsageError(f"{path}: {self._unknown(key)}")
            found[name] = Given(value, f"{path}, {key}")
        return found

    def _unknown(self, key: str) -> str:
        known = sorted(o.key for o in self._options.values() if o.name != CONFIG)
        close = get_close_matches(key.replace("-", "_").casefold(), known, n=1)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        return f"there is no option {key!r}{hint}; options are {', '.join(known)}."


def read_settings(options: Sequence[Option], args: argparse.Namespace) -> Settings:
    """Collect the settings of a command from its flags and the process's environment."""
    return Settings(options, vars(args), os.environ)


# -- how values are read ------------------------------------------------------------------


def switch(value: Any) -> bool:
    """Read yes or no.

    Examples
    --------
    >>> switch(True), switch("1"), switch("off")
    (True, True, False)
    """
    text = str(value).strip().lower()
    if text in ("1", "true", "yes", "on"):
        return True
    if text in ("0", "false", "no", "off"):
        return False
    raise ValueError(f"{value!r} is not allowed, give true or false.")


def one_of(*choices: str) -> Read:
    """Read one of a few words."""

    def read(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"{value!r} is not allowed, give one of {', '.join(choices)}.")
        return str(value)

    return read


def whole(least: int | None = None) -> Read:
    """Read a whole number, from `least` up."""

    def read(value: Any) -> int:
        try:
            number = int(value.strip() if isinstance(value, str) else value)
        except (TypeError, ValueError, OverflowError):
            number = None
        small = number is not None and least is not None and number < least
        if number is None or number != _as_number(value) or isinstance(value, bool) or small:
            bound = "" if least is None else f" from {least} up"
            raise ValueError(f"{value!r} is not allowed, give a whole number{bound}.")
        return number

    return read


def number(value: Any) -> float:
    """Read a number.

    Examples
    --------
    >>> number("0.5"), number(3)
    (0.5, 3.0)
    """
    found = _as_number(value)
    if isinstance(value, bool) or math.isnan(found):
        raise ValueError(f"{value!r} is not allowed, give a number.")
    return found


def names(value: Any) -> list[str]:
    """Read names, separated by commas; a name with a comma goes in double quotes.

    Examples
    --------
    >>> names('a, "b,c"'), names(["a", "b,c"])
    (['a', 'b,c'], ['a', 'b,c'])
    """
    if isinstance(value, list):
        parts = [str(part) for part in value]
    else:
        try:
            parts = next(csv.reader([str(value)], skipinitialspace=True), [])
        except csv.Error:
            parts = []
    parts = [part.strip() for part in parts]
    if not parts or not all(parts):
        raise ValueError(f"{value!r} is not allowed, give names separated by commas.")
    return parts


def pairs(value: Any) -> dict[str, str]:
    """Read ``name=value`` pairs, separated by commas; in a configuration file a table does, too.

    Examples
    --------
    >>> pairs("zip=categorical,age=numeric")
    {'zip': 'categorical', 'age': 'numeric'}
    """
    if isinstance(value, dict):
        return {str(k): str(v) for k, v in value.items()}
    found = {}
    for part in names(value):
        name, equals, kind = part.rpartition("=")
        if not (name and equals and kind):
            raise ValueError(f"{part!r} is not allowed, give column=type, separated by commas.")
        found[name.strip()] = kind.strip()
    return found


def path(value: Any) -> Path:
    """Read the path of a file or folder; ``~`` is the user's home."""
    text = str(value)
    if not text:
        raise ValueError("an empty path is not allowed.")
    return Path(text).expanduser()


def _as_number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return float("nan")
