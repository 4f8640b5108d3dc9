"""Engines for the tests, and a look at their processes."""

import subprocess
import sys
import time
from collections import deque
from pathlib import Path
from weakref import WeakKeyDictionary

import psutil
import pytest

import automl
from automl.compute import Event, Job, LocalEngine

_heard: "WeakKeyDictionary[LocalEngine, deque[Event]]" = WeakKeyDictionary()
_programs: list[subprocess.Popen[str]] = []
PATIENCE = 20.0  # seconds after which something that should happen has not happened


@pytest.fixture
def engine(tmp_path):
    with LocalEngine(n_workers=2, scratch=tmp_path / "scratch") as engine:
        yield engine


@pytest.fixture
def lone_engine(tmp_path):
    with LocalEngine(n_workers=1, scratch=tmp_path / "scratch") as engine:
        yield engine


def job(function, payload=None, **options):
    return Job(f"{function.__module__}:{function.__name__}", payload, **options)


def last(engine, number):
    """Wait for the event that ends a job."""
    return next(event for event in listen(engine) if ends(event) and event.job == number)


def first(engine):
    """Wait for the next event."""
    return next(listen(engine))


def listen(engine):
    """Yield events until there is no work; those not taken are kept for the next listener."""
    give_up = time.monotonic() + PATIENCE
    heard = _heard.setdefault(engine, deque())
    while time.monotonic() < give_up:
        while heard:
            yield heard.popleft()
        heard.extend(engine.wait(0.5))
        if not heard and not engine.busy:
            return
    raise AssertionError("the engine still works")


def ends(event):
    return event.kind != "progress"


def servers(pid=None):
    """The worker servers of a process."""
    children = psutil.Process(pid).children()
    return [child for child in children if "_server.py" in " ".join(child.cmdline())]


def workers(pid=None):
    """The workers that live, of all servers of a process."""
    children = [child for server in servers(pid) for child in server.children()]
    return [child for child in children if child.status() != psutil.STATUS_ZOMBIE]


def gone(pid):
    """Whether a process has ended; its parent may not have noticed yet."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def eventually(condition):
    """Wait until a condition holds."""
    give_up = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < give_up, "it never happened"
        time.sleep(0.01)


@pytest.fixture(autouse=True)
def _end_programs():
    """End what `python` started, where a test has failed to."""
    yield
    while _programs:
        with _programs.pop() as program:
            program.kill()


def python(arguments, **options):
    """Start a Python program that can import the package and the test's jobs."""
    root = str(Path(automl.__file__).parents[1])
    program = [sys.executable, *arguments]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": root} | options.pop("env", {})
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    _programs.append(subprocess.Popen(program, text=True, env=environment, **pipes, **options))
    return _programs[-1]
