"""Jobs that do what no job should."""

import ctypes
import os
import re
import signal
import subprocess
import sys
import threading
import time

from automl.compute._line import _MARK, _PREFIX, Report

STAY = [sys.executable, "-c", "import time; time.sleep(600)"]


def _sockets():
    """The numbers of this process's sockets: the line is the only one."""
    return [int(fd) for fd in os.listdir("/proc/self/fd") if _is_socket(fd)]


def _is_socket(fd):
    try:
        return os.readlink(f"/proc/self/fd/{fd}").startswith("socket:")
    except OSError:
        return False


def abort(payload, data, channel):
    os.abort()


def hold_the_interpreter(payload, data, channel):
    channel.report("up")
    while True:
        ctypes.PyDLL(None).sleep(60)


def backtrack(payload, data, channel):
    channel.report("up")
    re.match(r"(a+)+$", "a" * 60 + "b")


def ignore_the_alarm(payload, data, channel):
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    channel.report("up")
    while True:
        pass


def stop_itself(payload, data, channel):
    channel.report("up")
    os.kill(os.getpid(), signal.SIGSTOP)


def stop_the_server(payload, data, channel):
    os.kill(os.getppid(), signal.SIGSTOP)
    channel.report("up")
    time.sleep(600)


def close_the_line(payload, data, channel):
    for fd in _sockets():
        os.close(fd)
    time.sleep(600)


def babble(payload, data, channel):
    """Write bytes to the line, and then stay."""
    channel.report("up")
    for fd in _sockets():
        os.write(fd, payload)
    time.sleep(600)


def promise(payload, data, channel):
    """Begin a message that does not end."""
    babble(_PREFIX.pack(_MARK, payload) + b"and then", data, channel)


def speak_for_another(payload, data, channel):
    frame = Report("done", payload).pack()
    babble(_PREFIX.pack(_MARK, len(frame)) + frame, data, channel)


def report_much(payload, data, channel):
    channel.report("up")
    channel.report(bytes(payload))
    return "sent"


def fork_and_return(payload, data, channel):
    return "child" if os.fork() == 0 else "parent"


def fork_and_raise(payload, data, channel):
    if os.fork() == 0:
        channel.report("the child")
    return "parent"


def die_with_the_line_held(payload, data, channel):
    """Leave a child that keeps the line open, and exit."""
    if os.fork() == 0:
        if payload:
            os.setsid()
        time.sleep(600)
    os._exit(5)


def leave_children(payload, data, channel):
    """Start processes that stay: in the same group, in a session of its own, and an orphan."""
    plain = subprocess.Popen(STAY)
    apart = subprocess.Popen(STAY, start_new_session=True)
    start = f"import subprocess; print(subprocess.Popen({STAY!r}, stdout=2).pid)"
    orphan = subprocess.run([sys.executable, "-c", start], stdout=subprocess.PIPE, check=True)
    pids = [plain.pid, apart.pid, int(orphan.stdout)]
    channel.report(pids)
    if payload:
        time.sleep(600)
    return pids


def leave_a_thread(payload, data, channel):
    """Leave a thread that goes on reporting."""

    def go_on():
        while True:
            channel.report("still here")
            channel.stopped  # noqa: B018 - the look is what matters
            time.sleep(0.001)

    threading.Thread(target=go_on, daemon=True).start()
    return os.getpid()


def leave_an_alarm(payload, data, channel):
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    return os.getpid()


def close_the_output(payload, data, channel):
    sys.stdout.close()
    return os.getpid()


class Unspeakable(Exception):  # noqa: N818
    """Has no words."""

    def __str__(self):
        raise RuntimeError("no words")


def raise_unspeakable(payload, data, channel):
    raise Unspeakable


def balloon(payload, data, channel):
    """Take as many MiB of memory, in steps, and fill them."""
    channel.report("up")
    held = []
    for _ in range(payload // 8):
        held.append(b"x" * 2**23)
        time.sleep(0.002)
    return len(held)


def hold(payload, data, channel):
    """Take as many MiB for a moment, look at the shared arrays, and tell of the rest."""
    held = b"x" * (payload * 2**20)
    channel.report(len(held))
    del held
    return sum(float(array.sum()) for arrays in data for array in arrays.values())


def keep(payload, data, channel):
    """Take as many MiB, and stay."""
    held = b"x" * (payload * 2**20)
    channel.report(len(held))
    time.sleep(600)


def balloon_in_a_child(payload, data, channel):
    """Let another process take as many MiB."""
    code = f"import time\nheld = []\nfor _ in range({payload} // 8):\n"
    code += "    held.append(b'x' * 2**23)\n    time.sleep(0.002)\ntime.sleep(600)"
    child = subprocess.Popen([sys.executable, "-c", code])
    channel.report(child.pid)
    child.wait()


def look_and_stay(payload, data, channel):
    """Read all shared arrays, and keep them."""
    channel.report(sum(float(array.sum()) for arrays in data for array in arrays.values()))
    time.sleep(600)


def hoard(payload, data, channel):
    """Leave as many MiB in the worker."""
    channel.cache["hoard"] = b"x" * (payload * 2**20)


def keep_when_asked(payload, data, channel):
    """Take as many MiB when asked to stop, and stay."""
    channel.report("up")
    while not channel.stopped:
        time.sleep(0.01)
    keep(payload, data, channel)


STILLBORN = """
import os
from pathlib import Path

def end_once():
    try:
        Path(__file__).with_name("ended").touch(exist_ok=False)
    except FileExistsError:
        return
    os._exit(3)

os.register_at_fork(after_in_child=end_once)
"""
"""A module such that the first process that is forked after its import ends at once."""
