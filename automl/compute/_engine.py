"""What an engine is: the data that goes in and out of it, and its few verbs."""

import signal
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class DataRef:
    """Arrays that an engine holds for its workers: small, hashable and picklable.

    Attributes
    ----------
    path : str
        Folder of the arrays' files.
    names : tuple of str
        The arrays' names; the i-th lies in ``<i>.npy``.
    """

    path: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Job:
    """One call of a function in a worker.

    Attributes
    ----------
    function : str
        ``"module:qualname"`` of a function ``f(payload, data, channel)``. The worker imports
        the module, so it can't be the driver's ``__main__``.
    payload : object
        Plain picklable data. User code travels inside it as bytes.
    data : tuple of DataRef
        Shared arrays; the function gets one ``dict`` of read-only arrays for each.
    soft_deadline, hard_deadline : float or None
        Values of ``time.monotonic()``. At the soft one ``channel.stopped`` turns true, at the
        hard one the worker is killed; should the driver miss it, the worker ends itself soon
        after.
    memory : int or None
        Bytes of private memory that the job may get beyond what its worker has at the start.
        More is refused to it, as if the machine had no more: usually a ``MemoryError``. Linux
        only.
    place : str
        Jobs of one place go to a worker that had one of it before, if such a worker is free, and
        keep away from the workers of other places: what a job left in its worker's cache, or on a
        card, is found again. It is a preference; no job waits for it.
    """

    function: str
    payload: Any = None
    data: tuple[DataRef, ...] = ()
    soft_deadline: float | None = None
    hard_deadline: float | None = None
    memory: int | None = None
    place: str = ""


class SpoiledError(Exception):
    """Raised by a job whose process must not be used again, such as one whose card has failed.

    The job has failed with this error's message, and its worker ends.
    """


@dataclass(frozen=True)
class Failure:
    """A job's function raised: the exception's type, its message and the traceback's text."""

    type: str
    message: str
    traceback: str

    @classmethod
    def of(cls, error: BaseException) -> Self:
        """Describe an exception in words that can travel."""
        try:
            message = str(error)
            trace = "".join(traceback.format_exception(error))
        except Exception as problem:  # noqa: BLE001 - the error is a user's, and so its methods
            message = f"its message can't be read: {type(problem).__name__}"
            trace = "".join(traceback.format_tb(error.__traceback__))
        return cls(type(error).__name__, message, trace)


@dataclass(frozen=True)
class Killed:
    """A job ended without an answer of its function.

    Attributes
    ----------
    reason : {"asked", "deadline", "memory", "died"}
        "asked" for by the driver, the hard "deadline" passed, the processes together had more
        "memory" than they may, or the process "died" by itself: a crash in native code, an exit,
        or the system was out of memory.
    returncode : int or None
        Of the worker's process: negative is a signal's number. None if no process ran the job
        or its end is not known.

    Examples
    --------
    >>> str(Killed("died", -11))
    'died (SIGSEGV)'
    >>> str(Killed("died", 3))
    'died (exit code 3)'
    >>> str(Killed("memory", -9))
    'over the memory limit (SIGKILL)'
    """

    reason: Literal["asked", "deadline", "memory", "died"]
    returncode: int | None = None

    def __str__(self) -> str:
        reason = "over the memory limit" if self.reason == "memory" else self.reason
        if self.returncode is None:
            return reason
        if self.returncode >= 0:
            return f"{reason} (exit code {self.returncode})"
        try:
            return f"{reason} ({signal.Signals(-self.returncode).name})"
        except ValueError:
            return f"{reason} (signal {-self.returncode})"


@dataclass(frozen=True)
class Event:
    """What an engine tells about a job.

    Each job has any number of "progress" events and then exactly one of the others.

    Attributes
    ----------
    job : int
    kind : {"progress", "done", "failed", "killed"}
    value : object
        The reported or returned value, a `Failure`, or a `Killed`.
    pid : int or None
        The worker's process; None if the job never reached one.
    seconds, cpu_seconds : float
        Spent on the job so far, on the clock and by the worker's threads together.
    peak_bytes : int
        Peak of the worker's private memory so far, beyond what it had when the job began. Shared
        data does not count. For a killed job it is what the driver saw. 0 where it can't be
        measured, that is, outside Linux.
    """

    job: int
    kind: Literal["progress", "done", "failed", "killed"]
    value: Any
    pid: int | None = None
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0


class Channel(Protocol):
    """What a job's function sees of its engine."""

    @property
    def cache(self) -> dict[Any, Any]:
        """A dictionary that lives as long as the worker's process."""

    @property
    def stopped(self) -> bool:
        """Whether to end soon: the driver asked, or the soft deadline passed. Cheap to ask."""

    def time_left(self) -> float:
        """Return the seconds until the soft deadline; infinite without one."""

    def report(self, value: Any) -> None:
        """Send picklable `value` to the driver as a "progress" event."""


class Engine(Protocol):
    """Holds shared data, runs jobs, yields what they report, and kills. Nothing more."""

    @property
    def busy(self) -> int:
        """How many jobs have not ended."""

    @property
    def idle(self) -> int:
        """How many more jobs could run at once."""

    def put(self, name: str, arrays: "Mapping[str, np.ndarray]") -> DataRef:
        """Share arrays with the workers."""

    def submit(self, job: Job) -> int:
        """Queue a job and return its number."""

    def wait(self, timeout: float | None = None) -> Sequence[Event]:
        """Return the next events, or none when the time is out or there is no work."""

    def deaths(self) -> Sequence[Event]:
        """Return the ends of workers that died before or between jobs, since it was last asked.

        No job is lost with them; each is an event of job 0.
        """

    def stop(self, job: int) -> None:
        """Ask a job to end at its next look at the channel."""

    def kill(self, job: int) -> None:
        """End a job now."""

    def close(self) -> None:
        """End all work and drop the shared data."""
