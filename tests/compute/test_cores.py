"""Cores: affinity, quotas, and what n_jobs means."""

import logging
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.compute import Plan, granted_cores, plan_workers, resolve_n_jobs
from automl.exceptions import UsageError

from .conftest import python

MANY = 64


@pytest.fixture(autouse=True)
def _many_cores(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(MANY)), raising=False)


def _system(root, groups, files):
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(groups)
    for path, text in files.items():
        file = root / "sys/fs/cgroup" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


@pytest.mark.parametrize(
    ("groups", "files", "cores"),
    [
        ("0::/\n", {}, MANY),
        ("0::/\n", {"cpu.max": "200000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "10000 100000\n"}, 1),
        ("0::/\n", {"cpu.max": "max 100000\n"}, MANY),
        ("0::/a/b\n", {"cpu.max": "max 100000", "a/cpu.max": "300000 100000"}, 3),
        ("0::/a/b\n", {"a/cpu.max": "300000 100000", "a/b/cpu.max": "500000 100000"}, 3),
        ("0::/a/b\n", {"a/cpu.max": "500000 100000", "a/b/cpu.max": "300000 100000"}, 3),
        ("0::/a\n", {"other/cpu.max": "100000 100000"}, MANY),
        ("0::/../../a\n", {"a/cpu.max": "300000 100000"}, 3),
        ("0::/a\n", {"unified/a/cpu.max": "300000 100000"}, 3),
        (
            "4:memory:/x\n3:cpu,cpuacct:/docker/1\n0::/\n",
            {
                "cpu,cpuacct/cpu.cfs_quota_us": "250000\n",
                "cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            },
            3,
        ),
        (
            "3:cpuacct,cpu:/d\n",
            {"cpu/d/cpu.cfs_quota_us": "400000", "cpu/d/cpu.cfs_period_us": "100000"},
            4,
        ),
        (
            "3:cpu:/\n",
            {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"},
            MANY,
        ),
        ("3:cpuset:/\n", {"cpuset/cpu.cfs_quota_us": "1"}, MANY),
        ("3:cpu:/\n", {"cpu/cpu.cfs_quota_us": "100000"}, MANY),
        ("3:cpu:/\n", {"cpu/cpu.cfs_quota_us": "1", "cpu/cpu.cfs_period_us": "0"}, MANY),
        (
            "0::/a/b/c\n",
            {
                "a/cpu.max": "400000 100000",
                "a/b/cpu.max": "225000 100000",
                "a/b/c/cpu.max": "max 100000",
            },
            3,
        ),
        ("0::/a/b\n", {"a/cpu.max": "50000 100000", "a/b/cpu.max": "300000 100000"}, 1),
        ("0::/a\n", {"a/cpu.max": "75000 50000\n"}, 2),
        (
            "5:cpuset:/a\n3:cpu,cpuacct:/a/b\n0::/a\n",
            {
                "cpu,cpuacct/a/cpu.cfs_quota_us": "350000",
                "cpu,cpuacct/a/cpu.cfs_period_us": "100000",
                "cpu,cpuacct/a/b/cpu.cfs_quota_us": "-1",
                "cpu,cpuacct/a/b/cpu.cfs_period_us": "100000",
                "unified/a/cpu.max": "500000 100000",
                "cpuset/a/cpuset.cpus": "0",
            },
            4,
        ),
        ("nonsense\n\n", {"cpu.max": "100000 100000"}, 1),
    ],
)
def test_quota(tmp_path, groups, files, cores):
    assert granted_cores(_system(tmp_path, groups, files)) == cores


def test_no_files_at_all(tmp_path):
    assert granted_cores(tmp_path) == MANY


@settings(deadline=None)
@given(groups=st.binary(max_size=200), quota=st.binary(max_size=40))
def test_wild_files_never_raise(tmp_path_factory, groups, quota):
    root = _system(tmp_path_factory.mktemp("root"), "", {"cpu.max": ""})
    (root / "proc/self/cgroup").write_bytes(groups)
    (root / "sys/fs/cgroup/cpu.max").write_bytes(quota)
    assert 1 <= granted_cores(root) <= MANY


def test_affinity_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {5, 7, 9}, raising=False)
    assert granted_cores(tmp_path) == 3


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux")
def test_a_set_of_cores_counts():
    """A cpuset is seen through the affinity, like ``taskset``."""
    code = "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])\n"
    code += "from automl.compute import granted_cores; print(granted_cores())"
    out, err = python(["-c", code]).communicate()
    assert out.split() == ["1"], err


def test_without_affinity_the_machine_counts(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert granted_cores(tmp_path) == 7


def test_n_jobs_means_what_it_means_in_joblib(monkeypatch):
    granted = granted_cores()
    assert resolve_n_jobs(None) == resolve_n_jobs(-1) == granted
    assert resolve_n_jobs(1) == 1
    assert resolve_n_jobs(-2) == max(1, granted - 1)
    assert resolve_n_jobs(-10_000) == 1


def test_more_than_granted_is_cut_with_a_word(caplog):
    with caplog.at_level(logging.WARNING, logger="automl.compute"):
        assert resolve_n_jobs(10_000) == granted_cores()
    assert "n_jobs=10000" in caplog.text


@pytest.mark.parametrize("n_jobs", [0, 1.5, "2", True, False])
def test_nonsense_is_refused(n_jobs):
    with pytest.raises(UsageError, match="n_jobs="):
        resolve_n_jobs(n_jobs)


def test_the_plan_is_workers_of_one_thread():
    assert plan_workers(-1) == Plan(n_workers=granted_cores(), threads_per_worker=1)
