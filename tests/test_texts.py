"""A whole run on a table with texts: found, used, saved, and asked of new rows."""

import zipfile

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from automl import AutoModel, load
from automl._finish import _parts
from automl.artifact._read import _read_texts
from automl.exceptions import ArtifactError
from automl.objective import make_splits

RNG = np.random.default_rng(0)
N = 240
MOODS = {"happy": ["lovely", "thanks", "great"], "angry": ["late", "lost", "never"]}
NOUNS = ["train", "bag", "crew", "seat", "gate", "flight", "meal"]


def sentence(mood):
    return " ".join([RNG.choice(NOUNS), RNG.choice(MOODS[mood]), *RNG.choice(NOUNS, 4)])


LABEL = RNG.choice(["happy", "angry"], N)
FRAME = pd.DataFrame(
    {
        "said": [sentence(mood) for mood in LABEL],
        "town": [f"{RNG.choice(['north', 'south'])} town {i % 60}" for i in range(N)],
        "x": RNG.normal(size=N),
    }
)


def test_groups_stay_together_in_the_parts_of_a_holdout():
    groups = RNG.permutation(N) % 30
    splits = make_splits(np.arange(N) * 1.0, task="regression", groups=groups, n_folds_hint=1)
    rows = splits.valid_rows
    parts = _parts(splits, rows, 0, groups[rows])
    assert len(set(parts)) > 1
    assert all(len(set(parts[groups[rows] == g])) == 1 for g in groups[rows])


def test_groups_of_any_kind_go_with_texts():
    groups = np.array([None if i % 9 == 0 else f"g{i % 12}" for i in range(N)], dtype=object)
    made = AutoModel(families=["linear"], time_budget=None, max_trials=1, random_state=0)
    assert made.fit(FRAME, LABEL, groups=groups).score_ > 0.8


FAMILIES = ["linear", "extra_trees", "lightgbm"]


@pytest.fixture(scope="module", params=FAMILIES)
def model(request):
    made = AutoModel(
        families=[request.param], time_budget=None, max_trials=1, random_state=0, ensemble=False
    )
    return made.fit(FRAME, LABEL)


def test_texts_are_used_and_the_score_is_honest(model):
    assert model.score_ > 0.9
    fresh = RNG.choice(["happy", "angry"], 200)
    new = FRAME.iloc[:200].assign(said=[sentence(mood) for mood in fresh], town="a new town")
    assert roc_auc_score(fresh == "happy", model.predict_proba(new)[:, 1]) > 0.9


def test_a_saved_model_predicts_the_same_whatever_comes_with_a_row(model, tmp_path):
    model.save(tmp_path / "texts.automl")
    read = load(tmp_path / "texts.automl")
    asked = FRAME.iloc[:5].copy()
    asked.loc[0, "said"] = None
    asked.loc[1, "town"] = "never met"
    whole = model.predict_proba(asked)
    np.testing.assert_array_equal(read.predict_proba(asked), whole)
    for i in range(5):
        alone = read.predict_proba(asked.iloc[[i]])
        np.testing.assert_allclose(alone, whole[[i]], rtol=1e-5, atol=1e-7)
    with zipfile.ZipFile(tmp_path / "texts.automl") as archive:
        assert [name for name in archive.namelist() if name.startswith("texts/")]
        assert not [name for name in archive.namelist() if name.endswith((".pkl", ".pickle"))]


def test_declared_as_categories_nothing_is_read():
    plain = AutoModel(
        families=["linear"],
        time_budget=None,
        max_trials=1,
        random_state=0,
        types={"said": "categorical", "town": "categorical"},
    ).fit(FRAME, LABEL)
    assert plain.score_ < 0.8


@pytest.mark.parametrize("content", [b"", b"no zip at all", b"PK\x03\x04 half a zip"])
def test_words_that_are_damaged_are_refused(content):
    listed = {"tree": {"file": "texts/a.npz", "columns": [{"name": "a"}]}}
    with pytest.raises(ArtifactError, match="can't be read"):
        _read_texts(listed, {"texts/a.npz": content})
