"""The rows of a retraining: features, target, and their time."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from automl._weights import read_weights
from automl.exceptions import AutoMLError, DataError, UsageError
from automl.retrain._times import read_times, time_column
from automl.table import Column, Role, Schema, Target, to_frame
from automl.table._messages import close_match, counted, listed
from automl.table._values import is_missing

logger = logging.getLogger("automl.retrain")


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
    weight : Series, optional
        Under the name of its column, which the frame has, too.
    """

    frame: pd.DataFrame
    y: "pd.Series[Any]"
    when: np.ndarray | None = None
    dated: bool = False
    weight: "pd.Series[float] | None" = None

    @classmethod
    def read(
        cls,
        data: Any,
        target: str,
        time: str | None,
        *,
        what: str,
        needed: Sequence[str] = (),
        column: Column | None = None,
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
        column : Column, optional
            How the time is read; by default as this table suggests.

        Raises
        ------
        DataError
            If a column is missing, or a row has no time that can be read.
        """
        frame = to_frame(data)
        for name in [target, *needed] if time is None else [target, time, *needed]:
            if name not in frame.columns:
                raise DataError(
                    f"There is no column {name!r} in {what}"
                    f"{close_match(name, list(frame.columns))}; "
                    f"the columns are {listed(frame.columns, 20)}."
                )
        if time == target:
            raise UsageError(f"The column {time!r} can't be both the target and the time.")
        when = None
        if time is not None and (column := column or time_column(time, [frame])) is not None:
            when = read_times(frame[time], column, what)
        dated = column is not None and column.role is Role.DATETIME
        y = frame[target].reset_index(drop=True)
        return cls(frame.drop(columns=target).reset_index(drop=True), y, when, dated)

    def weighed(self, column: str, what: str) -> "Batch":
        """Let the rows count by a column.

        Parameters
        ----------
        column : str
        what : str
            How messages call the table.

        Raises
        ------
        WeightsError
            If there is no such column, or it holds what can't be a weight.
        """
        if column == self.y.name:
            raise UsageError(f"The column {column!r} can't be both the target and the weights.")
        return replace(self, weight=read_weights(self.frame, column, what))

    def __len__(self) -> int:
        return len(self.y)

    @property
    def weights(self) -> np.ndarray | None:
        """What each row counts, where rows differ in that."""
        return None if self.weight is None else self.weight.to_numpy()

    @property
    def n_counting(self) -> int:
        """Rows with a weight above zero."""
        return len(self) if self.weight is None else int((self.weight > 0).sum())

    @property
    def aside(self) -> set[str]:
        """The column of weights, if there is one: it tells nothing of a row."""
        return set() if self.weight is None else {str(self.weight.name)}

    def shown_to(self, schema: Schema) -> pd.DataFrame:
        """The columns for a model that has this schema: weights only where it knows them."""
        return self.frame.drop(columns=list(self.aside - set(schema.names)))

    def take(self, rows: np.ndarray) -> "Batch":
        """Some of the rows, in the order given."""
        return Batch(
            self.frame.iloc[rows].reset_index(drop=True),
            self.y.iloc[rows].reset_index(drop=True),
            None if self.when is None else self.when[rows],
            self.dated,
            None if self.weight is None else self.weight.iloc[rows].reset_index(drop=True),
        )

    def in_order(self) -> "Batch":
        """The rows by their time, where it is known."""
        if self.when is None or (np.diff(self.when) >= 0).all():
            return self
        return self.take(np.argsort(self.when, kind="stable"))


def known_rows(target: Target, y: "pd.Series[Any]") -> tuple[np.ndarray, np.ndarray, list[Any]]:
    """Tell which rows have a target, and which have one that the champion knows.

    Parameters
    ----------
    target : Target
        The champion's.
    y : Series

    Returns
    -------
    there, known : ndarray of shape (n_rows,)
    unknown : list
        The labels that it does not know.
    """
    codes, distinct = pd.factorize(y)
    values = distinct.tolist()
    lacking = np.array([is_missing(value) for value in values], dtype=bool)
    there = (codes >= 0) & ~np.append(lacking, True)[codes]
    if target.classes is None:
        return there, there, []
    strange = np.array([not _is_known(target, value) for value in values], dtype=bool)
    unknown = [value for value, no in zip(values, strange & ~lacking, strict=True) if no]
    return there, there & ~np.append(strange, True)[codes], unknown


def _is_known(target: Target, label: Any) -> bool:
    try:
        target.encode([label])
    except AutoMLError:
        return False
    return True


def as_known(batch: Batch, target: Target, what: str = "the new data") -> Batch:
    """Return the rows whose target the champion knows, with labels as it has them.

    So that 1 from one kind of file and "1" from another are the same class.

    Parameters
    ----------
    batch : Batch
    target : Target
    what : str
        How messages call the table.
    """
    _, known, unknown = known_rows(target, batch.y)
    if unknown:
        told = counted(int(batch.y.isin(unknown).sum()), "row")
        names = listed(unknown, 5)
        logger.warning("%s of %s left out: the champion does not know %s.", told, what, names)
    batch = batch if known.all() else batch.take(np.flatnonzero(known))
    labels = target.decode(target.encode(batch.y)) if len(batch) else batch.y.to_numpy()
    return replace(batch, y=pd.Series(labels, name=target.name))


def joined(parts: Sequence[Batch]) -> Batch:
    """Put rows below each other; columns that a part lacks are missing values there.

    Parameters
    ----------
    parts : sequence of Batch
    """
    parts = [part for part in parts if len(part)] or list(parts[:1])
    if len(parts) == 1:
        return parts[0]
    times = [part.when for part in parts]
    known = [t for t in times if t is not None]
    weights = [part.weight for part in parts if part.weight is not None]
    return Batch(
        pd.concat([part.frame for part in parts], ignore_index=True),
        pd.concat([part.y for part in parts], ignore_index=True),
        np.concatenate(known) if len(known) == len(times) else None,
        parts[0].dated,
        pd.concat(weights, ignore_index=True) if len(weights) == len(parts) else None,
    )
