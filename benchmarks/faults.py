"""Harm done to runs: each run of the command line lives through one fault at a random moment.

Half of the faults come from a metric of the user's, given as ``module:function``, that once in a
run does harm to whichever process calls it: a segmentation fault, an abort, an exit, a balloon of
memory, an endless loop (in Python; in C, where no signal handler ever runs), an error, a call of
``sys.exit``, a sleep that ignores signals. The other half are signals (KILL, SEGV, STOP) sent from
outside to a random worker.

Checked after each: exit code 0; a model that loads and predicts; the budget plus 2 s or 5 %; no
process of the tree alive 2 s after the end; no new file in the temporary folder, ``/dev/shm``, the
current folder or the home folder; no ``work/`` in the run's folder; that the fault happened at all
(if not, the run is tried again); and that the events tell of work that ended badly in the process
that was hit (one that only waited for work has nothing to tell). ``/tmp`` and ``/dev/shm`` are
shared with the rest of the machine: what stays there unchanged after the end counts as the run's.

``--kill-driver N`` does N runs in which the command itself is killed: its workers must be gone
within 2 s, and what was written must be readable.

    python benchmarks/faults.py --runs 50 --kill-driver 10 --out benchmarks/results/faults.jsonl
    python benchmarks/faults.py --show benchmarks/results/faults.jsonl
"""

import argparse
import os
import random
import re
import shutil
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
from _process import (
    Plan,
    Process,
    Tree,
    allowed,
    evaluate,
    fit_command,
    has_option,
    read_events,
    watch,
)
from _results import Results, measure_or_show, parser, print_table, words
from _tables import index, load, machine

INSIDE = (
    "segfault", "abort", "exit", "balloon", "loop", "loop in C", "raise", "sys.exit", "sleep",
)  # fmt: skip
OUTSIDE = ("SIGKILL", "SIGSEGV", "SIGSTOP")
SMALL = ("blood_transfusion", "credit_g", "car", "house_prices", "abalone", "telco_churn")
TRIES = 3  # a fault drawn for a moment when nothing could suffer it is drawn again
CHECKS = ("exit 0", "model", "in time", "no process", "no file", "work gone", "told")
SHARED_FOLDERS = (Path("/tmp"), Path("/dev/shm"))
WRONG = re.compile("fail|kill|died")
HARM = Path(__file__).with_name("_harm.py")


class Killer:
    """Sends a signal to a random worker, a grandchild of the command, at a moment."""

    def __init__(self, name: str, moment: float, rng: random.Random) -> None:
        self._signal, self._moment, self._rng = signal.Signals[name], moment, rng
        self.victim: Process | None = None
        self.after: float | None = None

    def __call__(self, elapsed: float, processes: Sequence[Process]) -> None:
        """Look for a victim once the moment has come."""
        if self.victim is not None or elapsed < self._moment:
            return
        workers = grandchildren(processes)
        if workers:
            victim = self._rng.choice([p for p in workers if p.state == "R"] or workers)
            with suppress(ProcessLookupError):
                os.kill(victim.pid, self._signal)
                self.victim, self.after = victim, elapsed

    def facts(self) -> dict[str, Any]:
        """Whether there was a victim, and what it was doing."""
        if self.victim is None:
            return {"happened": False}
        hit = "worker" if self.victim.state == "R" else "waiting worker"
        facts = {"happened": True, "hit": hit, "hit_pid": self.victim.pid}
        return facts | {"hit_after": self.after}


def grandchildren(processes: Sequence[Process]) -> list[Process]:
    """Processes of a tree whose parent's parent is in it, too."""
    of = {p.pid: p for p in processes}
    return [p for p in processes if p.parent in of and of[p.parent].parent in of]


