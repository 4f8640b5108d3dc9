"""Seconds and memory of each step from a file to the matrix that workers share.

A line per table: for each step its seconds, those of the processor, and the peak of the process
in MiB, all beside the size of the table in memory. Linux only.
"""

import argparse
import json
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from _tables import SHIPPED, index, machine

from automl.features import fit_encoder, write_matrix
from automl.table import Schema, Target, read_table

MIB = 2**20


def repeated(source: Path, megabytes: int, path: Path) -> None:
    """Repeat the rows of a table until it is this large in memory."""
    frame = read_table(source)
    once, table = frame.memory_usage(deep=True).sum() / MIB, pa.Table.from_pandas(frame)
    times = max(1, round(megabytes / once))
    with pq.ParquetWriter(path, table.schema) as writer:
        for _ in range(times):
            writer.write_table(table)


def floats(megabytes: int, path: Path, n_columns: int = 50) -> None:
    """Random float64 columns of this size together, the last of them called y."""
    rng, n_rows = np.random.default_rng(0), megabytes * MIB // (8 * n_columns)
    names = [*(f"n{i}" for i in range(n_columns - 1)), "y"]
    schema = pa.schema([(name, pa.float64()) for name in names])
    with pq.ParquetWriter(path, schema, use_dictionary=False) as writer:
        for start in range(0, n_rows, 1 << 18):
            n = min(1 << 18, n_rows - start)
            writer.write_table(pa.table({name: rng.normal(size=n) for name in names}))


class Steps:
    """Runs steps and keeps what each took."""

    def __init__(self) -> None:
        self.found: dict[str, Any] = {"before": {"peak_mib": _peak()}}

    def __call__(self, name: str, call: Callable[[], Any]) -> Any:
        """Run one step; its peak is that of the process while it ran."""
        Path("/proc/self/clear_refs").write_text("5")
        started, busy = time.perf_counter(), _processor()
        result = call()
        self.found[name] = {
            "s": round(time.perf_counter() - started, 3),
            "cpu_s": round(_processor() - busy, 3),
            "peak_mib": _peak(),
        }
        return result


def _peak() -> int:
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM"))


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measure(path: Path, target: str, folder: Path) -> dict[str, Any]:
    """Go from the file to a shared matrix."""
    steps = Steps()
    frame = steps("read_table", lambda: read_table(path))
    size = frame.memory_usage(deep=True).sum() / MIB
    y = frame.pop(target)
    schema = steps("Schema.infer", lambda: Schema.infer(frame))
    steps("Target.fit", lambda: Target.fit(y))
    table = steps("Schema.apply", lambda: schema.apply(frame, fitting=True))
    encoder = steps("fit_encoder", lambda: fit_encoder("tree", table))
    steps("write_matrix", lambda: write_matrix(encoder, table, folder / "matrix.npy"))
    peak = max(step["peak_mib"] for step in steps.found.values())
    grown = round((peak - steps.found["before"]["peak_mib"]) / size, 2)
    facts = {"rows": len(frame), "columns": frame.shape[1], "table_mib": round(size)}
    return facts | {"peak_mib": peak, "growth_over_table": grown} | steps.found


def main() -> None:
    """Measure each table in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=SHIPPED)
    parser.add_argument("--tables", nargs="+", default=["birdstrikes"], help="as they are")
    parser.add_argument("--repeat", help="a table whose rows are repeated")
    parser.add_argument("--megabytes", type=int, nargs="+", default=[300])
    parser.add_argument("--floats", action="store_true", help="also random floats of these sizes")
    parser.add_argument("--out", type=Path, help="append JSON lines to this file")
    args = parser.parse_args()
    facts, entries = machine(), index(args.data)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        jobs = [
            (table, _file(args.data, entries[table]), entries[table]["target"])
            for table in args.tables
        ]
        for size in args.megabytes:
            if args.repeat:
                entry, path = entries[args.repeat], folder / f"{args.repeat}_{size}.parquet"
                repeated(_file(args.data, entry), size, path)
                jobs.append((path.stem, path, entry["target"]))
            if args.floats:
                floats(size, folder / f"floats_{size}.parquet")
                jobs.append((f"floats_{size}", folder / f"floats_{size}.parquet", "y"))
        for table, path, target in jobs:
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                found = {"table": table} | pool.apply(measure, (path, target, folder)) | facts
            print(json.dumps(found), flush=True)
            if args.out:
                with args.out.open("a") as file:
                    file.write(json.dumps(found) + "\n")


def _file(data: Path, entry: dict[str, Any]) -> Path:
    return data / entry.get("file", f"{entry['name']}.parquet")


if __name__ == "__main__":
    main()
