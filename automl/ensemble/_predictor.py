"""The final predictor: a table in, predictions out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from automl.ensemble._calibration import Calibration
from automl.families import Contributing, Model, Movable, get_family
from automl.features import Encoder
from automl.objective import Decision, Metric, decide_labels
from automl.table import Schema, Table, Target
from automl.table._schema import THREADED_ROWS


@dataclass
class Member:
    """One configuration of the ensemble with the files of its fitted models.

    Parameters
    ----------
    name, family, encoding : str
    params : dict
    weight : float
    files : tuple of dict of str to bytes
        One per model; a configuration has a model for each fold, which are averaged.
    folds : tuple of int
        The fold of each model, -1 for one of all rows.
    """

    name: str
    family: str
    encoding: str
    params: Mapping[str, Any]
    weight: float
    files: tuple[Mapping[str, bytes], ...]
    folds: tuple[int, ...] = ()
    _models: list[Model] = field(default_factory=list, repr=False)

    @property
    def models(self) -> list[Model]:
        """The models, loaded when first asked for."""
        if not self._models:
            family = get_family(self.family)
            self._models = [family.load(files) for files in self.files]
        return self._models

    def predict(self, encoded: "Encoded", n_threads: int) -> np.ndarray:
        """Mean over its models, of shape (n_rows, n_outputs)."""
        total: np.ndarray | float = 0.0
        for place, model in enumerate(self.models):
            total = total + model.predict(self.matrix(encoded, place), n_threads=n_threads)
        return np.asarray(total / len(self.models))

    def matrix(self, encoded: "Encoded", place: int) -> np.ndarray:
        """The matrix that one of its models wants: what texts tell depends on the fold.

        It is the same array for all models, and holds until the next one is asked for.
        """
        if encoded.told is not None:
            encoded.values[:, -encoded.told.shape[2] :] = encoded.told[self.folds[place]]
        return encoded.values

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_models": []}


@dataclass(frozen=True)
class Encoded:
    """Rows of a table as numbers.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns)
        The last columns are for what texts tell, where they tell something.
    told : ndarray of shape (n_folds + 1, n_rows, n_told), optional
        What texts tell of the target, as each fold learned it.
    """

    values: np.ndarray
    told: np.ndarray | None


@dataclass
class Predictor:
    """From a table of the user to predictions.

    Parameters
    ----------
    schema : Schema
    target : Target
    encoders : mapping of str to Encoder
        The encodings that the members use.
    members : sequence of Member
    calibration : Calibration, optional
        Last correction of the raw predictions.
    decision : Decision, optional
        Which class to decide for; ``None`` for the most probable one.
    """

    schema: Schema
    target: Target
    encoders: Mapping[str, Encoder]
    members: Sequence[Member]
    calibration: Calibration | None = None
    decision: Decision | None = None

    @property
    def texts(self) -> list[str]:
        """Columns whose cells in a file mean what they did at fit only as they are spelled."""
        target = [self.target.name] if self.target.literal else []
        return [*self.schema.literal, *target]

    def predict_raw(
        self, frame: Any, *, n_threads: int = 1, estimator: str = "AutoModel"
    ) -> np.ndarray:
        """Probabilities or values, of shape (n_rows, n_outputs).

        Raises
        ------
        SchemaError
            If a column is missing or a value has the wrong type.
        """
        encodings = {m.encoding for m in self.members}
        table = self.schema.apply(
            frame,
            estimator=estimator,
            n_threads=n_threads,
            deferred=encodings != {"none"},  # the others read every column
        )
        n_threads = n_threads if table.n_rows >= THREADED_ROWS else 1
        values = {e: self._encode(e, table, n_threads) for e in encodings}
        weights = np.array([m.weight for m in self.members])
        total: np.ndarray | float = 0.0
        for member, weight in zip(self.members, weights / weights.sum(), strict=True):
            total = total + weight * member.predict(values[member.encoding], n_threads)
        raw = np.asarray(total)
        return raw if self.calibration is None else self.calibration.adjust(raw)

    def move(self, device: str) -> None:
        """Predict on a card from now on, as far as the models can; the others on the CPU."""
        for model in (model for member in self.members for model in member.models):
            if isinstance(model, Movable):
                model.move(device)

    def _encode(self, encoding: str, table: Table, n_threads: int) -> Encoded:
        """The matrix of an encoding, column by column for trees, which read it as they like."""
        order: Literal["C", "F"] = "F" if encoding == "tree" else "C"
        encoder = self.encoders[encoding]
        told = encoder.texts.scores(table)
        if told is None:
            return Encoded(encoder.transform(table, order=order, n_threads=n_threads).values, None)
        header = encoder.header(table.schema)
        width = header.shape[1]
        values = np.empty((table.n_rows, width + told.shape[2]), header.values.dtype, order=order)
        encoder.transform(table, out=values[:, :width], n_threads=n_threads)
        return Encoded(values, told)

    def decide(self, raw: np.ndarray) -> np.ndarray:
        """Labels of classification, or values of regression, of shape (n_rows,)."""
        if self.target.classes is None:
            return raw[:, 0]
        return np.asarray(decide_labels(self.decided(raw), self.target.classes))

    def decided(self, raw: np.ndarray) -> np.ndarray:
        """Predictions whose most probable class is the one that is decided for."""
        return raw if self.decision is None else self.decision.adjust(raw)

    def score(
        self,
        metric: Metric,
        codes: np.ndarray,
        raw: np.ndarray,
        sample_weight: np.ndarray | None = None,
    ) -> float:
        """Score raw predictions: the labels of the decision where the metric looks at labels.

        Parameters
        ----------
        metric : Metric
        codes : ndarray of shape (n_rows,)
            The encoded target.
        raw : ndarray of shape (n_rows, n_outputs)
        sample_weight : ndarray of shape (n_rows,), optional

        Returns
        -------
        float
        """
        seen = self.decided(raw) if metric.needs == "label" else raw
        return metric.score(codes, seen, sample_weight)

    def probabilities(self, raw: np.ndarray) -> np.ndarray:
        """One column per class, of shape (n_rows, n_classes)."""
        return np.hstack([1 - raw, raw]) if raw.shape[1] == 1 else raw

    def contributions(self, frame: Any) -> dict[str, float] | None:
        """Share of each raw column in the boosters' own contributions.

        Returns
        -------
        dict of str to float, or None
            Sums to 1; ``None`` if no member can tell.
        """
        table = self.schema.apply(frame)
        shares: dict[str, float] = {}
        for member in self.members:
            encoder = self.encoders[member.encoding]
            encoded = self._encode(member.encoding, table, 1)
            origins = [*encoder.origins(self.schema)]
            origins += [(source,) for _, source in encoder.texts.told_names]
            for place, model in enumerate(member.models):
                if not isinstance(model, Contributing):
                    continue
                values = model.contributions(member.matrix(encoded, place))
                scale = member.weight / len(member.models) / max(float(values.sum()), 1e-300)
                for sources, value in zip(origins, values, strict=True):
                    for source in sources:  # what several columns bring is shared out evenly
                        share = scale * float(value) / len(sources)
                        shares[source] = shares.get(source, 0.0) + share
        total = sum(shares.values())
        return {k: v / total for k, v in shares.items()} if total > 0 else None
