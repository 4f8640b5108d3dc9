"""A command as a child process, watched from outside: seconds, memory, threads, what it leaves.

Everything is read from ``/proc``, so this needs Linux. Processes belong together by a mark in
their environment, which children inherit, and not by their parents: a process whose parent has
died is found as well.
"""

import json
import os
import select
import signal
import site
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

MARK = "BENCHMARK_TREE"
THREADS = ("MKL_", "NUMEXPR_", "OMP_", "OPENBLAS_", "VECLIB_", "KMP_", "GOMP_")
PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")
MIB = 2**20


@dataclass(frozen=True)
class Process:
    """What ``/proc/PID/stat`` says."""

    pid: int
    name: str
    state: str
    parent: int
    cpu_seconds: float
    threads: int
    born: int
    rss: int


def look_at(pid: int) -> Process | None:
    """Read a process; None if there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    name, rest = text[text.index("(") + 1 : text.rindex(")")], text[text.rindex(")") + 2 :].split()
    seconds = (int(rest[11]) + int(rest[12])) / TICKS
    rss = int(rest[21]) * PAGE
    return Process(
        pid, name, rest[0], int(rest[1]), seconds, int(rest[17]), int(rest[19]), rss
    )  # fmt: skip


def pss_of(pid: int) -> int:
    """Memory of a process in bytes, pages that several share divided among them."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as lines:
            return next((int(x.split()[1]) * 1024 for x in lines if x.startswith("Pss:")), 0)
    except OSError:
        return 0


def runnable_threads(process: Process) -> int:
    """How many threads run or wait for a core."""
    if process.threads == 1:
        return int(process.state == "R")
    count = 0
    with suppress(OSError):
        for task in os.listdir(f"/proc/{process.pid}/task"):
            with suppress(OSError):
                text = Path(f"/proc/{process.pid}/task/{task}/stat").read_text()
                count += text[text.rindex(")") + 2] == "R"
    return count


class Tree:
    """The processes that carry one mark."""

    def __init__(self) -> None:
        self.mark = uuid.uuid4().hex
        self._is_ours: dict[int, bool] = {}

    def processes(self) -> list[Process]:
        """Those that live now; dead ones that nobody has waited for don't count."""
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
        found = [look_at(pid) for pid in pids if self._has_mark(pid)]
        self._is_ours = {pid: self._is_ours[pid] for pid in pids if pid in self._is_ours}
        return [p for p in found if p is not None and p.state not in "ZX"]

    def kill(self) -> None:
        """End all of them."""
        for _ in range(50):
            if not (living := self.processes()):
                return
            for process in living:
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)
            time.sleep(0.02)

    def left_after(self, seconds: float) -> list[Process]:
        """What still lives after some seconds; returns at once when nothing does."""
        limit = time.monotonic() + seconds
        while (living := self.processes()) and time.monotonic() < limit:
            time.sleep(0.05)
        return living

    def _has_mark(self, pid: int) -> bool:
        if pid not in self._is_ours:
            try:
                environment = Path(f"/proc/{pid}/environ").read_bytes()
            except OSError:
                environment = b"?"
            if not environment:  # in the middle of an exec, or the kernel's own: look again
                return False
            self._is_ours[pid] = f"{MARK}={self.mark}".encode() in environment.split(b"\0")
        return self._is_ours[pid]


@dataclass
class Usage:
    """The most that a tree was seen to use, in bytes and in numbers."""

    rss: int = 0
    pss: int = 0
    runnable: int = 0
    threads: int = 0
    processes: int = 0
    cpu_of: dict[tuple[int, int], float] = field(default_factory=dict)

    def take(self, processes: Sequence[Process], pss: bool) -> None:
        """Add one look at a tree."""
        self.rss = max(self.rss, sum(p.rss for p in processes))
        self.threads = max(self.threads, sum(p.threads for p in processes))
        self.processes = max(self.processes, len(processes))
        self.runnable = max(self.runnable, sum(map(runnable_threads, processes)))
        self.cpu_of |= {(p.pid, p.born): p.cpu_seconds for p in processes}
        if pss:
            self.pss = max(self.pss, sum(pss_of(p.pid) for p in processes))

    def facts(self) -> dict[str, Any]:
        """For a line of results."""
        return {
            "peak_rss_mib": round(self.rss / MIB, 1),
            "peak_pss_mib": round(self.pss / MIB, 1),
            "max_runnable": self.runnable,
            "max_threads": self.threads,
            "max_processes": self.processes,
            "tree_cpu_seconds": round(sum(self.cpu_of.values()), 2),
        }


Look = Callable[[float, Sequence[Process]], None]


@dataclass(frozen=True)
class Plan:
    """How to run and watch a command.

    Attributes
    ----------
    folder : Path
        The command's current folder; what it prints is kept beside it.
    env : mapping
        Beside the present environment; see `environment`.
    give_up : float
        Seconds after which the tree is killed.
    every, pss_every : float
        Seconds between two looks at the tree.
    looks : sequence of callable
        Each is called at every look, with the seconds since the start and the processes.
    """

    folder: Path
    env: Mapping[str, str] = field(default_factory=dict)
    give_up: float = 600.0
    every: float = 0.2
    pss_every: float = 1.0
    looks: Sequence[Look] = ()


