"""The server's life with its driver, and the places people start drivers from."""

import os
import signal
import socket
import textwrap

import psutil
import pytest

from automl.compute import LocalEngine, shut_down, warm_up
from automl.exceptions import UsageError

from . import jobs
from .conftest import eventually, gone, job, last, python, servers, workers

_HELLO = """
import os, sys, tempfile
from pathlib import Path
import numpy as np
from automl.compute import Job, LocalEngine

scratch = Path(tempfile.mkdtemp(dir={scratch!r}))
engine = LocalEngine(n_workers=2, scratch=scratch, preload=["numpy"], paths=[{folder!r}])
numbers = [engine.submit(Job("some_jobs:run", i)) for i in range(4)]
results = []
while len(results) < 4:
    results += [event.value for event in engine.wait()]
print(sorted(results), flush=True)
"""

_HANG = """
engine.put("table", dict(x=np.zeros(1000)))
for _ in range(2):
    engine.submit(Job("some_jobs:hang"))
pids = []
while len(pids) < 2:
    pids += [event.pid for event in engine.wait()]
print(pids, flush=True)
"""

_JOBS = """
import time

def run(payload, data, channel):
    return payload * 10

def hang(payload, data, channel):
    channel.report("up")
    while True:
        pass

def nap(payload, data, channel):
    channel.report("up")
    time.sleep(0.7)
    return "rested"
"""


@pytest.fixture
def place(tmp_path):
    """A folder with jobs, and the program that runs them."""
    folder, scratch = tmp_path / "jobs", tmp_path / "scratch"
    folder.mkdir()
    scratch.mkdir()
    (folder / "some_jobs.py").write_text(_JOBS)
    hello = _HELLO.format(scratch=str(scratch), folder=str(folder))
    (tmp_path / "hello.py").write_text(hello)
    return tmp_path


def _output(process, text=None):
    out, err = process.communicate(text, timeout=60)
    assert process.returncode == 0, err
    assert err == ""
    return out


def test_unguarded_script(place):
    assert _output(python([str(place / "hello.py")])) == "[0, 10, 20, 30]\n"


def test_standard_input(place):
    program = (place / "hello.py").read_text()
    assert _output(python(["-"], cwd=place), program) == "[0, 10, 20, 30]\n"


def test_interactive(place):
    program = (place / "hello.py").read_text().replace("    results", "    results", 1)
    process = python(["-i", "-q", "-c", program], cwd=place)
    out, err = process.communicate("print('still here')\n", timeout=60)
    assert out == "[0, 10, 20, 30]\nstill here\n", err


def test_daemon_thread(place):
    body = textwrap.indent((place / "hello.py").read_text(), "    ")
    thread = "threading.Thread(target=run, daemon=True)"
    program = f"import threading\ndef run():\n{body}\nt = {thread}\nt.start()\nt.join()\n"
    assert _output(python(["-c", program])) == "[0, 10, 20, 30]\n"


def test_the_thread_that_started_the_server_may_end(place):
    start = "import automl.compute, threading\n"
    start += "t = threading.Thread(target=automl.compute.warm_up, args=(['numpy'],))\n"
    start += "t.start(); t.join()\nimport time; time.sleep(0.3)\n"
    program = start + (place / "hello.py").read_text()
    assert _output(python(["-c", program])) == "[0, 10, 20, 30]\n"


def test_files_in_the_current_folder_shadow_nothing(place):
    names = ["numpy", "random", "pickle", "socket", "select", "some_module", "automl"]
    for name in names:
        (place / f"{name}.py").write_text("raise RuntimeError('shadowed')")
    program = (place / "hello.py").read_text()
    script = place / "jobs" / "hello.py"  # its own folder, not the current one, is on its path
    script.write_text(program)
    assert _output(python([str(script)], cwd=place)) == "[0, 10, 20, 30]\n"


def test_files_beside_the_package_shadow_nothing(place):
    link = place / "library"
    link.mkdir()
    (link / "automl").symlink_to(os.path.dirname(__import__("automl").__file__))
    (link / "xgboost.py").write_text("raise RuntimeError('shadowed')")
    body = (place / "hello.py").read_text().replace('["numpy"]', '["numpy", "xgboost"]')
    (place / "jobs" / "some_jobs.py").write_text(
        "def run(payload, data, channel):\n    import xgboost\n    return payload * 10"
    )
    program = f"import sys; sys.path.append({str(link)!r})\n{body}"
    assert _output(python(["-c", program], env={"PYTHONPATH": ""})) == "[0, 10, 20, 30]\n"


