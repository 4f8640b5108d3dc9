"""One engine: its jobs, their ends, and the workers' lives."""

import colorsys
import os
import signal
import sys
import threading
import time

import numpy as np
import psutil
import pytest

from automl import compute
from automl.compute import Failure, Job, Killed, LocalEngine
from automl.exceptions import UsageError

from . import jobs
from .conftest import ends, first, gone, job, last, listen, servers, workers


def test_each_job_gets_its_own_result(engine):
    numbers = {engine.submit(job(jobs.echo, {"value": i})): i for i in range(50)}
    events = list(listen(engine))
    assert {event.job: event.value["value"] for event in events} == numbers
    assert len(events) == 50
    assert {event.kind for event in events} == {"done"}


def test_one_worker_takes_jobs_in_order(lone_engine):
    numbers = [lone_engine.submit(job(jobs.echo, i)) for i in range(20)]
    assert [event.job for event in listen(lone_engine)] == numbers


def test_workers_run_at_the_same_time(engine):
    numbers = [engine.submit(job(jobs.until_stopped)) for _ in range(2)]
    assert [first(engine).value, first(engine).value] == ["up", "up"]
    for number in numbers:
        engine.stop(number)
    assert len({event.pid for event in listen(engine)}) == 2


def test_idle_counts_the_jobs_that_could_start(engine):
    assert engine.idle == 2
    engine.submit(job(jobs.echo))
    assert engine.idle == 1
    for _ in range(3):
        engine.submit(job(jobs.echo))
    assert engine.idle == 0
    list(listen(engine))
    assert engine.idle == 2


def test_wait_without_work_returns_at_once(engine):
    assert engine.wait() == []
    engine.submit(job(jobs.echo))
    list(listen(engine))
    assert engine.wait() == []


def test_wait_gives_up_when_the_time_is_out(engine):
    engine.submit(job(jobs.sleep_deaf))
    assert first(engine).value == "sleeping"
    assert engine.wait(0.05) == []
    assert engine.wait(0) == []


def test_payload_is_what_it_was_at_submit(lone_engine):
    payload = [1]
    number = lone_engine.submit(job(jobs.echo, payload))
    payload.append(2)
    assert last(lone_engine, number).value == [1]


def test_payload_that_cannot_travel_is_refused_in_the_driver(lone_engine):
    with pytest.raises(TypeError, match="pickle"):
        lone_engine.submit(job(jobs.echo, threading.Lock()))
    assert lone_engine.idle == 1


def test_large_values_travel_both_ways(lone_engine):
    values = np.arange(3_000_000, dtype=float)
    number = lone_engine.submit(job(jobs.echo, values))
    np.testing.assert_array_equal(last(lone_engine, number).value, values)


def test_progress_arrives_in_order_before_the_end(lone_engine):
    lone_engine.submit(job(jobs.count, 5))
    events = list(listen(lone_engine))
    assert [(event.kind, event.value) for event in events] == [
        *(("progress", i) for i in range(5)),
        ("done", 5),
    ]


def test_stop_ends_a_job_at_its_next_look(engine):
    number = engine.submit(job(jobs.until_stopped))
    assert first(engine).kind == "progress"
    engine.stop(number)
    event = last(engine, number)
    assert event.kind == "done"
    assert event.value[1] == float("inf")


def test_a_late_stop_does_not_stop_the_next_job(lone_engine):
    old = lone_engine.submit(job(jobs.count, 1))
    assert first(lone_engine).kind == "progress"
    lone_engine.stop(old)
    new = lone_engine.submit(job(jobs.until_stopped))
    assert last(lone_engine, old).kind == "done"
    assert first(lone_engine).value == "up"
    assert lone_engine.wait(0.1) == []
    lone_engine.stop(new)
    assert last(lone_engine, new).kind == "done"


def test_soft_deadline_is_seen_by_the_job(engine):
    number = engine.submit(job(jobs.until_stopped, soft_deadline=time.monotonic() + 0.1))
    looks, left = last(engine, number).value
    assert looks > 0
    assert -1 < left <= 0


