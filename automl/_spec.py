"""What goes into a fit and what comes out: values that are cheap to import."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from automl.ensemble import Predictor
from automl.families import named_families
from automl.objective import Metric
from automl.table import Schema


@dataclass(frozen=True)
class FitSpec:
    """What a user may declare about a fit; see :class:`automl.AutoModel`.

    `like` is the schema of an earlier table, see :meth:`automl.table.Schema.infer`.
    """

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
    early_stopping: bool = True
    memory: str | int | None = None
    configurations: Any = ()
    starts: Any = ()
    text_encoder: str = "ngrams"
    like: Schema | None = None

    def describe(self) -> dict[str, Any]:
        """The effective configuration as JSON values."""
        declared = (f.name for f in fields(self) if f.name != "like")
        plain = {name: _plain(getattr(self, name)) for name in declared}
        names = named_families(self.families)
        return plain | {"families": "auto" if names == ["auto"] else names}


def _plain(value: Any) -> Any:
    """A JSON value for a declared one; functions and splitters by their name."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return getattr(value, "__name__", type(value).__name__)


@dataclass(frozen=True)
class FitResult:
    """What a fit brought: a predictor and everything that is said of it."""

    predictor: Predictor
    manifest: Mapping[str, Any]
    leaderboard: list[dict[str, Any]]
    metric: Metric
    summary: Mapping[str, Any]
