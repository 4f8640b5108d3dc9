"""Where each fit of a run is done: on the CPU, or on the card."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from automl.compute import Failure, Killed
from automl.families import DeviceUse, Family, Problem
from automl.features import Matrix
from automl.search._card import HOPE, OnCard, choose_place, has_room
from automl.search._cost import CostModel, Forecast
from automl.search._ends import is_card_memory
from automl.search._plan import SearchPlan
from automl.search._trial import Trial
from automl.search._work import Work

logger = logging.getLogger("automl.search")

USABLE = 0.85
"""Share of a card's free memory that is planned with."""

CHECKING = 8.0
"""Seconds that the check of a family on a card is expected to take."""

ERRORS = 3
"""A family that raised so many errors on the card is not sent there again; one that ended its
process, hung, or trained elsewhere without saying so, at once."""

LEAST_SHARE = 0.2
"""Where a card is insisted on, a fit that ran out of its memory is tried there with fewer rows,
until it has less than this share of them."""

ALONE = DeviceUse(0.0, exclusive=True)


@dataclass
class _Standing:
    """What is known of a family on the card."""

    trusted: bool = False
    barred: str = ""
    errors: int = 0
    factor: float = 1.0


@dataclass
class _Running:
    use: DeviceUse
    until: float


class Places:
    """Decides where fits run, and keeps the rules of the card.

    Without a card every answer is "cpu", and nothing is asked or counted.

    Parameters
    ----------
    plan : SearchPlan
    costs : CostModel
        Knows each family, and each family on a card.

    Attributes
    ----------
    held : list of (Trial, int, int)
        Fits that wait for room on the card: trial, fold, threads.
    """

    def __init__(self, plan: SearchPlan, costs: CostModel) -> None:
        self._plan, self._costs, self._card = plan, costs, plan.card
        self._standing: dict[str, _Standing] = {}
        self._running: dict[int, _Running] = {}
        self.held: list[tuple[Trial, int, int]] = []
        if self._card is not None:
            able = (f for f in plan.families if type(f).device_use is not Family.device_use)
            self._standing = {f.name: _Standing() for f in able}

    # -- who may use the card -------------------------------------------------------------

    @property
    def users(self) -> list[str]:
        """Families that use the card, or will if their check says so."""
        return [name for name, s in self._standing.items() if not s.barred]

    def unchecked(self) -> list[str]:
        """Families that were not checked on the card yet."""
        return [name for name in self.users if not self._standing[name].trusted]

    def trust(self, name: str) -> None:
        """Let a family use the card: there it gives what it gives on the CPU."""
        self._standing[name].trusted = True

    def bar(self, name: str, reason: str) -> None:
        """Let a family use the card no more."""
        self._standing[name].barred = reason

    def why_none(self) -> str:
        """Why no family may use the card; empty where one may."""
        if self.users or not self._standing:
            return ""
        return "; ".join(f"{name}: {s.barred}" for name, s in self._standing.items())

    # -- what runs there ------------------------------------------------------------------

    def choose(self, trial: Trial, n_rows: float, matrix: Matrix) -> str | None:
        """Where a fit is to be done now: "cpu", the card, or ``None`` to wait for the card."""
        use = self.use(trial, matrix)
        if use is None or self._card is None:
            return "cpu"
        checked = self._standing[trial.family.name].trusted
        wait = self._wait(use) + (0.0 if checked else CHECKING)
        if not self._plan.insists:
            problem = replace(self._plan.problem, n_rows=max(2, round(n_rows)))
            width = len(matrix.names)
            cpu = self._costs.forecast(trial.family, trial.params, problem, width=width)
            card = self._on_card(trial.family, trial.params, problem, width)
            place = choose_place(cpu.seconds, card.at(HOPE), wait)
        else:
            place = "wait" if wait > 0 else "card"
        return {"cpu": "cpu", "wait": None, "card": self._card.cuda}[place]

    def use(self, trial: Trial, matrix: Matrix) -> DeviceUse | None:
        """What a fit needs of the card; ``None`` where it does not go there."""
        standing = self._standing.get(trial.family.name)
        if standing is None or standing.barred or trial.off_card:
            return None
        problem = self._plan.problem
        problem = replace(problem, n_rows=max(2, round(trial.share * problem.n_rows)))
        use = trial.family.device_use(trial.params, problem, matrix)
        if use is None:
            return None
        use = replace(use, bytes=use.bytes * standing.factor)
        return use if use.bytes <= self.capacity or self._plan.insists else None

    @property
    def capacity(self) -> float:
        """Bytes of the card that fits may use together."""
        if self._card is None:
            return 0.0
        free = self._card.free_bytes
        return USABLE * (self._card.memory_bytes if free is None else free)

    def begin_fit(self, job: int, trial: Trial, matrix: Matrix, forecast: Forecast | None) -> None:
        """Note that a fit runs on the card."""
        seconds = 0.0 if forecast is None else forecast.seconds
        self.begin(job, self.use(trial, matrix) or ALONE, seconds)

    def begin(self, job: int, use: DeviceUse, seconds: float) -> None:
        """Note that a job runs on the card and is expected to take so long."""
        self._running[job] = _Running(use, time.monotonic() + seconds)

    def end(self, job: int) -> None:
        """Note that a job has ended, wherever it was."""
        self._running.pop(job, None)

    def room_for(self, use: DeviceUse) -> bool:
        """Whether a job of this kind may begin on the card now."""
        return has_room([r.use for r in self._running.values()], use, self.capacity)

    def _wait(self, use: DeviceUse) -> float:
        """Seconds until there is room, as far as one can tell; 0 if there is."""
        if self.room_for(use):
            return 0.0
        now, left = time.monotonic(), sorted(self._running.values(), key=lambda r: r.until)
        while left:
            ended = left.pop(0)
            if has_room([r.use for r in left], use, self.capacity):
                return max(1e-3, ended.until - now)
        return 1e-3

    # -- what it is expected to take ------------------------------------------------------

    def forecast(
        self, family: Family, params: Mapping[str, Any], problem: Problem, width: int
    ) -> Forecast:
        """What a fit is expected to take where it takes less, if the family may use the card."""
        cpu = self._costs.forecast(family, dict(params), problem, width=width)
        if family.name not in self.users:
            return cpu
        card = self._on_card(family, params, problem, width)
        return card if self._plan.insists or card.seconds < cpu.seconds else cpu

    def _on_card(
        self, family: Family, params: Mapping[str, Any], problem: Problem, width: int
    ) -> Forecast:
        return self._costs.forecast(OnCard(family), dict(params), problem, width=width)

    # -- what went wrong there ------------------------------------------------------------

    def take_failure(self, work: Work, value: Failure | Killed) -> bool:
        """Learn from a fit that a card did not bring to an end.

        Returns
        -------
        bool
            Whether it should be tried on the CPU.
        """
        trial, reason = work.trial, work.reason(value)
        name = trial.family.name
        if work.device == "cpu" or name not in self._standing:
            return False
        standing = self._standing[name]
        if is_card_memory(value):
            standing.factor *= 2
            if self._plan.insists and trial.share > LEAST_SHARE:
                return False  # on the card again, with fewer rows
            if not trial.outcomes:
                trial.share = 1.0  # its folds have equal shares
            standing.errors += self._plan.insists
            if standing.errors >= ERRORS:
                self._give_up(name, reason)
        elif isinstance(value, Killed) and value.reason != "died":
            if value.reason == "deadline":
                self._give_up(name, reason)
            return False
        else:
            standing.errors += 1
            at_once = isinstance(value, Killed) or value.type == "DeviceError"
            if at_once or standing.errors >= ERRORS:
                self._give_up(name, reason)
        logger.info("%s goes on on the CPU: %s", trial.name, reason)
        trial.off_card = True
        return True

    def _give_up(self, name: str, reason: str) -> None:
        if not self._standing[name].barred:
            self.bar(name, reason)
            logger.warning("%s trains on the CPU from here on: on the card, %s", name, reason)
