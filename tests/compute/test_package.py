"""The package as a whole."""

import automl.compute

from .conftest import python


def test_importing_is_cheap():
    code = "import sys, automl.compute; print(*sys.modules)"
    out, _ = python(["-c", code]).communicate()
    heavy = {"numpy", "pandas", "sklearn", "lightgbm", "xgboost", "optuna", "joblib", "ctypes"}
    assert not heavy & set(out.split())


def test_names_are_sorted_and_there():
    names = automl.compute.__all__
    assert names == sorted(names)
    assert all(hasattr(automl.compute, name) for name in names)
