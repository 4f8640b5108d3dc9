"""The moment a process started."""

import time

import psutil

from automl.compute import process_start

from .conftest import python


def test_start_lies_where_the_system_says():
    age = time.time() - psutil.Process().create_time()
    assert abs((time.monotonic() - process_start()) - age) < 1


def test_time_before_the_import_counts():
    code = "import time; time.sleep(0.3); from automl.compute import process_start as p\n"
    out, _ = python(["-c", code + "print(time.monotonic() - p())"]).communicate()
    assert 0.28 < float(out) < 20


def test_a_name_with_brackets_does_not_confuse(tmp_path):
    code = "import ctypes; ctypes.CDLL(None).prctl(15, b') 1 2 (')\nimport time\n"
    code += "from automl.compute import process_start as p; print(time.monotonic() - p())"
    out, _ = python(["-c", code]).communicate()
    assert 0 < float(out) < 20
