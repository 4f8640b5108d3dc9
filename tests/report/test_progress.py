import io
import time

import pytest

from automl._fit import Progress
from automl.families import get_family
from automl.report import Screen, progress_for
from automl.search import Trial, TrialState

FACTS = {
    "task": "binary",
    "reason": "2 distinct labels",
    "metric": "roc_auc",
    "greater_is_better": True,
    "rows": 1234,
    "columns": 10,
    "roles": {
        "age": ["numeric", "numbers from 1 to 9"],
        **{f"k{i}": ["constant", "1 in every row"] for i in range(8)},
    },
    "validation": "stratified 5-fold",
    "families": ["linear", "mlp"],
    "workers": 2,
    "device": "cpu",
}


class Terminal(io.StringIO):
    def isatty(self):
        return True


def trial(number, state=TrialState.COMPLETE, score=0.5):
    family = get_family("linear" if number else "constant")
    return Trial(number, family, {}, 5, state=state, score=score)


def tell(display, trials):
    display(Progress("look", (), facts=FACTS))
    for i, each in enumerate(trials):
        display(Progress("ended", trials[: i + 1], each))
    display(Progress("end", ()))


@pytest.fixture
def stream():
    return io.StringIO()


def test_the_table_as_it_was_understood(stream):
    tell(progress_for(60, screen=Screen(stream)), [])
    shown = stream.getvalue()
    assert "1,234 rows, 10 columns" in shown
    assert "binary (2 distinct labels)" in shown
    assert "k0 (constant: 1 in every row), k1" in shown
    assert "and 2 more" in shown
    assert "age" not in shown
    for part in ("roc_auc", "stratified 5-fold", "linear, mlp", "2 on cpu"):
        assert part in shown


def test_one_line_per_better_trial(stream):
    display = progress_for(60, screen=Screen(stream), started=time.monotonic() - 75)
    pruned, failed = TrialState.PRUNED, TrialState.FAILED
    trials = [
        *(trial(0, score=0.5), trial(1, score=0.8), trial(2, score=0.7)),
        *(trial(3, pruned, 0.99), trial(4, failed), trial(5, score=0.9)),
    ]
    tell(display, trials)
    lines = [line.strip() for line in stream.getvalue().splitlines() if "best" in line]
    assert lines == [
        "75s  best roc_auc 0.5  constant  (0 trials)",
        "75s  best roc_auc 0.8  linear-1  (1 trial)",
        "75s  best roc_auc 0.9  linear-5  (5 trials, 1 pruned, 1 failed)",
    ]


def test_less_is_better_for_an_error(stream):
    display = progress_for(60, screen=Screen(stream))
    display(Progress("look", (), facts=FACTS | {"metric": "rmse", "greater_is_better": False}))
    for number, score in enumerate([3.0, 2.0, 2.5]):
        display(Progress("ended", (), trial(number, score=score)))
    assert stream.getvalue().count("best rmse") == 2


def test_quiet_shows_nothing(stream):
    with progress_for(60, screen=Screen(stream), quiet=True) as display:
        display.say("reading")
        tell(display, [trial(0), trial(1)])
    assert stream.getvalue() == ""


def test_the_status_line():
    display = progress_for("10m", screen=Screen(None), started=time.monotonic() - 130)
    running = TrialState.RUNNING
    trials = [trial(0), trial(1, score=0.8), trial(2, running), trial(3, running)]
    display(Progress("look", (), facts=FACTS))
    display(Progress("ended", trials, trials[1]))
    assert display.status() == "2m10s of 10m00s  best roc_auc 0.8  1 trial  linear-2, linear-3"
    display(Progress("choose", trials))
    assert display.status().endswith("  choosing the winner")


def test_without_a_budget_there_is_nothing_to_reach():
    assert progress_for(None, screen=Screen(None)).status() == "0s"


def test_a_terminal_has_one_status_line_that_goes_away(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    with progress_for(60, screen=Screen(stream)) as display:
        display.say("reading a.csv")
        while "reading" not in stream.getvalue():
            time.sleep(0.01)
        tell(display, [trial(0), trial(1, score=0.8)])
    shown = stream.getvalue()
    assert "of 60s  reading a.csv" in shown
    assert "(1 trial)" not in shown
    assert shown.endswith("\r\x1b[2K")
    display.say("nothing more")
    assert stream.getvalue() == shown
