"""What the texts of a column are made of, as a few dozen numbers: counts, and main components.

Words and n-grams of characters are weighted by how rare they are (tf-idf), and reduced by a
truncated singular value decomposition. Nothing here looks at the target, so it is fitted once on
all training rows; what the words tell of the target is in ``_told``.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.features._ngrams import BITS, count_ngrams
from automl.features._sentence_model import SentenceModel
from automl.features._sentences import Sentences
from automl.table import Column, Role, Table, Texts

if TYPE_CHECKING:
    from scipy import sparse

MOST_NGRAMS = 20_000
"""Words and n-grams of a column that are known: the most frequent,"""
FEWEST_ROWS = 2
"""of those that so many rows have."""

FITTED_TEXTS = 20_000
"""Different texts, drawn at random, that the components are made of."""

COMPONENTS = {Role.TEXT: 16, Role.CATEGORICAL: 6}
"""Main components of a column of texts, and of one of categories, at most,"""
ROWS_OF_ONE = {Role.TEXT: 100, Role.CATEGORICAL: 400}
"""and how many rows there must be for each beyond the first ones: models of few rows drown in
them."""
LEAST = 2

COUNTS = ("length", "words", "capitals", "digits", "signs")
"""Characters and words of a text, and which share of its characters are of a kind; categories go
without."""

KEPT = 50_000
"""Different texts of a table up to which what is worked out of them is kept for later blocks."""


@dataclass(frozen=True, eq=False)
class TextColumn:
    """How the texts of one column are encoded.

    Parameters
    ----------
    name : str
    longest : int
        Characters of a text that are read.
    whole : bool
        Whether a whole text counts as a word, too.
    buckets : ndarray of int32 of shape (n_ngrams,)
        The hashes of the known words and n-grams, in ascending order.
    idf : ndarray of float32 of shape (n_ngrams,)
    components : ndarray of float32 of shape (n_ngrams, n_components)
    sentences : Sentences, optional
        What its sentences say, where that was asked for.
    """

    name: str
    longest: int
    whole: bool
    buckets: np.ndarray
    idf: np.ndarray
    components: np.ndarray
    sentences: Sentences | None = None

    @classmethod
    def fit(
        cls,
        column: Column,
        texts: Texts,
        *,
        longest: int,
        seed: int = 0,
        model: SentenceModel | None = None,
    ) -> "TextColumn":
        """Learn which words and n-grams there are, how rare they are, and what goes together."""
        from scipy import sparse

        rows = np.bincount(texts.places[texts.places >= 0], minlength=len(texts))
        chosen = np.flatnonzero(rows)
        if len(chosen) > FITTED_TEXTS:
            rng = np.random.default_rng(seed)
            chosen = np.sort(rng.choice(chosen, FITTED_TEXTS, replace=False))
        whole = column.role is Role.CATEGORICAL
        strings = texts.strings(chosen)
        counts = count_ngrams(strings, longest=longest, whole=whole)
        weight = rows[chosen].astype(np.float64)
        spread = np.repeat(weight, np.diff(counts.indptr))
        frequency = np.bincount(counts.indices, spread, minlength=1 << BITS)
        buckets = _most_frequent(frequency)
        idf = np.log((1 + weight.sum()) / (1 + frequency[buckets])) + 1
        fitted = cls(
            column.name, longest, whole, buckets.astype(np.int32), idf.astype(np.float32),
            np.empty((len(buckets), 0), np.float32),
        )  # fmt: skip
        weights = fitted._weighted(counts)
        scaled = sparse.diags(np.sqrt(weight).astype(np.float32)) @ weights
        affordable = max(LEAST, len(texts.places) // ROWS_OF_ONE[column.role])
        most = min(COMPONENTS[column.role], affordable)
        components = _components(scaled, most, seed)
        fitted = replace(fitted, components=components)
        vectors = None
        if model is not None and column.role is Role.TEXT:
            vectors = model.vectors([text[:longest] for text in strings])
            fitted = replace(fitted, sentences=Sentences.fit(model, vectors, weight, affordable))
        if len(chosen) == len(texts):
            texts.kept[fitted.digest, "weights"] = weights
            if fitted.sentences is not None and vectors is not None:
                said = fitted.sentences.reduced(vectors)
                texts.kept[fitted.digest, "sentences"] = said
        return fitted

    @property
    def names(self) -> tuple[str, ...]:
        """Of the numbers that a text becomes."""
        topics = (f"{self.name}.topic{i}" for i in range(self.components.shape[1]))
        counts = () if self.whole else COUNTS
        n_said = 0 if self.sentences is None else self.sentences.n_columns
        said = (f"{self.name}.sentence{i}" for i in range(n_said))
        return (*(f"{self.name}.{count}" for count in counts), *topics, *said)

    @property
    def n_weights(self) -> int:
        """Of what regressions see of a text."""
        directions = 0 if self.sentences is None else self.sentences.directions.shape[1]
        return len(self.buckets) + directions

    @cached_property
    def _places(self) -> np.ndarray:
        places = np.full(1 << BITS, -1, dtype=np.int32)
        places[self.buckets] = np.arange(len(self.buckets), dtype=np.int32)
        return places

    def weights(self, texts: Texts, numbers: np.ndarray | None = None) -> "sparse.csr_matrix":
        """The tf-idf weights of the different texts, or of those of these numbers.

        Each row has the length 1, or 0 where no word is known: shape (n_texts, n_ngrams).
        """
        if numbers is None and (self.digest, "weights") in texts.kept:
            return texts.kept[self.digest, "weights"]
        strings = texts.strings(numbers)
        return self._weighted(count_ngrams(strings, longest=self.longest, whole=self.whole))

    def _weighted(self, counts: "sparse.csr_matrix") -> "sparse.csr_matrix":
        from scipy import sparse

        found = self._places[counts.indices]
        known = found >= 0
        ends = np.concatenate([[0], np.cumsum(known)])[counts.indptr]
        values = (1 + np.log(counts.data[known])) * self.idf[found[known]]
        rows = np.repeat(np.arange(counts.shape[0]), np.diff(ends))
        lengths = np.sqrt(np.bincount(rows, values.astype(np.float64) ** 2, counts.shape[0]))
        values = (values / lengths[rows]).astype(np.float32)
        return sparse.csr_matrix(
            (values, found[known], ends), shape=(counts.shape[0], len(self.buckets))
        )

    def seen(self, texts: Texts, numbers: np.ndarray | None = None) -> "sparse.csr_matrix":
        """What regressions see of the different texts: their weights, and what they say."""
        from scipy import sparse

        weights, said = self.weights(texts, numbers), self._said(texts, numbers)
        if said is None:
            return weights
        return sparse.hstack([weights, sparse.csr_matrix(said)], format="csr", dtype=np.float32)

    def _said(self, texts: Texts, numbers: np.ndarray | None = None) -> np.ndarray | None:
        """Main components of the vectors of the different texts."""
        if self.sentences is None:
            return None
        key = self.digest, "sentences"
        if numbers is None and key in texts.kept:
            return np.asarray(texts.kept[key])
        found = self.sentences.of([text[: self.longest] for text in texts.strings(numbers)])
        if numbers is None:
            texts.kept[key] = found
        return found

    def of_rows(self, texts: Texts) -> np.ndarray:
        """Float32 of shape (n_rows, n_names), NaN where a row has no text."""

        def work(numbers: np.ndarray | None) -> np.ndarray:
            topics = self.weights(texts, numbers) @ self.components
            if self.whole:
                return np.asarray(topics)
            counts = _counts([text[: self.longest] for text in texts.strings(numbers)])
            said = self._said(texts, numbers)
            if self.sentences is None or said is None:
                return np.hstack([counts, topics])
            return np.hstack([counts, topics, said[:, : self.sentences.n_columns]])

        return per_row(texts, self._key, work, len(self.names), np.nan)

    def of_texts(self, texts: Texts) -> np.ndarray | None:
        """The same for each different text, and last for no text; ``None`` for too many."""
        self.of_rows(texts.take(slice(0)))
        return texts.kept.get(self._key)

    def give(self, texts: Texts, found: np.ndarray) -> None:
        """Leave with texts what `of_texts` has worked out of them."""
        texts.kept[self._key] = found

    @property
    def _key(self) -> tuple[str, str]:
        return self.digest, "numbers"

    @cached_property
    def digest(self) -> str:
        """Tells this fitted column from others."""
        parts = [self.buckets, self.idf, self.components]
        told = f"{self.name} {self.longest} {self.whole}".encode()
        if self.sentences is not None:
            parts += self.sentences.arrays().values()
            told += self.sentences.model.sha256.encode()
        return hashlib.sha256(b"".join([told, *(p.tobytes() for p in parts)])).hexdigest()

    def facts(self) -> dict[str, Any]:
        """What is not an array, for JSON."""
        said = {} if self.sentences is None else {"sentences": self.sentences.facts()}
        return {"name": self.name, "longest": self.longest, "whole": self.whole} | said

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays by name."""
        own = {"buckets": self.buckets, "idf": self.idf, "components": self.components}
        return own if self.sentences is None else own | self.sentences.arrays()

    @classmethod
    def read(cls, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> "TextColumn":
        """Inverse of `facts` and `arrays`.

        Raises
        ------
        ValueError
            If they don't belong together.
        """
        buckets, idf, components = (arrays[k] for k in ("buckets", "idf", "components"))
        n = len(buckets)
        if not (
            idf.shape == (n,)
            and components.ndim == 2
            and len(components) == n
            and (n == 0 or (buckets[0] >= 0 and buckets[-1] < 1 << BITS))
            and bool((np.diff(buckets) > 0).all())
        ):
            raise ValueError(f"the arrays of {facts['name']!r} don't belong together")
        name, longest, whole = str(facts["name"]), int(facts["longest"]), bool(facts["whole"])
        said = Sentences.read(facts["sentences"], arrays) if "sentences" in facts else None
        return cls(name, longest, whole, buckets, idf, components, said)


def per_row(
    texts: Texts,
    key: Any,
    work: Callable[[np.ndarray | None], np.ndarray],
    width: int,
    missing: float,
) -> np.ndarray:
    """Carry what is worked out of each different text to the rows that hold it.

    Parameters
    ----------
    texts : Texts
    key : hashable
        Under which it is kept with the texts, if they are not too many.
    work : callable
        From numbers of different texts, or ``None`` for all, to an array of shape
        (n_texts, width).
    width : int
    missing : float
        For rows without a text.
    """
    if len(texts) <= KEPT:
        if key not in texts.kept:
            texts.kept[key] = _with_missing(work(None), width, missing)
        return np.asarray(texts.kept[key][texts.places])  # -1 is the last
    used, places = np.unique(texts.places, return_inverse=True)
    known = used[used >= 0]
    found = _with_missing(work(known), width, missing)
    return np.asarray(found[places - (len(used) - len(known))])


def text_columns(
    table: Table, *, longest: int, seed: int = 0, model: SentenceModel | None = None
) -> tuple[TextColumn, ...]:
    """Fit all columns of texts of a table.

    Parameters
    ----------
    table : Table
    longest : int
        Characters of a text that are read.
    seed : int
    model : SentenceModel, optional
        Which makes vectors of the sentences of columns of the role `text`.
    """
    return tuple(
        TextColumn.fit(c, table.texts[c.name], longest=longest, seed=seed, model=model)
        for c in table.schema.features
        if c.readable
    )


def _with_missing(found: np.ndarray, width: int, missing: float) -> np.ndarray:
    return np.vstack([found, np.full((1, width), missing)]).astype(np.float32)


def _most_frequent(frequency: np.ndarray) -> np.ndarray:
    """The n-grams of enough rows, in ascending order."""
    found = np.flatnonzero(frequency >= FEWEST_ROWS)
    if len(found) > MOST_NGRAMS:
        order = np.argsort(-frequency[found], kind="stable")
        found = np.sort(found[order[:MOST_NGRAMS]])
    return found


def _components(weights: "sparse.csr_matrix", most: int, seed: int) -> np.ndarray:
    """The main components, of which each text is so much."""
    n = min(most, min(weights.shape) - 1)
    if n < 1 or not weights.nnz:
        return np.empty((weights.shape[1], 0), np.float32)
    from sklearn.utils.extmath import randomized_svd

    _, _, found = randomized_svd(weights, n, n_iter=2, random_state=seed)
    rounded = found.T.astype(np.float16)  # half the size of the saved model, and no loss
    return np.ascontiguousarray(rounded, dtype=np.float32)


def _counts(texts: Sequence[str]) -> np.ndarray:
    out = np.empty((len(texts), len(COUNTS)), np.float32)
    for row, text in zip(out, texts, strict=True):
        n = max(1, len(text))
        capitals = sum(map(str.isupper, text))
        digits = sum(map(str.isdigit, text))
        letters = sum(map(str.isalpha, text))
        signs = n - letters - digits - sum(map(str.isspace, text))
        row[:] = len(text), len(text.split()), capitals / n, digits / n, signs / n
    return out
