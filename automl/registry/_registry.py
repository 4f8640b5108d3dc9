"""A folder of model versions, one of which serves."""

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from automl._json import plain
from automl.exceptions import ArtifactError, RegistryError, RegistryWriteError, UsageError
from automl.registry._describe import describe_model, describe_surroundings
from automl.registry._files import (
    empty_folder,
    put_folder,
    remove_folder,
    replace_file,
    writing,
)
from automl.registry._journal import append_event, read_events
from automl.registry._lock import described, hold, holder, this_process
from automl.registry._state import State
from automl.registry._version import MANIFEST, MODEL, Version

logger = logging.getLogger("automl.registry")

STATE = "registry.json"
OURS = frozenset({STATE, "journal.jsonl", "versions", "locks", "work"})
CHANGE_TIMEOUT = 30.0
"""Seconds to wait for a change that another process is just making; they take moments."""


class Registry:
    """A folder of model versions, one of which serves.

    Reading needs no lock. Each change is one replacement of ``registry.json``, so a process
    killed at any moment leaves the state before or the state after; the next change removes what
    was left behind.

    Parameters
    ----------
    path : Path
        An existing registry; :meth:`open` checks and creates.

    Examples
    --------
    >>> import tempfile
    >>> registry = Registry.open(tempfile.mkdtemp(), create=True)
    >>> registry.versions(), registry.current
    ([], None)
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._owner = "user"

    def __repr__(self) -> str:
        return f"Registry({str(self.path)!r})"

    @classmethod
    def open(cls, path: str | Path, *, create: bool = False) -> "Registry":
        """Open a registry.

        Parameters
        ----------
        path : str or Path
        create : bool, default=False
            Make it if there is none: in a new folder or an empty one.

        Returns
        -------
        Registry

        Raises
        ------
        UsageError
            If there is none and it is not to be made, or the folder holds something else.
        RegistryError
            If it is damaged or of a newer format.
        """
        registry = cls(Path(path).expanduser().resolve())
        if is_registry(registry.path):
            registry._read()
        elif create:
            registry._create()
        else:
            raise UsageError(
                f"There is no registry in {registry.path}. `automl models add` makes one."
            )
        return registry

    # -- reading --------------------------------------------------------------------------

    @property
    def current(self) -> Version | None:
        """The version that serves."""
        state = self._read()
        return None if state.current is None else self._version(state, state.current)

    @property
    def before(self) -> Version | None:
        """The version that served before the current one, to which `rollback` returns."""
        state = self._read()
        return self._version(state, state.before[-1]) if state.before else None

    def versions(self) -> list[Version]:
        """All versions, the oldest first."""
        state = self._read()
        return [self._version(state, number) for number in sorted(state.versions)]

    def version(self, number: int | str = "current") -> Version:
        """Find a version.

        Parameters
        ----------
        number : int or str, default="current"
            A number, ``"current"``, or ``"before"`` for the one that served before.

        Returns
        -------
        Version

        Raises
        ------
        UsageError
            If there is none.
        """
        state = self._read()
        if number == "current":
            found = state.current
            if found is None:
                raise UsageError(f"No version of {self.path} serves yet; promote one.")
        elif number == "before":
            found = state.before[-1] if state.before else None
            if found is None:
                raise UsageError(f"No version of {self.path} served before the current one.")
        else:
            found = _number(number)
        if found is None or found not in state.versions:
            there = ", ".join(map(str, sorted(state.versions))) or "none yet"
            raise UsageError(
                f"There is no version {number!r} in {self.path}; there are: {there}; "
                "and the words current and before."
            )
        return self._version(state, found)

    @property
    def job(self) -> Mapping[str, Any] | None:
        """Who holds :meth:`lock` now: ``owner``, ``pid``, ``host``, ``since``, ``command``."""
        return holder(self.path / "locks" / "job")

    def history(self) -> list[dict[str, Any]]:
        """Every change, the oldest first: ``number``, ``time``, ``action``, ``version``,
        ``reason``, ``by`` and what else belongs to it.
        """
        events = read_events(self.path / "journal.jsonl")
        last = self._read().event
        if last and (not events or events[-1].get("number", 0) < last["number"]):
            events.append(dict(last))  # a killed job did not come to write it
        return events

    # -- changing -------------------------------------------------------------------------

    @contextmanager
    def lock(self, owner: str, timeout: float | None = 10.0) -> Iterator["Registry"]:
        """Be the only job on this registry for the time of a ``with`` block.

        For jobs that read, train and then promote, and should not do so twice at a time. Single
        changes need no lock and are not held up by it: a `rollback` works while a job trains.

        Parameters
        ----------
        owner : str
            What the job is called, in messages to others and in the journal.
        timeout : float or None, default=10.0
            Seconds to wait for another job; ``None`` waits for as long as it takes.

        Raises
        ------
        RegistryLockedError
            If another job has it for longer than that.
        """
        with hold(self.path / "locks" / "job", owner, timeout) as left:
            if left:
                logger.warning("The job before this one was cut off: %s.", described(left))
            before, self._owner = self._owner, owner
            try:
                with self._changing():
                    pass  # sweeps
                yield self
            finally:
                self._owner = before

    def add(
        self,
        model: str | Path | bytes,
        lineage: Mapping[str, Any],
        decision: Mapping[str, Any] | None = None,
        *,
        files: Mapping[str, str | Path] | None = None,
        reason: str = "",
    ) -> Version:
        """Add a model as a new version; it does not serve before it is promoted.

        Parameters
        ----------
        model : str, Path or bytes
            The saved model, the folder of its run, or the content of the file. It is copied.
        lineage : mapping
            JSON values that say where it comes from: ``data`` (see
            :func:`automl.table.fingerprint`), ``parent`` (by default the current version),
            ``configuration``, ``seed``, ``scores``.
        decision : mapping, optional
            JSON values: how it compared with the version that served.
        files : mapping of str to path, optional
            Further files to keep with it, by name.
        reason : str, default=""
            For the journal.

        Returns
        -------
        Version

        Raises
        ------
        ArtifactError
            If the model can't be read, is damaged, or a name of `files` is not allowed.
        RegistryWriteError
            If it can't be written. The registry is then as before.
        """
        from automl.artifact import load_bytes, read_path

        content = model if isinstance(model, bytes) else read_path(Path(model))
        _, saved = load_bytes(content, "the model" if isinstance(model, bytes) else str(model))
        kept = {MODEL: content, **_read_files(files or {})}
        surroundings = describe_surroundings()
        with self._changing() as state:
            number = state.following
            manifest = {
                "number": number,
                "created": _now(),
                "by": this_process(self._owner),
                "parent": lineage.get("parent", state.current),
                "lineage": dict(lineage),
                "decision": None if decision is None else dict(decision),
                "surroundings": surroundings,
                "model": describe_model(saved),
                "files": {name: _facts(value) for name, value in kept.items()},
            }
            text = json.dumps(plain(manifest), indent=1, allow_nan=False).encode() + b"\n"
            new = state.added(hashlib.sha256(text).hexdigest())
            path = self._folder(number)
            with writing(f"Version {number} of the registry {self.path}"):
                put_folder(path, {**kept, MANIFEST: text}, self._work)
            try:
                self._commit(state, new, "add", version=number, reason=reason)
            except RegistryWriteError:
                remove_folder(path, self._work)
                raise
        return self._version(new, number)

    def promote(
        self, number: int | str, reason: str = "", *, expected: int | None = None
    ) -> Version:
        """Let a version serve. Its model is checked first.

        Parameters
        ----------
        number : int or str
        reason : str, default=""
        expected : int, optional
            The version that was compared with: if another one serves by now, refuse.

        Returns
        -------
        Version

        Raises
        ------
        UsageError
            If there is no such version, or the one that serves is not the expected one.
        ArtifactError
            If it is damaged.
        """
        with self._changing() as state:
            version = self.version(number)
            version.read()
            if expected is not None and state.current != expected:
                raise UsageError(
                    f"Version {version.number} was to follow {expected}, but {state.current} "
                    "serves by now: compare with that one first."
                )
            if state.current != version.number:
                new = state.promoted(version.number)
                self._commit(state, new, "promote", version=version.number, reason=reason)
        return version

    def rollback(self, reason: str = "") -> Version:
        """Let the version serve again that did so before the current one.

        One that is damaged is passed over with a warning.

        Returns
        -------
        Version

        Raises
        ------
        UsageError
            If none did.
        """
        with self._changing() as state:
            for number in reversed(state.before):
                version = self._version(state, number)
                try:
                    version.read()
                except (ArtifactError, RegistryError) as e:
                    logger.warning("%s", e)
                    continue
                new = state.rolled_back(number)
                self._commit(state, new, "rollback", version=number, reason=reason)
                return version
        raise UsageError(f"No version of {self.path} served before the current one.")

    def prune(self, keep: int, reason: str = "") -> list[int]:
        """Delete old versions, but never the one that serves or the one before it.

        Parameters
        ----------
        keep : int
            How many of the newest versions stay.
        reason : str, default=""

        Returns
        -------
        list of int
            The versions that were deleted.
        """
        if keep < 1:
            raise UsageError(f"keep={keep} is not allowed: give 1 or more.")
        with self._changing() as state:
            numbers = sorted(state.versions)
            spared = {state.current, *state.before[-1:], *numbers[-keep:]}
            gone = tuple(n for n in numbers if n not in spared)
            if gone:
                self._commit(state, state.pruned(gone), "prune", versions=gone, reason=reason)
                for number in gone:
                    remove_folder(self._folder(number), self._work)
        return list(gone)

    # -- inside ---------------------------------------------------------------------------

    @property
    def _work(self) -> Path:
        return self.path / "work"

    def _folder(self, number: int) -> Path:
        return self.path / "versions" / f"{number:04}"

    def _version(self, state: State, number: int) -> Version:
        return Version(self._folder(number), number, state.versions[number])

    def _read(self) -> State:
        try:
            content = (self.path / STATE).read_bytes()
        except OSError as e:
            raise RegistryError(f"The registry {self.path} can't be read: {e.strerror}.") from e
        return State.from_json(content, f"the registry {self.path}")

    def _create(self) -> None:
        with writing(f"The registry {self.path}"):
            self.path.mkdir(parents=True, exist_ok=True)
            others = sorted({p.name for p in self.path.iterdir()} - OURS)
        if others:
            raise UsageError(
                f"The folder {self.path} holds something that is no registry ({others[0]!r}); "
                "name a new or empty one."
            )
        with hold(self.path / "locks" / "state", "create", CHANGE_TIMEOUT):
            if not is_registry(self.path):
                with writing(f"The registry {self.path}"):
                    (self.path / "versions").mkdir(exist_ok=True)
                    replace_file(self.path / STATE, State().to_json(), self._work)

    @contextmanager
    def _changing(self) -> Iterator[State]:
        """Hold the lock of one change, after removing what killed jobs left."""
        with hold(self.path / "locks" / "state", self._owner, CHANGE_TIMEOUT):
            state = self._read()
            with writing(f"The registry {self.path}"):
                append_event(self.path / "journal.jsonl", state.event)
                self._sweep(state)
            yield state

    def _sweep(self, state: State) -> None:
        """Remove what killed jobs left."""
        empty_folder(self._work)
        folder = self.path / "versions"
        folder.mkdir(exist_ok=True)
        listed = {self._folder(number) for number in state.versions}
        for unlisted in set(folder.iterdir()) - listed:
            remove_folder(unlisted, self._work)

    def _commit(self, old: State, new: State, action: str, **facts: Any) -> None:
        """Make a change real: replace ``registry.json``, then tell the journal."""
        event = {
            "number": old.event.get("number", 0) + 1,
            "time": _now(),
            "action": action,
            **facts,
            "current": new.current,
            "by": this_process(self._owner),
        }
        state = replace(new, event=event)
        with writing(f"The registry {self.path}"):
            replace_file(self.path / STATE, state.to_json(), self._work)
        try:
            append_event(self.path / "journal.jsonl", event)
        except OSError as e:
            logger.warning("The journal can't be written (%s); the next job does it.", e.strerror)


def is_registry(path: str | Path) -> bool:
    """Whether a folder is a registry."""
    return (Path(path) / STATE).is_file()


def _number(text: int | str) -> int | None:
    return int(text) if str(text).isdecimal() else None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _facts(content: bytes) -> dict[str, Any]:
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _read_files(files: Mapping[str, str | Path]) -> dict[str, bytes]:
    found = {}
    for name, path in files.items():
        if name in (MODEL, MANIFEST) or Path(name).name != name or name.startswith("."):
            raise ArtifactError(f"A file of a version can't be called {name!r}.")
        try:
            found[name] = Path(path).read_bytes()
        except OSError as e:
            raise ArtifactError(f"The file {path} can't be read: {e.strerror}.") from e
    return found
