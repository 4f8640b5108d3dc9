"""The examples run as they are, each in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("script", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs(script, tmp_path):
    ended = subprocess.run(
        [sys.executable, script],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr
    assert len(ended.stdout.splitlines()) >= 2
    assert "Traceback" not in ended.stderr
    assert not list(tmp_path.iterdir()), "an example leaves files behind"


def test_examples_are_numbered():
    assert [path.name[:2] for path in EXAMPLES] == [f"{i:02}" for i in range(1, 6)]
