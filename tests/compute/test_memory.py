"""How much memory there is, and how people write it."""

import os
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.compute import memory_limit, parse_size, release_memory, resident
from automl.exceptions import UsageError

from .conftest import python

MIB = 2**20
GIB = 2**30
_FREE = "MemTotal: 9000 kB\nMemAvailable:    8388608 kB\nBuffers: 1 kB\n"  # 8 GiB


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4g", 4 * GIB),
        ("4G", 4 * GIB),
        ("4GB", 4 * GIB),
        ("4 GiB", 4 * GIB),
        (" 1.5 gib ", 3 * GIB // 2),
        ("0.5t", GIB * 512),
        ("800m", 800 * MIB),
        ("800 MB", 800 * MIB),
        ("1k", 1024),
        ("12", 12),
        ("12b", 12),
        ("1.", 1),
        (12, 12),
        (np.int64(7), 7),
    ],
)
def test_sizes(text, size):
    assert parse_size(text) == size
    assert type(parse_size(text)) is int


@pytest.mark.parametrize(
    "text",
    ["", "g", "4x", "-1g", "0", "0g", "0.1b", "1e3", "4 g g", "inf", "nan", "1,5g", "４g", "4gib4",
     0, -1, 1.5, None, True, b"4g"],
)  # fmt: skip
def test_other_texts_are_no_sizes(text):
    with pytest.raises(UsageError, match="is not an amount of memory: write .* 800m, 4g"):
        parse_size(text)


@settings(deadline=None)
@given(st.integers(1, 10**6), st.sampled_from("kmgtKMGT"), st.sampled_from(["", "b", "iB", "B"]))
def test_units_are_binary_however_they_are_written(number, unit, rest):
    power = 1 + "kmgt".index(unit.lower())
    assert parse_size(f"{number}{unit}{rest}") == number * 1024**power


@settings(deadline=None)
@given(st.text(max_size=30) | st.text("0123456789.kmgtibGB -", max_size=8))
def test_wild_texts_are_sizes_or_told(text):
    try:
        size = parse_size(text)
    except UsageError:
        return
    assert size >= 1


def _system(root, groups="", files=(), meminfo=_FREE, anon=0):
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(groups)
    (root / "proc/self/status").write_text(f"Name: x\nRssAnon:  {anon // 1024} kB\n")
    (root / "proc/meminfo").write_text(meminfo)
    for path, text in dict(files).items():
        file = root / "sys/fs/cgroup" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(str(text))
    return root


@pytest.mark.parametrize(
    ("groups", "files", "limit"),
    [
        ("", {}, 8 * GIB),
        ("0::/\n", {"memory.max": "max\n"}, 8 * GIB),
        ("0::/\n", {"memory.max": f"{2 * GIB}\n"}, 2 * GIB),
        ("0::/\n", {"memory.max": 16 * GIB}, 8 * GIB),
        ("0::/\n", {"memory.max": 4 * GIB, "memory.high": 3 * GIB}, 3 * GIB),
        ("0::/a/b\n", {"a/memory.max": 3 * GIB, "a/b/memory.max": "max"}, 3 * GIB),
        ("0::/a/b\n", {"a/memory.max": 3 * GIB, "a/b/memory.max": GIB}, GIB),
        ("0::/a/b\n", {"a/memory.max": GIB, "a/b/memory.max": 3 * GIB}, GIB),
        ("0::/a\n", {"other/memory.max": GIB}, 8 * GIB),
        ("0::/../x\n", {"x/memory.max": GIB}, GIB),
        ("0::/a\n", {"unified/a/memory.max": GIB}, GIB),
        ("4:memory:/d\n0::/\n", {"memory/d/memory.limit_in_bytes": GIB}, GIB),
        ("4:memory:/d\n", {"memory/memory.limit_in_bytes": GIB}, GIB),
        ("4:memory:/\n", {"memory/memory.limit_in_bytes": 9223372036854771712}, 8 * GIB),
        ("4:cpu:/\n", {"memory/memory.limit_in_bytes": GIB}, 8 * GIB),
        # What others in the group use is taken off, but not what files take there.
        ("0::/\n", {"memory.max": 4 * GIB, "memory.current": GIB}, 3 * GIB),
        (
            "0::/\n",
            {
                "memory.max": 4 * GIB,
                "memory.current": 2 * GIB,
                "memory.stat": f"anon 5\ninactive_file {GIB}\nactive_file {GIB // 2}\n",
            },
            7 * GIB // 2,
        ),
        (
            "4:memory:/\n",
            {
                "memory/memory.limit_in_bytes": 4 * GIB,
                "memory/memory.usage_in_bytes": 3 * GIB,
                "memory/memory.stat": f"active_file 7\ntotal_active_file {GIB}\nx\n",
            },
            2 * GIB,
        ),
        ("0::/\n", {"memory.max": GIB, "memory.current": 2 * GIB}, 1),
    ],
)
def test_the_least_limit_holds(tmp_path, groups, files, limit):
    assert memory_limit(_system(tmp_path, groups, files)) == limit


