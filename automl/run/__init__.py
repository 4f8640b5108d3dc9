"""One run on disk: the only state that a run has."""

from automl.run._directory import RunDirectory, read_leaderboard
from automl.run._events import EventLog

__all__ = ["EventLog", "RunDirectory", "read_leaderboard"]
