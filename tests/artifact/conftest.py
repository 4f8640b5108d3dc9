"""Small saved models, made once."""

import io
import zipfile

import numpy as np
import pandas as pd
import pytest

from automl import AutoModel

N = 90
RNG = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {
        "amount": RNG.normal(size=N),
        "city": RNG.choice(["Oslo", "Bonn", "Nice"], N),
        "when": pd.Timestamp("2026-01-01") + pd.to_timedelta(RNG.integers(0, 90, N), unit="D"),
        "paid": RNG.choice([True, False], N),
    }
)
FRAME.loc[::9, ["amount", "city"]] = None
SIGNAL = FRAME["amount"].fillna(0) + (FRAME["city"] == "Oslo") + 0.3 * RNG.normal(size=N)
MIDDLE = SIGNAL.median()
TARGETS = {
    "binary": np.where(SIGNAL > MIDDLE, "yes", "no"),
    "multiclass": pd.qcut(SIGNAL, 3, labels=["low", "mid", "top"]).astype(str).to_numpy(),
    "regression": SIGNAL.to_numpy(),
}


def fit(task, families):
    model = AutoModel(
        time_budget=None, max_trials=2, families=families, cv=2, n_jobs=1, random_state=0
    )
    return model.fit(FRAME, TARGETS[task])


@pytest.fixture(scope="session", params=TARGETS)
def model(request):
    return fit(request.param, ["linear", "lightgbm"])


@pytest.fixture(scope="session")
def linear():
    return fit("binary", ["linear"])


@pytest.fixture(scope="session")
def saved(linear, tmp_path_factory):
    """The bytes of a small model."""
    return linear.save(tmp_path_factory.mktemp("saved") / "model.automl").read_bytes()


def members(content):
    """Names and contents of what is in the file."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(entries, method=zipfile.ZIP_DEFLATED):
    """The bytes of a zip file with these (name, content) pairs."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return buffer.getvalue()
