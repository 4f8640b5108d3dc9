"""Jobs on a registry that are killed: the model that serves must serve on.

A command that changes a registry is started and gets SIGKILL, again and again. Half of the kills
come at a random moment of its time, half within milliseconds of its change of the registry, which
takes a small part of that time. All the while a reader loads the model that serves and predicts.

Checked after each kill, each on its own: the model that serves loads and predicts; all versions
are whole; the journal lacks nothing; what serves is what served before or a version of this job,
never another one; no process of the job lives 2 s later; and the next job, which nobody kills,
ends well and leaves nothing behind. In the end the reader must never have failed.

``--command`` is any command. These words in it are filled in: ``{registry}``, ``{data}``, a new
sample of the table's rows each time, ``{model}``, one of two saved models, and ``{target}``.
With ``--turn`` the target is turned around in every other sample, as high as it was low: a job
that compares then finds a champion that fell, and promotes.

    python benchmarks/kills.py --kills 100 --out benchmarks/results/kills.jsonl
    python benchmarks/kills.py --turn --close 0.3 \\
        --command "automl retrain {registry} {data} --mode refit"
    python benchmarks/kills.py --show benchmarks/results/kills.jsonl
"""

import argparse
import random
import shlex
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
from _process import Tree, environment, fit_command
from _results import Results, measure_or_show, parser, print_table
from _tables import index, load, machine

import automl
from automl.registry import Registry

COMMAND = "automl models add {registry} {model} --promote"
ENDED_WELL = (0, 5)
"""Done, or trained and not promoted."""
CHECKS = ("serves", "versions", "journal", "old or new", "no process", "next job", "swept")
GIVE_UP = 300.0
CLOSE = 0.02
"""Seconds after the first sign of a change within which half of the kills come."""


