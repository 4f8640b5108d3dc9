"""What a registry is at one moment: which versions there are, and which one serves."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from automl.exceptions import RegistryError

FORMAT = 1
"""The layout of a registry. A reader refuses a number above its own."""


@dataclass(frozen=True)
class State:
    """The content of ``registry.json``, which is replaced whole at every change.

    Parameters
    ----------
    current : int or None
        The version that serves.
    before : tuple of int
        Those that served before it, the latest last.
    versions : mapping of int to str
        The SHA-256 of each version's manifest. A folder that is not listed is no version.
    following : int
        The number of the next version. No number is given twice.
    event : mapping
        The last change, as the journal has it.

    Examples
    --------
    >>> state = State().added("ab").promoted(1).added("cd").promoted(2)
    >>> state.current, state.before, state.promoted(1).before
    (2, (1,), (2,))
    >>> State.from_json(state.to_json()) == state
    True
    """

    current: int | None = None
    before: tuple[int, ...] = ()
    versions: Mapping[int, str] = field(default_factory=dict)
    following: int = 1
    event: Mapping[str, Any] = field(default_factory=dict)

    def added(self, digest: str) -> Self:
        """With one version more."""
        versions = {**self.versions, self.following: digest}
        return replace(self, versions=versions, following=self.following + 1)

    def promoted(self, number: int) -> Self:
        """With another version that serves."""
        served = [*self.before, *([] if self.current is None else [self.current])]
        before = tuple(n for n in served if n != number)
        return replace(self, current=number, before=before)

    def rolled_back(self, number: int) -> Self:
        """With an earlier one serving again; those after it no longer count as before."""
        return replace(self, current=number, before=self.before[: self.before.index(number)])

    def pruned(self, numbers: tuple[int, ...]) -> Self:
        """Without some versions."""
        return replace(
            self,
            versions={n: d for n, d in self.versions.items() if n not in numbers},
            before=tuple(n for n in self.before if n not in numbers),
        )

    def to_json(self) -> bytes:
        """The content of the file."""
        value = {
            "format": FORMAT,
            "current": self.current,
            "before": self.before,
            "versions": self.versions,
            "next": self.following,
            "event": self.event,
        }
        return json.dumps(value, indent=1).encode() + b"\n"

    @classmethod
    def from_json(cls, content: bytes, origin: str = "the registry") -> Self:
        """Read the file.

        Raises
        ------
        RegistryError
            If it is damaged or of a newer format.
        """
        try:
            value = json.loads(content)
            number = value["format"]
            if type(number) is not int or number < 1:
                raise ValueError(f"it has the format {number!r}, which there never was")
            if number > FORMAT:
                raise RegistryError(
                    f"{origin} has format {number}; this version of automl reads up to "
                    f"{FORMAT}: upgrade it."
                )
            state = cls(
                None if value["current"] is None else int(value["current"]),
                tuple(int(n) for n in value["before"]),
                {int(n): str(digest) for n, digest in value["versions"].items()},
                int(value["next"]),
                dict(value["event"]),
            )
            state._check()
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as e:
            if isinstance(e, RegistryError):
                raise
            raise RegistryError(f"registry.json of {origin} is damaged: {e}.") from e
        return state

    def _check(self) -> None:
        for number in (*self.before, *([] if self.current is None else [self.current])):
            if number not in self.versions:
                raise ValueError(f"it names version {number}, which is not among its versions")
        if self.versions and max(self.versions) >= self.following:
            raise ValueError(f"its next version, {self.following}, is there already")
