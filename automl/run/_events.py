"""What happened in a run, as lines of JSON."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from automl._json import plain


class EventLog:
    """Appends events to ``events.jsonl``.

    Every line has ``t``, the seconds since the budget began to count, and ``event``, which says
    what else it has; ``docs/events.md`` lists them.

    Parameters
    ----------
    path : Path
    started : float
        ``time.monotonic()`` at which the budget began to count.
    """

    def __init__(self, path: Path, started: float) -> None:
        self._file = path.open("a", buffering=1)
        self._started = started

    def write(self, event: str, facts: Mapping[str, Any]) -> None:
        """Append one line."""
        t = round(time.monotonic() - self._started, 4)
        self._file.write(
            json.dumps(plain({"t": t, "event": event, **facts}), allow_nan=False) + "\n"
        )

    def close(self) -> None:
        """Close the file."""
        self._file.close()
