"""Families by name: built in, and registered by others."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import automl
from automl.exceptions import UsageError
from automl.families import BUILT_IN, Problem, choose_families, family_names, get_family

PACKAGE = Path(automl.__file__).parent
SMALL = Problem("binary", n_rows=500, n_columns=8, n_classes=2, n_categorical=3)


def test_names_begin_with_the_built_in_ones():
    assert family_names()[: len(BUILT_IN)] == list(BUILT_IN)


@pytest.mark.parametrize("name", BUILT_IN)
def test_family_is_called_what_it_is_registered_as(name):
    family = get_family(name)
    assert family.name == name
    assert family is get_family(name)


def test_an_unknown_name_is_corrected():
    with pytest.raises(UsageError, match="no model family 'lihgtgbm'.*Did you mean 'lightgbm'"):
        get_family("lihgtgbm")
    with pytest.raises(UsageError, match="Installed: constant, lightgbm"):
        choose_families(["zzz"], SMALL)


def test_auto_takes_all_but_the_baseline():
    names = [f.name for f in choose_families("auto", SMALL)]
    assert set(BUILT_IN) - {"constant"} <= set(names)
    assert "constant" not in names


@pytest.mark.parametrize("wanted", ["linear, mlp", ["linear", "mlp"], ["linear", "mlp", "linear"]])
def test_families_are_taken_as_asked(wanted):
    assert [f.name for f in choose_families(wanted, SMALL)] == ["linear", "mlp"]


@pytest.mark.parametrize("wanted", ["", [], " , "])
def test_no_name_is_refused(wanted):
    with pytest.raises(UsageError, match="No model family was named"):
        choose_families(wanted, SMALL)


def test_a_family_that_does_not_suit_is_refused_by_name_and_left_out_of_auto():
    huge = Problem("binary", n_rows=10**9, n_columns=1000, n_classes=2)
    with pytest.raises(UsageError, match="'mlp' can't be used for binary with 1000000000 rows"):
        choose_families("mlp", huge)
    assert "mlp" not in [f.name for f in choose_families("auto", huge)]


@pytest.fixture
def registered(tmp_path):
    """A distribution with a family of its own, as pip would install it."""
    shutil.copy(Path(__file__).with_name("toy.py"), tmp_path / "somebodys_toy.py")
    info = tmp_path / "somebodys_toy-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: somebodys-toy\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[automl.families]\n"
        "descent = somebodys_toy:Descent\n"
        "linear = somebodys_toy:Descent\n"  # can't take the place of a built-in one
    )

    def python(code, *args):
        done = subprocess.run(
            [sys.executable, "-c", code, *args],
            env={"PYTHONPATH": f"{tmp_path}:{PACKAGE.parent}", "OMP_NUM_THREADS": "1"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return python


def test_a_registered_family_is_found_and_can_be_checked(registered):
    names, kinds = registered(
        "import json\n"
        "from automl.families import check_family, family_names, get_family\n"
        "check_family(get_family('descent'))\n"
        "kinds = [type(get_family(n)).__module__ for n in ('descent', 'linear')]\n"
        "print(json.dumps([family_names(), kinds]))"
    )
    assert names == [*BUILT_IN, "descent"]
    assert kinds == ["somebodys_toy", "automl.families.linear"]


def test_a_registered_family_can_win_and_its_model_can_be_loaded(registered):
    winner, same = registered(
        "import json, numpy as np\n"
        "from automl import AutoModel, load\n"
        "X = np.random.default_rng(0).normal(size=(90, 3))\n"
        "y = X[:, 0] > 0\n"
        "if __name__ == '__main__':\n"
        "    model = AutoModel(time_budget=None, max_trials=1, families=['descent'], cv=2,\n"
        "                      n_jobs=1, random_state=0).fit(X, y)\n"
        "    loaded = load(model.save('it.automl'))\n"
        "    same = (loaded.predict_proba(X) == model.predict_proba(X)).all()\n"
        "    print(json.dumps([model.winner_, bool(same)]))"
    )
    assert (winner, same) == ("descent-1", True)


def test_no_other_room_names_a_family():
    """A new family touches its file, its line in the table, and the contract test: no more."""
    plain = ("constant", "linear", "kernel")  # words of their own, too
    names = [n for n in BUILT_IN if n not in plain]
    more = ["catboost", "sklearn.ensemble", r"[\"']kernel[\"']", "kernel machine"]
    pattern = re.compile("|".join([*names, *more]), re.IGNORECASE)
    named = {}
    for path in PACKAGE.rglob("*.py"):
        if PACKAGE / "families" in path.parents:
            continue
        found = [line.strip() for line in path.read_text().splitlines() if pattern.search(line)]
        if found:
            named[str(path.relative_to(PACKAGE))] = found
    assert not named