def test_the_script_is_not_run_again_when_a_job_imports_it(place):
    (place / "jobs" / "some_jobs.py").write_text(
        "def run(payload, data, channel):\n"
        "    try:\n        import hello\n    except ImportError:\n        return payload * 10\n"
    )
    program = (place / "hello.py").read_text().replace(f"paths=[{str(place / 'jobs')!r}]", "")
    (place / "jobs" / "hello.py").write_text(program)
    assert _output(python([str(place / "jobs" / "hello.py")])) == "[0, 10, 20, 30]\n"


def test_jobs_may_import_what_the_driver_can(place):
    program = (place / "hello.py").read_text().replace(f"paths=[{str(place / 'jobs')!r}]", "")
    (place / "jobs" / "hello.py").write_text(program)
    assert _output(python([str(place / "jobs" / "hello.py")])) == "[0, 10, 20, 30]\n"


def test_output_of_workers_stays_out_of_the_drivers_output(place):
    text = "def run(payload, data, channel):\n    print('noise')\n    return payload * 10"
    (place / "jobs" / "some_jobs.py").write_text(text)
    out, err = python([str(place / "hello.py")]).communicate(timeout=60)
    assert out == "[0, 10, 20, 30]\n"
    assert err == "noise\n" * 4


def test_closed_standard_streams(place):
    close = "import os\nos.close(0); os.close(2)\n"
    program = close + (place / "hello.py").read_text()
    assert _output(python(["-c", program])) == "[0, 10, 20, 30]\n"


def test_a_default_socket_timeout_changes_nothing(place):
    program = "import socket; socket.setdefaulttimeout(0.01)\n" + (place / "hello.py").read_text()
    assert _output(python(["-c", program])) == "[0, 10, 20, 30]\n"


def test_a_forked_child_leaves_the_parents_workers_alone(place):
    again = "pid = os.fork()\nif pid == 0:\n    engine.close(); sys.exit()\nos.waitpid(pid, 0)\n"
    again += "engine.submit(Job('some_jobs:run', 1))\nprint(engine.wait()[0].pid in pids)\n"
    program = (place / "hello.py").read_text() + again
    program = program.replace("results += [event", "results += [pids.add(event.pid) or event")
    program = program.replace("results = []", "results, pids = [], set()")
    assert _output(python(["-c", program])) == "[0, 10, 20, 30]\nTrue\n"


def test_a_forked_child_can_have_an_engine_of_its_own(place):
    hello = (place / "hello.py").read_text()
    program = f"{hello}\nif os.fork() == 0:\n{textwrap.indent(hello, '    ')}\nelse: os.wait()"
    assert _output(python(["-c", program])) == "[0, 10, 20, 30]\n" * 2


@pytest.mark.parametrize("end", ["sys.exit()", "raise SystemExit", "os._exit(0)", ""])
def test_nothing_stays_when_the_driver_ends(place, end):
    program = (place / "hello.py").read_text() + _HANG
    program += f"import psutil\nprint(psutil.Process().children()[0].pid, flush=True)\n{end}"
    lines = _output(python(["-c", program])).splitlines()
    pids = [*map(int, lines[1].strip("[]").split(",")), int(lines[2])]
    eventually(lambda: all(gone(pid) for pid in pids))
    assert [os.listdir(folder) for folder in (place / "scratch").iterdir()] == [[]]


def test_nothing_stays_when_the_driver_is_killed(place):
    process = python(["-c", (place / "hello.py").read_text() + _HANG + "input()"])
    assert process.stdout.readline() == "[0, 10, 20, 30]\n"
    process.stdout.readline()
    pids = [found.pid for found in servers(process.pid) + workers(process.pid)]
    assert len(pids) == 3
    process.kill()
    process.communicate()
    eventually(lambda: all(gone(pid) for pid in pids))
    assert [os.listdir(folder) for folder in (place / "scratch").iterdir()] == [[]]


