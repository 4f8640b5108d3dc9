import subprocess
import sys

import pytest

import automl

from .conftest import ROOT, environment

HEAVY = ["numpy", "pandas", "pyarrow", "scipy", "sklearn", "optuna", "lightgbm", "xgboost"]


def test_without_a_command_it_prints_the_help_and_exits_2(run):
    outcome = run()
    assert outcome.code == 2
    for name in ("fit", "predict", "evaluate", "leaderboard", "explain"):
        assert f"  {name}" in outcome.out


def test_version(run):
    outcome = run("--version")
    assert (outcome.code, outcome.out) == (0, f"automl {automl.__version__}\n")


@pytest.mark.parametrize(
    "arguments", [("--help",), ("fit", "--help"), ("retrain", "--help"), ("--version",), ("fit",)]
)
def test_light_commands_import_nothing_heavy(arguments, tmp_path):
    script = (
        "import sys; from automl.__main__ import main; main(sys.argv[1:]);"
        f"print([m for m in {HEAVY} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        env=environment(),
        cwd=tmp_path,
        check=True,
    )
    assert done.stderr.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("train",), "invalid choice: 'train'"),
        (("fit", "--target", "y"), "required: DATA"),
        (("fit", "a.csv"), "--target"),
        (("fit", "a.csv", "--targit", "y"), "--targit"),
        (("fit", "a.csv", "--tar", "y"), "--tar"),
        (("predict", "model"), "required: DATA"),
        (("explain", "model", "a.csv", "--repeats", "0"), "--repeats 0"),
    ],
)
def test_wrong_usage_exits_2(run, arguments, told):
    outcome = run(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert told in outcome.error


def test_wrong_usage_with_json_is_json(run):
    outcome = run("fit", "--json", "--targit", "y")
    assert outcome.code == 2
    assert outcome.json == {"error": {"code": "usage", "message": outcome.error}}


def test_an_unexpected_error_is_one_line(run, tmp_path):
    (tmp_path / "run.json").write_text('{"result": {"metric": "rmse", "winner": "a"}}')
    (tmp_path / "leaderboard.json").write_text('[{"name": "a"}]')
    outcome = run("leaderboard", tmp_path)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.count("\n") == 1
    assert outcome.error.startswith("unexpected error: KeyError: ")
    assert "--traceback" in outcome.error


@pytest.mark.parametrize(
    ("flags", "env"), [(("--traceback",), {}), ((), {"AUTOML_TRACEBACK": "1"})]
)
def test_the_traceback_on_demand(run, flags, env):
    outcome = run("leaderboard", "nothing", *flags, env=env)
    assert outcome.code == 3
    assert "Traceback (most recent call last)" in outcome.err


def test_the_console_script_is_the_same_function():
    text = (ROOT / "pyproject.toml").read_text()
    assert 'automl = "automl.__main__:main"' in text