class Metric:
    """Writes the harmful metric, arms it, and reads what it did."""

    def __init__(self, folder: Path, task: str) -> None:
        folder.mkdir()
        shutil.copy(HARM, folder / "harm.py")
        self._folder, self._flag = folder, folder / "flag"
        self.address = f"harm:harmful_{'error' if task == 'regression' else 'score'}"

    def env(self, kind: str | None, moment: float) -> dict[str, str]:
        """What arms it, at a number of seconds from now."""
        path = os.pathsep.join(filter(None, [str(self._folder), os.environ.get("PYTHONPATH")]))
        env = {"PYTHONPATH": os.pathsep.join(map(os.path.abspath, path.split(os.pathsep)))}
        if kind:
            env |= {"HARM": kind, "HARM_AT": f"{time.time() + moment}"}
            env["HARM_FLAG"] = str(self._flag)
        return env

    def facts(self, began: float) -> dict[str, Any]:
        """Whether it did harm, to whom, and when."""
        if not self._flag.exists():
            return {"happened": False}
        first, *blocks = self._flag.read_text().split("\n")
        pid, parent, moment = first.split()
        hit = "driver" if int(parent) == os.getpid() else "worker"
        facts: dict[str, Any] = {"happened": True, "hit": hit, "hit_pid": int(pid)}
        facts["hit_after"] = round(float(moment) - began, 3)
        if count := sum("MiB" in block for block in blocks):
            facts["balloon_mib"] = 64 * count
        return facts


def private_folders(work: Path) -> dict[str, Path]:
    """Empty folders that the command takes for its current, home and temporary one."""
    shutil.rmtree(work, ignore_errors=True)
    folders = {name: work / name for name in ("cwd", "home", "tmp")}
    for folder in folders.values():
        folder.mkdir(parents=True)
    return folders


def entries(folders: Sequence[Path]) -> set[str]:
    """What lies in folders."""
    found: set[str] = set()
    for folder in folders:
        with suppress(OSError):
            found |= {str(folder / name) for name in os.listdir(folder)}
    return found


def left_there(before: set[str], ended: float, private: Sequence[Path]) -> list[str]:
    """New files that stay as they were when the tree had ended.

    In folders that others use as well, what went away or changed later is not the run's: nobody
    of it lives.
    """
    left = entries(private)
    for name in entries(SHARED_FOLDERS) - before:
        with suppress(OSError):
            if os.lstat(name).st_ctime <= ended:
                left.add(name)
    return sorted(left)


def told_of(out: Path, hit: int | None) -> list[str]:
    """What the events say went wrong in a process, or at all if they name no process."""
    events, _ = read_events(out)
    if any("pid" in event for event in events):
        events = [e for e in events if e.get("pid") == hit and e.get("result") != "done"]
    words = ("event", "result", "state", "name", "reason")
    told = [": ".join(e[k] for k in words if isinstance(e.get(k), str)) for e in events]
    bad = [text[:160] for text in told if WRONG.search(text)]
    return list(dict.fromkeys(bad))


def fault_run(
    table: Path, entry: Mapping[str, Any], key: Mapping[str, Any], work: Path
) -> dict[str, Any]:
    """One run with one fault."""
    rng = random.Random(f"{key['seed']}-{key['number']}-{key['attempt']}")
    budget, kind = key["budget"], key["kind"]
    moment = rng.uniform(0.5, (0.9, 0.7, 0.5)[key["attempt"]] * budget)
    folders, tree = private_folders(work), Tree()
    metric = Metric(work / "metric", entry["task"])
    inside = kind in INSIDE
    killer = None if inside else Killer(kind, moment, rng)
    options = ["--time-budget", f"{budget:g}", "--task", entry["task"]]
    options += ["--metric", metric.address] if inside else []
    options += ["--memory", "2g"] if has_option("--memory") else []
    command = fit_command(table / "train.parquet", entry["target"], work / "out", *options)
    before = entries(SHARED_FOLDERS)
    env = {"HOME": str(folders["home"]), "TMPDIR": str(folders["tmp"])}
    env |= metric.env(kind if inside else None, moment)
    looks = [killer] if killer else []
    plan = Plan(folders["cwd"], env, give_up=3 * budget + 30, every=0.1, looks=looks)
    row = {**key, "moment": round(moment, 3)} | machine()
    watched = watch(command, tree, plan)
    left, ended = tree.left_after(2.0), time.time()
    tree.kill()
    row |= watched.facts() | (killer.facts() if killer else metric.facts(watched.began))
    row |= {"left": [f"{p.name} {p.state}" for p in left]}
    row |= {
        "work_left": (work / "out" / "work").exists(),
        "told": told_of(work / "out", row.get("hit_pid")),
    }
    row |= evaluate(work / "out" / "model.automl", table / "held.parquet", work)
    row |= {"new_files": left_there(before, ended, list(folders.values()))}
    return row | {"checks": checks(row)}


