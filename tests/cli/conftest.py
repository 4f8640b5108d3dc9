"""The real command in a process of its own, and two models that many tests share."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

import automl

ROOT = Path(automl.__file__).parents[1]
DATASETS = ROOT / "datasets"
QUICK = ("--families", "linear", "--max-trials", "1")


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def error(self):
        """The one line that tells of an error."""
        lines = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1, self.err
        return lines[0].removeprefix("error: ")


def environment(extra=None):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("AUTOML_", "PYTHONW"))}
    return clean | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"} | (extra or {})


def command(*arguments):
    return [sys.executable, "-m", "automl", *map(str, arguments)]


def run_automl(*arguments, cwd, env=None, stdin=b""):
    done = subprocess.run(
        command(*arguments),
        input=stdin,
        capture_output=True,
        cwd=cwd,
        env=environment(env),
        check=False,
        timeout=120,
    )
    return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture
def run(tmp_path) -> Callable[..., Outcome]:
    """Run the command in an empty folder."""

    def call(*arguments, env=None, stdin=b"", cwd=tmp_path):
        return run_automl(*arguments, cwd=cwd, env=env, stdin=stdin)

    return call


@pytest.fixture(scope="session")
def penguins():
    return DATASETS / "penguins.csv"


@pytest.fixture(scope="session")
def earthquakes(tmp_path_factory):
    """Few enough rows for a boosted model in a second."""
    file = tmp_path_factory.mktemp("data") / "earthquakes.parquet"
    pd.read_parquet(DATASETS / "earthquakes.parquet").head(250).to_parquet(file)
    return file


@pytest.fixture(scope="session")
def classifier(tmp_path_factory, penguins):
    """The run of a model for penguins, and what the command said of it."""
    folder = tmp_path_factory.mktemp("classifier")
    arguments = ("fit", penguins, "--target", "species", *QUICK, "--json", "--out", "run")
    outcome = run_automl(*arguments, cwd=folder)
    assert outcome.code == 0, outcome.err
    return folder / "run", outcome


@pytest.fixture(scope="session")
def regressor(tmp_path_factory, earthquakes):
    """The run of a boosted model for earthquakes, and what the command said of it."""
    folder = tmp_path_factory.mktemp("regressor")
    family = ("--families", "lightgbm", "--max-trials", "1")
    arguments = ("fit", earthquakes, "--target", "magnitude", *family, "--out", "run")
    outcome = run_automl(*arguments, cwd=folder)
    assert outcome.code == 0, outcome.err
    return folder / "run", outcome
