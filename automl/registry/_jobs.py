"""The log of a registry's jobs: what each one decided, also where no version came of it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from automl._json import plain
from automl.registry._files import append_line, replace_file
from automl.registry._journal import read_events

MOST = 1000
"""Jobs that stay, the latest ones;"""
SPARE = 100
"""so many more and the older ones are deleted, all at once: not with every job."""

MOST_LETTERS = 2000
"""Of a reason: what many columns are refused for is a long text."""


def append_job(path: Path, job: Mapping[str, Any], work: Path) -> None:
    """Add a job to the log; the oldest ones go where there are many.

    Parameters
    ----------
    path : Path
    job : mapping
        JSON values.
    work : Path
        Folder of the same file system, for the file while it is written anew.
    """
    reason = str(job.get("reason", ""))
    if len(reason) > MOST_LETTERS:
        job = {**job, "reason": f"{reason[:MOST_LETTERS]} ..."}
    append_line(path, json.dumps(plain(job), allow_nan=False).encode())
    jobs = read_events(path)
    if len(jobs) >= MOST + SPARE:
        lines = [json.dumps(kept, allow_nan=False) for kept in jobs[-MOST:]]
        replace_file(path, "\n".join([*lines, ""]).encode(), work)
