"""The check of a family on the card, before a run trusts it: in a worker, which may die of it."""

import json
import logging
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from automl.compute import Device, Engine, Event, Job
from automl.exceptions import UsageError
from automl.families import Comparison, Family, compare_devices
from automl.search._places import ALONE, CHECKING, Places
from automl.search._plan import SearchPlan
from automl.search._work import cost_of

logger = logging.getLogger("automl.search")

CHECK = f"{__name__}:check"

PATIENCE = 60.0
"""Seconds after which a check is taken for hung: the first kernels of a new card are compiled."""


def check(payload: tuple[str, str], data: Any, channel: Any) -> Comparison:
    """Compare a family on a card with itself on the CPU: the function that workers run."""
    return compare_devices(*payload)


class Checks:
    """Has the families that could use the card checked, one after the other.

    What was found right is remembered for this version of the library, driver and card.

    Parameters
    ----------
    plan : SearchPlan
    engine : Engine
    places : Places
    """

    def __init__(self, plan: SearchPlan, engine: Engine, places: Places) -> None:
        self._plan, self._engine, self._places = plan, engine, places
        self._families = {f.name: f for f in plan.families}
        self._job: tuple[int, str] | None = None
        for name in places.unchecked():
            if self._key(name) in _remembered():
                places.trust(name)

    @property
    def jobs(self) -> list[int]:
        """The check that is on its way."""
        return [] if self._job is None else [self._job[0]]

    def await_answers(self, over: Callable[[], bool], listen: Callable[[], None]) -> None:
        """Begin; where a card is insisted on, wait until it is known which families can use it.

        Raises
        ------
        UsageError
            If none can.
        """
        while self.begin() and self._plan.insists and not over():
            listen()
        if self._plan.insists and (why := self._places.why_none()):
            raise UsageError(f"No family can train on {self._plan.resources.device}: {why}.")

    def begin(self) -> bool:
        """Begin the next check, if the card has room; whether one is on its way or to come."""
        waiting, card = self._places.unchecked(), self._plan.card
        if self._job is None and waiting and card is not None and self._places.room_for(ALONE):
            hard = min(time.monotonic() + PATIENCE, self._plan.clock.deadline or float("inf"))
            job = Job(CHECK, (waiting[0], card.cuda), hard_deadline=hard, place=card.cuda)
            self._job = self._engine.submit(job), waiting[0]
            self._places.begin(self._job[0], ALONE, CHECKING)
        return bool(waiting)

    def take(self, event: Event) -> bool:
        """Take the end of a check; False if the event is about something else."""
        if self._job is None or event.job != self._job[0]:
            return False
        if event.kind == "progress":
            return True
        name, self._job = self._job[1], None
        self._places.end(event.job)
        found = event.value
        if isinstance(found, Comparison):
            reason = found.reason
        else:
            reason = f"its check {found}" if event.kind == "killed" else f"{found.message}"
        if reason:
            self._places.bar(name, reason)
            logger.info("%s trains on the CPU: %s", name, reason)
        else:
            self._places.trust(name)
            _remember(self._key(name))
        facts = {"name": f"check_{name}", **cost_of(event), "reason": reason}
        self._plan.observe("phase", None, facts)
        return True

    def _key(self, name: str) -> str:
        card = self._plan.card
        assert card is not None
        return key_of(self._families[name], card)


def key_of(family: Family, card: Device) -> str:
    """What a check holds for: the versions of the libraries, the driver, the kind of card."""
    found = [f"{name} {_version(name)}" for name in family.libraries]
    return " | ".join([family.name, *found, f"CUDA {card.driver}", card.name, card.capability])


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "?"


def cache_file() -> Path:
    """Where it is remembered what was found right: in the user's folder for caches."""
    folder = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(folder, "automl", "cards.json")


def _remembered() -> Sequence[str]:
    with suppress(OSError, ValueError):
        known = json.loads(cache_file().read_text())
        if isinstance(known, list):
            return known
    return []


def _remember(key: str) -> None:
    """Add a key to the file, complete or not at all; a cache that can't be written is none."""
    file = cache_file()
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".draft-", dir=file.parent) as draft:
            text = json.dumps(sorted({*_remembered(), key}), indent=1)
            Path(draft, file.name).write_text(text)
            Path(draft, file.name).replace(file)