@pytest.mark.parametrize("function", [jobs.spin, jobs.sleep_deaf])
def test_hard_deadline_kills(engine, function):
    number = engine.submit(job(function, hard_deadline=time.monotonic() + 0.5))
    event = last(engine, number)
    assert event.value.reason == "deadline"
    assert gone(event.pid)


def test_hard_deadline_passed_in_the_queue(lone_engine):
    now = time.monotonic()
    busy = lone_engine.submit(job(jobs.until_stopped, soft_deadline=now + 10))
    assert first(lone_engine).value == "up"
    late = lone_engine.submit(job(jobs.echo, hard_deadline=now + 0.2))
    [event] = lone_engine.wait()
    assert (event.job, event.value, event.pid) == (late, Killed("deadline"), None)
    lone_engine.stop(busy)
    assert last(lone_engine, busy).kind == "done"


@pytest.mark.parametrize("function", [jobs.spin, jobs.sleep_deaf])
def test_kill_ends_a_job_and_the_queue_goes_on(lone_engine, function):
    number = lone_engine.submit(job(function))
    following = lone_engine.submit(job(jobs.whoami))
    assert first(lone_engine).kind == "progress"
    lone_engine.kill(number)
    killed = last(lone_engine, number)
    assert killed.value == Killed("asked", -signal.SIGKILL)
    event = last(lone_engine, following)
    assert event.kind == "done"
    assert event.value == event.pid != killed.pid


@pytest.mark.parametrize("verb", ["stop", "kill"])
def test_a_queued_job_can_be_withdrawn(lone_engine, verb):
    busy = lone_engine.submit(job(jobs.until_stopped))
    assert first(lone_engine).value == "up"
    queued = lone_engine.submit(job(jobs.echo))
    getattr(lone_engine, verb)(queued)
    assert last(lone_engine, queued).value == Killed("asked")
    lone_engine.stop(busy)
    assert [event.job for event in listen(lone_engine) if ends(event)] == [busy]


def test_a_job_that_ended_can_be_killed_without_harm(lone_engine):
    number = lone_engine.submit(job(jobs.whoami))
    pid = last(lone_engine, number).value
    lone_engine.kill(number)
    lone_engine.stop(number)
    lone_engine.kill(12345)
    assert last(lone_engine, lone_engine.submit(job(jobs.whoami))).value == pid


@pytest.mark.parametrize("error", [ValueError, MemoryError, KeyboardInterrupt, BaseException])
def test_exceptions_are_results(lone_engine, error):
    event = last(lone_engine, lone_engine.submit(job(jobs.fail, error)))
    assert event.kind == "failed"
    assert isinstance(event.value, Failure)
    assert (event.value.type, event.value.message) == (error.__name__, "went wrong")
    assert "in fail" in event.value.traceback


@pytest.mark.parametrize(
    ("function", "type"),
    [
        (jobs.system_exit, "SystemExit"),
        (jobs.unpicklable, "TypeError"),
        (jobs.unreadable, "RuntimeError"),
    ],
)
def test_odd_ends_are_failures(lone_engine, function, type):
    event = last(lone_engine, lone_engine.submit(job(function)))
    assert (event.kind, event.value.type) == ("failed", type)
    assert last(lone_engine, lone_engine.submit(job(jobs.echo))).pid == event.pid


@pytest.mark.parametrize(
    ("function", "type"),
    [("no_such_module:f", "ModuleNotFoundError"), (f"{jobs.__name__}:nope", "AttributeError")],
)
def test_unknown_functions_are_failures(lone_engine, function, type):
    event = last(lone_engine, lone_engine.submit(Job(function)))
    assert (event.kind, event.value.type) == ("failed", type)


def test_sigint_does_not_reach_workers(lone_engine):
    number = lone_engine.submit(job(jobs.until_stopped))
    pid = first(lone_engine).pid
    os.kill(pid, signal.SIGINT)
    os.kill(psutil.Process(pid).ppid(), signal.SIGINT)
    assert lone_engine.wait(0.1) == []
    lone_engine.stop(number)
    event = last(lone_engine, number)
    assert (event.kind, event.pid) == ("done", pid)


