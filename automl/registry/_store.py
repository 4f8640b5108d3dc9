"""A registry's folder: its one state, changed under a lock, and nothing else decides."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from automl.exceptions import RegistryError, UsageError
from automl.registry._files import empty_folder, remove_folder, replace_file, writing
from automl.registry._jobs import append_job
from automl.registry._journal import append_event, read_events
from automl.registry._lock import hold, this_process
from automl.registry._state import State
from automl.registry._version import Version

logger = logging.getLogger("automl.registry")

STATE = "registry.json"
OURS = frozenset({STATE, "journal.jsonl", "jobs.jsonl", "versions", "locks", "work", "scratch"})
CHANGE_TIMEOUT = 30.0
"""Seconds to wait for a change that another process is just making; they take moments."""


class Store:
    """The folder of a registry.

    Parameters
    ----------
    path : Path

    Attributes
    ----------
    owner : str
        Who makes the changes.
    work : Path
        What is being written. Whatever lies in it when a change begins was left by a killed job.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.owner = "user"
        self.work = path / "work"

    @property
    def job_lock(self) -> Path:
        """Held by a job for as long as it lasts."""
        return self.path / "locks" / "job"

    @property
    def exists(self) -> bool:
        """Whether the folder is a registry."""
        return (self.path / STATE).is_file()

    def folder(self, number: int) -> Path:
        """Where a version lies."""
        return self.path / "versions" / f"{number:04}"

    def version(self, state: State, number: int) -> Version:
        """A version of this state."""
        return Version(self.folder(number), number, state.versions[number])

    def read(self) -> State:
        """The state now.

        Raises
        ------
        RegistryError
            If it is damaged or of a newer format.
        """
        try:
            content = (self.path / STATE).read_bytes()
        except OSError as e:
            raise RegistryError(f"The registry {self.path} can't be read: {e.strerror}.") from e
        return State.from_json(content, f"the registry {self.path}")

    def events(self) -> list[dict[str, Any]]:
        """The journal, with the last change also where a killed job did not come to write it."""
        events = read_events(self._journal)
        last = self.read().event
        if last and (not events or events[-1].get("number", 0) < last["number"]):
            events.append(dict(last))
        return events

    def create(self) -> None:
        """Make the registry in a folder that is new, empty, or was begun to be one.

        Raises
        ------
        UsageError
            If the folder holds something else.
        """
        with writing(f"The registry {self.path}"):
            self.path.mkdir(parents=True, exist_ok=True)
            others = sorted({p.name for p in self.path.iterdir()} - OURS)
        if others:
            raise UsageError(
                f"The folder {self.path} holds something that is no registry ({others[0]!r}); "
                "name a new or empty one."
            )
        with self._locked():
            if not self.exists:
                with writing(f"The registry {self.path}"):
                    self._make_folders()
                    replace_file(self.path / STATE, State().to_json(), self.work)

    @contextmanager
    def changing(self) -> Iterator[State]:
        """Hold the lock of one change, after removing what killed jobs left."""
        with self._locked():
            state = self.read()
            with writing(f"The registry {self.path}"):
                append_event(self._journal, state.event)
                self._sweep(state)
            yield state

    def commit(self, old: State, new: State, action: str, **facts: Any) -> None:
        """Make a change real: replace the state's file, then tell the journal."""
        event = {
            "number": old.event.get("number", 0) + 1,
            "time": now(),
            "action": action,
            **facts,
            "current": new.current,
            "by": this_process(self.owner),
        }
        state = replace(new, event=event)
        with writing(f"The registry {self.path}"):
            replace_file(self.path / STATE, state.to_json(), self.work)
        try:
            append_event(self._journal, event)
        except OSError as e:
            logger.warning("The journal can't be written (%s); the next job does it.", e.strerror)

    def jobs(self) -> list[dict[str, Any]]:
        """The log of jobs."""
        return read_events(self._jobs)

    def log_job(self, job: Mapping[str, Any]) -> None:
        """Add a job to the log; where that can't be written, what it did counts all the same."""
        try:
            with self._locked():
                append_job(self._jobs, job, self.work)
        except OSError as e:
            logger.warning("The log of jobs can't be written (%s).", e.strerror or e)

    @property
    def _jobs(self) -> Path:
        return self.path / "jobs.jsonl"

    @property
    def _journal(self) -> Path:
        return self.path / "journal.jsonl"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with hold(self.path / "locks" / "state", self.owner, CHANGE_TIMEOUT):
            yield

    def _make_folders(self) -> None:
        for name in ("versions", "scratch"):
            (self.path / name).mkdir(exist_ok=True)

    def _sweep(self, state: State) -> None:
        """Remove what killed jobs left."""
        empty_folder(self.work)
        self._make_folders()
        folder = self.path / "versions"
        listed = {self.folder(number) for number in state.versions}
        for unlisted in set(folder.iterdir()) - listed:
            if unlisted.name.isdecimal():  # what else lies there is not ours
                remove_folder(unlisted, self.work)


def now() -> str:
    """The time, in UTC, as the journal has it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
