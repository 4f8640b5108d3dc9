import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import automl
from automl.exceptions import RegistryLockedError, RegistryWriteError
from automl.registry import Registry

ROOT = Path(automl.__file__).parents[1]
PATIENCE = 20
HOLD = """
import os, sys, time
from automl.registry import Registry
with Registry.open(sys.argv[1]).lock(owner="nightly"):
    said = "held"
    {inside}
    print(said, flush=True)
    sys.stdin.readline()
"""


class Holder:
    """Another process that has the lock until it is told to go on."""

    def __init__(self, registry, inside="pass"):
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLD.format(inside=inside), str(registry.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        self.said = self.process.stdout.readline()
        assert self.said

    def let_go(self):
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()

    def kill(self):
        self.process.kill()
        self.process.wait(PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        self.process.stdin.close()
        self.process.stdout.close()


def job_file(registry):
    return registry.path / "locks" / "job"


def test_another_job_is_named(registry):
    with Holder(registry) as other:
        assert registry.job["owner"] == "nightly"
        with pytest.raises(RegistryLockedError) as told, registry.lock("mine", timeout=0):
            pass
    message = str(told.value)
    assert f"in use by nightly (process {other.process.pid} on " in message
    assert "waited 0 s" in message
    assert isinstance(told.value, TimeoutError)


def test_the_lock_is_handed_over(registry):
    with Holder(registry) as other:
        threading.Timer(0.3, other.let_go).start()
        with registry.lock(owner="mine", timeout=PATIENCE):
            assert registry.job["pid"] == os.getpid()
        assert other.process.wait(PATIENCE) == 0
    assert registry.job is None


def test_a_killed_job_leaves_no_lock(registry, caplog):
    with Holder(registry) as other:
        other.kill()
        assert registry.job is None
        with registry.lock(owner="mine", timeout=0):
            pass
    assert f"nightly (process {other.process.pid} on " in caplog.text
    caplog.clear()
    with registry.lock(owner="mine", timeout=0):
        assert not caplog.text


def test_a_child_of_a_killed_job_does_not_hold_its_lock(registry):
    with Holder(registry, "said = os.fork() or time.sleep(60)") as other:
        other.kill()
        try:
            os.kill(int(other.said), 0)  # it lives
            with registry.lock(owner="mine", timeout=1):
                pass
        finally:
            os.kill(int(other.said), signal.SIGKILL)


@pytest.mark.parametrize(
    "left",
    [
        {"owner": "old", "pid": 2**22 + 1, "host": "here"},  # there is no such process
        {"owner": "old", "pid": os.getppid(), "host": "here"},  # its number is another's by now
        {"owner": "old", "pid": 1, "host": "elsewhere"},
        {},
    ],
)
def test_what_an_old_lock_says_holds_nobody_up(registry, left):
    job_file(registry).write_text(json.dumps(left))
    with registry.lock(owner="mine", timeout=0):
        assert registry.job["owner"] == "mine"
    assert job_file(registry).read_bytes() == b""


def test_a_lock_that_can_not_be_read_is_taken(registry):
    job_file(registry).write_bytes(b"\xff{")
    with registry.lock(owner="mine", timeout=0):
        pass


def test_threads_exclude_each_other(registry):
    with registry.lock(owner="first"):
        other = Registry.open(registry.path)
        told = pytest.raises(RegistryLockedError, match="in use by first")
        with told, other.lock(owner="second", timeout=0):
            pass


def test_what_a_job_wrote_meanwhile_is_gone_after_it_even_if_it_was_killed(registry):
    with registry.lock(owner="mine"):
        (registry.scratch / "run").mkdir()
    assert list(registry.scratch.iterdir()) == []
    with Holder(registry, "os.mkdir(sys.argv[1] + '/scratch/run')") as other:
        assert [path.name for path in registry.scratch.iterdir()] == ["run"]
        other.kill()
    with registry.lock(owner="mine"):
        assert list(registry.scratch.iterdir()) == []


def test_a_job_that_fails_gives_the_lock_back(registry):
    with pytest.raises(ZeroDivisionError), registry.lock(owner="mine"):
        1 / 0  # noqa: B018
    assert registry.job is None
    with registry.lock(owner="mine", timeout=0):
        pass


def test_a_job_that_failed_was_not_cut_off(registry, caplog):
    with pytest.raises(ValueError, match="disk"), registry.lock(owner="nightly"):
        raise ValueError("disk")
    with registry.lock(owner="again"):
        assert "cut off" not in caplog.text


def test_a_rollback_does_not_wait_for_a_job(serving):
    with Holder(serving):
        started = time.monotonic()
        assert serving.rollback("now").number == 1
        assert time.monotonic() - started < PATIENCE


def test_a_file_system_without_locks_is_refused(registry, monkeypatch):
    import fcntl

    def no_locks(number, how):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    told = pytest.raises(RegistryWriteError, match=r"can't lock files .* local disk")
    with told, registry.lock(owner="mine"):
        pass
