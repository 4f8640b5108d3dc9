"""The rules of a card: what may run on it together, and when a fit had better run there.

They are functions of plain values and know nothing of CUDA.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from automl.families import DeviceUse, Family, Problem
from automl.search._cost import TYPICAL_UNIT, Costed

FASTEST, HALF = 40.0, 2.5e7
"""How many times faster than one core boosting is on a card at most, and the cells (rows times
columns) at which it is half as fast as that: estimated, not measured. Below 640,000 cells a core
is quicker. It decides the first fits only; then the cost model knows."""

SHARERS = 3
"""Fits on a card at once: more of them only take turns."""

HOPE = 0.4
"""A fit goes to the card if this quantile of what it may take there is less than what it is
expected to take on the CPU: what is not known yet is tried."""

Place = Literal["cpu", "card", "wait"]


def has_room(running: Sequence[DeviceUse], use: DeviceUse, capacity: float) -> bool:
    """Whether a fit may begin on a card beside those that run there.

    Parameters
    ----------
    running : sequence of DeviceUse
    use : DeviceUse
        Of the new one.
    capacity : float
        Bytes that all of them may use together; one alone is never refused.

    Examples
    --------
    >>> shared, alone = DeviceUse(4e9), DeviceUse(1e9, exclusive=True)
    >>> has_room([], alone, 8e9), has_room([shared], shared, 8e9), has_room([shared], alone, 8e9)
    (True, True, False)
    """
    if not running:
        return True
    if use.exclusive or any(r.exclusive for r in running) or len(running) >= SHARERS:
        return False
    return use.bytes + sum(r.bytes for r in running) <= capacity


def choose_place(cpu: float, card: float, wait: float) -> Place:
    """Where a fit ends first.

    Parameters
    ----------
    cpu, card : float
        Seconds that it is expected to take there.
    wait : float
        Seconds until the card has room; 0 if it has.

    Examples
    --------
    >>> choose_place(10.0, 1.0, 0.0), choose_place(10.0, 1.0, 5.0), choose_place(10.0, 1.0, 50.0)
    ('card', 'wait', 'cpu')
    """
    if cpu <= card + wait:
        return "cpu"
    return "wait" if wait > 0 else "card"


def speed_up(n_rows: float, n_columns: float) -> float:
    """How many times faster than one core a card is expected to be, before anything ran there.

    Examples
    --------
    >>> [round(speed_up(n, 50), 1) for n in (1000, 100_000, 10_000_000)]
    [0.1, 6.7, 38.1]
    """
    return FASTEST / (1 + HALF / max(1.0, n_rows * n_columns))


class OnCard:
    """A family on a card, as the cost model sees it: an arm of its own, which nobody measured."""

    unit_seconds = None

    def __init__(self, family: Family) -> None:
        self._family = family
        self.name = f"{family.name} on a card"
        self.work_spread = family.work_spread

    def work(
        self, params: Mapping[str, Any], problem: Problem, *, width: int | None = None
    ) -> float:
        """What the family expects of a core, less the more the table is worth the card."""
        family = self._family
        unit = TYPICAL_UNIT if family.unit_seconds is None else family.unit_seconds
        seconds = unit * family.work(params, problem, width=width)
        columns = family.matrix_width(params, problem, width)
        return seconds / speed_up(problem.n_rows, columns) / TYPICAL_UNIT


def costed(family: Family, device: str) -> Costed:
    """The family, or the family on a card, for the cost model.

    Examples
    --------
    >>> from automl.families import family_names, get_family
    >>> first = get_family(family_names()[0])
    >>> costed(first, "cpu").name, costed(first, "cuda:1").name
    ('constant', 'constant on a card')
    """
    return family if device == "cpu" else OnCard(family)
