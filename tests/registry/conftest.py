"""Two small saved models, made once, and a registry."""

import numpy as np
import pytest

from automl import AutoModel
from automl.registry import Registry

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 2))
Y = np.where(X[:, 0] > 0, "yes", "no")


def saved_model(path, **options):
    """Fit on a few rows and save."""
    settings = {"families": ["linear"], "max_trials": 1, "cv": 2, "n_jobs": 1, "random_state": 0}
    model = AutoModel(time_budget=None, **(settings | options)).fit(X, Y)
    return model.save(path)


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    return saved_model(tmp_path_factory.mktemp("saved") / "one.automl")


@pytest.fixture(scope="session")
def other_model(tmp_path_factory):
    return saved_model(
        tmp_path_factory.mktemp("saved") / "two.automl", metric="log_loss", random_state=1
    )


@pytest.fixture
def registry(tmp_path):
    return Registry.open(tmp_path / "registry", create=True)


@pytest.fixture
def serving(registry, model, other_model):
    """A registry with two versions, the second of which serves."""
    for path in (model, other_model):
        registry.promote(registry.add(path, {}).number)
    return registry
