"""Functions that the tests run in workers."""

import ctypes
import os
import sys
import threading
import time

from automl.compute import SpoiledError


class Unreadable:
    """Can be pickled, but not unpickled in the driver."""

    def __reduce__(self):
        return _only_in, (os.getpid(),)


def _only_in(pid):
    if os.getpid() != pid:
        raise RuntimeError("not here")


def echo(payload, data, channel):
    return payload


def whoami(payload, data, channel):
    return os.getpid()


def nap(payload, data, channel):
    time.sleep(payload)
    return os.getpid()


def spin(payload, data, channel):
    channel.report("spinning")
    while True:
        pass


def sleep_deaf(payload, data, channel):
    channel.report("sleeping")
    time.sleep(3600)


def count(payload, data, channel):
    for number in range(payload):
        channel.report(number)
    return payload


def until_stopped(payload, data, channel):
    channel.report("up")
    looks = 0
    while not channel.stopped:
        looks += 1
        time.sleep(0.001)
    return looks, channel.time_left()


def fail(payload, data, channel):
    raise payload("went wrong")


def spoil(payload, data, channel):
    raise SpoiledError("the card failed")


def system_exit(payload, data, channel):
    sys.exit(3)


def unpicklable(payload, data, channel):
    return threading.Lock()


def unreadable(payload, data, channel):
    return Unreadable()


def exit_now(payload, data, channel):
    os._exit(payload)


def segfault(payload, data, channel):
    ctypes.string_at(0)


def burn(payload, data, channel):
    end = time.process_time() + payload
    while time.process_time() < end:
        pass


def describe(payload, data, channel):
    return [
        {name: (array.dtype.str, array.shape, array.flags.writeable) for name, array in d.items()}
        for d in data
    ]


def copy_of(payload, data, channel):
    return [{name: array.copy() for name, array in arrays.items()} for arrays in data]


def write_into(payload, data, channel):
    data[0]["x"][0] = 1


def visits(payload, data, channel):
    channel.cache["visits"] = channel.cache.get("visits", 0) + 1
    return channel.cache["visits"]


def environment(payload, data, channel):
    return {name: os.environ.get(name) for name in payload}


def open_files(payload, data, channel):
    return sorted(os.listdir("/proc/self/fd"))


def threads_after_blas(payload, data, channel):
    import numpy as np

    square = np.ones((700, 700))
    square @ square
    return len(os.listdir("/proc/self/task"))


def origin(payload, data, channel):
    """Where the modules named in the payload were loaded from, and the search path."""
    return [getattr(__import__(name), "__file__", None) for name in payload], list(sys.path)


def kill_itself(payload, data, channel):
    os.kill(os.getpid(), payload)


def litter(payload, data, channel):
    """Fill the heap with small pieces and keep the last one, so that it can't shrink by itself."""
    pieces = [bytes(1000) for _ in range(payload * 1000)]
    channel.cache["last"] = pieces[-1]


def private_bytes(payload, data, channel):
    with open("/proc/self/status") as file:
        [line] = [line for line in file if line.startswith("RssAnon")]
    return int(line.split()[1]) * 1024
