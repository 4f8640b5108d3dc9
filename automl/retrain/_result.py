"""What a retraining brought."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from automl.retrain._rules import Finding

PROMOTED, KEPT, NOTHING, REFUSED = "promoted", "kept", "nothing", "refused"

EXIT_CODES = {PROMOTED: 0, NOTHING: 0, REFUSED: 3, KEPT: 5}


@dataclass(frozen=True)
class RetrainResult:
    """What a retraining brought.

    Parameters
    ----------
    decision : {"promoted", "kept", "nothing", "refused"}
        ``kept``: a challenger was trained and did not win. ``nothing``: there was nothing to do.
        ``refused``: the data must not be trained on.
    reason : str
    mode : {"refit", "search", "auto"}
        As declared.
    trained : str
        What was done, such as ``"refit"``, ``"refit, search"``, or nothing.
    registry : str
    champion : mapping
        With its score on the recent rows, where one was taken.
    challenger : mapping, optional
    difference : float, optional
        Of the scores on the recent rows, above zero where the challenger is better.
    interval : (float, float), optional
        95 % of it.
    weights : str, optional
        Column that rows were weighed by.
    version : int
        That serves now.
    checks : sequence of Finding
    slices : mapping
    metric : str
    seconds : mapping of str to float
        What the parts of the job took.
    """

    decision: str
    reason: str
    mode: str
    registry: str
    champion: Mapping[str, Any]
    version: int
    metric: str
    trained: str = ""
    challenger: Mapping[str, Any] | None = None
    difference: float | None = None
    interval: tuple[float, float] | None = None
    weights: str | None = None
    checks: Sequence[Finding] = ()
    slices: Mapping[str, Any] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """Of the command: 0 promoted or nothing to do, 3 refused, 5 trained and not promoted."""
        return EXIT_CODES[self.decision]

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "decision": self.decision,
            "reason": self.reason,
            "mode": self.mode,
            "trained": self.trained,
            "registry": self.registry,
            "version": self.version,
            "metric": self.metric,
            "champion": dict(self.champion),
            "challenger": None if self.challenger is None else dict(self.challenger),
            "difference": self.difference,
            "interval": None if self.interval is None else list(self.interval),
            "weights": self.weights,
            "slices": dict(self.slices),
            "checks": [finding.to_dict() for finding in self.checks],
            "seconds": dict(self.seconds),
        }
