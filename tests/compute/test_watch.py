"""The driver's eye on the memory of all processes."""

import logging
import sys
import time

import numpy as np
import psutil
import pytest

from automl.compute import LocalEngine, shut_down
from automl.exceptions import UsageError

from . import faults, jobs
from .conftest import ends, eventually, first, gone, job, last, listen, servers, workers

MIB = 2**20
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


def _pss(processes):
    return sum(process.memory_full_info().pss for process in processes)


@pytest.fixture
def tight_engine(tmp_path):
    """An engine that may have 500 MiB more than what is in use already."""
    shut_down()
    limit = _pss([psutil.Process()]) + 500 * MIB
    with LocalEngine(n_workers=2, scratch=tmp_path, memory_limit=limit) as engine:
        yield engine


def test_the_largest_job_ends_when_all_together_have_too_much(tight_engine):
    small = tight_engine.submit(job(faults.keep, 100))
    assert first(tight_engine).kind == "progress"
    large = tight_engine.submit(job(faults.balloon, 3000))
    event = last(tight_engine, large)
    assert event.kind == "killed"
    assert event.value.reason == "memory"
    assert str(event.value).startswith("over the memory limit")
    assert event.peak_bytes > 200 * MIB
    assert gone(event.pid)
    assert tight_engine.wait(0.5) == []
    assert last(tight_engine, tight_engine.submit(job(jobs.echo, 1))).value == 1
    tight_engine.kill(small)
    assert last(tight_engine, small).value.reason == "asked"


def test_what_a_job_has_started_counts(tight_engine):
    number = tight_engine.submit(job(faults.balloon_in_a_child, 3000))
    child = first(tight_engine).value
    event = last(tight_engine, number)
    assert event.value.reason == "memory"
    eventually(lambda: gone(child))


def test_memory_that_is_shared_counts_once(tight_engine):
    ref = tight_engine.put("table", {"x": np.ones(300 * MIB // 8)})
    numbers = [tight_engine.submit(job(faults.look_and_stay, data=(ref,))) for _ in range(2)]
    assert {first(tight_engine).value, first(tight_engine).value} == {300 * MIB // 8}
    processes = [psutil.Process(), *servers(), *workers()]
    used = _pss(processes)
    eventually(lambda: not tight_engine.wait(0.1) and tight_engine.peak_bytes > used - 50 * MIB)
    assert tight_engine.peak_bytes < used + 200 * MIB
    assert sum(process.memory_info().rss for process in processes) > used + 300 * MIB
    for number in numbers:
        tight_engine.kill(number)


def test_an_idle_worker_that_holds_more_ends_before_a_job(tight_engine):
    running = tight_engine.submit(job(faults.keep_when_asked, 250))
    assert first(tight_engine).value == "up"
    hoarder = last(tight_engine, tight_engine.submit(job(faults.hoard, 350)))
    assert hoarder.kind == "done"
    assert tight_engine.wait(0.3) == []
    assert not gone(hoarder.pid)
    tight_engine.stop(running)
    assert first(tight_engine).value == 250 * MIB
    eventually(lambda: tight_engine.wait(0.1) == [] and gone(hoarder.pid))
    assert last(tight_engine, tight_engine.submit(job(jobs.echo, 1))).value == 1
    tight_engine.kill(running)


def test_a_limit_that_is_too_small_is_told_once_and_kills_nobody(tmp_path, caplog):
    with (
        caplog.at_level(logging.WARNING, logger="automl.compute"),
        LocalEngine(n_workers=2, scratch=tmp_path, memory_limit=20 * MIB) as engine,
    ):
        for _ in range(6):
            engine.submit(job(jobs.nap, 0.3))
        events = [event for event in listen(engine) if ends(event)]
    assert [event.kind for event in events] == ["done"] * 6
    assert caplog.text.count("too small") == 1


def test_the_peak_of_all_is_measured_without_a_limit(lone_engine):
    number = lone_engine.submit(job(faults.keep, 300))
    assert first(lone_engine).kind == "progress"
    used = _pss([psutil.Process(), *workers()]) - 50 * MIB
    eventually(lambda: lone_engine.wait(0.1) == [] and lone_engine.peak_bytes > used)
    lone_engine.kill(number)
    assert last(lone_engine, number).kind == "killed"
    assert lone_engine.peak_bytes < used + 200 * MIB
    peak = lone_engine.peak_bytes
    assert last(lone_engine, lone_engine.submit(job(jobs.nap, 0.3))).kind == "done"
    assert lone_engine.peak_bytes == peak


def test_nothing_is_measured_before_there_is_work(lone_engine):
    assert lone_engine.wait(0.3) == []
    assert lone_engine.peak_bytes == 0


def test_watching_is_cheap(lone_engine):
    number = lone_engine.submit(job(jobs.sleep_deaf))
    assert first(lone_engine).kind == "progress"
    before = time.process_time()
    assert lone_engine.wait(1) == []
    spent = time.process_time() - before
    lone_engine.kill(number)
    print(f"a second of watching takes {1000 * spent:.1f} ms")  # noqa: T201


@pytest.mark.parametrize("limit", [0, -1])
def test_bad_limits_are_refused(tmp_path, limit):
    with pytest.raises(UsageError, match=f"memory_limit={limit}"):
        LocalEngine(n_workers=1, scratch=tmp_path, memory_limit=limit)
