"""What people see of a run: progress while it goes on, tables when it is done.

Nothing here computes anything that the run did not store.
"""

from automl.report._inspection import inspection_text
from automl.report._progress import ProgressDisplay, progress_for
from automl.report._registry import differences_text, jobs_text, version_text, versions_text
from automl.report._screen import Screen
from automl.report._text import (
    evaluation_text,
    importance_text,
    leaderboard_text,
    number_text,
    result_text,
    retrain_text,
)

__all__ = [
    "ProgressDisplay",
    "Screen",
    "differences_text",
    "evaluation_text",
    "importance_text",
    "inspection_text",
    "jobs_text",
    "leaderboard_text",
    "number_text",
    "progress_for",
    "result_text",
    "retrain_text",
    "version_text",
    "versions_text",
]