def checks(row: Mapping[str, Any]) -> dict[str, bool]:
    """What must hold after a fault."""
    held = (
        row["exit"] == 0,
        row["model"],
        row["wall"] <= allowed(row["budget"]),
        not row["left"],
        not row["new_files"],
        not row["work_left"],
        bool(row["told"]) or row.get("hit") == "waiting worker",
    )
    return dict(zip(CHECKS, held, strict=True))


class DriverKiller:
    """Kills the command itself at a moment."""

    def __init__(self, moment: float) -> None:
        self._moment = moment
        self.happened = False

    def __call__(self, elapsed: float, processes: Sequence[Process]) -> None:
        """Kill it once the moment has come."""
        if self.happened or elapsed < self._moment:
            return
        pids = {p.pid for p in processes}
        for driver in [p for p in processes if p.parent not in pids]:
            os.kill(driver.pid, signal.SIGKILL)
            self.happened = True


def driver_run(
    table: Path, entry: Mapping[str, Any], key: Mapping[str, Any], work: Path
) -> dict[str, Any]:
    """One run whose command is killed."""
    rng = random.Random(f"{key['seed']}-driver-{key['number']}-{key['attempt']}")
    moment = rng.uniform(0.2, (1.0, 0.8, 0.6)[key["attempt"]] * key["budget"])
    folders, tree, killer = private_folders(work), Tree(), DriverKiller(moment)
    env = {"HOME": str(folders["home"]), "TMPDIR": str(folders["tmp"])}
    options = ["--time-budget", f"{key['budget']:g}", "--task", entry["task"]]
    command = fit_command(table / "train.parquet", entry["target"], work / "out", *options)
    before = entries(SHARED_FOLDERS)
    plan = Plan(folders["cwd"], env, give_up=3 * key["budget"] + 60, every=0.05, looks=[killer])
    row = {**key, "moment": round(moment, 3)} | machine()
    watched = watch(command, tree, plan)
    killed = time.time()
    left, ended = tree.left_after(2.0), time.time()
    tree.kill()
    events, broken = read_events(work / "out")
    row |= watched.facts() | {"happened": killer.happened, "gone_after": round(ended - killed, 2)}
    row |= {"left": [f"{p.name} {p.state}" for p in left]}
    row |= {"n_events": len(events), "broken_events": broken}
    model = work / "out" / "model.automl"
    row |= {"saved": model.exists(), "work_mib": _size(work / "out" / "work")}
    row |= evaluate(model, table / "held.parquet", work)
    row |= {"new_files": left_there(before, ended, list(folders.values()))}
    readable = not broken and (row["model"] or not row["saved"])
    found = {"no process": not left, "no file": not row["new_files"], "readable": readable}
    return row | {"checks": found}


def _size(folder: Path) -> float:
    """MiB below a folder."""
    files = [f.stat().st_size for f in folder.rglob("*") if f.is_file()] if folder.exists() else []
    return round(sum(files) / 2**20, 2)


def prepare(data: Path, entry: Mapping[str, Any], folder: Path) -> None:
    """Write four fifths of a table to train and one to predict."""
    frame = load(data, dict(entry)).sample(frac=1, random_state=0)
    if entry["task"] != "regression":
        y = frame[entry["target"]]
        frame = frame[(y.map(y.value_counts()) >= 10).to_numpy(dtype=bool)]
    held = len(frame) // 5
    folder.mkdir()
    parts: dict[str, pd.DataFrame] = {"held": frame.iloc[:held], "train": frame.iloc[held:]}
    for name, part in parts.items():
        part.to_parquet(folder / f"{name}.parquet", index=False)


