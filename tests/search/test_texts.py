"""Texts are fitted by the first encoding that needs them, and fold by fold for all fits."""

import numpy as np
import pandas as pd
import pytest

from automl.compute import LocalEngine
from automl.features import Outcome
from automl.search import _texts
from automl.search._encode import text_arrays
from automl.search._matrices import Matrices
from automl.search._texts import fitted_texts
from automl.table import Schema

RNG = np.random.default_rng(0)
N = 90
WORDS = ["late", "lost", "great", "crew", "gate", "seat"]
FRAME = pd.DataFrame(
    {
        "x": RNG.normal(size=N),
        "said": [" ".join([*RNG.choice(WORDS, 4), str(i % 80)]) for i in range(N)],
        "town": [f"town {i % 55}" for i in range(N)],
    }
)
TABLE = Schema.infer(FRAME).apply(FRAME, fitting=True)
TRAIN, VALID = np.flatnonzero(np.arange(N) % 3), np.flatnonzero(np.arange(N) % 3 == 0)
TARGET = {"y": RNG.normal(size=N), "train_0": TRAIN, "valid_0": VALID}


def test_workers_agree_on_texts_and_fold_scores(tmp_path):
    with LocalEngine(n_workers=2, scratch=tmp_path) as engine:
        target = engine.put("target", TARGET)
        matrices = Matrices(TABLE, engine.put, tmp_path / "matrices", target=target)
        for encoding in ("tree", "scaled"):
            matrices.begin(encoding, engine.submit(matrices.job(encoding)))
        while engine.busy:
            for event in engine.wait():
                assert event.kind == "done", event.value
                matrices.end(event)
        contents = {matrices.encoders[e].texts.content for e in ("tree", "scaled")}
        assert len(contents) == 1
        scores = []
        for encoding in ("tree", "scaled"):
            reference, matrix = matrices.get(encoding)
            assert reference.names == ("values", "told")
            told = np.load(f"{reference.path}/1.npy")
            assert told.shape == (2, N, 2)
            assert matrix.names[-2:] == ("said.told", "town.told")
            encoder = matrices.encoders[encoding]
            np.testing.assert_allclose(
                encoder.texts.scores(TABLE)[0, VALID], told[0, VALID], atol=1e-5
            )
            values = encoder.transform(TABLE).values
            np.testing.assert_allclose(np.load(f"{reference.path}/0.npy"), values, atol=1e-6)
            scores.append(told)
        np.testing.assert_array_equal(*scores)


def test_what_one_job_fitted_the_next_reads(tmp_path, monkeypatch):
    outcome = Outcome.of(TARGET, 1)
    first = fitted_texts(tmp_path, TABLE, outcome, seconds=9.0)
    monkeypatch.setattr(_texts, "_write", pytest.fail)
    again = fitted_texts(tmp_path, TABLE, outcome, seconds=0.0)
    assert again.content == first.content


def test_a_draft_of_a_killed_job_is_not_taken(tmp_path):
    (tmp_path / "texts.json.draft").write_text("{")
    (tmp_path / "texts.npz").write_bytes(b"half")
    assert fitted_texts(tmp_path, TABLE, None, seconds=9.0).columns


def test_texts_are_shared_once_each():
    arrays = text_arrays(TABLE)
    assert set(arrays) == {f"{i}.{part}" for i in (1, 2) for part in ("places", "buffer", "ends")}
    assert len(arrays["2.ends"]) == 55
