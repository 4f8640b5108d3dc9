"""Which device fits run on."""

from automl.compute._driver import find_driver
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
    driver = find_driver()
    if not driver.devices and device == "cuda":
        raise UsageError(
            f"--device cuda: no CUDA device found: {driver.reason}; use --device auto or cpu"
        )
    return "cuda" if driver.devices else "cpu"
