"""What a run says while it goes on."""

import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from automl.report._screen import Screen
from automl.report._text import duration_text, number_text

if TYPE_CHECKING:
    from automl._fit import Progress
    from automl.search import Trial

_TICK = 0.2  # seconds between two pictures of the status line
_SHOWN_COLUMNS = 6


class ProgressDisplay:
    """An observer of a run: a status line on a terminal, plain lines elsewhere.

    Made by `progress_for`. As a context manager it shows what `say` was told even before the
    run begins; otherwise the run's first and last events start and end it.

    Parameters
    ----------
    screen : Screen
    budget : float, optional
        Seconds.
    started : float
        ``time.monotonic()`` at which the budget began to count.
    quiet : bool
    """

    def __init__(
        self, screen: Screen, budget: float | None, started: float, *, quiet: bool = False
    ) -> None:
        self._screen, self._budget, self._started = screen, budget, started
        self._quiet = quiet
        self._metric, self._greater_is_better = "", True
        self._doing = ""
        self._trials: Sequence[Trial] = ()
        self._best: Trial | None = None
        self._over = threading.Event()
        self._ticker: threading.Thread | None = None

    def __call__(self, progress: "Progress") -> None:
        """Take an event of the run."""
        if self._quiet:
            return
        self._trials = progress.trials or self._trials
        if progress.event == "look":
            self._look(progress.facts)
            self.say("")
        elif progress.event == "choose":
            self.say("choosing the winner")
        elif progress.event == "end":
            self.close()
        elif progress.event == "ended" and progress.trial is not None:
            self._take(progress.trial)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def say(self, doing: str) -> None:
        """Show what is being done now, in place of the trials that run."""
        self._doing = doing
        if self._quiet or not self._screen.live or self._over.is_set():
            return
        if self._ticker is None:
            self._ticker = threading.Thread(target=self._tick, name="progress", daemon=True)
            self._ticker.start()

    def close(self) -> None:
        """Take the status line away."""
        self._over.set()
        if self._ticker is not None:
            self._ticker.join()
            self._ticker = None
            self._screen.status("")

    def _tick(self) -> None:
        while True:
            score = "" if self._best is None else number_text(self._best.score)
            self._screen.status(self.status(), strong=score)
            if self._over.wait(_TICK):
                return

    def status(self) -> str:
        """The status line: time, best score, trials, what is running."""
        budget = "" if self._budget is None else f" of {duration_text(self._budget)}"
        parts = [f"{duration_text(time.monotonic() - self._started)}{budget}"]
        trials = list(self._trials)
        if self._best is not None:
            parts.append(f"best {self._metric} {number_text(self._best.score)}")
        if trials:
            parts.append(_counts(trials))
        running = [t.name for t in trials if t.state == "running"]
        doing = self._doing or ", ".join(running)
        return "  ".join([*parts, doing] if doing else parts)

    def _look(self, facts: Mapping[str, Any]) -> None:
        self._metric = str(facts["metric"])
        self._greater_is_better = bool(facts["greater_is_better"])
        for line in _look_lines(facts):
            self._screen.line(line)

    def _take(self, trial: "Trial") -> None:
        """Remember the best trial; where there is no status line, say so."""
        if trial.state != "complete" or not self._is_better(trial):
            return
        self._best = trial
        if not self._screen.live:
            elapsed = duration_text(time.monotonic() - self._started)
            self._screen.line(
                f"{elapsed:>7}  best {self._metric} {number_text(trial.score)}  {trial.name}  "
                f"({_counts(self._trials)})"
            )

    def _is_better(self, trial: "Trial") -> bool:
        if self._best is None:
            return True
        sign = 1 if self._greater_is_better else -1
        return sign * trial.score > sign * self._best.score


def progress_for(
    budget: float | str | None,
    *,
    started: float | None = None,
    screen: Screen | None = None,
    quiet: bool = False,
) -> ProgressDisplay:
    """Make an observer that shows a run on standard error.

    Parameters
    ----------
    budget : float or str, optional
        The time budget, as the user gave it.
    started : float, optional
        ``time.monotonic()`` at which it began to count; now by default.
    screen : Screen, optional
        Where to show it; standard error by default.
    quiet : bool, default=False
        Show nothing at all.

    Returns
    -------
    ProgressDisplay
    """
    seconds = budget
    if isinstance(budget, str):
        from automl.search import parse_duration

        seconds = parse_duration(budget)
    return ProgressDisplay(
        Screen(sys.stderr) if screen is None else screen,
        None if seconds is None else float(seconds),
        time.monotonic() if started is None else started,
        quiet=quiet,
    )


def _counts(trials: Iterable["Trial"]) -> str:
    states = [str(t.state) for t in trials if t.number > 0]
    done = sum(s != "running" for s in states)
    parts = [f"{done} trial{'' if done == 1 else 's'}"]
    parts += [f"{states.count(s)} {s}" for s in ("pruned", "failed") if s in states]
    return ", ".join(parts)


def _look_lines(facts: Mapping[str, Any]) -> list[str]:
    """What was understood of the table, and what will be done."""
    aside = [
        f"{name} ({role}: {reason})"
        for name, (role, reason) in facts["roles"].items()
        if role in ("constant", "identifier", "dropped")
    ]
    if len(aside) > _SHOWN_COLUMNS:
        aside = [*aside[:_SHOWN_COLUMNS], f"and {len(aside) - _SHOWN_COLUMNS} more"]
    workers, device = facts["workers"], facts["device"]
    where = device if device == "cpu" else f"cpu and {device}"
    lines = [
        f"table       {facts['rows']:,} rows, {facts['columns']:,} columns",
        f"training on {facts['left_out']}" if facts.get("left_out") else "",
        f"set aside   {', '.join(aside)}" if aside else "",
        f"task        {facts['task']} ({facts['reason']})",
        f"metric      {facts['metric']}",
        f"validation  {facts['validation']}",
        f"families    {', '.join(facts['families'])}",
        f"workers     {workers} on {where}",
    ]
    return [line for line in lines if line]
