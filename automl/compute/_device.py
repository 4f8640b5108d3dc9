"""Which device a user wants fits to run on, and whether it is there."""

import re

from automl.compute._driver import Device, Driver, find_driver
from automl.exceptions import UsageError

_FORM = re.compile(r"auto|cpu|cuda(?::(\d{1,3}))?", re.ASCII)


def parse_device(text: str) -> str:
    """Check the form of a device's name, asking nobody.

    Parameters
    ----------
    text : str
        ``"auto"``, ``"cpu"``, ``"cuda"``, or one card by its number, such as ``"cuda:1"``.

    Returns
    -------
    str
        The same.

    Raises
    ------
    UsageError
        If it is none of these.

    Examples
    --------
    >>> parse_device("cuda:1")
    'cuda:1'
    """
    if not isinstance(text, str) or not _FORM.fullmatch(text):
        raise UsageError(
            f"device={text!r} is not known: use auto, cpu, cuda, or a card by its number such as "
            "cuda:1."
        )
    return text


def resolve_device(wish: str, driver: Driver | None = None) -> Device | None:
    """Find the card that a user's wish for a device means.

    Parameters
    ----------
    wish : str
        As for :func:`parse_device`. "auto" takes a card if there is one.
    driver : Driver, optional
        What the machine has; the NVIDIA driver is asked by default, in this process and without
        loading more than the driver's own libraries.

    Returns
    -------
    Device or None
        The card, that with the most free memory where none was named; ``None`` for the CPU.

    Raises
    ------
    UsageError
        If the wish is not understood, or insists on a card that is not there.

    Examples
    --------
    >>> resolve_device("cpu")
    >>> cards = tuple(Device(i, f"card {i}", "9.0", 2**34, i * 2**30) for i in range(2))
    >>> resolve_device("auto", Driver("13.0", cards)).cuda, resolve_device("auto", Driver("", ()))
    ('cuda:1', None)
    """
    found = _FORM.fullmatch(parse_device(wish))
    if wish == "cpu":
        return None
    driver = find_driver() if driver is None else driver
    number = None if found is None else found[1]
    if not driver.devices:
        if wish == "auto":
            return None
        raise UsageError(
            f"--device {wish}: no CUDA device found: {driver.reason}; use --device auto or cpu"
        )
    if number is None:
        return max(driver.devices, key=lambda d: (d.free_bytes or 0, -d.number))
    for device in driver.devices:
        if device.number == int(number):
            return device
    cards = ", ".join(f"{d.cuda} ({d.name})" for d in driver.devices)
    raise UsageError(f"--device {wish}: there is no such CUDA device; there are {cards}")