def test_what_this_process_has_is_its_own(tmp_path):
    files = {"memory.max": 4 * GIB, "memory.current": 3 * GIB}
    assert memory_limit(_system(tmp_path, "0::/\n", files, anon=GIB)) == 2 * GIB


def test_free_memory_comes_on_top_of_what_this_process_has(tmp_path):
    assert memory_limit(_system(tmp_path, anon=GIB)) == 9 * GIB


def test_without_proc_the_memory_of_the_machine_counts(tmp_path, monkeypatch):
    sizes = {"SC_PHYS_PAGES": 1000, "SC_PAGE_SIZE": 4096}
    monkeypatch.setattr(os, "sysconf", sizes.__getitem__)
    assert memory_limit(tmp_path) == 4096000


@pytest.mark.parametrize("error", [AttributeError, OSError, ValueError])
def test_nothing_known(tmp_path, monkeypatch, error):
    def refuse(name):
        raise error(name)

    monkeypatch.setattr(os, "sysconf", refuse)
    assert memory_limit(tmp_path) is None


@pytest.mark.parametrize("name", ["RLIMIT_DATA", "RLIMIT_AS"])
def test_the_limits_of_the_shell_hold(name):
    code = f"import resource; resource.setrlimit(resource.{name}, ({3 * GIB}, -1))\n"
    code += "from automl.compute import memory_limit; print(memory_limit())"
    out, err = python(["-c", code]).communicate()
    assert 0 < int(out) <= 3 * GIB, err


@settings(deadline=None)
@given(files=st.lists(st.binary(max_size=40), min_size=4, max_size=4))
def test_wild_files_never_raise(tmp_path_factory, files):
    root = _system(tmp_path_factory.mktemp("root"), "0::/\n", {"memory.max": ""})
    names = ["memory.max", "memory.current", "memory.stat", "../../../proc/meminfo"]
    for name, content in zip(names, files, strict=True):
        (root / "sys/fs/cgroup" / name).write_bytes(content)
    limit = memory_limit(root)
    assert limit is None or limit >= 1


def test_the_limit_of_this_machine():
    limit = memory_limit()
    assert limit is not None
    assert resident() < limit


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_resident_grows_with_what_is_held():
    before = resident()
    held = b"x" * (100 * MIB)
    assert len(held) <= resident() - before + 5 * MIB
    assert resident(os.getpid()) == pytest.approx(resident(), rel=0.05)
    assert resident(2**30) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and the GNU C library")
def test_freed_memory_goes_back_to_the_system():
    held = [bytes(1000) for _ in range(100_000)]  # too small for the C library to map each
    last, before = bytes(1000), resident()
    del held
    release_memory()
    assert resident() < before - 80 * MIB
    assert len(last) == 1000  # what lies behind kept the heap from shrinking by itself
