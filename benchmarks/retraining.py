"""What retraining buys: never, refit, auto, and a full search each time, on streams in time order.

A stream is cut into consecutive blocks. A first model is found on the first ones. Then twelve
times a block arrives with its labels, ``automl retrain`` gets it as new data and all before it as
old data, and what serves then predicts the next block. All policies begin with the same model.

    python benchmarks/retraining.py --data FOLDER --budget 60 --out FILE --resume
    python benchmarks/retraining.py --show FILE --picture benchmarks/results/retraining.svg

Streams: electricity in 14 blocks, bike_sharing by month, nycflights_arr_delay by half month. The
error is 1 - AUC for two classes and RMSE for values. The gap that a policy closes is the part of
the difference between never retraining and a full search each time; its seconds are those of
whole commands.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _results import Results, markdown, measure_or_show, parser, print_table, words
from _svg import COLOURS, GREY, INK, RULE, Axis, Drawing
from _tables import index, load, machine
from sklearn.metrics import roc_auc_score, root_mean_squared_error

POLICIES = ("never", "refit", "auto", "search")
KEYS = ("stream", "policy", "step", "budget", "seed")
RETRAININGS = 12
GIVE_UP = 60.0
"""Seconds beyond its budget after which a command is ended."""

ENDINGS = (0, 3, 5)
"""Exit codes that are results: promoted or nothing to do, refused, kept."""

WIDTH, PANEL = 820, 210


@dataclass(frozen=True)
class Stream:
    """A table in the order of time, cut into blocks.

    Parameters
    ----------
    table, target, task, time : str
    blocks : sequence of DataFrame
        As many retrainings as wanted, one to serve, and what is before is for the first model.
    """

    table: str
    target: str
    task: str
    time: str
    blocks: Sequence[pd.DataFrame]


def read_stream(folder: Path, name: str) -> Stream:
    """A stream by the name of its table."""
    entry = index(folder)[name]
    frame = load(folder, entry)
    column, cut = CUTS[name]
    codes = cut(frame)
    blocks = [part.reset_index(drop=True) for _, part in frame.groupby(codes, sort=True)]
    spare = len(blocks) - RETRAININGS - 1
    first = pd.concat(blocks[:spare], ignore_index=True)
    return Stream(name, entry["target"], entry["task"], column, [first, *blocks[spare:]])


def by_rows(frame: pd.DataFrame) -> np.ndarray:
    """Fourteen blocks of the same size."""
    return np.arange(len(frame)) * (RETRAININGS + 2) // len(frame)


def by_month(frame: pd.DataFrame) -> Any:
    """Calendar months of a column of dates."""
    return pd.to_datetime(frame["dteday"]).dt.to_period("M")


def by_half_month(frame: pd.DataFrame) -> Any:
    """Halves of months."""
    return frame["month"] * 2 + (frame["day"] > 15)


CUTS = {
    "electricity": ("date", by_rows),
    "bike_sharing": ("dteday", by_month),
    "nycflights_arr_delay": ("time_hour", by_half_month),
}

DROP = {"nycflights_arr_delay": ("--drop", "time_hour")}
"""What only moves forward is no feature: trees take all that is to come for the last hours."""


class Policy:
    """One way to go on, with its own registry.

    Parameters
    ----------
    name : str
    stream : Stream
    first : Path
        The first model.
    folder : Path
    args : Namespace
    """

    def __init__(
        self, name: str, stream: Stream, first: Path, folder: Path, args: argparse.Namespace
    ) -> None:
        self.name, self._stream, self._first, self._args = name, stream, first, args
        self._folder = folder
        folder.mkdir(parents=True)

    def step(self, number: int) -> dict[str, Any]:
        """Retrain on a block, and serve the next one."""
        facts = {"decision": "-", "trained": "", "seconds": 0.0, "cpu_seconds": 0.0}
        if self.name != "never":
            facts = self._retrain(number)
        return facts | {"error": self._error(self._stream.blocks[number + 1])}

    @property
    def _registry(self) -> Path:
        return self._folder / "registry"

    def _retrain(self, number: int) -> dict[str, Any]:
        blocks, stream = self._stream.blocks, self._stream
        new, old = self._folder / "new.parquet", self._folder / "old.parquet"
        blocks[number].to_parquet(new)
        pd.concat(blocks[:number], ignore_index=True).to_parquet(old)
        known = self._registry.exists()
        command = ["retrain", self._registry if known else self._first, new, "--with", old]
        command += ["--mode", self.name, "--time", stream.time, "--out", self._registry]
        told, facts = automl(command, self._args)
        facts |= {k: told.get(k) for k in ("decision", "trained", "reason", "difference")}
        return facts | {"parts": told.get("seconds")}

    def _error(self, block: pd.DataFrame) -> float:
        from automl import load as load_model
        from automl.registry import Registry

        path = self._first
        if self.name != "never":
            path = Registry.open(self._registry).version("current").model_path
        model, y = load_model(path), block[self._stream.target]
        X = block.drop(columns=self._stream.target)
        if self._stream.task == "regression":
            return float(root_mean_squared_error(y, model.predict(X)))
        return 1 - float(roc_auc_score(y == model.classes_[1], model.predict_proba(X)[:, 1]))


def automl(
    command: Sequence[object], args: argparse.Namespace, budget: float | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run a command; what it says, and the seconds that it took."""
    budget = args.budget if budget is None else budget
    words = [sys.executable, "-m", "automl", *map(str, command)]
    words += ["--time-budget", f"{budget:g}", "--seed", str(args.seed), "--json", "--quiet"]
    began, used = time.monotonic(), cpu_seconds()
    done = subprocess.run(
        words, capture_output=True, text=True, timeout=budget + GIVE_UP, check=False
    )
    seconds = round(time.monotonic() - began, 2)
    if done.returncode not in ENDINGS:
        raise RuntimeError(done.stderr)
    used = round(cpu_seconds() - used, 2)
    return json.loads(done.stdout), {"seconds": seconds, "cpu_seconds": used}


