"""When this process began: the moment from which a command's budget counts."""

import os
import time

_IMPORTED = time.monotonic()


def process_start() -> float:
    """Return the moment this process started, on the clock of ``time.monotonic()``.

    The interpreter and the imports have already spent time before the first line of a program
    runs; a budget that counts from here includes them.

    Returns
    -------
    float
        A value of ``time.monotonic()``, exact to about 10 ms on Linux. Elsewhere it is the
        moment at which this module was imported.

    Examples
    --------
    >>> import time
    >>> process_start() <= time.monotonic()
    True
    """
    try:
        with open("/proc/self/stat", "rb") as file:
            # The command's name, in brackets, may hold spaces: count the fields behind it.
            ticks = int(file.read().rpartition(b")")[2].split()[19])
        since_boot = time.clock_gettime(time.CLOCK_BOOTTIME)
        age = since_boot - ticks / os.sysconf("SC_CLK_TCK")
    except (AttributeError, IndexError, OSError, ValueError):
        return _IMPORTED
    if not 0 < ticks <= since_boot * os.sysconf("SC_CLK_TCK"):
        return _IMPORTED
    return min(time.monotonic() - age, _IMPORTED)
