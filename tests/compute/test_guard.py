"""The bounds that a worker keeps by itself: its deadline and its memory."""

import signal
import sys
import time

import numpy as np
import pytest

from automl.compute import Killed, LocalEngine

from . import faults, jobs
from .conftest import PATIENCE, eventually, first, gone, job, last, listen

MIB = 2**20
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


@pytest.mark.parametrize("function", [jobs.spin, jobs.sleep_deaf, faults.hold_the_interpreter])
def test_the_deadline_holds_while_nobody_waits(lone_engine, function):
    deadline = time.monotonic() + 0.4
    number = lone_engine.submit(job(function, hard_deadline=deadline))
    pid = first(lone_engine).pid
    eventually(lambda: gone(pid))  # the driver does something else
    assert time.monotonic() > deadline
    event = last(lone_engine, number)
    assert event.value == Killed("deadline", -signal.SIGALRM)
    assert last(lone_engine, lone_engine.submit(job(jobs.echo, 1))).value == 1


def test_an_answer_in_time_counts_though_nobody_waits(lone_engine):
    deadline = time.monotonic() + 2
    number = lone_engine.submit(job(jobs.whoami, hard_deadline=deadline))
    [done] = lone_engine.wait(PATIENCE)
    number = lone_engine.submit(job(jobs.whoami, hard_deadline=deadline))
    time.sleep(max(0, deadline + 0.1 - time.monotonic()))
    event = last(lone_engine, number)
    assert (event.kind, event.value) == ("done", done.value)
    assert last(lone_engine, lone_engine.submit(job(jobs.whoami))).value == done.value


def test_an_alarm_ends_with_its_job(lone_engine):
    last(lone_engine, lone_engine.submit(job(jobs.whoami)))
    deadline = time.monotonic() + 0.5
    number = lone_engine.submit(job(jobs.whoami, hard_deadline=deadline))
    pid = last(lone_engine, number).pid
    time.sleep(max(0, deadline + 0.4 - time.monotonic()))
    assert last(lone_engine, lone_engine.submit(job(jobs.whoami))).value == pid


def test_an_alarm_that_is_not_the_deadline_is_a_death(lone_engine):
    number = lone_engine.submit(job(jobs.kill_itself, signal.SIGALRM))
    assert last(lone_engine, number).value == Killed("died", -signal.SIGALRM)


@linux
def test_memory_above_the_cap_is_refused(lone_engine):
    number = lone_engine.submit(job(faults.balloon, 4000, memory=200 * MIB))
    event = last(lone_engine, number)
    assert (event.kind, event.value.type) == ("failed", "MemoryError")
    assert "in balloon" in event.value.traceback
    assert 150 * MIB < event.peak_bytes < 250 * MIB
    after = last(lone_engine, lone_engine.submit(job(faults.balloon, 400)))
    assert (after.kind, after.value, after.pid) == ("done", 50, event.pid)


@linux
def test_memory_within_the_cap_is_given(lone_engine):
    for cap in (300 * MIB, 10**15, 2**70):
        event = last(lone_engine, lone_engine.submit(job(faults.balloon, 200, memory=cap)))
        assert (event.kind, event.value) == ("done", 25)


@linux
def test_neither_shared_data_nor_imports_count_against_the_cap(lone_engine):
    ref = lone_engine.put("table", {"x": np.ones(64 * MIB // 8)})
    number = lone_engine.submit(job(faults.hold, 1, data=(ref,), memory=16 * MIB))
    event = [event for event in listen(lone_engine) if event.job == number][-1]
    assert (event.kind, event.value) == ("done", 8 * MIB)


@linux
def test_a_cap_never_rises_above_the_users_own(tmp_path):
    from .conftest import python

    code = (
        "import resource\n"
        "from pathlib import Path\n"
        "resource.setrlimit(resource.RLIMIT_DATA, (400 * 2**20, resource.RLIM_INFINITY))\n"
        "from automl.compute import Job, LocalEngine\n"
        f"with LocalEngine(n_workers=1, scratch=Path({str(tmp_path)!r})) as engine:\n"
        "    for size in (100, 2000):\n"
        "        number = engine.submit(Job('tests.compute.faults:balloon', size, memory=2**40))\n"
        "        events = []\n"
        "        while engine.busy:\n"
        "            events += engine.wait()\n"
        "        print(events[-1].kind, getattr(events[-1].value, 'type', ''), flush=True)\n"
    )
    out, err = python(["-c", code]).communicate()
    assert out.split() == ["done", "failed", "MemoryError"], err


@linux
def test_the_peak_is_measured_per_job_without_shared_data(lone_engine):
    ref = lone_engine.put("table", {"x": np.ones(128 * MIB // 8)})
    for _ in range(2):
        sizes = [200, 0, 50]
        numbers = [lone_engine.submit(job(faults.hold, size, data=(ref,))) for size in sizes]
        events = {event.job: event for event in listen(lone_engine)}
        peaks = [events[number].peak_bytes / MIB for number in numbers]
        assert [round(peak, -1) for peak in peaks] == pytest.approx(sizes, abs=20), peaks


@linux
def test_the_peak_of_a_killed_job_is_what_the_driver_saw(lone_engine):
    number = lone_engine.submit(job(faults.keep, 100))
    assert first(lone_engine).peak_bytes / MIB > 80
    assert lone_engine.wait(0.3) == []
    lone_engine.kill(number)
    assert 80 < last(lone_engine, number).peak_bytes / MIB < 150


@linux
def test_freed_memory_goes_back_to_the_system(tmp_path):
    with LocalEngine(n_workers=1, scratch=tmp_path, preload=["numpy"]) as engine:
        number = engine.submit(job(jobs.litter, 200))
        event = last(engine, number)
        assert event.peak_bytes / MIB > 150
        event = last(engine, engine.submit(job(jobs.private_bytes)))
        assert event.value / MIB < 100
