"""A trial: one configuration, evaluated fold by fold."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from automl.families import Family, Params

if TYPE_CHECKING:
    import optuna

WHOLE = -1
"""Number of the fold that stands for all rows, scored out of bag."""


class TrialState(StrEnum):
    """What became of a trial."""

    RUNNING = "running"
    COMPLETE = "complete"
    PRUNED = "pruned"
    FAILED = "failed"
    STOPPED = "stopped"  # the budget ended before its last fold did


@dataclass
class FoldOutcome:
    """What one fit on one fold brought.

    Parameters
    ----------
    loss : float
        The metric on the validation rows, turned so that smaller is better.
    step : int
        Round, epoch or batch that was best.
    seconds : float
        Wall-clock seconds in the worker.
    interrupted : bool
        Whether the clock ended the fit before its own rules did.
    n_rows : int
        Rows that it was trained on.
    steps : int
        Rounds, epochs or batches that were trained.
    device : str
        Where it was trained, read back after the fit.
    copies : int
        Tables that it copied to a card.
    judged_loss : float, optional
        The same as `loss` on the rows that a trial is judged by while others run; `loss` by
        default.
    """

    loss: float
    step: int
    seconds: float = 0.0
    interrupted: bool = False
    n_rows: int = 0
    steps: int = 0
    device: str = "cpu"
    copies: int = 0
    judged_loss: float | None = None

    @property
    def judged(self) -> float:
        """The loss by which a trial is compared with others while it runs."""
        return self.loss if self.judged_loss is None else self.judged_loss


@dataclass
class Trial:
    """One configuration on its way through the folds.

    Parameters
    ----------
    number : int
        Counts all trials of a run; the baseline is 0.
    family : Family
    params : dict
    n_folds : int
    n_rows : int
        Rows that score it, over all its folds.
    is_start : bool
        Whether it is a starting configuration and not a proposal.
    whole : bool
        Whether one fit on all rows, scored out of bag, takes the place of the folds.

    Attributes
    ----------
    share : float
        Share of a fold's training rows that is used: less than 1 where all of them would take
        more time or memory than there is.
    given_up : bool
        Whether it will not be completed; it ends with its last running fold.
    saved_seconds : float
        What it would have gone on to take, had it not been pruned, as far as one can tell.
    judged : int
        Folds, from the first on, by whose losses it was compared with others.
    retried : bool
        Whether a job of it was tried a second time already.
    off_card : bool
        Whether a fit of it failed on the card; the others then run on the CPU.
    hurried : bool
        Whether it fits into the time left only if all workers fit its folds at once.
    """

    number: int
    family: Family
    params: Params
    n_folds: int
    n_rows: int = 1
    is_start: bool = False
    whole: bool = False
    record: "optuna.Trial | None" = None
    state: TrialState = TrialState.RUNNING
    given_up: bool = False
    saved_seconds: float = 0.0
    judged: int = 0
    retried: bool = False
    off_card: bool = False
    hurried: bool = False
    share: float = 1.0
    lost_seconds: float = 0.0
    cpu_seconds: float = 0.0
    outcomes: dict[int, FoldOutcome] = field(default_factory=dict)
    running: set[int] = field(default_factory=set)
    score: float = float("nan")
    reason: str = ""
    traceback: str = ""

    @property
    def name(self) -> str:
        """Its name on the leaderboard."""
        return self.family.name if self.number == 0 else f"{self.family.name}-{self.number}"

    @property
    def seconds(self) -> float:
        """Seconds spent on its fits, those that were given up included."""
        return self.lost_seconds + sum(o.seconds for o in self.outcomes.values())

    @property
    def next_fold(self) -> int | None:
        """The first fold that is neither finished nor running."""
        for fold in [WHOLE] if self.whole else range(self.n_folds):
            if fold not in self.outcomes and fold not in self.running:
                return fold
        return None

    @property
    def finished(self) -> bool:
        """Whether every fold has its outcome."""
        return len(self.outcomes) == (1 if self.whole else self.n_folds)

    @property
    def fold_losses(self) -> list[float]:
        """What the folds 0, 1, ... are judged by, up to the first that is missing."""
        losses: list[float] = []
        while len(losses) in self.outcomes:
            losses.append(self.outcomes[len(losses)].judged)
        return losses

    def summary(self) -> dict[str, Any]:
        """Plain values for the leaderboard and the events."""
        return {
            "name": self.name,
            "family": self.family.name,
            "state": str(self.state),
            "score": self.score,
            "seconds": round(self.seconds, 4),
            "cpu_seconds": round(self.cpu_seconds, 4),
            "saved_seconds": round(self.saved_seconds, 4),
            "share": self.share,
            "folds": len(self.outcomes),
            "device": ",".join(sorted({o.device for o in self.outcomes.values()})),
            "reason": self.reason,
            "params": dict(self.params),
        }
