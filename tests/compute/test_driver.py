"""What the NVIDIA driver says, read from a library that answers like it."""

import pytest

from automl.compute import find_driver, resolve_device
from automl.compute._driver import read_driver
from automl.exceptions import UsageError


class Library:
    """Answers like ``libcuda``."""

    def __init__(self, names=("NVIDIA H200",), init=0, listing=0):
        self.names, self.init, self.listing = names, init, listing

    def cuInit(self, flags):  # noqa: N802
        return self.init

    def cuDriverGetVersion(self, version):  # noqa: N802
        version._obj.value = 13010
        return 0

    def cuDeviceGetCount(self, count):  # noqa: N802
        count._obj.value = len(self.names)
        return self.listing

    def cuDeviceGet(self, handle, number):  # noqa: N802
        handle._obj.value = number
        return 0

    def cuDeviceGetName(self, name, size, handle):  # noqa: N802
        name.value = self.names[handle.value].encode()
        return 0

    def cuDeviceTotalMem_v2(self, memory, handle):  # noqa: N802
        memory._obj.value = 140 * 2**30
        return 0

    def cuDeviceGetAttribute(self, part, attribute, handle):  # noqa: N802
        part._obj.value = {75: 9, 76: 0}[attribute]
        return 0


def test_devices_are_listed_with_what_they_are():
    driver = read_driver(Library(["one", "two"]), {0: None, 1: 5}.get)
    assert driver.cuda == "13.1"
    assert driver.reason == ""
    assert [d.name for d in driver.devices] == ["one", "two"]
    assert driver.devices[1].number == 1
    assert driver.devices[1].capability == "9.0"
    assert driver.devices[1].memory_bytes == 140 * 2**30
    assert [d.free_bytes for d in driver.devices] == [None, 5]


@pytest.mark.parametrize(
    ("library", "reason"),
    [
        (Library([]), "lists no device"),
        (Library(init=100), "error 100"),
        (Library(listing=3), "error 3"),
    ],
)
def test_without_a_device_there_is_a_reason(library, reason):
    driver = read_driver(library, lambda _: None)
    assert not driver.devices
    assert reason in driver.reason


def test_a_device_that_is_insisted_on_and_missing_is_an_error_that_says_why():
    driver = find_driver()
    if driver.devices:
        pytest.skip("there is a device")
    with pytest.raises(UsageError, match="no CUDA device found"):
        resolve_device("cuda")
    assert resolve_device("auto") is None


class OnBus(Library):
    """Tells the bus of its devices, too."""

    def cuDeviceGetPCIBusId(self, bus, size, handle):  # noqa: N802
        bus.value = f"0000:0{9 - handle.value}:00.0".encode()
        return 0


def test_free_memory_is_that_of_the_same_card_whatever_number_others_give_it():
    free = {"0000:09:00.0": 1, "0000:08:00.0": 2}
    driver = read_driver(OnBus(["one", "two"]), free.get)
    assert [d.free_bytes for d in driver.devices] == [1, 2]
