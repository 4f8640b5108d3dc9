"""Which device fits run on.

Only the NVIDIA driver is asked: it answers in milliseconds and can't abort the process, which a
CUDA build of a booster does on a machine without a driver.
"""

from functools import cache

from automl.exceptions import UsageError

_NAMES = ("auto", "cpu", "cuda")


def resolve_device(device: str) -> str:
    """Turn a user's wish for a device into ``"cpu"`` or ``"cuda"``.

    Parameters
    ----------
    device : {"auto", "cpu", "cuda"}
        "auto" takes CUDA where the NVIDIA driver finds a device, else the CPU.

    Returns
    -------
    str

    Raises
    ------
    UsageError
        If the name is not one of these, or "cuda" is asked for and there is no CUDA device.

    Examples
    --------
    >>> resolve_device("cpu")
    'cpu'
    """
    if device not in _NAMES:
        raise UsageError(f"device={device!r} is not known: use one of {', '.join(_NAMES)}.")
    if device == "cpu":
        return "cpu"
    count, reason = _cuda_devices()
    if count == 0 and device == "cuda":
        raise UsageError(
            f"--device cuda: no CUDA device found: {reason}; use --device auto or cpu"
        )
    return "cuda" if count else "cpu"


@cache
def _cuda_devices() -> tuple[int, str]:
    """Return how many CUDA devices the driver finds and, if none, why."""
    import ctypes

    try:
        driver = ctypes.CDLL("libcuda.so.1")
        error = driver.cuInit(0)
        count = ctypes.c_int(0)
        error = error or driver.cuDeviceGetCount(ctypes.byref(count))
    except (AttributeError, OSError) as problem:
        return 0, f"the NVIDIA driver can't be loaded ({problem})"
    if error:
        return 0, f"the NVIDIA driver answers with error {error}"
    return max(0, count.value), "the NVIDIA driver lists no device"
