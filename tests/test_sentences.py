"""A whole run that reads sentences: trained, saved, and asked where the model is missing."""

import json
import logging
import zipfile
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest

from automl import AutoModel, load
from automl.exceptions import ArtifactError, MissingDependencyError
from automl.features import _sentence_model
from tests.cli.conftest import ROOT, run_automl

needs_model = pytest.mark.skipif(find_spec("wordllama") is None, reason="needs automl[text]")

RNG = np.random.default_rng(0)
N = 150
WORDS = {"happy": ["lovely", "thanks", "great"], "angry": ["late", "lost", "never"]}
LABEL = RNG.choice(["happy", "angry"], N)
FRAME = pd.DataFrame(
    {
        "said": [f"seat {i} was {RNG.choice(WORDS[mood])} again" for i, mood in enumerate(LABEL)],
        "x": RNG.normal(size=N),
    }
)


def make(**options):
    return AutoModel(
        families=["linear"],
        time_budget=None,
        max_trials=1,
        random_state=0,
        text_encoder="sentences",
        **options,
    )


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("sentences") / "said.automl"
    model = make().fit(FRAME, LABEL)
    model.save(path)
    return model, path


@needs_model
def test_a_saved_model_predicts_the_same_and_tells_what_it_needs(saved):
    model, path = saved
    assert model.score_ > 0.9
    asked = FRAME.iloc[:4].copy()
    asked.loc[0, "said"] = None
    whole = load(path).predict_proba(asked)
    np.testing.assert_array_equal(model.predict_proba(asked), whole)
    for i in range(4):
        alone = load(path).predict_proba(asked.iloc[[i]])
        np.testing.assert_allclose(alone, whole[[i]], rtol=1e-5)
    with zipfile.ZipFile(path) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    column = manifest["texts"]["scaled"]["columns"][0]
    assert column["sentences"]["package"] == "wordllama"
    assert column["sentences"]["version"] == manifest["versions"]["wordllama"]
    assert manifest["config"]["text_encoder"] == "sentences"


@needs_model
def test_without_its_package_or_with_another_a_model_is_not_loaded(saved, monkeypatch):
    monkeypatch.setattr(_sentence_model, "_digest", lambda folder: "of other weights")
    with pytest.raises(ArtifactError, match=r"pip install 'wordllama=="):
        load(saved[1])
    monkeypatch.setattr(_sentence_model, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"pip install wordllama"):
        load(saved[1])


def test_a_fit_that_lacks_the_package_ends_at_once(monkeypatch):
    monkeypatch.setattr(_sentence_model, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"pip install wordllama"):
        make().fit(FRAME, LABEL)


@needs_model
def test_a_table_without_texts_is_told_of(caplog):
    with caplog.at_level(logging.WARNING, logger="automl"):
        make().fit(FRAME[["x"]], LABEL)
    assert "no column is text" in caplog.text


def test_the_command_ends_with_2_where_the_model_is_not_in_the_package(tmp_path):
    (tmp_path / "wordllama").mkdir()
    (tmp_path / "wordllama" / "__init__.py").write_text("")
    FRAME.assign(y=LABEL).to_csv(tmp_path / "t.csv", index=False)
    arguments = ("fit", "t.csv", "--target", "y", "--text-encoder", "sentences", "--json")
    done = run_automl(*arguments, cwd=tmp_path, env={"PYTHONPATH": f"{tmp_path}:{ROOT}"})
    assert done.code == 2, done.err
    assert done.json["error"]["code"] == "missing_dependency"
    assert "pip install wordllama" in done.json["error"]["message"]
    assert "Traceback" not in done.err
