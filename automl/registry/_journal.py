"""The journal of a registry: what happened, when, by whom and why. It is only ever appended to."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from automl.registry._files import append_line


def read_events(path: Path) -> list[dict[str, Any]]:
    """The events in a journal, the oldest first; a line that was not finished is left out."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError:
        return []
    return [event for event in map(_parsed, lines) if event is not None]


def append_event(path: Path, event: Mapping[str, Any]) -> None:
    """Add an event unless it is there: the one before may have been killed in between."""
    if not event:
        return
    events = read_events(path)
    if events and events[-1].get("number", 0) >= event["number"]:
        return
    append_line(path, json.dumps(event).encode())


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None
