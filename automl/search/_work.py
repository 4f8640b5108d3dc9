"""A job on its way: what it is about, and what the events say of its end."""

from dataclasses import dataclass
from typing import Any

from automl.compute import Event, Failure, Killed
from automl.search._ends import Kind
from automl.search._limits import Allowance
from automl.search._trial import FoldOutcome, Trial


@dataclass(frozen=True)
class Work:
    """The fit of a fold, or the score of a trial.

    Parameters
    ----------
    trial : Trial
    fold : int, optional
        ``None`` for the score.
    allowance : Allowance
    n_threads : int
    device : str
        Where it was sent.
    """

    trial: Trial
    fold: int | None
    allowance: Allowance
    n_threads: int = 1
    device: str = "cpu"

    def reason(self, value: Failure | Killed) -> str:
        """Why it gave no answer, in one line."""
        kind = Kind.SCORE if self.fold is None else Kind.FIT
        return kind.reason(value, self.fold)

    def facts(self, event: Event) -> dict[str, Any]:
        """What the events say of its end."""
        facts = {"fold": self.fold, **cost_of(event)}
        forecast = self.allowance.forecast
        if forecast is not None:
            facts |= {"forecast_seconds": forecast.seconds, "forecast_high": forecast.at(0.95)}
        if self.fold is not None:
            facts |= {"n_threads": self.n_threads, "share": self.allowance.share}
            facts["device"] = self.device
        value = event.value
        if isinstance(value, FoldOutcome):
            facts |= {
                "n_rows": value.n_rows,
                "step": value.step,
                "steps": value.steps,
                "loss": value.loss,
                "interrupted": value.interrupted,
                "device": value.device,
                "copies": value.copies,
            }
        elif event.kind != "done":
            facts["reason"] = self.reason(value)
        return facts


def death_of(event: Event) -> dict[str, Any]:
    """How a worker ended that had no job."""
    return {"result": event.kind, "pid": event.pid, "reason": f"a worker {event.value}"}


def cost_of(event: Event) -> dict[str, Any]:
    """How a job ended, what it took, and where."""
    return {
        "result": event.kind,
        "seconds": event.seconds,
        "cpu_seconds": event.cpu_seconds,
        "peak_bytes": event.peak_bytes,
        "pid": event.pid,
    }
