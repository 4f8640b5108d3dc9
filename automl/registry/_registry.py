"""A folder of model versions, one of which serves."""

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from automl._json import plain
from automl.exceptions import ArtifactError, RegistryError, RegistryWriteError, UsageError
from automl.registry._describe import describe_model, describe_surroundings
from automl.registry._files import empty_folder, put_folder, remove_folder, writing
from automl.registry._lock import described, hold, holder, this_process
from automl.registry._store import Store, now
from automl.registry._version import MANIFEST, MODEL, Version

logger = logging.getLogger("automl.registry")


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
        self._store = Store(path)

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
        if registry._store.exists:
            registry._store.read()
        elif create:
            registry._store.create()
        else:
            raise UsageError(
                f"There is no registry in {registry.path}. `automl models add` makes one."
            )
        return registry

    # -- reading --------------------------------------------------------------------------

    @property
    def current(self) -> Version | None:
        """The version that serves."""
        state = self._store.read()
        return None if state.current is None else self._store.version(state, state.current)

    @property
    def before(self) -> Version | None:
        """The version that served before the current one, to which `rollback` returns."""
        state = self._store.read()
        return self._store.version(state, state.before[-1]) if state.before else None

    def versions(self) -> list[Version]:
        """All versions, the oldest first."""
        state = self._store.read()
        return [self._store.version(state, number) for number in sorted(state.versions)]

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
        state = self._store.read()
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
        return self._store.version(state, found)

    @property
    def job(self) -> Mapping[str, Any] | None:
        """Who holds :meth:`lock` now: ``owner``, ``pid``, ``host``, ``since``, ``command``."""
        return holder(self._store.job_lock)

    def history(self) -> list[dict[str, Any]]:
        """Every change, the oldest first: ``number``, ``time``, ``action``, ``version``,
        ``reason``, ``by`` and what else belongs to it.
        """
        return self._store.events()

    def jobs(self) -> list[dict[str, Any]]:
        """What :meth:`log_job` was told of the latest jobs, the oldest first."""
        return self._store.jobs()

    # -- changing -------------------------------------------------------------------------

    @property
    def scratch(self) -> Path:
        """Folder for what a job writes while it holds :meth:`lock`.

        It is emptied when a job takes the lock and when it gives it back, so what a killed job
        wrote there is gone with the next one.
        """
        return self.path / "scratch"

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
        with hold(self._store.job_lock, owner, timeout) as left:
            if left:
                logger.warning("The job before this one was cut off: %s.", described(left))
            before, self._store.owner = self._store.owner, owner
            try:
                with self._store.changing():
                    pass  # sweeps
                empty_folder(self.scratch)
                yield self
            finally:
                empty_folder(self.scratch)
                self._store.owner = before

    def log_job(self, job: Mapping[str, Any]) -> None:
        """Note what became of a job, also if nothing; the latest thousand are kept.

        Parameters
        ----------
        job : mapping
            JSON values, such as ``decision`` and ``reason``. The time and the process are added.
        """
        self._store.log_job({"time": now(), **job, "by": this_process(self._store.owner)})

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
        with self._store.changing() as state:
            number = state.following
            manifest = {
                "number": number,
                "created": now(),
                "by": this_process(self._store.owner),
                "parent": lineage.get("parent", state.current),
                "lineage": dict(lineage),
                "decision": None if decision is None else dict(decision),
                "surroundings": surroundings,
                "model": describe_model(saved),
                "files": {name: _facts(value) for name, value in kept.items()},
            }
            text = json.dumps(plain(manifest), indent=1, allow_nan=False).encode() + b"\n"
            new = state.added(hashlib.sha256(text).hexdigest())
            path = self._store.folder(number)
            with writing(f"Version {number} of the registry {self.path}"):
                put_folder(path, {**kept, MANIFEST: text}, self._store.work)
            try:
                self._store.commit(state, new, "add", version=number, reason=reason)
            except RegistryWriteError:
                remove_folder(path, self._store.work)
                raise
        return self._store.version(new, number)

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
        with self._store.changing() as state:
            version = self.version(number)
            version.read()
            if expected is not None and state.current != expected:
                raise UsageError(
                    f"Version {version.number} was to follow {expected}, but {state.current} "
                    "serves by now: compare with that one first."
                )
            if state.current != version.number:
                new = state.promoted(version.number)
                self._store.commit(state, new, "promote", version=version.number, reason=reason)
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
        with self._store.changing() as state:
            for number in reversed(state.before):
                version = self._store.version(state, number)
                try:
                    version.read()
                except (ArtifactError, RegistryError) as e:
                    logger.warning("%s", e)
                    continue
                new = state.rolled_back(number)
                self._store.commit(state, new, "rollback", version=number, reason=reason)
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
        with self._store.changing() as state:
            numbers = sorted(state.versions)
            spared = {state.current, *state.before[-1:], *numbers[-keep:]}
            gone = tuple(n for n in numbers if n not in spared)
            if gone:
                self._store.commit(
                    state, state.pruned(gone), "prune", versions=gone, reason=reason
                )
                for number in gone:
                    remove_folder(self._store.folder(number), self._store.work)
        return list(gone)


def is_registry(path: str | Path) -> bool:
    """Whether a folder is a registry."""
    return Store(Path(path)).exists


def _number(text: int | str) -> int | None:
    return int(text) if str(text).isdecimal() else None


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
