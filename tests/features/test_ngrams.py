"""Words and n-grams against scikit-learn's."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from automl.features import _ngrams
from automl.features._ngrams import count_ngrams

TEXTS = ["So late, again!", "@you: why?  why", "x", "", "a b a b", "naïve Ünïcode 日本"]


def counts_of(texts):
    """How often scikit-learn finds anything in each text."""
    letters = CountVectorizer(analyzer="char_wb", ngram_range=(2, 5))
    words = CountVectorizer(ngram_range=(1, 2), token_pattern=r"\w+|[^\w\s]")
    found = [v.fit_transform(texts).sum(axis=1).A1 for v in (letters, words)]
    return np.sum(found, axis=0)


def test_as_many_as_scikit_learn_counts():
    whole = [t for t in TEXTS if len(t.split()) and min(len(w) for w in t.split()) >= 3]
    whole = [*whole, "three words here", "so-called (brackets)"]
    np.testing.assert_array_equal(count_ngrams(whole).sum(axis=1).A1, counts_of(whole))


@given(st.lists(st.text(max_size=15), max_size=8))
def test_a_text_is_counted_alike_alone_and_among_others(texts):
    together = count_ngrams(texts, whole=True)
    assert together.shape == (len(texts), 1 << _ngrams.BITS)
    for i, text in enumerate(texts):
        alone = count_ngrams([text], whole=True)
        assert (together[i] != alone).nnz == 0


def test_chunks_change_nothing(monkeypatch):
    whole = count_ngrams(TEXTS * 5)
    monkeypatch.setattr(_ngrams, "CHUNK", 20)
    assert (count_ngrams(TEXTS * 5) != whole).nnz == 0


def test_what_follows_the_longest_is_not_read():
    cut = count_ngrams(["some words and more"], longest=10)
    assert (cut != count_ngrams(["some words"])).nnz == 0
    assert (cut != count_ngrams(["some word"])).nnz > 0


def test_a_whole_text_counts_once_more():
    plain, whole = count_ngrams(["a b", "b a"]), count_ngrams(["a b", "b a"], whole=True)
    assert whole.sum() == plain.sum() + 2
