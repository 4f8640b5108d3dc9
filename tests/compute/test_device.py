"""The device that fits run on."""

import ctypes
from dataclasses import replace

import pytest

from automl.compute import Device, Driver, find_driver, parse_device, resolve_device
from automl.exceptions import UsageError
from tests.compute.test_driver import Library


@pytest.fixture(autouse=True)
def _ask_again():
    find_driver.cache_clear()
    yield
    find_driver.cache_clear()


def cards(*free):
    return tuple(Device(i, f"card {i}", "9.0", 2**34, f) for i, f in enumerate(free))


def test_cpu_asks_no_driver(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", None)
    assert resolve_device("cpu") is None


def test_without_a_driver(monkeypatch):
    def load(name):
        raise OSError(f"{name}: cannot open")

    monkeypatch.setattr(ctypes, "CDLL", load)
    assert resolve_device("auto") is None
    for wish in ("cuda", "cuda:1"):
        with pytest.raises(
            UsageError, match=r"no CUDA device found: .*cannot open.*--device auto"
        ):
            resolve_device(wish)


@pytest.mark.parametrize("driver", [Library([]), Library(init=100), object()])
def test_a_driver_without_a_device(monkeypatch, driver):
    monkeypatch.setattr(ctypes, "CDLL", lambda _: driver)
    assert resolve_device("auto") is None
    with pytest.raises(UsageError, match="no CUDA device found"):
        resolve_device("cuda")


def test_a_device(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _: Library())
    found = resolve_device("auto")
    assert found == resolve_device("cuda") == resolve_device("cuda:0")
    assert (found.cuda, found.driver) == ("cuda:0", "13.1")


def test_the_card_with_the_most_free_memory_is_taken_unless_one_is_named():
    driver = Driver("13.0", cards(1, 3, 3, None))
    assert resolve_device("auto", driver).number == 1
    assert resolve_device("cuda", driver).number == 1
    assert [resolve_device(f"cuda:{i}", driver).number for i in range(4)] == [0, 1, 2, 3]
    unknown = Driver("13.0", tuple(replace(d, free_bytes=None) for d in driver.devices))
    assert resolve_device("auto", unknown).number == 0


def test_a_card_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(
        UsageError, match=r"cuda:2.*there are cuda:0 \(card 0\), cuda:1 \(card 1\)"
    ):
        resolve_device("cuda:2", Driver("13.0", cards(1, 1)))


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:1 ", "CUDA", "", 0])
def test_unknown_name(name):
    with pytest.raises(UsageError, match="is not known: use auto, cpu, cuda, or"):
        parse_device(name)
    with pytest.raises(UsageError, match="is not known"):
        resolve_device(name)