def cpu_seconds() -> float:
    """What the processor spent on commands that have ended, their workers included."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measure(args: argparse.Namespace, results: Results, folder: Path) -> None:
    """All policies on all streams; what is complete in the file is not run again."""
    for name in args.tables or CUTS:
        stream, first = read_stream(args.data, name), folder / name / "first" / "model.automl"
        for policy in args.policies:
            key = {"stream": name, "policy": policy, "budget": args.budget, "seed": args.seed}
            if results.find(key | {"step": args.steps}):
                continue
            if not first.exists():
                fit_first(stream, first.parent, args)
            runner = Policy(policy, stream, first, folder / name / policy, args)
            for step in range(1, args.steps + 1):
                row = key | {"step": step} | machine() | runner.step(step)
                results.add(row)
                print(name, policy, step, row["decision"], row["trained"], row["seconds"],
                      f"{row['error']:.5g}", flush=True)  # fmt: skip


def fit_first(stream: Stream, folder: Path, args: argparse.Namespace) -> None:
    """The model that all policies begin with."""
    data = folder.parent / "first.parquet"
    data.parent.mkdir(parents=True, exist_ok=True)
    stream.blocks[0].to_parquet(data)
    command = ["fit", data, "--target", stream.target, "--out", folder]
    automl([*command, *DROP.get(stream.table, ())], args)


def summary(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Mean error, seconds, and the gap that is closed, by stream and policy."""
    table = pd.DataFrame(rows)
    found = []
    for stream, of_stream in table.groupby("stream", sort=False):
        common = set.intersection(*(set(g["step"]) for _, g in of_stream.groupby("policy")))
        part = of_stream[of_stream["step"].isin(common)]
        by_policy = part.groupby("policy")
        error, total = by_policy["error"].mean(), by_policy["seconds"].sum()
        used = by_policy["cpu_seconds"].sum()
        for policy in [p for p in POLICIES if p in error.index]:
            decisions = part[part["policy"] == policy]["decision"]
            row = {
                "stream": stream,
                "policy": policy,
                "retrainings": len(decisions),
                "promoted": int((decisions == "promoted").sum()),
                "mean error": f"{error[policy]:.4g}",
                "seconds": f"{total[policy]:.0f}",
                "of the processor": f"{used[policy]:.0f}",
            }
            if {"never", "search"} <= set(error.index):
                gap = error["never"] - error["search"]
                closed = 100 * (error["never"] - error[policy]) / gap
                share = 100 * total[policy] / total["search"]
                row |= {"gap closed, %": f"{closed:.0f}", "of its seconds, %": f"{share:.0f}"}
            found.append(row)
    return found


def picture(rows: Sequence[Mapping[str, Any]]) -> str:
    """The error on each next block, a panel for each stream."""
    table = pd.DataFrame(rows)
    streams = list(dict.fromkeys(table["stream"]))
    drawing = Drawing(WIDTH, 40 + PANEL * len(streams), "error on the next block")
    colours = dict(zip(("auto", "search", "refit", "never"), COLOURS, strict=False))
    drawing.legend({p: c for p, c in colours.items() if p in set(table["policy"])}, 70)
    for place, stream in enumerate(streams):
        part = table[table["stream"] == stream]
        top, bottom = 56.0 + PANEL * place, 10.0 + PANEL * (place + 1)
        x = Axis(1, max(2, part["step"].max()), 70, WIDTH - 40)
        low, high = part["error"].min(), part["error"].max()
        y = Axis(low, high, bottom, top)
        drawing.text(70, top - 8, f"{stream}: error on the next block", colour=INK)
        for value in np.linspace(low, high, 4):
            drawing.line([(x.start, y.place(value)), (x.end, y.place(value))], RULE)
            drawing.text(62, y.place(value) + 4, f"{value:.3g}", anchor="end", colour=GREY)
        for step in sorted(set(part["step"])):
            drawing.text(x.place(step), bottom + 16, str(step), anchor="middle", colour=GREY)
        for policy, colour in reversed(colours.items()):
            line = part[part["policy"] == policy].sort_values("step")
            points = zip(line["step"], line["error"], strict=True)
            places = [(x.place(step), y.place(error)) for step, error in points]
            drawing.line(places, colour, wide=2)
            for point in places:
                drawing.dot(*point, colour, size=3.5)
    return drawing.svg()


def main() -> None:
    """Measure, or show."""
    options = parser(str(__doc__))
    options.add_argument("--budget", type=float, default=60.0, help="seconds of a full search")
    options.add_argument("--policies", type=words, default=list(POLICIES))
    options.add_argument("--steps", type=int, default=RETRAININGS)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--picture", type=Path, help="draw the errors into this SVG file")
    options.add_argument("--page", type=Path, help="write the table into this Markdown file")
    args = options.parse_args()

    def show(rows: list[dict[str, Any]]) -> None:
        print_table(summary(rows))
        if args.picture:
            args.picture.write_text(picture(rows))
        if args.page:
            args.page.write_text(markdown(summary(rows)) + "\n")

    measure_or_show(args, KEYS, measure=measure, show=show)


if __name__ == "__main__":
    main()
