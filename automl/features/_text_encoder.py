"""All columns of texts of a table: how they become numbers, and how that is saved."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from automl.features._sentence_model import SentenceModel
from automl.features._texts import COMPONENTS, COUNTS, TextColumn, text_columns
from automl.features._told import MOST_OUTPUTS, Outcome, Told, fit_told
from automl.table import Schema, Table, Texts

LONGEST = 10_000
SHORTEST = 20
"""Characters of a text that are read at most, and at least."""

READING, TELLING = 1.5e-6, 7e-7
"""Seconds of a core for a character that is counted, weighted and reduced; and more for each
output of which it is learned in `FOLDS` folds what texts tell."""
FOLDS = 5

EMBEDDING = 1.5e-6
"""And what vectors of sentences take."""

CHARACTER_BYTES = 150.0
"""What a character takes for a while, where regressions are fitted."""
MOST_BYTES = 2e9
MEMORY_SHARE = 0.5
"""Memory that texts may take where it is not limited; and their share of it where it is."""

MOST_MET, LONGEST_MET = 5000, 200
"""Texts of single rows that are remembered with what they became, and the bytes of the longest."""

MOST_ROWS = 200_000
"""Rows up to which regressions are fitted inside the folds."""


@dataclass(frozen=True)
class TextEncoder:
    """The fitted columns of texts.

    Parameters
    ----------
    columns : tuple of TextColumn
    told : tuple of Told
        What they tell of the target, fold by fold; empty if that was not fitted.
    """

    columns: tuple[TextColumn, ...] = ()
    told: tuple[Told, ...] = field(default=())

    @classmethod
    def fit(
        cls,
        table: Table,
        *,
        seconds: float = np.inf,
        memory: float | None = None,
        n_outputs: int = 1,
        n_folds: int = FOLDS,
        sentences: bool = False,
    ) -> "TextEncoder":
        """Learn from all rows, without the target.

        Parameters
        ----------
        table : Table
        seconds : float
            About what it may take, `tell` included: of many long texts less is read then.
        memory : float, optional
            Bytes that this process may have.
        n_outputs, n_folds : int
            Columns of a prediction, and folds in which it is learned what texts tell.
        sentences : bool
            Whether vectors of sentences are made, too.
        """
        model = SentenceModel.installed() if sentences else None
        reading = READING + (EMBEDDING if sentences else 0.0)
        n_bytes = MOST_BYTES if memory is None else min(MOST_BYTES, MEMORY_SHARE * memory)
        reading += TELLING * n_outputs * (n_folds + 1) / (FOLDS + 1)
        affordable = min(n_bytes / CHARACTER_BYTES, seconds / reading)
        return cls(text_columns(table, longest=_longest(table, affordable), model=model))

    @staticmethod
    def tells(table: Table, n_outputs: int) -> bool:
        """Whether a table has texts, and not too many rows and scores to learn what they tell."""
        n_scores = len(table.schema.readable) * n_outputs
        return 0 < n_scores <= MOST_OUTPUTS and table.n_rows <= MOST_ROWS

    def tell(self, table: Table, outcome: Outcome) -> tuple["TextEncoder", np.ndarray]:
        """Fit inside each fold what the texts tell of the target.

        Parameters
        ----------
        table : Table
            That of the fit.
        outcome : Outcome

        Returns
        -------
        TextEncoder
        ndarray of shape (n_folds + 1, n_rows, n_scores), float32
            Scores of these rows in each fold, and last where all of them are trained on.
        """
        if not self.columns or not self.tells(table, outcome.y.shape[1]):
            return self, np.empty((len(outcome.folds) + 1, table.n_rows, 0), np.float32)
        found = [fit_told(column, table, outcome) for column in self.columns]
        scores = np.concatenate([scores for _, scores in found], axis=2)
        return TextEncoder(self.columns, tuple(told for told, _ in found)), scores

    @property
    def names(self) -> tuple[tuple[str, str], ...]:
        """Each number with the column that it comes from."""
        return tuple((name, c.name) for c in self.columns for name in c.names)

    @property
    def told_names(self) -> tuple[tuple[str, str], ...]:
        """Each score with the column that it comes from."""
        return tuple((name, t.column.name) for t in self.told for name in t.names)

    @property
    def models(self) -> tuple[SentenceModel, ...]:
        """The models that vectors of sentences come from."""
        found = (c.sentences.model for c in self.columns if c.sentences is not None)
        return tuple(dict.fromkeys(found))

    @property
    def folds(self) -> frozenset[int]:
        """The folds that rows are scored by, -1 for all rows; none if nothing was told."""
        n = self.told[0].weights.shape[1] - 1 if self.told else -1
        return frozenset(range(-1, n))

    def numbers(self, table: Table, rows: slice) -> np.ndarray:
        """Float32 of shape (n_rows, n_names), NaN where there is no text."""
        table = self._with_what_was_kept(table)
        found = [c.of_rows(table.texts[c.name].take(rows)) for c in self.columns]
        return np.hstack(found) if found else np.empty((table.n_rows, 0), np.float32)[rows]

    def scores(self, table: Table) -> np.ndarray | None:
        """Scores of new rows by each fold, of shape (n_folds + 1, n_rows, n_scores)."""
        if not self.told:
            return None
        table = self._with_what_was_kept(table)
        return np.concatenate([told.scores(table) for told in self.told], axis=2)

    def _with_what_was_kept(self, table: Table) -> Table:
        """The table; if it has one row, with what its texts became the last time.

        Working that out takes longer than all else that a row needs, and categories come again.
        """
        if table.n_rows > 1 or not self.columns:
            return table
        return replace(table, texts={n: self._remembered(t) for n, t in table.texts.items()})

    def _remembered(self, texts: Texts) -> Texts:
        if len(texts) > 1 or len(texts.buffer) > LONGEST_MET:
            return texts
        text = texts.buffer.tobytes() if len(texts) else None
        if len(self._met) < MOST_MET:
            self._met.setdefault(text, texts.kept)
        return replace(texts, kept=self._met.get(text, texts.kept))

    @cached_property
    def _met(self) -> dict[bytes | None, dict[Any, Any]]:
        """What was worked out of single texts, by their content, and of none."""
        return {}

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; the arrays are in `content`."""
        told = {"told": True} if self.told else {}
        return {"columns": [c.facts() for c in self.columns]} | told

    @cached_property
    def content(self) -> bytes:
        """The arrays as one ``.npz``."""
        arrays = {f"{i}.{k}": v for i, c in enumerate(self.columns) for k, v in c.arrays().items()}
        arrays |= {f"{i}.told": t.weights for i, t in enumerate(self.told)}
        for name, values in arrays.items():
            if name.endswith((".told", ".components", ".directions")):
                arrays[name] = values.astype(np.float16)  # they are rounded to that
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **arrays)
        return buffer.getvalue()

    @classmethod
    def read(cls, state: Mapping[str, Any], content: bytes) -> "TextEncoder":
        """Inverse of `to_dict` and `content`.

        Raises
        ------
        ValueError
            If the arrays are not those of the columns.
        """
        columns, told = [], []
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            for i, facts in enumerate(state["columns"]):
                prefix = f"{i}."
                own = {
                    key.removeprefix(prefix): arrays[key]
                    for key in arrays.files
                    if key.startswith(prefix) and key != f"{i}.told"
                }
                own["components"] = own["components"].astype(np.float32)
                columns.append(TextColumn.read(facts, own))
                if state.get("told"):
                    weights = arrays[f"{i}.told"].astype(np.float32)
                    if weights.ndim != 3 or len(weights) != columns[-1].n_weights + 1:
                        raise ValueError(f"the scores of {facts['name']!r} don't fit its words")
                    told.append(Told(columns[-1], weights))
        return cls(tuple(columns), tuple(told))


NO_TEXTS = TextEncoder()
"""Of a table without such columns."""


def expected_names(schema: Schema) -> int:
    """About how many numbers the columns of texts become."""
    readable = [c.role for c in schema.features if c.readable]
    return sum(COMPONENTS[r] + 1 + (len(COUNTS) if r == "text" else 0) for r in readable)


def _longest(table: Table, affordable: float) -> int:
    """How much of each text is read, so that it is no more than that in all."""
    sizes = [np.diff(texts.ends, prepend=0) for texts in table.texts.values()]
    longest = float(LONGEST)
    while longest > SHORTEST and sum(np.minimum(s, longest).sum() for s in sizes) > affordable:
        longest /= 1.3
    return max(SHORTEST, int(longest))
