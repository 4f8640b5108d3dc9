"""What the front pages show can be typed as it stands."""

import argparse
import os
import re
import shlex
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from automl.cli._main import _parser
from automl.families import BUILT_IN, Problem, check_family

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PAGES = [
    path
    for path in ROOT.rglob("*.md")
    if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
]


def blocks(text, language=""):
    """Content of the fenced blocks of a language; plain ones have none."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [content for name, content in fenced if name == language]


def commands(text):
    """Each command of the shell blocks as words, those joined by ``&&`` apart."""
    lines = "".join(blocks(text)).replace("\\\n", " ").splitlines()
    return [shlex.split(part) for line in lines for part in line.split("&&") if part.strip()]


def automl_commands():
    return [c[1:] for c in commands(README) if Path(c[0]).name == "automl"]


def parsers():
    parser = _parser()
    action = next(a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    return parser, action.choices


def test_the_readme_shows_every_command():
    assert {c[0] for c in automl_commands()} == set(parsers()[1])


@pytest.mark.parametrize("arguments", automl_commands(), ids=" ".join)
def test_command_is_understood(arguments):
    _parser().parse_args(arguments)


def test_tables_in_commands_are_shipped():
    shown = {word for c in automl_commands() for word in c if word.startswith("datasets/")}
    assert shown
    assert all((ROOT / path).is_file() for path in shown)


def test_options_exist():
    known = {o for p in parsers()[1].values() for a in p._actions for o in a.option_strings}
    shown = set(re.findall(r"`(--[a-z-]+)[ `]", README))
    assert shown
    assert shown <= known


def test_families_are_those_there_are():
    row = re.search(r"^\| `--families A,B` \|(.*)\|$", README, re.MULTILINE).group(1)
    assert re.findall(r"`(\w+)`", row) == [name for name in BUILT_IN if name != "constant"]


def test_exit_codes_are_those_of_the_help():
    rows = re.findall(r"^\| ([0-9, ]+) \|", README, re.MULTILINE)
    shown = {number for row in rows for number in row.split(", ")}
    told = re.search(r"exit codes: (.*?)\n\n", _parser().format_help(), re.DOTALL)
    assert shown == set(re.findall(r"\b(\d+) [A-Za-z-]", told.group(1)))


def test_ci_runs_the_command_of_the_readme():
    words = ("--upgrade-deps", "--group", "pytest")
    setup, install, test = (next(c for c in commands(README) if w in c) for w in words)
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert " ".join(setup[1:-1]) in ci
    assert " ".join(install[1:]) in ci
    assert re.search(rf"^python {' '.join(test[1:])}$", ci, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    missing = [t for t in targets if "://" not in t and not (page.parent / t).exists()]
    assert not missing


@pytest.mark.slow
def test_python_of_the_readme_runs(tmp_path):
    """As it stands, but for a budget that fits a test."""
    use, journal = blocks(README, "python")
    quick = 'time_budget=None, max_trials=1, families=["lightgbm"], cv=2, run_dir="RUN"'
    assert "time_budget=60" in use
    (tmp_path / "datasets").symlink_to(ROOT / "datasets")
    ended = subprocess.run(
        [sys.executable, "-"],
        input=use.replace("time_budget=60", quick) + journal,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr
    assert "lightgbm-1" in ended.stdout
    assert "COMPLETE" in ended.stdout
    assert (tmp_path / "birds.automl").is_file()
    assert {p.name for p in (tmp_path / "RUN").iterdir()} == set(
        re.findall(r"^\| `([a-z.]+)/?` \|", README, re.MULTILINE)
    )


def test_the_family_in_contributing_keeps_the_contract(tmp_path):
    path = tmp_path / "knn.py"
    path.write_text(blocks(CONTRIBUTING, "python")[0], encoding="utf-8")
    spec = spec_from_file_location("knn", path)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    family = module.Neighbours()
    check_family(family)
    # and what is asked of built-in families besides
    assert family.unit_seconds is not None
    assert family.work({}, Problem("binary", 1000, 10, 2)) > 0