def test_time_spent_is_counted_per_job(lone_engine):
    lone_engine.submit(job(jobs.burn, 0.2))
    lone_engine.submit(job(jobs.nap, 0.2))
    burnt, slept = list(listen(lone_engine))
    assert burnt.cpu_seconds >= 0.2
    assert slept.seconds >= 0.2
    assert slept.cpu_seconds < 0.2
    number = lone_engine.submit(job(jobs.spin, hard_deadline=time.monotonic() + 0.3))
    assert 0 < last(lone_engine, number).cpu_seconds < 0.6


def test_shared_arrays_are_equal_and_read_only(engine):
    arrays = {
        "x": np.arange(12.0).reshape(3, 4),
        "fortran": np.asfortranarray(np.eye(3, dtype=np.float32)),
        "text": np.array(["a", "bcd"]),
        "empty": np.empty((0, 3)),
        "scalar": np.array(5),
        "any/name at all": np.array([True, False]),
    }
    ref, other = engine.put("table", arrays), engine.put("table", {"y": np.zeros(2)})
    copies, more = last(engine, engine.submit(job(jobs.copy_of, data=(ref, other)))).value
    assert list(copies) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(copies[name], array)
    np.testing.assert_array_equal(more["y"], np.zeros(2))
    [described] = last(engine, engine.submit(job(jobs.describe, data=(ref,)))).value
    for name, array in arrays.items():
        assert described[name] == (array.dtype.str, array.shape, False)
    event = last(engine, engine.submit(job(jobs.write_into, data=(ref,))))
    assert "read-only" in event.value.message


def test_objects_cannot_be_shared(engine, tmp_path):
    with pytest.raises(ValueError, match="Object arrays"):
        engine.put("table", {"x": np.array([{}], dtype=object)})
    with pytest.raises(ValueError, match="not allowed"):
        engine.put("../table", {"x": np.zeros(1)})


def test_cache_lives_as_long_as_the_worker(lone_engine):
    values = [last(lone_engine, lone_engine.submit(job(jobs.visits))).value for _ in range(3)]
    assert values == [1, 2, 3]
    last(lone_engine, lone_engine.submit(job(jobs.exit_now, 0)))
    assert last(lone_engine, lone_engine.submit(job(jobs.visits))).value == 1


def test_close_leaves_no_worker_and_no_file(tmp_path):
    engine = LocalEngine(n_workers=2, scratch=tmp_path / "scratch")
    engine.put("table", {"x": np.zeros(10)})
    for _ in range(3):
        engine.submit(job(jobs.spin))
    pids = [first(engine).pid, first(engine).pid]
    engine.close()
    assert all(not psutil.pid_exists(pid) for pid in pids)
    assert workers() == []
    assert os.listdir(tmp_path / "scratch") == []
    engine.close()
    assert engine.wait() == []
    with pytest.raises(RuntimeError, match="closed"):
        engine.submit(job(jobs.echo))
    with pytest.raises(RuntimeError, match="closed"):
        engine.put("table", {})


def test_close_right_after_submit(tmp_path):
    for _ in range(5):
        with LocalEngine(n_workers=2, scratch=tmp_path) as engine:
            engine.submit(job(jobs.spin))
    with LocalEngine(n_workers=1, scratch=tmp_path) as engine:
        last(engine, engine.submit(job(jobs.echo)))
        assert len(workers()) == 1


def test_engines_share_one_server(tmp_path):
    parents = set()
    for number in range(10):
        with LocalEngine(n_workers=1, scratch=tmp_path) as engine:
            pid = last(engine, engine.submit(job(jobs.whoami))).value
            parents.add(psutil.Process(pid).ppid())
            assert engine.put("table", {"x": np.zeros(number)})
    assert len(parents) == 1
    assert len(servers()) == 1


def test_two_engines_at_once(tmp_path, lone_engine):
    with LocalEngine(n_workers=1, scratch=tmp_path) as other:
        mine = lone_engine.submit(job(jobs.until_stopped))
        assert first(lone_engine).value == "up"
        theirs = other.submit(job(jobs.whoami))
        assert last(other, theirs).kind == "done"
        lone_engine.stop(mine)
        assert last(lone_engine, mine).kind == "done"


