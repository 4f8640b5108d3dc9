"""Evaluates a metric that has a name."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

from automl.objective._catalogue import Entry, entries
from automl.objective._confusion import count
from automl.objective._decision import Decision, best_position, count_all, decisions
from automl.objective._errors import MetricError
from automl.objective._labels import label_codes
from automl.objective._types import Array, Weights


@dataclass(frozen=True)
class NamedEvaluator:
    """A metric of the catalogue, for one task and one positive class.

    With `decided`, a metric of labels is taken at the decision that suits it best.
    """

    name: str
    task: str
    positive: int
    decided: bool = False
    entry: Entry = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "entry", entries(self.task)[self.name])

    def __call__(self, y: Array, predictions: Array, w: Weights) -> float:
        # 0 / 0 on a degenerate sample is nan, which is the answer.
        with np.errstate(all="ignore"):
            try:
                return self.entry.sign * self._compute(y, predictions, w)
            except ValueError as error:
                raise MetricError(f"metric {self.name!r} can't be computed: {error}") from error

    def _compute(self, y: Array, predictions: Array, w: Weights) -> float:
        entry = self.entry
        flip = self.task == "binary" and self.positive == 0
        if entry.needs == "label":
            n_classes = max(predictions.shape[1], 2)
            if self.decided:
                return self._best(y, predictions, w)
            table = count(y, label_codes(predictions), n_classes, w)
            return entry.function(table.reversed() if flip else table)
        if self.task == "multiclass":
            return entry.function(y, predictions, w)
        column = predictions[:, 0]
        if flip and entry.ranks_positive:
            return entry.function(1 - y, -column, w)
        return entry.function(y, column, w)

    def _best(self, y: Array, predictions: Array, w: Weights) -> float:
        options = decisions(y, max(predictions.shape[1], 2), w)
        scores = self.score_each(y, predictions, options, w)
        return scores[best_position(options, [-score for score in scores])]

    def score_each(
        self, y: Array, predictions: Array, options: Sequence[Decision], w: Weights
    ) -> list[float]:
        """Score the labels of each decision, without going through all rows each time."""
        flip = self.task == "binary" and self.positive == 0
        tables = count_all(y, predictions, options, w)
        with np.errstate(all="ignore"):
            return [self.entry.function(t.reversed() if flip else t) for t in tables]

    def to_bytes(self) -> bytes:
        """Return the names that make this object again, as JSON."""
        request = asdict(self)
        del request["entry"]
        return json.dumps(request, sort_keys=True).encode()

    @classmethod
    def from_bytes(cls, payload: bytes) -> "NamedEvaluator":
        """Undo `to_bytes`."""
        return cls(**json.loads(payload))
