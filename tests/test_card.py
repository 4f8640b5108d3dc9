"""Runs with a simulated card: the driver says there is one, the families that they use it."""

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

import automl

ROOT = Path(automl.__file__).parents[1]
NAMES = ("alone", "sharer", "bystander", "booster")
N_ROWS = 240

SCRIPT = """
import ctypes, json, logging, os, sys
from pathlib import Path
import numpy as np
from tests.compute.test_driver import Library

real = ctypes.CDLL
ctypes.CDLL = lambda name, *a, **k: Library() if name == "libcuda.so.1" else real(name, *a, **k)

from automl import AutoModel
from automl.exceptions import AutoMLError

class Lines(logging.Handler):
    def emit(self, record):
        said.append(record.getMessage())

logging.getLogger("automl").addHandler(Lines(logging.WARNING))
rng = np.random.default_rng(0)
X = rng.normal(size=(240, 3))
y = X[:, 0] + 0.1 * rng.normal(size=240) > 0
usual = {"device": "cuda", "cv": 2, "n_jobs": 3, "random_state": 0, "time_budget": None}
folder = Path(os.environ["CARDS"])
for name, cache, harm, options in json.loads(sys.argv[1]):
    os.environ["XDG_CACHE_HOME"] = str(folder / cache)
    (folder / "harm.json").write_text(json.dumps(harm))
    (folder / "fits.jsonl").write_text("")
    run, said, told = folder / name, [], {}
    try:
        model = AutoModel(**usual | options, run_dir=str(run)).fit(X, y)
        told = {"board": model.leaderboard_.to_dict("records")}
    except AutoMLError as error:
        told = {"error": str(error), "code": error.exit_code}
    events = run / "events.jsonl"
    told["events"] = events.read_text().splitlines()
    told["fits"] = (folder / "fits.jsonl").read_text().splitlines()
    print(json.dumps(told | {"name": name, "said": said}))
"""

BOTH = ["alone", "sharer"]
RUNS = (
    ("rules", "usual", {}, {"families": NAMES[:3], "max_trials": 9}),
    ("again", "usual", {}, {"families": BOTH, "max_trials": 2}),
    ("auto", "auto", {}, {"families": BOTH, "device": "auto", "time_budget": 5, "max_trials": 2}),
    ("dies", "usual", {"alone": "abort", "sharer": "elsewhere"}, {"families": BOTH}),
    (
        "memory",
        "usual",
        {"alone": "memory", "sharer": "rows"},
        {"families": BOTH, "memory": "1500m"},
    ),
    ("early", "early", {"alone": "early abort", "sharer": "raise"}, {"families": BOTH}),
    ("folds", "usual", {}, {"families": ["booster"], "cv": 3, "max_trials": 4}),
    ("none", "none", {"alone": "early abort"}, {"families": ["alone"]}),
)


@dataclass
class Ran:
    """What a run said, and what its families noted."""

    said: list[str]
    events: list[dict[str, Any]]
    fits: list[dict[str, Any]]
    board: list[dict[str, Any]] = ()
    error: str = ""
    code: int = 0

    def on(self, device, *families):
        """Fits on the run's own table, and not on that of a check."""
        found = [f for f in self.fits if f["device"] == device and f["n_rows"] == N_ROWS]
        return [f for f in found if not families or f["family"] in families]

    def checks(self):
        phases = [e for e in self.events if e["event"] == "phase"]
        return {e["name"]: e["reason"] for e in phases if e["name"].startswith("check_")}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cards")
    info = folder / "cards-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: cards\nVersion: 1.0\n")
    points = [f"{name} = tests.families.carded:{name.capitalize()}\n" for name in NAMES]
    (info / "entry_points.txt").write_text("[automl.families]\n" + "".join(points))
    scenarios = [(*r[:3], {"max_trials": 6} | r[3]) for r in RUNS]
    env = {"PYTHONPATH": f"{folder}:{ROOT}", "OMP_NUM_THREADS": "1", "CARDS": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(scenarios)],
        env=env | {"PATH": os.environ["PATH"]}, cwd=folder, capture_output=True, text=True,
        timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = {t.pop("name"): t for t in map(json.loads, done.stdout.splitlines())}
    return {
        name: Ran(**t | {k: list(map(json.loads, t[k])) for k in ("events", "fits")})
        for name, t in told.items()
    }


