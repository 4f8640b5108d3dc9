"""A worker as the driver sees it, and the job it has."""

import math
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from automl.compute import _usage, _worker
from automl.compute._engine import Event, Job, Killed
from automl.compute._launch import Server
from automl.compute._line import GarbledError, Line, Report

Doom = Literal["asked", "deadline", "memory", "died"]


@dataclass
class Task:
    """A job on its way."""

    number: int
    job: Job
    payload: bytes
    sent: float = 0.0
    began: bool = False
    cpu_before: float = 0.0  # CPU seconds of its worker before this job
    memory_before: int = 0  # private bytes, likewise
    peak_bytes: int = 0  # as far as the driver knows

    @property
    def hard_deadline(self) -> float:
        """The moment at which its worker is killed."""
        return math.inf if self.job.hard_deadline is None else self.job.hard_deadline


@dataclass(eq=False)
class Member:
    """One worker process: its line, its job, and why it was killed, if it was."""

    server: Server
    number: int
    line: Line
    pid: int | None = None  # None until it is up
    task: Task | None = None
    doom: Doom | None = None
    cpu_seconds: float = 0.0
    places: set[str] = field(default_factory=set)  # of the jobs that it had

    def give(self, task: Task) -> None:
        """Send a job."""
        if task.job.place:
            self.places.add(task.job.place)
        task.sent, task.cpu_before = time.monotonic(), self.cpu_seconds
        task.memory_before = _usage.memory_of(self.pid).private if self.pid else 0
        self.task = task
        self._send(("job", task.number, task.job, task.payload))

    def stop(self) -> None:
        """Ask the job to end."""
        if self.task:
            self._send(("stop", self.task.number))

    def kill(self, reason: Doom) -> None:
        """End the process and those that it has started, now; the first reason stays."""
        self.doom = self.doom or reason
        if self.pid is not None:
            # It leads a group, unless a job has taken it out of that.
            for end in (os.kill, os.killpg):
                with suppress(OSError):
                    end(self.pid, signal.SIGKILL)

    def saw(self, private: int) -> None:
        """Note how many private bytes the worker has."""
        if self.task:
            self.task.peak_bytes = max(self.task.peak_bytes, private - self.task.memory_before)

    def hear(self, report: Report) -> Event | None:
        """Turn a report about the job into an event; None if it is no news.

        Raises
        ------
        GarbledError
            If it is not about the job that this worker has.
        """
        task = self.task
        if task is None or task.number != report.job:
            raise GarbledError(f"job {report.job} is not what this worker has")
        self.cpu_seconds = report.cpu_seconds
        if report.kind == "began":
            task.began = True
            return None
        kind, value = _worker.decode(report.kind, report.body)
        if kind != "progress":
            self.task = None
        return Event(
            task.number,
            kind,
            value,
            self.pid,
            report.seconds,
            report.cpu_seconds - task.cpu_before,
            report.peak_bytes,
        )

    def fate(self, returncode: int | None, cpu_seconds: float) -> Event | None:
        """Tell what the process's end means for its job; None if the job can be run again."""
        task = self.task
        if task is None or not (task.began or self.doom):
            return None
        now = time.monotonic()
        by_alarm = returncode == -signal.SIGALRM and now >= task.hard_deadline
        reason = self.doom or ("deadline" if by_alarm else "died")
        return Event(
            task.number,
            "killed",
            Killed(reason, returncode),
            self.pid,
            now - task.sent,
            max(0.0, cpu_seconds - task.cpu_before),
            task.peak_bytes,
        )

    def _send(self, message: Any) -> None:
        self.line.send(_worker.dumps(message))
