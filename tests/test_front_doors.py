"""``fit`` works wherever people write Python: workers never run the caller's ``__main__``."""

import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import numpy as np
import pytest

from automl import AutoModel

ROOT = Path(__file__).parents[1]

CODE = textwrap.dedent(
    """
    print("begin")
    import numpy as np
    from automl import AutoModel
    X = np.random.default_rng(0).normal(size=(60, 2))
    y = X[:, 0] > 0

    def share_right(y_true, y_pred):
        return float(np.mean(y_true == y_pred))

    model = AutoModel(
        metric=share_right, families=["linear"], time_budget=None, max_trials=1, random_state=0
    ).fit(X, y)
    print("fitted", model.winner_, model.predict(X[:3]).shape)
    """
)
"""Unguarded, and with a metric that only the caller's ``__main__`` has."""

EXPECTED = ["begin", "fitted linear-1 (3,)"]


def run_python(arguments, cwd, stdin=None):
    ended = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr, ended.stderr
    assert "begin" not in ended.stderr, "a worker has run the script again"
    return ended.stdout.splitlines()


def small_fit():
    X = np.random.default_rng(0).normal(size=(60, 2))
    model = AutoModel(families=["linear"], time_budget=None, max_trials=1, random_state=0)
    return model.fit(X, X[:, 0] > 0)


def test_unguarded_script(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(CODE)
    assert run_python([script], tmp_path) == EXPECTED


def test_standard_input(tmp_path):
    assert run_python(["-"], tmp_path, CODE) == EXPECTED


def test_command_string(tmp_path):
    assert run_python(["-c", CODE], tmp_path) == EXPECTED


def test_interactive_prompt(tmp_path):
    assert run_python(["-i", "-q"], tmp_path, CODE) == EXPECTED


def test_notebook(tmp_path, monkeypatch):
    manager = pytest.importorskip("jupyter_client.manager")
    pytest.importorskip("ipykernel")
    for variable in ("JUPYTER_RUNTIME_DIR", "IPYTHONDIR", "JUPYTER_DATA_DIR"):
        monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    printed = []

    def take(message):
        if message["msg_type"] == "stream" and message["content"]["name"] == "stdout":
            printed.append(message["content"]["text"])

    with manager.run_kernel(cwd=str(tmp_path)) as kernel:
        # Two cells: the metric is defined in an earlier one than the fit.
        first, second = CODE.split("model = ")
        for cell in (first, f"model = {second}"):
            reply = kernel.execute_interactive(cell, timeout=120, output_hook=take)
            assert reply["content"]["status"] == "ok", reply["content"]
    assert "".join(printed).splitlines() == EXPECTED


def test_daemon_thread():
    found = []
    thread = threading.Thread(target=lambda: found.append(small_fit()), daemon=True)
    thread.start()
    thread.join(120)
    assert [model.winner_ for model in found] == ["linear-1"]


def test_inside_pytest():
    assert small_fit().winner_ == "linear-1"


def test_two_threads_at_once():
    found = []
    threads = [threading.Thread(target=lambda: found.append(small_fit())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    first, second = found
    rows = np.random.default_rng(1).normal(size=(20, 2))
    np.testing.assert_array_equal(first.predict_proba(rows), second.predict_proba(rows))
