"""What the sentences of a column say, as vectors of a model that was trained on other texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.features._sentence_model import SentenceModel

DIRECTIONS = 64
"""Main components of the vectors that regressions see, at most;"""
COLUMNS = 16
"""and of these the first are columns for models."""

HELD = 1 << 13
"""Texts whose vectors are held at once, 8 MB."""

WEIGHT = 0.35
"""Length of these components beside tf-idf weights, which have the length 1."""


@dataclass(frozen=True, eq=False)
class Sentences:
    """How the vectors of one column are reduced.

    Parameters
    ----------
    model : SentenceModel
    center : ndarray of float32 of shape (n_dimensions,)
    directions : ndarray of float32 of shape (n_dimensions, n_directions)
        Main components, scaled so that the rows of the fit have the length `WEIGHT` on average.
    n_columns : int
        How many of them are columns for models.
    """

    model: SentenceModel
    center: np.ndarray
    directions: np.ndarray
    n_columns: int

    @classmethod
    def fit(
        cls, model: SentenceModel, vectors: np.ndarray, weight: np.ndarray, affordable: int
    ) -> "Sentences":
        """Learn in which directions texts differ.

        Parameters
        ----------
        model : SentenceModel
        vectors : ndarray of shape (n_texts, n_dimensions)
        weight : ndarray of shape (n_texts,)
            Rows of each text.
        affordable : int
            Columns that models of so many rows can bear.
        """
        total = max(float(weight.sum()), 1.0)
        center = (weight @ vectors / total).astype(np.float32)
        about = (vectors - center).astype(np.float64)
        _, found = np.linalg.eigh((about * weight[:, None]).T @ about)
        directions = found[:, ::-1][:, :DIRECTIONS]
        lengths = np.sqrt(weight @ ((about @ directions) ** 2).sum(axis=1) / total)
        scaled = (directions * WEIGHT / max(lengths, 1e-9)).astype(np.float16)
        return cls(
            model,
            center,
            np.ascontiguousarray(scaled, dtype=np.float32),
            min(COLUMNS, affordable, directions.shape[1]),
        )

    def reduced(self, vectors: np.ndarray) -> np.ndarray:
        """Main components of vectors, float32 of shape (n_texts, n_directions)."""
        return np.asarray((vectors - self.center) @ self.directions)

    def of(self, texts: Sequence[str]) -> np.ndarray:
        """Main components of the vectors of texts, a few of which are held at a time."""
        parts = [texts[i : i + HELD] for i in range(0, len(texts), HELD)]
        empty = np.empty((0, self.directions.shape[1]), np.float32)
        return np.vstack([empty, *(self.reduced(self.model.vectors(part)) for part in parts)])

    def facts(self) -> dict[str, Any]:
        """What is not an array, for JSON."""
        return {**self.model.to_dict(), "columns": self.n_columns}

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays by name."""
        return {"center": self.center, "directions": self.directions}

    @classmethod
    def read(cls, state: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> "Sentences":
        """Inverse of `facts` and `arrays`.

        Raises
        ------
        ValueError
            If they don't belong together.
        """
        center, directions = arrays["center"], arrays["directions"].astype(np.float32)
        n_columns = int(state["columns"])
        if not (
            directions.ndim == 2
            and center.shape == directions.shape[:1]
            and 0 <= n_columns <= directions.shape[1]
        ):
            raise ValueError("the directions of sentences don't belong together")
        return cls(SentenceModel.read(state), center, directions, n_columns)
