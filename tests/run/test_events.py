"""What happened in a run, line by line."""

import json
import time
from pathlib import Path

import numpy as np

from automl.run import EventLog


def test_each_event_is_a_line_that_can_be_read_at_once(tmp_path):
    path = tmp_path / "events.jsonl"
    log = EventLog(path, time.monotonic())
    log.write("run", {"rows": 3, "path": Path("x"), "score": np.float64(0.5)})
    log.write("ended", {"name": "a\nb"})
    lines = [json.loads(line) for line in path.read_text().splitlines()]  # not closed yet
    log.close()
    assert [line["event"] for line in lines] == ["run", "ended"]
    assert lines[0] | {"t": 0} == {"t": 0, "event": "run", "rows": 3, "path": "x", "score": 0.5}
    assert lines[1]["name"] == "a\nb"
    assert 0 <= lines[0]["t"] <= lines[1]["t"]


def test_a_log_is_continued(tmp_path):
    for event in ("one", "two"):
        log = EventLog(tmp_path / "events.jsonl", time.monotonic())
        log.write(event, {})
        log.close()
    text = (tmp_path / "events.jsonl").read_text()
    assert [json.loads(line)["event"] for line in text.splitlines()] == ["one", "two"]
