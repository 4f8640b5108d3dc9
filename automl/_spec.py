"""What goes into a fit and what comes out: values that are cheap to import."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from automl.ensemble import Predictor
from automl.objective import Metric


@dataclass(frozen=True)
class FitSpec:
    """What a user may declare about a fit; see :class:`automl.AutoModel`."""

    metric: str | Callable[..., Any] = "auto"
    time_budget: float | str | None = 60
    max_trials: int | None = None
    task: str = "auto"
    families: str | Sequence[str] = "auto"
    ensemble: bool = True
    cv: Any = "auto"
    n_jobs: int | None = -1
    device: str = "auto"
    seed: int = 0
    run_dir: str | Path | None = None
    positive_label: Any = None
    types: Mapping[str, str] = field(default_factory=dict)
    drop: Sequence[str] = ()
    pruning: bool = True

    def describe(self) -> dict[str, Any]:
        """The effective configuration as JSON values."""
        plain = asdict(self) | {"run_dir": None if self.run_dir is None else str(self.run_dir)}
        for name in ("metric", "cv"):
            if not isinstance(plain[name], str | int):
                plain[name] = getattr(plain[name], "__name__", type(plain[name]).__name__)
        plain["families"] = (
            plain["families"]
            if plain["families"] == "auto"
            else list(
                [plain["families"]] if isinstance(plain["families"], str) else plain["families"]
            )
        )
        return plain


@dataclass(frozen=True)
class FitResult:
    """What a fit brought: a predictor and everything that is said of it."""

    predictor: Predictor
    manifest: Mapping[str, Any]
    leaderboard: list[dict[str, Any]]
    metric: Metric
    summary: Mapping[str, Any]
