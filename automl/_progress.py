"""What a run tells while it goes on: to its event log, and to those who watch."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from automl.run import EventLog
from automl.search import Trial

WHOLE_TRIAL = ("started", "ended")
"""Events that carry the trial's summary; the others carry its name."""


@dataclass(frozen=True)
class Progress:
    """What an observer of a run is told.

    Parameters
    ----------
    event : {"look", "phase", "started", "fit", "score", "ended", "aside", "choose", \
"saved", "end"}
        ``look`` comes once, when the table was understood; ``choose`` when the search is over;
        ``end`` last, however the run ended. The others are described in ``docs/events.md``.
    trials : sequence of Trial
        All trials so far, the baseline first.
    trial : Trial, optional
        The one that the event is about.
    facts : mapping
        What the line of the event log says.
    """

    event: str
    trials: Sequence[Trial]
    trial: Trial | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


Observer = Callable[[Progress], None]


class RunLog:
    """Tells the event log and the observers what happens."""

    def __init__(self, events: EventLog, observers: Iterable[Observer]) -> None:
        self._events, self._observers = events, list(observers)
        self.trials: Sequence[Trial] = ()

    def write(self, event: str, facts: Mapping[str, Any], trial: Trial | None = None) -> None:
        """Write a line, then tell the observers."""
        self._events.write(event, facts)
        for observer in self._observers:
            observer(Progress(event, self.trials, trial, facts))

    def close(self) -> None:
        """Tell the observers that the run is over, however it ended."""
        self._events.close()
        for observer in self._observers:
            observer(Progress("end", ()))


def about(trial: Trial | None, kind: str) -> dict[str, Any]:
    """What an event says of its trial."""
    if trial is None:
        return {}
    if kind in WHOLE_TRIAL:
        return trial.summary()
    return {"name": trial.name, "family": trial.family.name}
