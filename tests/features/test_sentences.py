"""Vectors of sentences: with the package that brings the model along, and without it."""

import json
import logging
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest

from automl.exceptions import ArtifactError, MissingDependencyError, UsageError
from automl.features import (
    Outcome,
    TextEncoder,
    _sentence_model,
    check_text_encoder,
    encoder_from_dict,
    fit_encoder,
)
from automl.features._sentence_model import TOKENS, SentenceModel
from automl.table import Schema

needs_model = pytest.mark.skipif(find_spec("wordllama") is None, reason="needs automl[text]")

RNG = np.random.default_rng(0)
N = 240
SHIPS, BREAD = ["vessel", "ferry", "yacht", "sailor", "harbour"], ["loaf", "bakery", "dough"]
LABEL = RNG.integers(0, 2, N)
FRAME = pd.DataFrame(
    {
        "said": [
            f"we saw {RNG.choice(SHIPS if ship else BREAD)} number {i} there" if i % 40 else None
            for i, ship in enumerate(LABEL)
        ],
        "town": [f"{RNG.choice(['north', 'south'])} town {i % 60}" for i in range(N)],
        "x": RNG.normal(size=N),
    }
)
SCHEMA = Schema.infer(FRAME)
TABLE = SCHEMA.apply(FRAME, fitting=True)
TRAIN, VALID = np.flatnonzero(np.arange(N) % 3), np.flatnonzero(np.arange(N) % 3 == 0)
OUTCOME = Outcome.of({"y": LABEL, "train_0": TRAIN, "valid_0": VALID}, 1)


@pytest.fixture(scope="module")
def texts():
    return TextEncoder.fit(TABLE, sentences=True).tell(TABLE, OUTCOME)[0]


def without(monkeypatch, *packages):
    known = find_spec
    monkeypatch.setattr(
        _sentence_model, "find_spec", lambda name: None if name in packages else known(name)
    )


@pytest.mark.parametrize("missing", ["wordllama", "tokenizers", "safetensors"])
def test_a_missing_package_is_named_with_what_to_do(monkeypatch, missing):
    without(monkeypatch, missing)
    with pytest.raises(MissingDependencyError, match=r"pip install wordllama") as caught:
        check_text_encoder("sentences")
    if missing == "wordllama":
        assert "wordllama" in str(caught.value)
    assert not check_text_encoder("ngrams")
    with pytest.raises(MissingDependencyError):
        TextEncoder.fit(TABLE, sentences=True)


def test_a_saved_model_asks_for_its_package(monkeypatch):
    without(monkeypatch, "wordllama")
    saved = SentenceModel("wordllama", "0.4.0", "abc")
    for use in (saved.check, lambda: saved.vectors(["so late"])):
        with pytest.raises(MissingDependencyError, match=r"This model .* pip install wordllama"):
            use()


def test_other_encoders_are_refused():
    with pytest.raises(UsageError, match="'bert' is not allowed; give ngrams or sentences"):
        check_text_encoder("bert")


@needs_model
def test_another_model_is_refused_and_the_same_of_another_version_is_not():
    here = SentenceModel.installed()
    SentenceModel(here.package, "9.9", here.sha256).check()
    with pytest.raises(ArtifactError, match=r"wordllama 9.9; .* pip install 'wordllama==9.9'"):
        SentenceModel(here.package, "9.9", "abc").check()


@needs_model
def test_vectors_are_those_of_the_package(monkeypatch):
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)  # it is called on import
    import wordllama

    folder = next(iter(wordllama.__path__))
    theirs = wordllama.WordLlama.load(cache_dir=folder, disable_download=True)
    strings = ["The flight was late.", "", "ünïcode 🙂 and\nlines", "a " * 700]
    found = SentenceModel.installed().vectors(strings)
    expected = [theirs.embed(text)[0] if text else np.zeros(256) for text in strings]
    np.testing.assert_allclose(found, expected, atol=1e-5)


@needs_model
def test_a_vector_does_not_depend_on_its_neighbours():
    model = SentenceModel.installed()
    strings = [f"sentence number {i} " * (i % 7) for i in range(400)]
    whole = model.vectors(strings)
    assert sum(map(len, strings)) > TOKENS
    for i in (0, 3, 250, 399):
        np.testing.assert_array_equal(model.vectors([strings[i]])[0], whole[i])


@needs_model
@pytest.mark.parametrize("kind", ["tree", "scaled", "straight", "piecewise"])
def test_sentences_are_columns_of_texts_alone(texts, kind):
    encoder = fit_encoder(kind, TABLE, texts)
    matrix = encoder.transform(TABLE)
    assert {"said.topic0", "said.sentence0", "said.sentence1"} <= set(matrix.names)
    assert not [name for name in matrix.names if name.startswith("town.sentence")]
    assert matrix.values.shape[1] == len(matrix.names)
    first = matrix.values[:, matrix.names.index("said.sentence0")]
    known = FRAME["said"].notna().to_numpy()
    assert np.isnan(first[~known]).all() == (kind == "tree")
    assert abs(np.corrcoef(first[known], LABEL[known])[0, 1]) > 0.6
    asked = SCHEMA.apply(FRAME.iloc[5:15])
    again = TextEncoder.read(json.loads(json.dumps(texts.to_dict())), texts.content)
    read = encoder_from_dict(json.loads(json.dumps(encoder.to_dict())), again)
    np.testing.assert_array_equal(read.transform(asked).values, encoder.transform(asked).values)
    np.testing.assert_array_equal(again.scores(asked), texts.scores(asked))


@needs_model
def test_words_never_seen_are_known_by_what_they_mean(texts):
    said = [f"we saw {it} number 3 there" for it in ("pastry", "boat")]
    new = pd.DataFrame({"said": said, "town": "", "x": 0.0})
    plain = TextEncoder.fit(TABLE).tell(TABLE, OUTCOME)[0]
    asked = SCHEMA.apply(new)
    bread, ship = texts.scores(asked)[-1, :, 0]
    bread_before, ship_before = plain.scores(asked)[-1, :, 0]
    assert ship - bread > 0.2
    assert abs(ship_before - bread_before) < 0.1


@needs_model
def test_arrays_that_do_not_fit_are_refused(texts):
    state = json.loads(json.dumps(texts.to_dict()))
    state["columns"][0]["sentences"]["columns"] = 999
    with pytest.raises(ValueError, match="belong together"):
        TextEncoder.read(state, texts.content)
    del state["columns"][0]["sentences"]
    with pytest.raises(ValueError, match="don't fit"):
        TextEncoder.read(state, texts.content)
