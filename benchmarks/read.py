"""Reading a large CSV, made by repeating the rows of a table, beside other readers.

Each reading is a process of its own; the readers take turns. Seconds are those of the reading
alone; the peak is that of the process, its imports (told beside it) and the result included.
``pyarrow`` ends with an Arrow table, the others with a frame.
"""

import argparse
import json
import resource
import shutil
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from _process import in_a_child
from _results import Results, measure_or_show, parser, print_table
from _tables import index, machine

from automl.table import read_table

MIB = 2**20


def _automl(path: Path) -> Any:
    return read_table(path)


def _pyarrow(path: Path) -> Any:
    from pyarrow import csv

    return csv.read_csv(path)


def _pyarrow_frame(path: Path) -> Any:
    return _pyarrow(path).to_pandas()


def _pandas(path: Path) -> Any:
    return pd.read_csv(path)


READERS: dict[str, Callable[[Path], Any]] = {
    "automl": _automl,
    "pyarrow": _pyarrow,
    "pyarrow to pandas": _pyarrow_frame,
    "pandas": _pandas,
}


def repeated(source: Path, size: int, path: Path) -> int:
    """Write a table's rows as CSV again and again up to a size; return the rows."""
    frame = read_table(source)
    once = path.with_suffix(".once")
    frame.to_csv(once, index=False, header=False)
    times = max(1, size // once.stat().st_size)
    frame.iloc[:0].to_csv(path, index=False)
    with path.open("ab") as out:
        for _ in range(times):
            with once.open("rb") as rows:
                shutil.copyfileobj(rows, out, MIB)
    once.unlink()
    return times * len(frame)


def read(reader: str, path: Path) -> dict[str, float]:
    """Read the file; seconds on the clock and of the processor, and MiB."""
    read_table(path.with_name("warm.csv"))  # imports
    READERS[reader](path.with_name("warm.csv"))
    before, began, cpu = _peak(), time.monotonic(), time.process_time()
    table = READERS[reader](path)
    seconds, cpu = time.monotonic() - began, time.process_time() - cpu
    frame = table if isinstance(table, pd.DataFrame) else None
    size = table.nbytes if frame is None else int(frame.memory_usage(deep=True).sum())
    return {
        "seconds": round(seconds, 2),
        "cpu": round(cpu, 2),
        "peak_mib": round(_peak()),
        "before_mib": round(before),
        "result_mib": round(size / MIB),
    }


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(args: argparse.Namespace, results: Results, folder: Path) -> None:
    """Each table with each reader, in turn."""
    for name, entry in index(args.data).items():
        if args.tables and name not in args.tables:
            continue
        case = {"table": name, "megabytes": args.megabytes}
        path = folder / f"{name}.csv"
        source = args.data / entry.get("file", f"{name}.parquet")
        n_rows = repeated(source, round(args.megabytes * 1e6), path)
        repeated(source, 1, path.with_name("warm.csv"))
        for repeat in range(args.repeats):
            for reader in READERS:
                run = case | {"reader": reader, "repeat": repeat}
                if results.find(run) is None:
                    found = in_a_child(read, reader, path)
                    results.add(machine() | run | {"rows": n_rows} | found)
                    print(json.dumps(run | found), flush=True)
        path.unlink()


def show(rows: list[dict[str, Any]]) -> None:
    """Medians of each table and reader."""
    cases = dict.fromkeys((r["table"], r["megabytes"], r["reader"]) for r in rows)
    told = []
    for case in cases:
        of = [r for r in rows if (r["table"], r["megabytes"], r["reader"]) == case]
        keys = ("seconds", "cpu", "peak_mib", "before_mib", "result_mib")
        medians = {key: statistics.median(r[key] for r in of) for key in keys}
        told.append(dict(zip(("table", "MB", "reader"), case, strict=True)) | medians)
    print_table(told)


def main() -> None:
    """Measure, or show a file of results."""
    options = parser(__doc__)
    options.add_argument("--megabytes", type=float, default=50, help="size of the CSV")
    options.add_argument("--repeats", type=int, default=3)
    args = options.parse_args()
    keys = ("table", "megabytes", "reader", "repeat")
    measure_or_show(args, keys, measure=measure, show=show)


if __name__ == "__main__":
    main()
