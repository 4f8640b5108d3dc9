import json
import signal
import subprocess
import time

import psutil
import pytest

from .conftest import command, environment

PATIENCE = 60.0


def eventually(condition):
    give_up = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < give_up, "it never happened"
        time.sleep(0.02)


@pytest.fixture
def start(tmp_path):
    """Start the command; it is ended with the test."""
    programs = []

    def call(*arguments, stdin=subprocess.DEVNULL):
        pipes = {"stdin": stdin, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        programs.append(
            subprocess.Popen(
                command(*arguments), cwd=tmp_path, env=environment(), text=True, **pipes
            )
        )
        return programs[-1]

    yield call
    for program in programs:
        with program:
            program.kill()


@pytest.fixture
def searching(start, penguins, tmp_path):
    """A run that has a first model and would go on for long."""
    flags = ("--target", "species", "--time-budget", "10m", "--families", "lightgbm")
    program = start("fit", penguins, *flags, "--out", "run")
    eventually(lambda: (tmp_path / "run/model.automl").is_file() or program.poll() is not None)
    return program


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_keeps_the_best_so_far(searching, number, code, run):
    searching.send_signal(number)
    out, err = searching.communicate(timeout=PATIENCE)
    assert searching.returncode == code
    assert "next   automl predict" in out
    assert "interrupted: keeping the best so far" in err
    assert "Traceback" not in err
    assert run("leaderboard", "run").code == 0


def test_the_second_signal_leaves_at_once(searching):
    descendants = psutil.Process(searching.pid).children(recursive=True)
    while searching.poll() is None:  # two that come while the program is busy count as one
        searching.send_signal(signal.SIGINT)
        time.sleep(0.02)
    out, err = searching.communicate(timeout=PATIENCE)
    assert searching.returncode == 130
    assert out == ""
    assert "Traceback" not in err
    assert descendants
    eventually(lambda: not any(child.is_running() for child in descendants))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_before_the_search_ends_the_command(start, number, code, tmp_path):
    program = start("fit", "-", "--target", "y", "--json", stdin=subprocess.PIPE)
    eventually(lambda: psutil.Process(program.pid).children())  # it is about to read
    program.send_signal(number)
    program.wait(PATIENCE)
    assert program.returncode == code
    assert program.stderr.read() == "error: Interrupted.\n"
    answer = json.loads(program.stdout.read())
    assert answer == {"error": {"code": "interrupted", "message": "Interrupted."}}
    assert not (tmp_path / "automl-runs").exists()