def test_a_leaked_socket_does_not_keep_the_workers(place):
    leak = "import subprocess\nfor fd in os.listdir('/proc/self/fd'):\n"
    leak += "    try: os.set_inheritable(int(fd), True)\n    except OSError: pass\n"
    leak += "sleeper = subprocess.Popen(['sleep', '60'], close_fds=False)\n"
    leak += "print(sleeper.pid, flush=True)\ninput()"
    process = python(["-c", (place / "hello.py").read_text() + _HANG + leak])
    sleeper = int([process.stdout.readline() for _ in range(3)][2])
    pids = [found.pid for found in servers(process.pid) + workers(process.pid)]
    assert len(pids) == 3
    process.kill()
    process.wait()
    eventually(lambda: all(gone(pid) for pid in pids))
    assert not gone(sleeper)
    os.kill(sleeper, signal.SIGKILL)
    process.communicate()


def test_nothing_stays_when_the_driver_is_killed_during_the_preload(place):
    (place / "slow.py").write_text(
        "import time\nwhile True:\n    time.sleep(0.01)\n"
        "    try:\n        import not_there\n    except ImportError:\n        pass\n"
    )
    root = os.path.dirname(os.path.dirname(__import__("automl").__file__))
    process = python(
        ["-c", "import automl.compute\nautoml.compute.warm_up(['slow'])\nprint(1)\ninput()"],
        env={"PYTHONPATH": f"{place}:{root}", "PYTHONUNBUFFERED": "1"},
    )
    process.stdout.readline()
    eventually(lambda: servers(process.pid))
    [server] = servers(process.pid)
    process.kill()
    process.communicate()
    eventually(lambda: gone(server.pid))


def test_ctrl_c_reaches_only_the_driver(place):
    program = "import signal\n"  # a shell's background jobs ignore Ctrl-C, and so would a child
    program += "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    program += (place / "hello.py").read_text()
    program += "engine.submit(Job('some_jobs:nap'))\ntry:\n"
    program += "    print(engine.wait()[0].value, flush=True)\n    engine.wait()\n"
    program += "except KeyboardInterrupt:\n"
    program += "    print('interrupted', engine.wait()[0].value)\n"
    process = python(["-c", program], start_new_session=True)
    assert process.stdout.readline() == "[0, 10, 20, 30]\n"
    assert process.stdout.readline() == "up\n"
    os.killpg(process.pid, signal.SIGINT)
    assert process.stdout.read() == "interrupted rested\n"
    process.communicate()


def test_modules_that_cannot_be_imported_are_passed_over(tmp_path):
    preload = ["no_such_module", "json"]
    with LocalEngine(n_workers=1, scratch=tmp_path, preload=preload) as engine:
        assert last(engine, engine.submit(job(jobs.echo, 1))).value == 1


def test_an_engine_takes_the_server_that_was_warmed_up(tmp_path):
    shut_down()
    warm_up(["json", "numpy"])
    eventually(servers)
    [server] = servers()
    with LocalEngine(n_workers=1, scratch=tmp_path, preload=["numpy"]) as engine:
        pid = last(engine, engine.submit(job(jobs.whoami))).value
        assert psutil.Process(pid).ppid() == server.pid


def test_a_server_without_users_makes_room_for_another(tmp_path):
    shut_down()
    warm_up(["json"])
    with LocalEngine(n_workers=1, scratch=tmp_path, preload=["json"]) as engine:
        eventually(servers)
        [used] = servers()
        warm_up(["numpy"])
        eventually(lambda: len(servers()) == 2)
        assert last(engine, engine.submit(job(jobs.echo, 1))).value == 1
        warm_up(["csv"])
        eventually(lambda: len(servers()) == 2)
        assert used in servers()


def test_shut_down_ends_the_server_at_once_even_in_the_preload(tmp_path):
    shut_down()
    warm_up(["sklearn.ensemble"])
    eventually(servers)
    [server] = servers()
    shut_down()
    assert servers() == []
    assert not psutil.pid_exists(server.pid)


def test_a_server_that_cannot_start_is_an_error(place):
    program = (
        (place / "hello.py")
        .read_text()
        .replace("engine = ", "sys.executable = '/bin/false'\nengine = ")
    )
    process = python(["-c", program])
    _, err = process.communicate(timeout=60)
    assert "AutoMLError: No worker process could be started" in err


@pytest.mark.parametrize(("module", "name"), [(os, "fork"), (socket, "send_fds")])
def test_platforms_that_cannot_fork_are_told(tmp_path, monkeypatch, module, name):
    shut_down()
    monkeypatch.delattr(module, name)
    with pytest.raises(UsageError, match="needs Linux or macOS"):
        LocalEngine(n_workers=1, scratch=tmp_path)
    with pytest.raises(UsageError, match="needs Linux or macOS"):
        warm_up()
