"""Names for what the functions of this package pass to each other."""

from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from automl.exceptions import UsageError

Array: TypeAlias = npt.NDArray[Any]
Codes: TypeAlias = npt.NDArray[np.intp]
Weights: TypeAlias = npt.NDArray[Any] | None
Needs: TypeAlias = Literal["probability", "label", "value"]

TASKS = ("binary", "multiclass", "regression")


def check_task(task: str) -> str:
    """Return the task, or say which ones there are."""
    if task not in TASKS:
        raise UsageError(f"unknown task {task!r}; allowed are {', '.join(TASKS)}")
    return task