def overlap(a, b):
    return a["begin"] < b["end"] and b["begin"] < a["end"]


def fits_of(ran):
    return [e for e in ran.events if e["event"] == "fit" and e["family"] != "constant"]


def test_a_card_that_is_insisted_on_is_used_by_its_rules(runs):
    ran = runs["rules"]
    on_card = ran.on("cuda:0")
    assert {f["family"] for f in on_card} == {"alone", "sharer"}
    assert {f["family"] for f in ran.on("cpu")} == {"bystander"}
    beside = [(a, b) for a, b in combinations(on_card, 2) if overlap(a, b)]
    assert not [p for p in beside if "alone" in (p[0]["family"], p[1]["family"])]


def test_where_a_fit_ran_is_on_the_leaderboard_and_in_the_events(runs):
    ran = runs["rules"]
    devices = {row["family"]: row["device"] for row in ran.board if row["device"]}
    assert devices == {
        "constant": "cpu",
        "alone": "cuda:0",
        "sharer": "cuda:0",
        "bystander": "cpu",
    }
    told = {(e["family"], e["device"]) for e in fits_of(ran)}
    assert told == {("alone", "cuda:0"), ("sharer", "cuda:0"), ("bystander", "cpu")}


def test_what_was_found_right_once_is_not_checked_again(runs):
    assert runs["rules"].checks() == {"check_alone": "", "check_sharer": ""}
    assert runs["again"].checks() == {}
    assert runs["again"].on("cuda:0")


def test_a_small_table_is_left_to_the_cpu_where_the_search_may_choose(runs):
    assert runs["auto"].on("cpu")
    assert not runs["auto"].on("cuda:0")


def test_families_that_the_card_kills_go_on_on_the_cpu_with_one_line_each(runs):
    ran = runs["dies"]
    assert not ran.on("cuda:0")
    assert {f["family"] for f in ran.on("cpu")} == {"alone", "sharer"}
    lines = [line for line in ran.said if "from here on" in line]
    assert sorted(line.split()[0] for line in lines) == ["alone", "sharer"]
    assert "SIGABRT" in " ".join(lines)
    assert "trains on 'cpu'" in " ".join(lines)
    assert {row["state"] for row in ran.board} <= {"complete", "pruned"}


def test_memory_that_a_card_lacks_is_saved_by_fewer_rows_then_by_the_cpu(runs):
    ran = runs["memory"]
    assert {f["family"] for f in ran.on("cuda:0")} == {"sharer"}
    assert {row["share"] for row in ran.board if row["family"] == "sharer"} == {0.5}
    assert {f["family"] for f in ran.on("cpu")} == {"alone"}
    assert {row["share"] for row in ran.board if row["family"] == "alone"} == {1.0}
    assert {row["state"] for row in ran.board} <= {"complete", "pruned"}


def test_no_worker_copies_a_large_table_twice(runs):
    fits = fits_of(runs["folds"])
    assert {(f["device"], f["result"]) for f in fits} == {("cuda:0", "done")}
    copies = Counter()
    for fit in fits:
        copies[fit["pid"]] += fit["copies"]
    assert set(copies.values()) == {1}
    assert len(copies) < len(fits)
    assert {row["state"] for row in runs["folds"].board} <= {"complete", "pruned"}


def test_a_family_that_fails_its_check_is_not_used_there(runs):
    ran = runs["early"]
    assert ran.checks() == {"check_alone": "its check died (SIGABRT)", "check_sharer": ""}
    assert not ran.on("cuda:0", "alone")
    assert not [line for line in ran.said if line.startswith("alone")]


def test_a_process_whose_card_has_failed_is_not_used_again(runs):
    ended, fits = set(), fits_of(runs["early"])
    for fit in fits:
        assert fit["pid"] not in ended
        ended |= {fit["pid"]} if fit["result"] == "failed" else set()
    assert 3 <= len(ended) <= 5  # as many workers as errors, then the family is given up
    assert sum("from here on" in line for line in runs["early"].said) == 1
    assert {row["state"] for row in runs["early"].board} <= {"complete", "pruned"}


def test_a_card_that_no_family_can_use_is_an_error_where_it_is_insisted_on(runs):
    assert runs["none"].code == 2
    wanted = "No family can train on cuda:0: alone: its check died (SIGABRT)"
    assert wanted in runs["none"].error
