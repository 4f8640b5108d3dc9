"""Which words and n-grams of characters texts are made of, counted without a loop over them.

Each is named by a hash of 20 bits. That is what scikit-learn's ``HashingVectorizer`` does; here
all texts are one array of code points, which takes a third of the time, and predicting needs
nothing but numpy and scipy.
"""

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy import sparse

BITS = 20
N_CHARACTERS = (2, 3, 4, 5)
"""Lengths of the n-grams of characters. They don't reach beyond a word and the space beside it."""

CHUNK = 1 << 17
"""Characters that are worked on at once, some 30 MB."""

_SPACE = ord(" ")
_SPACES = re.compile(r"\s+")
_PRIME = np.uint64(0x100000001B3)
_MIX = np.uint64(0x9E3779B97F4A7C15)


def count_ngrams(
    texts: Sequence[str], *, longest: int = 10_000, whole: bool = False
) -> "sparse.csr_matrix":
    """Count words, pairs of words and n-grams of characters.

    Parameters
    ----------
    texts : sequence of str
    longest : int
        Characters of a text that are read.
    whole : bool
        Whether the whole text counts as one thing more, so that each category is known by itself.

    Returns
    -------
    csr_matrix of shape (n_texts, 2 ** 20), float32

    Examples
    --------
    >>> counts = count_ngrams(["so late", "So  LATE ", "at six"])
    >>> (counts[0] != counts[1]).nnz, counts[0].multiply(counts[2]).nnz  # "at" and " s"
    (0, 2)
    """
    from scipy import sparse

    parts = [_count(chunk, whole) for chunk in _chunks(texts, longest)]
    if len(parts) == 1:
        return parts[0]
    empty = sparse.csr_matrix((0, 1 << BITS), dtype=np.float32)
    return sparse.vstack([empty, *parts], format="csr", dtype=np.float32)


def _chunks(texts: Sequence[str], longest: int) -> Iterator[list[str]]:
    chunk: list[str] = []
    size = 0
    for text in texts:
        chunk.append(f" {_SPACES.sub(' ', text[:longest].lower()).strip()} ")
        size += len(chunk[-1])
        if size > CHUNK:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _count(texts: Sequence[str], whole: bool) -> "sparse.csr_matrix":
    from scipy import sparse

    lengths = np.array([len(text) for text in texts])
    joined = "".join(texts).encode("utf-32-le", "surrogatepass")
    points = np.frombuffer(joined, dtype=np.uint32).astype(np.uint64)
    starts = np.cumsum(lengths) - lengths
    rows = np.repeat(np.arange(len(texts)), lengths)
    pairs = [*_characters(points, rows), *_words(points, rows)]
    if whole:
        hashes = _of_runs(points, starts)
        pairs.append((np.arange(len(texts)), _bucket(hashes, 9)))
    keys = np.concatenate([(r.astype(np.int64) << BITS) | b for r, b in pairs])
    keys.sort()
    first = np.flatnonzero(np.diff(keys, prepend=-1))
    counts = np.diff(first, append=len(keys)).astype(np.float32)
    found = keys[first]
    ends = np.searchsorted(found >> BITS, np.arange(len(texts) + 1))
    buckets = (found & ((1 << BITS) - 1)).astype(np.int32)
    return sparse.csr_matrix((counts, buckets, ends), shape=(len(texts), 1 << BITS))


def _characters(points: np.ndarray, rows: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """N-grams with no space inside; each text begins and ends with one."""
    spaces = np.concatenate([[0], np.cumsum(points == _SPACE)])
    hashes = points
    for n in range(2, max(N_CHARACTERS) + 1):
        hashes = hashes[:-1] * _PRIME + points[n - 1 :]
        at = np.arange(len(hashes))
        inside = spaces[at + n - 1] - spaces[at + 1]
        good = inside == 0 if n > 2 else spaces[at + 2] - spaces[at] < n
        if n in N_CHARACTERS:
            yield rows[: len(hashes)][good], _bucket(hashes[good], n)


def _words(points: np.ndarray, rows: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Words, signs between them, and pairs of what follows each other in a text."""
    kinds = _kinds(points)
    starts = np.flatnonzero((kinds == 2) | (np.diff(kinds, prepend=np.int8(-1)) != 0))
    hashes, tokens = _of_runs(points, starts), kinds[starts] > 0
    hashes, rows = hashes[tokens], rows[starts][tokens]
    yield rows, _bucket(hashes, 7)
    same = rows[1:] == rows[:-1]
    yield rows[1:][same], _bucket(hashes[:-1][same] * _MIX + hashes[1:][same], 8)


def _kinds(points: np.ndarray) -> np.ndarray:
    """0 for spaces, 1 for letters and digits, 2 for signs, each of which stands for itself."""
    kinds: np.ndarray = _ASCII[np.minimum(points, 128)]
    signs = ((points >= 0x2000) & (points < 0x2C00)) | ((points >= 0x3000) & (points < 0x3040))
    kinds[signs | (points >= 0x1F000)] = 2
    return kinds


_ASCII = np.array(
    [0 if i == _SPACE else 1 if chr(i).isalnum() or chr(i) == "_" else 2 for i in range(128)]
    + [1],
    dtype=np.int8,
)


def _of_runs(points: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """A number for each run of code points, the same wherever it stands."""
    ends = np.append(starts[1:], len(points))
    places = np.arange(len(points)) - np.repeat(starts, ends - starts)
    powers = np.full(int(places.max(initial=0)) + 1, _PRIME)
    powers[0] = 1
    return np.asarray(np.add.reduceat(_mixed(points) * np.cumprod(powers)[places], starts))


def _mixed(values: np.ndarray) -> np.ndarray:
    mixed = (values + np.uint64(1)) * _MIX
    return np.asarray(mixed ^ (mixed >> np.uint64(29)))


def _bucket(hashes: np.ndarray, kind: int) -> np.ndarray:
    """Hashes of a kind as numbers of so many bits."""
    mixed = (hashes + np.uint64(kind)) * _MIX
    mixed = (mixed ^ (mixed >> np.uint64(31))) * _MIX
    return np.asarray(mixed >> np.uint64(64 - BITS)).astype(np.int64)
