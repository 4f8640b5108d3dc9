"""The device that fits run on."""

import ctypes

import pytest

from automl.compute import _device, resolve_device
from automl.exceptions import UsageError


@pytest.fixture(autouse=True)
def _ask_again():
    _device._cuda_devices.cache_clear()
    yield
    _device._cuda_devices.cache_clear()


class _Driver:
    """Stands in for the NVIDIA driver's library."""

    def __init__(self, devices, error=0):
        self._devices = devices
        self._error = error

    def cuInit(self, flags):  # noqa: N802
        return self._error

    def cuDeviceGetCount(self, count):  # noqa: N802
        count._obj.value = self._devices
        return 0


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


@pytest.mark.parametrize("driver", [_Driver(0), _Driver(2, error=100), object()])
def test_a_driver_without_a_device(monkeypatch, driver):
    monkeypatch.setattr(ctypes, "CDLL", lambda _: driver)
    assert resolve_device("auto") == "cpu"
    with pytest.raises(UsageError, match="no CUDA device found"):
        resolve_device("cuda")


def test_a_device(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _: _Driver(1))
    assert resolve_device("auto") == resolve_device("cuda") == "cuda"


def test_unknown_name():
    with pytest.raises(UsageError, match="'gpu'"):
        resolve_device("gpu")
