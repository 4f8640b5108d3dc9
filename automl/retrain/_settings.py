"""What a user may declare about a retraining."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl.exceptions import UsageError
from automl.retrain._result import RetrainResult

if TYPE_CHECKING:
    from automl._fit import Observer

MODES = ("auto", "refit", "search")


@dataclass(frozen=True, kw_only=True)
class Retrain:
    """A batch job: check new data, train a challenger, promote it if it is better.

    Parameters
    ----------
    out : str or Path, optional
        The registry; made if there is none, with the champion as version 1. By default the
        champion's own.
    mode : {"auto", "refit", "search"}, default="auto"
        ``refit`` makes the champion's recipe anew, without a search; ``search`` begins with it;
        ``auto`` decides from the checks and from how far the champion has fallen.
    time_budget : float or str, default=60
        Seconds that all of it may take, or ``"10m"``; ``None`` for no limit: a search then takes
        as many trials, or as much time, as that of the champion was given.
    target : str, optional
        The champion's by default.
    time : str, optional
        Column of dates or numbers that orders the rows. The latest new rows are compared on then.
    window : str or int, optional
        Train on the latest rows only: a number of them, or ``"90d"``.
    margin : float, default=0.0
        By how much a challenger must be better, in the metric's unit.
    slices : sequence of str, default=()
        Columns: on the rows of none of their values a challenger may lose beyond noise.
    groups : str, optional
        Column of groups that validation must not split; no feature.
    weights : str, optional
        Column of the rows' weights, zero or above; no feature. Training, the comparison and the
        champion's fall go by them. By default the champion's, if it was fitted with one.
    metric : str or callable, optional
        The champion's by default.
    min_score : float, optional
        A challenger must reach it.
    max_size : int or str, optional
        Of a challenger's file: bytes, or ``"50m"``.
    max_latency : float, optional
        Milliseconds that a challenger may take to predict one row.
    checks : mapping, optional
        Thresholds and actions of the data checks, see ``docs/retraining.md``.
    n_jobs : int, default=-1
    memory : int or str, optional
    random_state : int, default=0

    Examples
    --------
    >>> Retrain(mode="nightly")
    Traceback (most recent call last):
    ...
    automl.exceptions.UsageError: mode 'nightly' is not allowed; give auto, refit or search.
    """

    out: str | Path | None = None
    mode: str = "auto"
    time_budget: float | str | None = 60
    target: str | None = None
    time: str | None = None
    window: str | int | None = None
    margin: float = 0.0
    slices: Sequence[str] = ()
    groups: str | None = None
    weights: str | None = None
    metric: str | Callable[..., Any] | None = None
    min_score: float | None = None
    max_size: int | str | None = None
    max_latency: float | None = None
    checks: Mapping[str, Any] | None = None
    n_jobs: int | None = -1
    memory: int | str | None = None
    random_state: int = 0

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise UsageError(
                f"mode {self.mode!r} is not allowed; give {', '.join(MODES[:-1])} or {MODES[-1]}."
            )
        if isinstance(self.slices, str):
            raise UsageError(f"slices={self.slices!r} is not allowed: give a list of columns.")

    def run(
        self,
        champion: Any,
        new: Any,
        old: Any = None,
        *,
        started: float | None = None,
        observers: Sequence["Observer"] = (),
        interrupted: Callable[[], bool] = lambda: False,
    ) -> RetrainResult:
        """Do it.

        Parameters
        ----------
        champion : str, Path or AutoModel
            A model, a run, or a registry, of which the version counts that serves.
        new : table
            The new rows, with the target.
        old : table, optional
            Earlier rows to train on, too.
        started : float, optional
            ``time.monotonic()`` at which the budget began to count; now by default.
        observers : sequence of callable
            Each is told of the progress of fits.
        interrupted : callable
            True once training should end with what it has.

        Returns
        -------
        RetrainResult

        Raises
        ------
        DataError
            If a table can't be read as one.
        NoModelError
            If everything that was tried failed.
        RegistryLockedError
            If another job has the registry.
        UsageError
        """
        from automl.retrain._retrain import run_job

        return run_job(
            self,
            (champion, new, old),
            started=started,
            observers=tuple(observers),
            interrupted=interrupted,
        )
