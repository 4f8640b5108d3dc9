"""A metric that does harm once, to whichever process calls it; see ``faults.py``.

The environment arms it: ``HARM`` (what to do), ``HARM_AT`` (the time from which), ``HARM_FLAG`` (a
file that the first one makes; nobody else does harm then).
"""

import os
import time
from typing import Any


def harmful_score(y_true: Any, y_pred: Any) -> float:
    """Accuracy."""
    harm()
    return float((y_true == y_pred).mean())


def harmful_error(y_true: Any, y_pred: Any) -> float:
    """RMSE."""
    harm()
    return float(((y_true - y_pred) ** 2).mean() ** 0.5)


harmful_score.greater_is_better = True  # type: ignore[attr-defined]
harmful_error.greater_is_better = False  # type: ignore[attr-defined]


def harm() -> None:
    """Do harm if it is time and nobody has done it."""
    kind = os.environ.get("HARM")
    if not kind or time.time() < float(os.environ["HARM_AT"]):
        return
    try:
        flag = os.open(os.environ["HARM_FLAG"], os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except FileExistsError:
        return
    os.write(flag, f"{os.getpid()} {os.getppid()} {time.time()}\n".encode())
    {
        "segfault": segfault,
        "abort": os.abort,
        "exit": lambda: os._exit(3),
        "balloon": lambda: balloon(flag),
        "loop": loop,
        "loop in C": loop_in_c,
        "raise": fail,
        "sys.exit": leave,
        "sleep": sleep,
    }[kind]()


def segfault() -> None:
    """Read where nothing is."""
    import ctypes

    ctypes.string_at(0)


def balloon(flag: int) -> None:
    """Take memory until it is refused or 6 GB are taken: the machine has to survive."""
    blocks: list[bytearray] = []
    while len(blocks) < 96:
        blocks.append(bytearray(b"x") * 2**26)
        os.write(flag, b"64 MiB\n")
    raise MemoryError("the balloon was never refused")


def loop() -> None:
    """Never end."""
    while True:
        pass


def loop_in_c() -> None:
    """Never end, and never let another thread or a signal handler run."""
    import itertools

    sum(itertools.repeat(0))


def fail() -> None:
    """Raise an error."""
    raise RuntimeError("harm")


def leave() -> None:
    """End the process as scripts do."""
    import sys

    sys.exit(7)


def sleep() -> None:
    """Never end, deaf to every signal that can be blocked."""
    import signal

    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, signal.NSIG))
    while True:
        time.sleep(1)
