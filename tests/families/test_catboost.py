"""The family of the example distribution keeps the contract, where CatBoost is installed."""

import importlib.util
from pathlib import Path

import pytest

from automl.families import check_family

EXAMPLE = Path(__file__).parents[2] / "examples" / "automl-catboost"


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("catboost") is None, reason="needs catboost")
def test_the_example_keeps_the_contract(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLE)
    from automl_catboost import CatBoost

    check_family(CatBoost())
