"""Which rows are trained on, and which champion and challenger are compared on."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from automl.exceptions import DataError, UsageError
from automl.retrain._batch import Batch, joined
from automl.search import parse_duration
from automl.table import Target
from automl.table._messages import counted, listed

RECENT = 0.25
"""Share of the new rows, the latest ones, that champion and challenger are compared on,"""
MOST_RECENT = 20_000
"""as many at most; more would hardly narrow the interval, and the challenger lacks them."""
MOST_HELD_BACK = 0.5
"""Share of the new rows beyond which rows of one time are not kept together."""


@dataclass(frozen=True)
class Division:
    """The rows of a job.

    Parameters
    ----------
    train : Batch
        To train on before the comparison.
    recent : Batch
        Held back: to compare on.
    rows : Batch
        To train on in the end, the recent rows among them.
    """

    train: Batch
    recent: Batch
    rows: Batch

    @property
    def end(self) -> float | None:
        """The latest time of all rows, as a number."""
        return None if self.rows.when is None else float(self.rows.when.max())


def divide(
    new: Batch,
    old: Batch | None,
    *,
    end: float | None = None,
    window: str | int | None = None,
    seed: int = 0,
    groups: str | None = None,
) -> Division:
    """Divide the rows of a job.

    Parameters
    ----------
    new : Batch
    old : Batch, optional
        Its rows that are not from before those held back are left out.
    end : float, optional
        The latest time of the champion's data; rows up to it are not compared on.
    window : str or int, optional
        See `window_rows`; it counts from the latest row of those to train on.
    seed : int
    groups : str, optional
        See `hold_back`.
    """
    earlier, recent = hold_back(new.in_order(), seed, groups)
    if recent.when is not None and end is not None:  # what the champion knows is for training
        seen = recent.when <= end
        earlier = joined([earlier, recent.take(np.flatnonzero(seen))])
        recent = recent.take(np.flatnonzero(~seen))
    if old is not None and old.when is not None and recent.when is not None and len(recent):
        old = old.take(np.flatnonzero(old.when < recent.when.min()))
    known = joined([earlier] if old is None else [old, earlier]).in_order()
    rows = joined([known, recent]).in_order()
    train = known.take(window_rows(known, window))
    return Division(train, recent, rows.take(window_rows(rows, window)))


def require_classes(parts: Division, target: Target) -> None:
    """Make sure that there are all of the champion's classes to train on.

    Raises
    ------
    DataError
        If not, or if no row to train on has a weight above zero.
    """
    for batch in (parts.train, parts.rows):
        if not batch.n_counting:
            raise DataError(
                f"All {counted(len(batch), 'row')} to train on have the weight zero. Give more of "
                "the old data (with), a wider window, or another column of weights (weights)."
            )
        there = set(batch.y.unique().tolist())
        classes = [] if target.classes is None else target.classes.tolist()
        if lacking := [label for label in classes if label not in there]:
            raise DataError(
                f"The rows to train on do not have all classes of {target.name!r}: none of "
                f"{counted(len(batch), 'row')} has {listed(lacking, 5)}. Give more of the old "
                "data (with), or a wider window."
            )


def hold_back(batch: Batch, seed: int, groups: str | None = None) -> tuple[Batch, Batch]:
    """Split new rows into those to train on and those to compare on.

    Parameters
    ----------
    batch : Batch
        In the order of time where that is known: the latest rows are then held back, and rows of
        the same time stay together. Else a random part is.
    seed : int
    groups : str, optional
        Column whose groups stay together where there is no time.

    Returns
    -------
    earlier, recent : Batch
    """
    n = min(MOST_RECENT, max(1, round(RECENT * len(batch))))
    everything = np.arange(len(batch))
    if batch.when is not None:
        border = batch.when[len(batch) - n]
        late = batch.when >= border
        if late.mean() > MOST_HELD_BACK:  # of nearly one time: the order of the file must do
            late = everything >= len(batch) - n
    else:
        rng = np.random.default_rng(seed)
        late = np.isin(everything, rng.permutation(len(batch))[:n])
        if groups is not None:
            codes, names = pd.factorize(batch.frame[groups], use_na_sentinel=False)
            some = rng.permutation(len(names))[: max(1, round(RECENT * len(names)))]
            late = np.isin(codes, some) if len(names) > 1 else late  # one can only be divided
    return batch.take(everything[~late]), batch.take(everything[late])


def window_rows(batch: Batch, window: str | int | None) -> np.ndarray:
    """Return the rows within a window that ends with the latest row.

    Parameters
    ----------
    batch : Batch
        In order.
    window : str or int, optional
        A number of rows, or a length of time such as ``90d``; all rows by default.

    Raises
    ------
    UsageError
        If it can't be read, or is a length of time and the time column holds no dates.

    Examples
    --------
    >>> batch = Batch.read({"a": [1, 2, 3], "y": [0, 1, 0]}, "y", None, what="the table")
    >>> window_rows(batch, "2").tolist()
    [1, 2]
    """
    everything = np.arange(len(batch))
    if window is None or not len(batch):
        return everything
    text = str(window).strip()
    if text.isdigit():
        if int(text) < 1:
            raise UsageError(f"A window of {window!r} is not allowed: give 1 row or more.")
        return everything[-int(text) :]
    try:
        seconds = parse_duration(text)
    except UsageError as error:
        raise UsageError(
            f"A window of {window!r} can't be read: give a number of rows, or a length of time "
            "such as 90d or 12h."
        ) from error
    if batch.when is None or not batch.dated:
        raise UsageError(
            f"A window of {window!r} needs to know when each row was: name a column of dates "
            "(time), or give a number of rows."
        )
    return np.flatnonzero(batch.when > batch.when.max() - seconds)