class Bench:
    """A registry, two models, and samples of a table."""

    def __init__(self, args: argparse.Namespace, folder: Path) -> None:
        entry = index(args.data)[args.table]
        self._table, self._target = load(args.data, entry), entry["target"]
        self._rows, self._command, self._folder = args.rows, args.command, folder
        self._turn, self.close = args.turn, args.close
        self.registry = Registry(folder / "registry")
        self._models = [self._fit(seed) for seed in (0, 1)]
        self.path_of_rows = self.sample(2)
        self.rows = pd.read_parquet(self.path_of_rows).head(20)
        self.seconds: list[float] = []
        _run(["models", "add", str(self.registry.path), str(self._models[0]), "--promote"])

    def sample(self, seed: int) -> Path:
        """A new file of rows."""
        path = self._folder / f"rows-{seed}.parquet"
        count = min(self._rows, len(self._table) - 1)
        rows = self._table.sample(count, random_state=seed)
        if self._turn and seed > 1 and seed % 2:
            rows[self._target] = turned(rows[self._target])
        rows.to_parquet(path)
        return path

    def _fit(self, seed: int) -> Path:
        out = self._folder / f"run-{seed}"
        options = ("--families", "linear", "--max-trials", "1", "--seed", str(seed))
        command = fit_command(self.sample(seed), self._target, out, *options)
        _run(command[3:])
        return out / "model.automl"

    def start(self, turn: int, tree: Tree) -> "subprocess.Popen[bytes]":
        """The job on rows of its own."""
        words = {
            "registry": str(self.registry.path),
            "data": str(self.sample(turn)),
            "model": str(self._models[turn % 2]),
            "target": self._target,
        }
        command = [word.format(**words) for word in shlex.split(self._command)]
        if command[0] == "automl":
            command = [sys.executable, "-m", *command]
        log = (self._folder / "said.txt").open("wb")
        with log:
            return subprocess.Popen(
                command,
                cwd=self._folder,
                env=environment(tree, {}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def finish(self, turn: int) -> dict[str, Any]:
        """Run a job that nobody kills; say how it ended."""
        tree, began = Tree(), time.monotonic()
        try:
            code = self.start(turn, tree).wait(GIVE_UP)
        except subprocess.TimeoutExpired:
            code = -1
        tree.kill()
        self.seconds.append(time.monotonic() - began)
        facts: dict[str, Any] = {"next_exit": code, "next_seconds": round(self.seconds[-1], 3)}
        if code not in ENDED_WELL:
            facts["said"] = (self._folder / "said.txt").read_text(errors="replace")[-600:]
        (self._folder / f"rows-{turn}.parquet").unlink()
        return facts


def turned(y: "pd.Series[Any]") -> "pd.Series[Any]":
    """The last class for the first one, and so on; what is high becomes low."""
    codes, names = pd.factorize(y, sort=True)
    if pd.api.types.is_numeric_dtype(y):
        return y.max() + y.min() - y
    return pd.Series(names[::-1].take(codes), index=y.index)


def _run(words: list[str]) -> None:
    command = [sys.executable, "-m", "automl", *words]
    subprocess.run(command, env=environment(Tree(), {}), check=True, capture_output=True)


class Reader(threading.Thread):
    """Loads the model that serves and predicts, until it is told to end."""

    def __init__(self, path: Path, rows: pd.DataFrame) -> None:
        super().__init__(daemon=True)
        self._path, self._rows, self._end = path, rows, threading.Event()
        self.reads, self.errors = 0, list[str]()

    def run(self) -> None:
        """Read and read."""
        while not self._end.wait(0.02):
            try:
                automl.load(self._path).predict(self._rows)
                self.reads += 1
            except Exception as error:  # noqa: BLE001 - what the benchmark looks for
                self.errors.append(repr(error))

    @contextmanager
    def at_work(self) -> Iterator["Reader"]:
        """For the time of a block."""
        self.start()
        try:
            yield self
        finally:
            self._end.set()
            self.join()


def kill_one(bench: Bench, turn: int, rng: random.Random) -> dict[str, Any]:
    """Start a job and kill it; say when, and what it had done."""
    when = "at the change" if turn % 2 else "any time"
    wait = rng.uniform(0, bench.close if turn % 2 else statistics.median(bench.seconds))
    before, known = bench.registry.current, bench.registry.versions()
    tree, began = Tree(), time.monotonic()
    job = bench.start(turn, tree)
    if turn % 2:
        _wait_for_change(bench.registry.path, job)
    time.sleep(wait)
    alive = job.poll() is None
    job.kill()
    killed_after = time.monotonic() - began
    code = job.wait()
    living = tree.left_after(2.0)
    tree.kill()
    (bench.registry.path.parent / f"rows-{turn}.parquet").unlink()
    after = bench.registry.current
    return {
        "when": when,
        "killed": alive and code == -signal.SIGKILL,
        "after_seconds": round(killed_after, 3),
        "switched": after != before,
        "left": len(list((bench.registry.path / "work").iterdir())),
        "old or new": after == before or after not in known,
        "no process": not living,
    }


def _wait_for_change(path: Path, job: "subprocess.Popen[bytes]") -> None:
    """Until a job begins to write a version, or ends."""
    state, work = path / "registry.json", path / "work"
    before = state.stat().st_mtime_ns
    while job.poll() is None and not any(work.iterdir()) and state.stat().st_mtime_ns == before:
        time.sleep(0.0005)


def check(bench: Bench) -> dict[str, bool]:
    """What must hold after a kill, before the next job has mended anything."""
    registry = Registry.open(bench.registry.path)
    versions, events = registry.versions(), registry.history()
    return {
        "serves": _holds(lambda: len(automl.load(registry.path).predict(bench.rows)) > 0),
        "versions": all(_holds(lambda v=v: bool(v.read())) for v in versions),
        "journal": [e["number"] for e in events] == list(range(1, len(events) + 1)),
    }


def swept(registry: Registry) -> bool:
    """Whether nothing is left of a killed job."""
    listed = {version.path for version in registry.versions()}
    folders = set((registry.path / "versions").iterdir())
    return folders == listed and not list((registry.path / "work").iterdir())


def _holds(question: Any) -> bool:
    try:
        return bool(question())
    except Exception as error:  # noqa: BLE001 - it does not hold
        print(repr(error), file=sys.stderr)
        return False


def measure(args: argparse.Namespace, results: Results, folder: Path) -> None:
    """Kill, check, go on."""
    bench, rng = Bench(args, folder), random.Random(args.seed)
    facts = {"command": args.command, "table": args.table, **machine()}
    turn, killed = 10, 0
    bench.finish(turn)
    with Reader(bench.registry.path, bench.rows).at_work() as reader:
        while killed < args.kills and turn < 10 + 4 * args.kills:
            turn += 1
            row = {"kill": killed + 1, **facts, **kill_one(bench, turn, rng)}
            row |= check(bench)
            row |= bench.finish(10**6 + turn)
            row["next job"] = row["next_exit"] in ENDED_WELL
            row["swept"] = swept(bench.registry)
            row |= {"reads": reader.reads, "read_errors": len(reader.errors)}
            if args.keep:
                bench.registry.prune(keep=args.keep)
            killed += row["killed"]
            results.add(row)
    for error in reader.errors[:5]:
        print("a reader failed:", error, file=sys.stderr)


def show(rows: list[dict[str, Any]]) -> None:
    """Kills by when they came, and what held after them."""
    rows = [row for row in rows if row["killed"]]
    print_table([_summary(name, rows) for name in ("any time", "at the change", None)])
    if rows:
        print(f"\nreads meanwhile: {rows[-1]['reads']}, failed: {rows[-1]['read_errors']}")
    for row in rows:
        if missed := [name for name in CHECKS if not row[name]]:
            print(f"kill {row['kill']}: {', '.join(missed)}; {row.get('said', '')}")


def _summary(when: str | None, rows: list[dict[str, Any]]) -> Mapping[str, Any]:
    some = [row for row in rows if when in (None, row["when"])]
    return {
        "killed": when or "all",
        "kills": len(some),
        "after a switch": sum(row["switched"] for row in some),
        "half-written files": sum(row["left"] > 0 for row in some),
        **{name: sum(row[name] for row in some) for name in CHECKS},
    }


def main() -> None:
    """Read the options, kill, print."""
    options = parser(__doc__ or "")
    options.add_argument("--kills", type=int, default=100)
    options.add_argument("--command", default=COMMAND, help=f"default: {COMMAND}")
    options.add_argument("--table", default="birdstrikes")
    options.add_argument("--rows", type=int, default=2000, help="of each sample")
    options.add_argument("--turn", action="store_true", help="turn the target around each time")
    options.add_argument("--close", type=float, default=CLOSE, help="seconds of the close kills")
    options.add_argument("--keep", type=int, default=5, help="versions that stay; 0 for all")
    options.add_argument("--seed", type=int, default=0)
    measure_or_show(options.parse_args(), ("kill", "command"), measure=measure, show=show)


if __name__ == "__main__":
    main()
