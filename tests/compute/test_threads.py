"""No library makes more threads than were granted."""

import os
import sys

import pytest

from automl.compute import LocalEngine, granted_cores

from . import fits, jobs
from .conftest import first, job, last, python

PRELOAD = ["lightgbm", "xgboost", "sklearn.ensemble", "pyarrow", "joblib"]


def _threads(pid):
    """State and CPU ticks of each thread of a process."""
    threads = {}
    for thread in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{thread}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue
        threads[thread] = fields[0], int(fields[11]) + int(fields[12])
    return threads


def _watch(engine, fit, threads):
    """Run a fit; return the most threads seen runnable at once, and how many used a core."""
    number = engine.submit(job(fit, threads))
    pid = first(engine).pid
    start, at_once, latest = _threads(pid), 0, {}
    while not (events := engine.wait(0.002)):
        now = _threads(pid)
        at_once = max(at_once, sum(state == "R" for state, _ in now.values()))
        latest |= now
    assert (events[0].job, events[0].kind) == (number, "done"), events
    spent = {thread: ticks - start.get(thread, (0, 0))[1] for thread, (_, ticks) in latest.items()}
    return at_once, sum(ticks > 0.1 * sum(spent.values()) for ticks in spent.values())


@pytest.fixture(scope="module", params=[1, 2])
def granted(request, tmp_path_factory):
    """An engine, and how many threads its workers may have."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "64")  # the driver's own setting is not the workers'
        with LocalEngine(
            n_workers=1,
            threads_per_worker=request.param,
            scratch=tmp_path_factory.mktemp("scratch"),
            preload=PRELOAD,
        ) as engine:
            yield engine, request.param


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
@pytest.mark.parametrize("fit", [fits.lightgbm, fits.xgboost, fits.forest])
def test_fits_that_take_what_they_get_stay_within_the_grant(granted, fit):
    engine, threads = granted
    at_once, used = _watch(engine, fit, None)
    assert at_once <= threads
    assert used <= threads


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
@pytest.mark.parametrize("fit", [fits.lightgbm, fits.xgboost, fits.forest])
def test_a_fit_that_is_told_takes_two_threads(granted, fit):
    engine, _ = granted
    _, used = _watch(engine, fit, 2)
    assert used == 2


def test_pools_are_as_large_as_the_grant(granted):
    engine, threads = granted
    event = last(engine, engine.submit(job(fits.pools)))
    assert event.value == dict.fromkeys(event.value, threads)
    assert len(event.value) >= 4


def test_calm_threads_sets_what_the_user_has_not():
    code = (
        "import automl.compute as c; c.calm_threads()\n"
        "import os; print(os.environ['OMP_NUM_THREADS'], os.environ['POLARS_MAX_THREADS'],\n"
        "                 os.environ['OMP_WAIT_POLICY'])\n"
        "import pyarrow; print(pyarrow.cpu_count(), pyarrow.io_thread_count())"
    )
    granted = granted_cores()
    out, err = python(["-c", code], env={"OMP_NUM_THREADS": "7"}).communicate()
    assert out.split() == ["7", str(granted), "PASSIVE", "7", str(granted)], err
    out, err = python(["-c", code.replace("()", "(3)", 1)]).communicate()
    assert out.split() == ["3", "3", "PASSIVE", "3", "3"], err


def test_what_the_driver_has_set_does_not_reach_the_workers(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "64")
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    with LocalEngine(n_workers=1, scratch=tmp_path, preload=["csv"]) as engine:
        number = engine.submit(job(jobs.environment, ["OMP_NUM_THREADS", "OMP_WAIT_POLICY"]))
        assert list(last(engine, number).value.values()) == ["1", "PASSIVE"]