@dataclass(frozen=True)
class Watched:
    """What a watched command did."""

    exit: int
    wall: float
    began: float
    hung: bool
    usage: Usage
    told: dict[str, Any]
    said: str

    def facts(self) -> dict[str, Any]:
        """For a line of results."""
        facts: dict[str, Any] = {"exit": self.exit, "wall": round(self.wall, 3), "hung": self.hung}
        facts |= {k: self.told.get(k) for k in ("winner", "score", "n_trials", "n_failed")}
        if self.exit:
            facts["said"] = self.said[-600:]
        return facts | self.usage.facts()


def environment(tree: Tree, more: Mapping[str, str]) -> dict[str, str]:
    """The present environment without settings that a measurement should not have."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("AUTOML_", *THREADS))}
    if path := env.get("PYTHONPATH"):
        env["PYTHONPATH"] = os.pathsep.join(map(os.path.abspath, filter(None, path.split(":"))))
    env["PYTHONUSERBASE"] = site.getuserbase()  # where it is, wherever HOME may point
    return env | dict(more) | {MARK: tree.mark}


def watch(command: Sequence[str], tree: Tree, plan: Plan) -> Watched:
    """Run a command to its end, from just before its process is made until it has exited."""
    out, err = (plan.folder.with_name(f"{plan.folder.name}.{end}") for end in ("out", "err"))
    usage, env = Usage(), environment(tree, plan.env)
    with out.open("wb") as o, err.open("wb") as e:
        began, started = time.time(), time.monotonic()
        child = subprocess.Popen(
            command,
            cwd=plan.folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=o,
            stderr=e,
            start_new_session=True,
        )
        try:
            hung, ended = _follow(child, tree, plan, usage, started)
        except BaseException:
            tree.kill()
            raise
        exit_code = child.wait()
    said = out.read_text(errors="replace") + err.read_text(errors="replace")
    return Watched(
        exit_code, ended - started, began, hung, usage, told_by(out.read_text(errors="replace")),
        said,
    )  # fmt: skip


def _follow(
    child: "subprocess.Popen[bytes]", tree: Tree, plan: Plan, usage: Usage, started: float
) -> tuple[bool, float]:
    """Look at the tree again and again until the command's process has ended."""
    handle = os.pidfd_open(child.pid)
    ended = select.poll()
    ended.register(handle, select.POLLIN)
    next_look = next_pss = started
    hung = False
    try:
        while not ended.poll(max(0.0, next_look - time.monotonic()) * 1000):
            now = time.monotonic()
            processes = tree.processes()
            usage.take(processes, now >= next_pss)
            for look in plan.looks:
                look(now - started, processes)
            if now - started > plan.give_up:
                hung = True
                tree.kill()
            if now >= next_pss:
                next_pss = now + plan.pss_every
            next_look = max(now + 0.01, next_look + plan.every)
        return hung, time.monotonic()
    finally:
        os.close(handle)


def told_by(text: str) -> dict[str, Any]:
    """The JSON object that a command printed; empty if it printed none."""
    with suppress(ValueError):
        told = json.loads(text)
        return told if isinstance(told, dict) else {}
    return {}


# -- the command line ---------------------------------------------------------------------


def fit_command(table: Path, target: str, out: Path, *options: str) -> list[str]:
    """``automl fit``."""
    command = [sys.executable, "-m", "automl", "fit", str(table), "--target", target]
    return [*command, "--out", str(out), "--json", "--quiet", *options]


@cache
def has_option(option: str) -> bool:
    """Whether ``automl fit`` knows an option."""
    command = [sys.executable, "-m", "automl", "fit", "--help"]
    done = subprocess.run(
        command, cwd="/", env=environment(Tree(), {}), capture_output=True, text=True, check=True
    )
    return option in done.stdout.replace(",", " ").split()


def allowed(budget: float) -> float:
    """Seconds that a command may take."""
    return budget + max(2.0, 0.05 * budget)


def evaluate(model: Path, table: Path, folder: Path) -> dict[str, Any]:
    """Score a model in a process of its own; says whether there is one that works."""
    if not model.exists():
        return {"model": False, "held_out": None}
    command = [sys.executable, "-m", "automl", "evaluate", str(model), str(table), "--json"]
    env = environment(Tree(), {})
    try:
        done = subprocess.run(
            command, cwd=folder, env=env, capture_output=True, text=True, timeout=600, check=False
        )
    except subprocess.TimeoutExpired:
        return {"model": False, "held_out": None, "model_said": "no predictions in 600 s"}
    if done.returncode:
        said = (done.stdout + done.stderr)[-600:]
        return {"model": False, "held_out": None, "model_said": said}
    return {"model": True, "held_out": told_by(done.stdout).get("score")}


def read_events(folder: Path) -> tuple[list[dict[str, Any]], int]:
    """The events of a run, and how many lines can't be read."""
    events: list[dict[str, Any]] = []
    broken = 0
    with suppress(OSError):
        for line in (folder / "events.jsonl").read_text(errors="replace").splitlines():
            try:
                event = json.loads(line)
            except ValueError:
                event = None
            if isinstance(event, dict):
                events.append(event)
            else:
                broken += 1
    return events, broken


def in_a_child(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a process of its own, so that its memory is not kept here."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()
