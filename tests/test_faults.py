"""What goes wrong in a worker stays there: the run goes on and says what happened."""

import json
import os
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from automl import AutoModel
from automl.compute import resident, shut_down
from automl.exceptions import NoModelError
from automl.families.linear import Linear
from automl.objective import MetricError
from tests.compute.faults import STILLBORN

RNG = np.random.default_rng(0)
X = pd.DataFrame(RNG.normal(size=(150, 3)), columns=["a", "b", "c"])
Y = X["a"] + 0.1 * RNG.normal(size=150)
LINEAR = {"family": "linear", "params": {"encoding": "scaled"}}
BROKEN = {"family": "lightgbm", "params": {"num_leaves": 1}}


def fault(kind):
    """Do harm to the process that this runs in."""
    if kind == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif kind == "exit":
        os._exit(3)
    elif kind == "raise":
        raise RuntimeError("no idea")
    elif kind == "leave":
        raise SystemExit(4)
    while kind == "loop":
        pass


def faulty_metric(kind, folder, *, at):
    """An error that does harm in its call number `at`, counted over all processes, once."""

    def error(y_true, y_pred):
        with (Path(folder) / "calls").open("ab", buffering=0) as calls:
            calls.write(b".")
            number = calls.tell()
        if number == at:
            (Path(folder) / "pid").write_text(str(os.getpid()))
            fault(kind)
        return float(np.abs(y_true - y_pred).mean())

    error.greater_is_better = False
    return error


def events(run):
    return [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]


def fit(tmp_path, metric="mae", **options):
    settings = {"time_budget": None, "families": ["linear"], "max_trials": 2, "n_jobs": 1}
    run = tmp_path / "run"
    model = AutoModel(metric=metric, run_dir=run, **(settings | options))
    return model.fit(X, Y), run


# The baseline calls the metric some 25 times, a linear fit a hundred times.
@pytest.mark.parametrize("kind", ["crash", "exit", "raise", "leave"])
@pytest.mark.parametrize("at", [3, 60], ids=["baseline", "fit"])
def test_a_metric_that_does_harm_once_costs_no_trial(kind, at, tmp_path):
    model, run = fit(tmp_path, faulty_metric(kind, tmp_path, at=at))
    assert int((tmp_path / "pid").read_text()) != os.getpid()
    assert (model.leaderboard_["state"] == "complete").all()
    bad = [e for e in events(run) if e["event"] == "fit" and e["result"] != "done"]
    if kind in ("crash", "exit"):
        assert [e["result"] for e in bad] == ["killed"]
        assert "its process died" in bad[0]["reason"]
    else:  # where half of the rows was scored, an exception costs nothing at all
        assert [e["result"] for e in bad] in (["failed"], [])


def test_a_metric_that_never_comes_back_costs_its_trial(tmp_path):
    metric = faulty_metric("loop", tmp_path, at=60)
    model, run = fit(tmp_path, metric, time_budget=8, max_trials=3)
    assert model.winner_ != "constant"
    failed = [e for e in events(run) if e["event"] == "ended" and e["state"] == "failed"]
    assert [("was killed" in e["reason"]) for e in failed] == [True]


@pytest.mark.parametrize(("kind", "word"), [("crash", "SIGSEGV"), ("raise", "no idea")])
def test_a_metric_that_always_does_harm_is_named(kind, word, tmp_path):
    def my_error(y_true, y_pred):
        fault(kind)

    with pytest.raises(MetricError, match="my_error") as caught:
        fit(tmp_path, my_error)
    assert word in str(caught.value)


def test_a_family_that_keeps_failing_is_put_aside(tmp_path, caplog):
    model, run = fit(
        tmp_path,
        configurations=[BROKEN] * 5 + [LINEAR],
        families=["lightgbm", "linear"],
        max_trials=None,
        time_budget=60,
    )
    board = model.leaderboard_.set_index("name")
    assert (board["family"] == "lightgbm").sum() == 3
    assert model.winner_ == "linear-4"
    assert [e["family"] for e in events(run) if e["event"] == "aside"] == ["lightgbm"]
    assert "lightgbm is put aside" in caplog.text


def test_a_worker_that_dies_at_birth_is_in_the_events(tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text(STILLBORN)  # the worker server imports it
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    shut_down()
    model, run = fit(tmp_path)
    shut_down()
    [death] = [e for e in events(run) if e["event"] == "worker"]
    assert (death["result"], death["pid"]) == ("killed", None)
    assert death["reason"] == "a worker died (exit code 3)"
    assert "failed" not in set(model.leaderboard_["state"])


def test_a_failure_is_kept_so_that_it_can_be_seen_again(tmp_path):
    _, run = fit(tmp_path, configurations=[BROKEN, LINEAR], families=["lightgbm", "linear"])
    kept = json.loads((run / "failures" / "lightgbm-1.json").read_text())
    assert kept["params"]["num_leaves"] == 1
    assert "LightGBMError" in kept["reason"]
    assert "Traceback" in kept["traceback"]
    with pytest.raises(NoModelError, match="LightGBMError"):
        AutoModel(
            time_budget=None,
            max_trials=1,
            configurations=run / "failures" / "lightgbm-1.json",
            families=["lightgbm"],
            random_state=kept["seed"],
        ).fit(X, Y)


def test_a_fit_that_runs_out_of_memory_is_made_smaller(tmp_path):
    """The forest copies its rows, which does not fit; on fewer rows it does."""
    n = 600_000
    wide = pd.DataFrame(RNG.normal(size=(n, 30)).astype(np.float32))
    model = AutoModel(
        time_budget=None,
        max_trials=1,
        n_jobs=1,
        cv=2,
        memory=int((resident() + 480 * 2**20) / 0.92),
        run_dir=tmp_path / "run",
        configurations=[{"family": "xgboost", "params": {"learning_rate": 0.9, "max_depth": 2}}],
    ).fit(wide, wide[0] > 0)
    fits = [e for e in events(tmp_path / "run") if e["event"] == "fit" and e["name"] != "constant"]
    rows = [e for e in events(tmp_path / "run") if e["event"] == "look"][0]["rows"]
    assert rows < n or min(e["share"] for e in fits) < 1
    assert model.winner_ == "xgboost-1"


def test_a_family_without_memory_for_its_fits_leaves_the_search_to_others(monkeypatch, tmp_path):
    monkeypatch.setattr("automl._fit._memory_per_worker", lambda *_: 2**40)
    monkeypatch.setattr(Linear, "memory", lambda *_, **__: 2.0**50)
    X = pd.DataFrame(RNG.normal(size=(400, 3)))
    model = AutoModel(
        configurations=[{"family": name, "params": {}} for name in ("linear", "lightgbm")],
        time_budget=20,
        max_trials=2,
        n_jobs=1,
        run_dir=tmp_path / "run",
    ).fit(X, X[0] > 0)
    states = {(t["family"], t["state"]) for t in model.leaderboard_.to_dict("records")}
    assert ("linear", "failed") in states
    assert ("lightgbm", "complete") in states
    ended = [e["name"] for e in events(tmp_path / "run") if e["event"] == "ended"]
    assert len(ended) == len(set(ended))
