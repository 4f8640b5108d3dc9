"""A champion, and batches of the same process that it was trained on."""

import numpy as np
import pandas as pd
import pytest

from automl import AutoModel

TOWNS = ["Ulm", "Bonn", "Kiel", "Jena"]
DAY = pd.Timedelta(days=1)


def make_rows(n: int, seed: int, *, first_day: int = 0) -> pd.DataFrame:
    """Rows of a steady process: rents by area, town and age, 50 a day."""
    rng = np.random.default_rng(seed)
    area = rng.gamma(9.0, 9.0, n) + 15
    town = rng.choice(TOWNS, n, p=[0.4, 0.3, 0.2, 0.1])
    rooms = np.clip(np.round(area / 28), 1, 6)
    built = rng.integers(1900, 2024, n).astype(float)
    built[rng.random(n) < 0.1] = np.nan
    rent = 9 * area + 120 * (town == "Ulm") - 80 * (town == "Jena") + rng.normal(0, 60, n)
    return pd.DataFrame(
        {
            "day": pd.Timestamp("2026-01-01") + (first_day + np.arange(n) // 50) * DAY,
            "area": area,
            "rooms": rooms,
            "town": town,
            "built": built,
            "rent": rent,
        }
    )


@pytest.fixture(scope="session")
def history():
    """What the champion was trained on."""
    return make_rows(1500, 0)


@pytest.fixture
def batch():
    """The month after it."""
    return make_rows(800, 1, first_day=30)


def fit_linear(history, folder, weight=None):
    """The path of a saved model."""
    model = AutoModel(
        metric="mae", time_budget=None, max_trials=1, n_jobs=1, random_state=0, cv=3,
        families=["linear"],
    )  # fmt: skip
    model.fit(history.drop(columns="rent"), history["rent"], sample_weight=weight)
    return model.save(folder / "model.automl")


@pytest.fixture(scope="session")
def champion(history, tmp_path_factory):
    """The path of a saved model."""
    return fit_linear(history, tmp_path_factory.mktemp("champion"))


@pytest.fixture(scope="session")
def tree(history, tmp_path_factory):
    """The same of trees, which do not follow a trend beyond its end."""
    model = AutoModel(
        metric="mae", time_budget=None, n_jobs=1, random_state=0, cv=3,
        configurations=[{"family": "lightgbm", "params": {"num_leaves": 15}}], max_trials=1,
    )  # fmt: skip
    model.fit(history.drop(columns="rent"), history["rent"])
    return model.save(tmp_path_factory.mktemp("tree") / "model.automl")
