"""Why a job gave no answer, in words."""

import re
from enum import Enum

from automl.compute import Failure, Killed
from automl.exceptions import AutoMLError
from automl.objective import MetricError
from automl.search._trial import Trial

_MEMORY = re.compile(r"bad_alloc|out of memory|unable to allocate|cannot allocate", re.IGNORECASE)


class Kind(Enum):
    """What a job was about."""

    FIT = "the fit"
    SCORE = "scoring"
    ENCODE = "encoding the table"

    def reason(self, value: Failure | Killed, fold: int | None) -> str:
        """One line: what failed, where, and how.

        Examples
        --------
        >>> Kind.FIT.reason(Killed("died", -11), fold=2)
        'the fit of fold 2: its process died (SIGSEGV)'
        >>> Kind.SCORE.reason(Failure("ValueError", "no", ""), fold=None)
        'scoring: ValueError: no'
        """
        where = self.value if fold is None or fold < 0 else f"{self.value} of fold {fold}"
        if isinstance(value, Failure):
            return f"{where}: {value.type}: {value.message}".splitlines()[0]
        how = {
            "deadline": "it did not end in its time, nor when it was asked to, and was killed",
            "memory": "it needed more memory than there is, and was killed",
            "asked": "it was killed",
        }
        return f"{where}: {how.get(value.reason, f'its process {value}')}"


def is_memory(value: object) -> bool:
    """Whether a job failed for want of memory, as far as that can be told.

    Native code often says so by an exception of its own, and sometimes by ending the process.

    Examples
    --------
    >>> is_memory(Failure("TreeError", "std::bad_alloc", "")), is_memory(Killed("memory"))
    (True, True)
    >>> is_memory(Failure("ValueError", "3 rows", ""))
    False
    """
    if isinstance(value, Failure):
        return value.type == "MemoryError" or bool(_MEMORY.search(value.message))
    return isinstance(value, Killed) and value.reason == "memory"


def is_card_memory(value: object) -> bool:
    """Whether it was the memory of a card that was wanting.

    Examples
    --------
    >>> is_card_memory(Failure("BoosterError", "cudaErrorMemoryAllocation: out of memory", ""))
    True
    >>> is_card_memory(Failure("MemoryError", "bad_alloc", "")), is_card_memory(Killed("memory"))
    (False, False)
    """
    return isinstance(value, Failure) and is_memory(value) and "cuda" in value.message.lower()


def is_bad_luck(value: object) -> bool:
    """Whether the same job may end well another time: a process that died, a metric that raised.

    Examples
    --------
    >>> is_bad_luck(Killed("died", -9)), is_bad_luck(Failure("MetricError", "", ""))
    (True, True)
    >>> is_bad_luck(Failure("ValueError", "", "")), is_bad_luck(Killed("deadline"))
    (False, False)
    """
    if isinstance(value, Failure):
        return value.type in ("MetricError", "SystemExit")
    return isinstance(value, Killed) and value.reason == "died"


def describe_end(baseline: Trial, metric: str) -> AutoMLError:
    """The error of a run whose baseline could not be scored: only the metric can be the cause."""
    reason = baseline.reason.partition(": ")[2] or baseline.reason
    if reason.startswith("MetricError: "):
        return MetricError(reason.removeprefix("MetricError: "))
    return MetricError(f"metric {metric!r} can't be computed for the constant baseline: {reason}")