def test_other_threads_need_another_server(tmp_path):
    names = ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_WAIT_POLICY"]
    for threads in (1, 2):
        with LocalEngine(
            n_workers=1, scratch=tmp_path, threads_per_worker=threads, preload=["numpy"]
        ) as engine:
            event = last(engine, engine.submit(job(jobs.environment, names)))
            assert list(event.value.values()) == [*[str(threads)] * 3, "PASSIVE"]
            number = engine.submit(job(jobs.threads_after_blas))
            assert last(engine, number).value == threads
            assert psutil.Process(event.pid).parent().num_threads() == 1


def test_the_server_has_no_threads_when_it_forks(tmp_path):
    preload = ["pyarrow", "sklearn.linear_model", "lightgbm"]
    with LocalEngine(n_workers=1, scratch=tmp_path, preload=preload) as engine:
        pid = last(engine, engine.submit(job(jobs.whoami))).value
        assert psutil.Process(pid).parent().num_threads() == 1


def test_paths_come_behind_what_is_installed(tmp_path):
    for name in ("colorsys", "some_own_module"):
        (tmp_path / f"{name}.py").write_text("")
    paths = [str(tmp_path), *sys.path]
    with LocalEngine(n_workers=1, scratch=tmp_path, paths=paths) as engine:
        number = engine.submit(job(jobs.origin, ["colorsys", "some_own_module"]))
        (standard, own), path = last(engine, number).value
    assert standard == colorsys.__file__
    assert own == str(tmp_path / "some_own_module.py")
    assert os.path.dirname(compute.__file__) not in path


def test_files_stay_constant_over_many_jobs(lone_engine):
    here, there = _open_files(), last(lone_engine, lone_engine.submit(job(jobs.open_files))).value
    server = psutil.Process(last(lone_engine, lone_engine.submit(job(jobs.whoami))).value).parent()
    at_server, here = server.num_fds(), _open_files()
    for _ in range(25):
        last(lone_engine, lone_engine.submit(job(jobs.echo)))
        number = lone_engine.submit(job(jobs.spin))
        first(lone_engine)
        lone_engine.kill(number)
        last(lone_engine, number)
    assert last(lone_engine, lone_engine.submit(job(jobs.open_files))).value == there
    assert server.num_fds() == at_server
    assert _open_files() == here
    assert len(server.children()) == 1


def test_bad_numbers_are_refused(tmp_path):
    with pytest.raises(UsageError, match="n_workers=0"):
        LocalEngine(n_workers=0, scratch=tmp_path)
    with pytest.raises(UsageError, match="threads_per_worker=0"):
        LocalEngine(n_workers=1, threads_per_worker=0, scratch=tmp_path)


def _open_files():
    return len(os.listdir("/proc/self/fd"))


def test_jobs_of_a_place_go_to_its_worker_and_others_keep_away(engine):
    numbers = {
        place: engine.submit(job(jobs.until_stopped, place=place)) for place in ("card", "")
    }
    pids = {event.job: event.pid for event in (first(engine), first(engine))}
    for number in numbers.values():
        engine.stop(number)
    list(listen(engine))
    assert len(set(pids.values())) == 2
    for place in ("card", "") * 3:
        number = engine.submit(job(jobs.whoami, place=place))
        assert last(engine, number).value == pids[numbers[place]]


def test_a_place_is_a_preference_that_no_job_waits_for(engine):
    holds = engine.submit(job(jobs.until_stopped, place="card"))
    pid = first(engine).pid
    number = engine.submit(job(jobs.whoami, place="card"))
    assert last(engine, number).value != pid
    engine.stop(holds)
    list(listen(engine))


def test_a_worker_that_a_job_calls_spoiled_has_no_further_job(lone_engine):
    failed = last(lone_engine, lone_engine.submit(job(jobs.spoil)))
    assert (failed.value.type, failed.value.message) == ("SpoiledError", "the card failed")
    for _ in range(3):
        number = lone_engine.submit(job(jobs.whoami))
        assert last(lone_engine, number).value != failed.pid
