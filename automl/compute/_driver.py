"""What the NVIDIA driver says of its devices; it is asked in this process, in milliseconds.

Only the driver's own libraries are loaded: they can't abort the process, which a CUDA build of a
booster does on a machine without a driver.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

_MAJOR, _MINOR = 75, 76
"""Numbers of the driver's attributes for the two parts of the compute capability."""


@dataclass(frozen=True)
class Device:
    """A CUDA device.

    Parameters
    ----------
    number : int
        As in ``cuda:1``.
    name : str
    capability : str
        Compute capability, such as ``"9.0"``.
    memory_bytes : int
        All of its memory.
    free_bytes : int, optional
        What of it is free now; ``None`` where the management library does not say.
    driver : str
        Newest CUDA version that its driver serves.
    """

    number: int
    name: str
    capability: str
    memory_bytes: int
    free_bytes: int | None = None
    driver: str = ""

    @property
    def cuda(self) -> str:
        """The name by which libraries know it, such as ``"cuda:1"``."""
        return f"cuda:{self.number}"


@dataclass(frozen=True)
class Driver:
    """The NVIDIA driver, or why there is none.

    Parameters
    ----------
    cuda : str
        Newest CUDA version that it serves, such as ``"13.0"``; empty without a driver.
    devices : tuple of Device
    reason : str
        Why no device can be used; empty if one can.
    """

    cuda: str
    devices: tuple[Device, ...]
    reason: str = ""


@cache
def find_driver() -> Driver:
    """Ask the driver, once in a process.

    Examples
    --------
    >>> driver = find_driver()
    >>> bool(driver.devices) != bool(driver.reason)
    True
    """
    import ctypes

    try:
        library = ctypes.CDLL("libcuda.so.1")
        return read_driver(library, _free_bytes)
    except (AttributeError, OSError) as problem:
        return Driver("", (), f"the NVIDIA driver can't be loaded ({problem})")


def read_driver(library: Any, free_bytes: Any) -> Driver:
    """Read version and devices from the driver's library.

    Parameters
    ----------
    library : ctypes.CDLL
        ``libcuda``, or what answers like it.
    free_bytes : callable
        From the bus of a device, or its number where the driver does not tell the bus, to its
        free memory. The management library counts devices otherwise than CUDA does.

    Returns
    -------
    Driver
    """
    import ctypes

    error = library.cuInit(0)
    if error:
        return Driver("", (), f"the NVIDIA driver answers with error {error}")
    version, count = ctypes.c_int(0), ctypes.c_int(0)
    library.cuDriverGetVersion(ctypes.byref(version))
    error = library.cuDeviceGetCount(ctypes.byref(count))
    cuda = f"{version.value // 1000}.{version.value % 1000 // 10}"
    if error:
        return Driver(cuda, (), f"the NVIDIA driver answers with error {error}")
    devices = tuple(_device(library, i, free_bytes, cuda) for i in range(max(0, count.value)))
    return Driver(cuda, devices, "" if devices else "the NVIDIA driver lists no device")


def _device(library: Any, number: int, free_bytes: Any, driver: str) -> Device:
    import ctypes

    handle, memory = ctypes.c_int(0), ctypes.c_size_t(0)
    name = ctypes.create_string_buffer(100)
    parts = [ctypes.c_int(0), ctypes.c_int(0)]
    library.cuDeviceGet(ctypes.byref(handle), number)
    library.cuDeviceGetName(name, 100, handle)
    library.cuDeviceTotalMem_v2(ctypes.byref(memory), handle)
    for part, attribute in zip(parts, (_MAJOR, _MINOR), strict=True):
        library.cuDeviceGetAttribute(ctypes.byref(part), attribute, handle)
    text = name.value.decode(errors="replace")
    capability = f"{parts[0].value}.{parts[1].value}"
    free = free_bytes(_bus(library, handle) or number)
    return Device(number, text, capability, int(memory.value), free, driver)


def _bus(library: Any, handle: Any) -> str:
    """Where a device sits, by which the management library knows it too; empty if unknown."""
    import ctypes

    ask, bus = getattr(library, "cuDeviceGetPCIBusId", None), ctypes.create_string_buffer(32)
    return "" if ask is None or ask(bus, 32, handle) else bus.value.decode(errors="replace")


def _free_bytes(place: int | str) -> int | None:
    """Free memory of a device; the driver itself would need a context for that."""
    import ctypes

    handle, memory = ctypes.c_void_p(), (ctypes.c_ulonglong * 3)()  # total, free, used
    try:
        library = ctypes.CDLL("libnvidia-ml.so.1")
        by_bus = isinstance(place, str)
        name = f"nvmlDeviceGetHandleBy{'PciBusId' if by_bus else 'Index'}_v2"
        find = getattr(library, name)
        key = place.encode() if isinstance(place, str) else place
        failed = (
            library.nvmlInit_v2()
            or find(key, ctypes.byref(handle))
            or library.nvmlDeviceGetMemoryInfo(handle, ctypes.byref(memory))
        )
    except (AttributeError, OSError):
        return None
    return None if failed else int(memory[1])
