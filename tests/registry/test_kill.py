"""A registry whose writers are killed, at each step and at random moments."""

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

import automl
from automl import load
from automl.registry import Registry
from tests.registry.conftest import X

ROOT = Path(automl.__file__).parents[1]
KILLS = 10
CROWD = 3


class Killed(BaseException):
    """Stands for the end of the process: nobody cleans up after it."""


STEPS = ("fsync", "ftruncate", "mkdir", "rename", "replace", "rmdir", "unlink")
CHANGES = {
    "add": lambda registry, model: registry.add(model, {}),
    "promote": lambda registry, model: registry.promote(1),
    "rollback": lambda registry, model: registry.rollback(),
    "prune": lambda registry, model: registry.prune(keep=1),
}


def end_at(patch, number):
    """Let the process end before its step of this number; return how many there were."""
    count = [0]

    def counted(real):
        def step(*arguments, **options):
            count[0] += 1
            if count[0] >= number:  # and whatever would clean up after it, too
                raise Killed
            return real(*arguments, **options)

        return step

    for name in STEPS:
        patch.setattr(os, name, counted(getattr(os, name)))
    return count


def snapshot(registry):
    """All that counts: the versions, which serves, what was done."""
    registry = Registry.open(registry.path)
    assert registry.current.load().predict(X[:5]).tolist()
    for version in registry.versions():
        version.read()
    numbers = tuple(version.number for version in registry.versions())
    events = [event["number"] for event in registry.history()]
    assert events == list(range(1, len(events) + 1))
    return numbers, registry.current.number, len(events)


@pytest.mark.parametrize("change", CHANGES)
def test_killed_at_any_step_it_is_as_before_or_as_after(
    serving, model, change, tmp_path, monkeypatch
):
    serving.promote(serving.add(model, {}).number)
    serving.add(model, {})
    before = snapshot(serving)
    folder = serving.path
    copy = shutil.copytree(folder, tmp_path / "after")
    CHANGES[change](Registry.open(copy), model)
    after = snapshot(Registry(copy))
    assert after != before
    seen = set()
    for number in range(1, 100):
        copy = Path(shutil.copytree(folder, tmp_path / f"at-{number}"))
        with monkeypatch.context() as patch:
            count = end_at(patch, number)
            with suppress(Killed):
                CHANGES[change](Registry.open(copy), model)
        found = snapshot(Registry(copy))
        assert found in (before, after), number
        seen.add(found)
        _next_job_works(Registry(copy), model)
        if count[0] < number:
            break
    assert number > 5
    assert seen == {before, after}


def _next_job_works(registry, model):
    with registry.lock(owner="next", timeout=5):
        version = registry.add(model, {})
        registry.promote(version.number)
    assert list((registry.path / "work").iterdir()) == []
    listed = {version.path for version in registry.versions()}
    assert set((registry.path / "versions").iterdir()) == listed


VICTIM = """
import os, random, sys, traceback
from automl import load
from automl.exceptions import UsageError
from automl.registry import Registry

def work(path, models):
    registry = Registry.open(path)
    for turn in range(10**9):
        with registry.lock(owner="victim", timeout=60):
            version = registry.add(random.choice(models), {"turn": turn})
            registry.promote(version.number, "it is new")
            if turn % 3 == 2:
                registry.rollback("now and then")
            registry.prune(keep=2)

path, *models = sys.argv[1:]
load(models[0])  # imports
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        random.seed(os.getpid())
        try:
            work(path, models)
        except BaseException:
            traceback.print_exc()
        os._exit(1)
    print(child, flush=True)
    ended, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""


class Victims:
    """Processes that change a registry as fast as they can, one after the other."""

    def __init__(self, registry, *models):
        self.mother = subprocess.Popen(
            [sys.executable, "-c", VICTIM, str(registry.path), *map(str, models)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        )

    def kill_one(self, after):
        """Start one and kill it; return how it ended."""
        self.mother.stdin.write("\n")
        self.mother.stdin.flush()
        child = int(self.mother.stdout.readline())
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
        return int(self.mother.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.mother.kill()
        self.mother.wait()
        self.mother.stdin.close()
        self.mother.stdout.close()


class Reader(threading.Thread):
    """Asks for the model that serves, again and again."""

    def __init__(self, path):
        super().__init__()
        self.path = path
        self.errors, self.reads, self.ended = [], 0, threading.Event()

    def run(self):
        while not self.ended.is_set():
            try:
                load(self.path).predict(X[:2])
                self.reads += 1
            except Exception as error:  # noqa: BLE001 - all of them are what the test is about
                self.errors.append(error)
            time.sleep(0.01)


def test_writers_killed_at_random_moments_harm_nobody(serving, model, other_model):
    moments = random.Random(0)
    reader = Reader(serving.path)
    reader.start()
    try:
        with Victims(serving, model, other_model) as victims:
            for _ in range(KILLS):
                assert victims.kill_one(moments.uniform(0.01, 0.3)) == -signal.SIGKILL
                snapshot(serving)
                _next_job_works(serving, model)
    finally:
        reader.ended.set()
        reader.join()
    assert reader.errors == []
    assert reader.reads > KILLS
    owners = {event["by"]["owner"] for event in serving.history()}
    assert owners == {"user", "victim", "next"}


CROWDED = """
import sys
from automl.registry import Registry
registry = Registry.open(sys.argv[1], create=True)
for turn in range(4):
    version = registry.add(sys.argv[2], {"turn": turn})
    registry.promote(version.number)
"""


def test_processes_at_once_lose_nothing(tmp_path, model):
    crowd = [
        subprocess.Popen(
            [sys.executable, "-c", CROWDED, str(tmp_path / "new"), str(model)],
            env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        )
        for _ in range(CROWD)
    ]
    assert [process.wait(60) for process in crowd] == [0] * CROWD
    registry = Registry.open(tmp_path / "new")
    numbers, _, events = snapshot(registry)
    assert (numbers, events) == (tuple(range(1, 4 * CROWD + 1)), 2 * 4 * CROWD)
    turns = [version.manifest["lineage"]["turn"] for version in registry.versions()]
    assert sorted(turns) == sorted([0, 1, 2, 3] * CROWD)
