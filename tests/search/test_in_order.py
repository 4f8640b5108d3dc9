"""Without a time budget a search follows from its seed alone."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from automl import AutoModel

BUSY = "import ctypes; ctypes.CDLL(None).prctl(1, 9)\nwhile True: pass"


def table(n=250, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(n, 4)), columns=list("abcd"))
    frame["e"] = rng.choice(["x", "y", "z"], n)
    y = frame["a"] * (frame["e"] == "x") + 0.5 * frame["b"] ** 2 + rng.normal(0, 0.5, n)
    return frame, np.where(y > 0.3, "yes", "no")


def run(folder, **options):
    X, y = table()
    model = AutoModel(random_state=3, time_budget=None, run_dir=str(folder), **options).fit(X, y)
    lines = (folder / "events.jsonl").read_text().splitlines()
    ended = [e for e in map(json.loads, lines) if e["event"] == "ended"]
    trials = {e["name"]: (e["state"], e["score"], str(e["params"])) for e in ended}
    return model, trials, model.predict_proba(table(seed=1)[0])


@pytest.mark.slow
def test_two_runs_do_the_same_to_the_bit(tmp_path):
    families = ["lightgbm", "extra_trees", "linear", "mlp"]
    options = {"max_trials": 14, "n_jobs": 2, "families": families}
    first, trials, probabilities = run(tmp_path / "first", **options)
    busy = subprocess.Popen([sys.executable, "-c", BUSY])
    try:
        second, again, others = run(tmp_path / "second", **options)
    finally:
        busy.kill()
        busy.wait()
    assert len(trials) == 15
    assert again == trials
    assert others.tobytes() == probabilities.tobytes()
    assert second.score_ == first.score_
    assert second.score_interval_ == first.score_interval_
