"""The rows of a retraining: features, target, and their time."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from automl.exceptions import DataError, UsageError
from automl.search import parse_duration
from automl.table import Role, Schema, Target, to_frame
from automl.table._messages import close_match, listed

logger = logging.getLogger("automl.retrain")

RECENT = 0.25
"""Share of the new rows, the latest ones, that champion and challenger are compared on,"""
MOST_RECENT = 20_000
"""as many at most; more would hardly narrow the interval, and the challenger lacks them."""


@dataclass(frozen=True)
class Batch:
    """Rows with their target.

    Parameters
    ----------
    frame : DataFrame
        Everything but the target.
    y : Series
    when : ndarray of shape (n_rows,), optional
        The time of each row, as a number: seconds where the column holds dates.
    dated : bool
        Whether it does.
    """

    frame: pd.DataFrame
    y: "pd.Series[Any]"
    when: np.ndarray | None = None
    dated: bool = False

    @classmethod
    def read(
        cls,
        data: Any,
        target: str,
        time: str | None,
        *,
        what: str,
        needed: Sequence[str] = (),
    ) -> "Batch":
        """Take a table apart.

        Parameters
        ----------
        data : table
            Anything that :func:`automl.table.to_frame` takes.
        target : str
        time : str, optional
            Column of dates or numbers that orders the rows.
        what : str
            How messages call the table.
        needed : sequence of str
            Further columns that must be there.

        Raises
        ------
        DataError
            If a column is missing, or a row has no time that can be read.
        """
        frame = to_frame(data)
        for column in [target, *needed] if time is None else [target, time, *needed]:
            if column not in frame.columns:
                raise DataError(
                    f"There is no column {column!r} in {what}"
                    f"{close_match(column, list(frame.columns))}; "
                    f"the columns are {listed(frame.columns, 20)}."
                )
        if time == target:
            raise UsageError(f"The column {time!r} can't be both the target and the time.")
        when, dated = (None, False) if time is None else _times(frame[time], what)
        y = frame[target].reset_index(drop=True)
        return cls(frame.drop(columns=target).reset_index(drop=True), y, when, dated)

    def __len__(self) -> int:
        return len(self.y)

    def take(self, rows: np.ndarray) -> "Batch":
        """Some of the rows, in the order given."""
        return Batch(
            self.frame.iloc[rows].reset_index(drop=True),
            self.y.iloc[rows].reset_index(drop=True),
            None if self.when is None else self.when[rows],
            self.dated,
        )

    def in_order(self) -> "Batch":
        """The rows by their time, where it is known."""
        if self.when is None or (np.diff(self.when) >= 0).all():
            return self
        return self.take(np.argsort(self.when, kind="stable"))


def as_known(batch: Batch, target: Target) -> Batch:
    """Return the rows that have a target, with labels as the champion has them.

    So that 1 from one kind of file and "1" from another are the same class.

    Parameters
    ----------
    batch : Batch
    target : Target

    Raises
    ------
    DataError
        If a label is not among them.
    """
    there = ~batch.y.isna().to_numpy()
    batch = batch if there.all() else batch.take(np.flatnonzero(there))
    labels = target.decode(target.encode(batch.y))
    return replace(batch, y=pd.Series(labels, name=target.name))


def without_new(old: Batch, new: Batch) -> Batch:
    """Return the old rows, less the new ones where these were appended to them already.

    Parameters
    ----------
    old, new : Batch
        With labels as the champion has them.
    """
    n = len(new)
    columns = list(new.frame.columns)
    if len(old) < n or set(columns) - set(old.frame.columns):
        return old
    tail = old.take(np.arange(len(old) - n, len(old)))
    if not np.array_equal(tail.y.to_numpy(), new.y.to_numpy()):  # quick, and mostly enough
        return old
    same = _hashes(tail.frame[columns], tail.y) == _hashes(new.frame, new.y)
    if not same.all():
        return old
    logger.warning("The last %d rows of the old data are the new ones, and left out.", n)
    return old.take(np.arange(len(old) - n))


def joined(parts: Sequence[Batch]) -> Batch:
    """Put rows below each other; columns that a part lacks are missing values there.

    Parameters
    ----------
    parts : sequence of Batch
    """
    parts = [part for part in parts if len(part)]
    if len(parts) == 1:
        return parts[0]
    times = [part.when for part in parts]
    known = [t for t in times if t is not None]
    return Batch(
        pd.concat([part.frame for part in parts], ignore_index=True),
        pd.concat([part.y for part in parts], ignore_index=True),
        np.concatenate(known) if len(known) == len(times) else None,
        parts[0].dated,
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
        if late.all():  # one time only: the order of the file must do
            late = everything >= len(batch) - n
    else:
        rng = np.random.default_rng(seed)
        if groups is None:
            late = np.isin(everything, rng.permutation(len(batch))[:n])
        else:
            codes, names = pd.factorize(batch.frame[groups], use_na_sentinel=False)
            late = np.isin(
                codes, rng.permutation(len(names))[: max(1, round(RECENT * len(names)))]
            )
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
    if window is None:
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


def _hashes(frame: pd.DataFrame, y: "pd.Series[Any]") -> np.ndarray:
    """A number for each row; rows that are equal as text have the same one."""
    texts = frame.assign(**{"": y.to_numpy()}).astype("str")
    return np.asarray(pd.util.hash_pandas_object(texts, index=False))


def _times(series: "pd.Series[Any]", what: str) -> tuple[np.ndarray, bool]:
    """Times as numbers, and whether they were dates."""
    name = str(series.name)
    if series.dtype.kind in "iuf":
        values, dated = series.to_numpy(np.float64), False
    else:
        frame = series.to_frame()
        schema = Schema.infer(frame, types={name: Role.DATETIME.value})
        values, dated = schema.apply(frame, fitting=True).columns[name], True
    if not np.isfinite(values).all():
        row = int((~np.isfinite(values)).argmax())
        raise DataError(
            f"The time column {name!r} of {what} has no value that can be read in row {row} "
            "(counting from 0): each row needs its time."
        )
    return values, dated
