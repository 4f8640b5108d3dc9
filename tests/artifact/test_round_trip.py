"""A saved model predicts what the fitted one did, with nothing but what it needs."""

import json
import os
import pickletools
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import automl
from automl import AutoClassifier, AutoRegressor, load
from automl.artifact import SaveError, describe, dump_bytes, load_bytes, read_path, write_bytes
from automl.exceptions import ArtifactError, SchemaError

from .conftest import FRAME, members

STRANGE = pd.DataFrame(
    {
        "when": ["2030-05-05", None],
        "city": ["Atlantis", None],
        "amount": [1e30, None],
        "paid": [None, True],
        "more": [1, 2],
    }
)


@pytest.fixture
def path(model, tmp_path):
    return model.save(tmp_path / "model.automl")


def test_predictions_are_the_same(model, path):
    loaded = load(path)
    for frame in (FRAME, FRAME.iloc[:1], STRANGE):
        np.testing.assert_array_equal(loaded.predict(frame), model.predict(frame))
        if hasattr(model, "classes_"):
            np.testing.assert_array_equal(loaded.predict_proba(frame), model.predict_proba(frame))


def test_what_is_known_of_the_model_is_kept(model, path):
    loaded = load(path)
    for name in ("score_", "score_interval_", "winner_", "best_params_", "n_features_in_"):
        assert getattr(loaded, name) == getattr(model, name)
    assert loaded.feature_names_in_.tolist() == model.feature_names_in_.tolist()
    if hasattr(model, "classes_"):
        assert isinstance(loaded, AutoClassifier)
        assert loaded.classes_.tolist() == model.classes_.tolist()
    else:
        assert isinstance(loaded, AutoRegressor)


def test_the_schema_is_enforced(path):
    with pytest.raises(SchemaError, match="'amount'"):
        load(path).predict(FRAME.drop(columns="amount"))


def test_a_loaded_model_can_be_saved_again(path, tmp_path):
    again = load(load(path).save(tmp_path / "again.automl"))
    np.testing.assert_array_equal(again.predict(FRAME), load(path).predict(FRAME))


def test_the_manifest_says_what_the_file_is(path):
    manifest = json.loads(members(path.read_bytes())["manifest.json"])
    assert manifest["format"] == 2
    assert manifest["automl"] == automl.__version__
    assert {"metric", "score", "score_interval", "seed", "config", "versions"} <= set(manifest)
    assert {"numpy", "scikit-learn"} <= set(manifest["versions"])


def is_pickle(content):
    try:
        list(pickletools.genops(content))
    except Exception:  # noqa: BLE001 - whatever breaks, it is not a pickle
        return False
    return True


def test_nothing_inside_is_a_pickle(path):
    entries = members(path.read_bytes())
    for content in list(entries.values()):
        if content[:2] == b"PK":  # arrays: a zip of its own
            entries |= members(content)
    assert len(entries) > 3
    for name, content in entries.items():
        assert not is_pickle(content), name
        if content.startswith(b"\x93NUMPY"):
            assert b"|O" not in content[:128], name


def test_a_folder_stands_for_the_model_in_it(path):
    assert read_path(path.parent) == path.read_bytes()


def test_what_is_not_there_is_named(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ArtifactError, match=r"no model\.automl in the folder .*empty"):
        read_path(tmp_path / "empty")
    with pytest.raises(ArtifactError, match=r"nothing\.automl can't be read: No such file"):
        read_path(tmp_path / "nothing.automl")


def test_a_model_is_written_whole_or_not_at_all(tmp_path):
    with pytest.raises(SaveError, match="can't be written to"):
        write_bytes(b"x", tmp_path / "missing" / "m.automl")
    (tmp_path / "folder").mkdir()
    with pytest.raises(SaveError, match="can't be written to"):
        write_bytes(b"x", tmp_path / "folder")
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]
    target = tmp_path / "m.automl"
    write_bytes(b"old", target)
    write_bytes(b"new", target)
    assert target.read_bytes() == b"new"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder", "m.automl"]


def test_prediction_imports_no_more_than_it_needs(saved, tmp_path):
    (tmp_path / "model.automl").write_bytes(saved)
    FRAME.to_parquet(tmp_path / "rows.parquet")
    code = (
        "import sys, json, pandas as pd\n"
        "from automl import load\n"
        "rows = pd.read_parquet('rows.parquet')\n"
        "model = load('model.automl')\n"
        "labels = model.predict(rows).tolist(), model.predict_proba(rows).shape\n"
        "heavy = {m.partition('.')[0] for m in sys.modules}\n"
        "print(json.dumps([len(labels[0]), sorted(heavy)]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(automl.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    n, imported = json.loads(done.stdout)
    assert n == len(FRAME)
    assert not {"optuna", "lightgbm", "xgboost", "torch"} & set(imported)


def test_bytes_are_enough(saved):
    predictor, manifest = load_bytes(saved)
    assert manifest["task"] == "binary"
    assert predictor.predict_raw(FRAME).shape == (len(FRAME), 1)


def test_a_forest_of_the_first_format_predicts_what_it_did():
    """Made by the version that wrote format 1: two folds of extra trees, two columns."""
    model = automl.load(Path(__file__).parent / "old" / "format1.automl")
    rows = pd.DataFrame({"n": [-2.0, -0.5, 0.0, 0.7, np.nan], "c": ["a", "b", "c", "a", "z"]})
    told = [0.04081090, -0.38450253, -0.25619754, 2.25297897, 0.46228093]
    np.testing.assert_allclose(model.predict(rows), told, rtol=1e-6)


def test_the_same_model_gives_the_same_bytes(linear, monkeypatch):
    predictor = linear._predictor
    first = dump_bytes(predictor, describe(predictor, linear._facts))
    monkeypatch.setattr(time, "time", lambda: 2e9)
    assert dump_bytes(predictor, describe(predictor, linear._facts)) == first
