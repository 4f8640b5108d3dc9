"""Which booster can train on a CUDA device, as far as it can be tested without one."""

import json
import sys

import pytest

from automl.compute import find_driver
from automl.families import BACKENDS, find_backend
from automl.families import _backends as module


def says(text, code=0):
    return [sys.executable, "-c", f"print({text!r}); raise SystemExit({code})"]


@pytest.mark.parametrize("name", BACKENDS)
def test_without_a_device_it_says_which_build_there_is_and_why_it_is_not_used(name):
    found = find_backend(name, "no driver")
    assert found.version
    assert found.build in ("cuda", "cpu")
    assert not found.usable
    assert found.reason == ("no driver" if found.build == "cuda" else "it was built without CUDA")
    assert bool(found.install) == (found.build == "cpu")


def test_a_probe_that_answers_decides():
    found = find_backend("xgboost", command=says(json.dumps({"build": "cuda"})))
    assert found.usable
    assert not found.reason
    wrong = json.dumps({"build": "cuda", "error": "its log loss is 9"})
    found = find_backend("xgboost", command=says(f"noise\n{wrong}"))
    assert not found.usable
    assert found.reason == "its log loss is 9"


@pytest.mark.parametrize(
    ("code", "ending"),
    [("import os; os.abort()", "code -6"), ("raise ValueError('no card')", "no card")],
)
def test_a_probe_that_dies_is_an_answer(code, ending):
    found = find_backend("lightgbm", command=[sys.executable, "-c", code])
    assert not found.usable
    assert ending in found.reason


def test_a_probe_that_hangs_is_an_answer(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.5)
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    assert "did not end" in find_backend("lightgbm", command=command).reason


def test_what_is_not_installed_says_how_to_install_it():
    found = find_backend("no-such-booster")
    assert found.version == ""
    assert found.install == "pip install no-such-booster"


def test_the_probe_trains_the_familys_own_model():
    assert module._train("xgboost", "cpu") < 0.6


@pytest.mark.gpu
@pytest.mark.skipif(not find_driver().devices, reason="there is no CUDA device")
def test_xgboost_trains_on_the_device():
    assert find_backend("xgboost").usable