def keys(args: argparse.Namespace, names: Sequence[str]) -> list[dict[str, Any]]:
    """All runs: faults from inside and outside in turns, then those of the driver."""
    kinds = args.kinds
    if not kinds:
        inside, outside = (
            [group[i % len(group)] for i in range(args.runs)] for group in (INSIDE, OUTSIDE)
        )
        kinds = [(outside if i % 2 else inside)[i // 2] for i in range(args.runs)]
    drawn = [kinds[i % len(kinds)] for i in range(args.runs)] + ["driver"] * args.kill_driver
    return [
        {"number": i, "kind": kind, "table": names[i % len(names)], "budget": args.budget}
        | {"seed": args.seed}
        for i, kind in enumerate(drawn)
    ]


def measure(args: argparse.Namespace, results: Results, scratch: Path) -> None:
    """Do all runs that have no result yet."""
    known = index(args.data)
    small = [n for n in SMALL if n in known]
    small = small or [n for n, e in known.items() if e.get("rows", 10**9) <= 5000] or list(known)
    for key in keys(args, args.tables or small):
        entry, place = known[key["table"]], scratch / key["table"]
        if not place.exists():
            prepare(args.data, entry, place)
        for attempt in range(TRIES):
            whole_key = key | {"attempt": attempt}
            row = results.find(whole_key)
            if row is None:
                do = driver_run if key["kind"] == "driver" else fault_run
                row = do(place, entry, whole_key, scratch / "run")
                results.add(row)
                print(line(row), flush=True)
            if row["happened"]:
                break


def line(row: Mapping[str, Any]) -> str:
    """What happened in a run, in a line."""
    wrong = [name for name, held in row["checks"].items() if not held]
    what = "fine" if not wrong else "NOT: " + ", ".join(wrong)
    if not row["happened"]:
        what = f"the fault did not happen; {what}"
    moment = row.get("hit_after", row["moment"])
    return (
        f"{row['number']:4} {row['kind']:10} {row['table']:18} at {moment:5.2f} s "
        f"{row.get('hit', ''):15} {row['wall']:6.2f} s of {row['budget']:g}  {what}"
    )


def show(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print the tables."""
    happened = [r for r in rows if r["happened"]]
    for names, group in (
        (CHECKS, [r for r in happened if r["kind"] != "driver"]),
        (("no process", "no file", "readable"), [r for r in happened if r["kind"] == "driver"]),
    ):
        kinds = list(dict.fromkeys(r["kind"] for r in group))
        table = [counts(k, names, [r for r in group if r["kind"] == k]) for k in kinds]
        if len(table) > 1:
            table.append(counts("all", names, group))
        print_table(table)
    print(f"\n{len(rows) - len(happened)} runs in which no fault happened.")
    for row in rows:
        if not all(row["checks"].values()):
            print(line(row))


def counts(kind: str, names: Sequence[str], group: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """How many runs of a kind passed each check."""
    passed = {name: sum(row["checks"][name] for row in group) for name in names}
    fine = sum(all(row["checks"].values()) for row in group)
    longest = max(row["wall"] - row["budget"] for row in group)
    return {"fault": kind, "runs": len(group), "fine": fine, **passed, "worst overrun, s": longest}


def main() -> None:
    """Do harm, or show what it did."""
    options = parser(str(__doc__))
    options.add_argument("--runs", type=int, default=50)
    options.add_argument("--kinds", type=words, help="only these, in turns")
    options.add_argument("--kill-driver", type=int, default=0, metavar="N")
    options.add_argument("--budget", type=float, default=8.0)
    options.add_argument("--seed", type=int, default=0)
    args = options.parse_args()
    measure_or_show(
        args, ("number", "kind", "table", "seed", "attempt"), measure=measure, show=show
    )


if __name__ == "__main__":
    main()
