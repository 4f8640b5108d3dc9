"""The device that fits run on."""

import ctypes

import pytest

from automl.compute import find_driver, resolve_device
from automl.exceptions import UsageError
from tests.compute.test_driver import Library


@pytest.fixture(autouse=True)
def _ask_again():
    find_driver.cache_clear()
    yield
    find_driver.cache_clear()


def test_cpu_asks_no_driver(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", None)
    assert resolve_device("cpu") == "cpu"


def test_without_a_driver(monkeypatch):
    def load(name):
        raise OSError(f"{name}: cannot open")

    monkeypatch.setattr(ctypes, "CDLL", load)
    assert resolve_device("auto") == "cpu"
    with pytest.raises(UsageError, match=r"no CUDA device found: .*cannot open.*--device auto"):
        resolve_device("cuda")


@pytest.mark.parametrize("driver", [Library([]), Library(init=100), object()])
def test_a_driver_without_a_device(monkeypatch, driver):
    monkeypatch.setattr(ctypes, "CDLL", lambda _: driver)
    assert resolve_device("auto") == "cpu"
    with pytest.raises(UsageError, match="no CUDA device found"):
        resolve_device("cuda")


def test_a_device(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _: Library())
    assert resolve_device("auto") == resolve_device("cuda") == "cuda"


def test_unknown_name():
    with pytest.raises(UsageError, match="'gpu'"):
        resolve_device("gpu")
