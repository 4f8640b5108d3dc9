"""What a table looked like, in a few kilobytes: what a later table is compared with."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from automl.exceptions import ArtifactError
from automl.table._column import Role
from automl.table._messages import shown
from automl.table._table import Table
from automl.table._target import Target

MOST_ROWS = 20_000
MOST_CELLS = 2_000_000
"""A profile looks at no more rows, or values, drawn at even distances: on more, quantiles and
shares would hardly change. The fingerprint looks at all of them."""

MOST_NUMBERS = 2000
"""Numbers that a profile holds at most, which keeps it below some 50 KB in JSON."""

FINE, COARSE = 32, 4
"""Quantiles of a column, between its least and greatest value: as many as there is room for."""

MOST_COLUMNS = MOST_NUMBERS // (COARSE + 1)
"""The first of them are described, if there are more."""

DIGITS = 6
"""Digits of a share that are kept. Values are kept as they are: many rows may share one, and would
lie on the wrong side of a rounded one."""


@dataclass(frozen=True)
class ColumnProfile:
    """How the values of one column were distributed.

    Parameters
    ----------
    missing : float
        Share of the rows without a value.
    values : tuple of float
        Of numbers, truth values and dates: the distinct values if they are few, else
        quantiles from the least value to the greatest, evenly spaced.
    shares : tuple of float
        Of few distinct values, each one's share of the rows that have a value; of a categorical
        column that of the most frequent categories, in the order of the schema.
    power : float
        Share of the target's variance that the column explains by itself, 0 to 1.
    """

    missing: float = 0.0
    values: tuple[float, ...] = ()
    shares: tuple[float, ...] = ()
    power: float = 0.0

    @property
    def is_discrete(self) -> bool:
        """Whether `values` are the distinct values."""
        return len(self.values) == len(self.shares) > 0

    def to_dict(self) -> dict[str, Any]:
        """Return the column's profile as plain values; what is at its default is left out."""
        state: dict[str, Any] = {"missing": self.missing, "power": self.power}
        if self.values:
            state["values"] = [int(v) if v == int(v) else v for v in self.values]
        if self.shares:
            state["shares"] = list(self.shares)
        return state


@dataclass(frozen=True)
class Profile:
    """A table in a few kilobytes.

    Parameters
    ----------
    n_rows : int
    columns : mapping of str to ColumnProfile
        Features only, and no free text.
    target : ColumnProfile
        Of a regression target its values, of classes their shares in the order of the classes.
    fingerprint : str
        Changes with any value of a feature or of the target.

    Examples
    --------
    >>> import pandas as pd
    >>> from automl.table import Schema
    >>> frame = pd.DataFrame({"size": ["S", "L", "S", "L"], "price": [1.5, None, 4, 2]})
    >>> target, y, _ = Target.fit(["no", "yes", "no", "yes"], name="sold")
    >>> profile = Profile.of(Schema.infer(frame).apply(frame), y, target)
    >>> profile.columns["size"].shares, profile.columns["size"].power
    ((0.5, 0.5), 1.0)
    >>> profile.columns["price"].values, profile.columns["price"].missing
    ((1.5, 2.0, 4.0), 0.25)
    >>> Profile.from_dict(profile.to_dict()) == profile
    True
    """

    n_rows: int
    columns: Mapping[str, ColumnProfile] = field(default_factory=dict)
    target: ColumnProfile = field(default_factory=ColumnProfile)
    fingerprint: str = ""

    @classmethod
    def of(cls, table: Table, y: np.ndarray, target: Target) -> "Profile":
        """Describe a table with its target.

        Parameters
        ----------
        table : Table
        y : ndarray of shape (n_rows,)
            The encoded target.
        target : Target

        Returns
        -------
        Profile
        """
        features = [c for c in table.schema.features if c.role is not Role.TEXT]
        names = [column.name for column in features][:MOST_COLUMNS]
        rows = _some_rows(table.n_rows, len(names))
        n_values = min(FINE, max(COARSE, MOST_NUMBERS // (len(names) + 1) - 1))
        part, few = table.take(rows), np.asarray(y)[rows]
        score = target_scores(few, target)
        columns = {}
        for name in names:
            values = part.columns[name]
            is_category = name in table.schema.categorical
            described = (_categories if is_category else _numbers)(values, n_values)
            if not is_category and described.get("values") and not described.get("shares"):
                ends = table.extent(name)  # of all rows: an end must not be missed
                described["values"] = (ends.low, *described["values"][1:-1], ends.high)
            power = explained(values, score, is_category=is_category)
            columns[name] = ColumnProfile(**described, power=_short(power))
        return cls(
            table.n_rows, columns, _target_profile(y[rows], target), fingerprint_of(table, y)
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the profile as plain values that JSON can hold."""
        return {
            "n_rows": self.n_rows,
            "fingerprint": self.fingerprint,
            "target": self.target.to_dict(),
            "columns": {name: column.to_dict() for name, column in self.columns.items()},
        }

    @classmethod
    def from_dict(cls, state: Any) -> "Profile":
        """Return the profile that `to_dict` wrote.

        Raises
        ------
        ArtifactError
            If the values are not those of a profile.
        """
        try:
            columns = {str(name): _column(entry) for name, entry in state["columns"].items()}
            return cls(
                int(state["n_rows"]), columns, _column(state["target"]), str(state["fingerprint"])
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ArtifactError(f"The saved profile can't be read: {shown(error)}.") from error


def fingerprint_of(table: Table, y: np.ndarray) -> str:
    """Return a text that changes with any value of the features or the target.

    It is that of the typed values, so that the same rows give the same text whatever the kind of
    the file. The order of the rows matters as far as the rows that a profile looks at.

    Parameters
    ----------
    table : Table
    y : ndarray of shape (n_rows,)
    """
    digest = hashlib.blake2b(digest_size=16)
    digest.update(str(table.n_rows).encode())
    rows = _some_rows(table.n_rows, len(table.arrays))
    for name, array in [*table.arrays.items(), ("", y)]:
        digest.update(name.encode())
        values = array if name == "" else table.block(name, slice(None))
        values = np.ascontiguousarray(values, dtype=np.float64) + 0.0  # -0.0 is 0.0
        values[np.isnan(values)] = np.nan  # of the many, one
        digest.update(values[rows].tobytes())
        digest.update(int(values.view(np.uint64).sum(dtype=np.uint64)).to_bytes(8, "little"))
    for name, texts in table.texts.items():
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(texts.buffer).tobytes())
    return digest.hexdigest()


def explained(values: np.ndarray, score: np.ndarray, *, is_category: bool) -> float:
    """Return the share of the target's variance between the groups that a column makes.

    Numbers are cut into groups of equal size; the share is corrected for the number of groups,
    as an adjusted R2 is.

    Parameters
    ----------
    values : ndarray of shape (n_rows,)
    score : ndarray of shape (n_rows, n_outputs)
        The target as numbers: ranks of a regression target, a column per class.
    is_category : bool

    Examples
    --------
    >>> score = np.array([[0.0], [0.0], [1.0], [1.0]])
    >>> explained(np.array([1.0, 1.0, 2.0, 2.0]), score, is_category=False)
    1.0
    """
    groups = _category_groups(values) if is_category else _number_groups(values)
    n_rows, n_groups = len(values), int(groups.max()) + 1
    sizes = np.bincount(groups, minlength=n_groups)
    total = float(((score - score.mean(axis=0)) ** 2).sum())
    n_groups = int((sizes > 0).sum())
    if total <= 0 or n_groups < 2 or n_rows <= n_groups:
        return 0.0
    within = total
    for column in (score - score.mean(axis=0)).T:
        sums = np.bincount(groups, weights=column, minlength=len(sizes))
        within -= float((sums**2 / np.maximum(sizes, 1)).sum())
    adjusted = 1 - (within / (n_rows - n_groups)) / (total / (n_rows - 1))
    return float(np.clip(adjusted, 0.0, 1.0))


def target_scores(y: np.ndarray, target: Target) -> np.ndarray:
    """Return the target as numbers whose variance columns explain: see `explained`."""
    if target.classes is None:
        _, ranks = np.unique(y, return_inverse=True)
        return np.asarray(ranks, dtype=np.float64)[:, None]
    return np.asarray(np.eye(len(target.classes))[np.asarray(y, dtype=np.intp)])


def _some_rows(n_rows: int, n_columns: int) -> np.ndarray:
    """Row numbers at even distances."""
    most = max(1, min(n_rows, MOST_ROWS, max(1000, MOST_CELLS // max(1, n_columns))))
    return np.linspace(0, n_rows - 1, most).astype(np.intp)


def _numbers(values: np.ndarray, n_values: int) -> dict[str, Any]:
    found = values[np.isfinite(values)]
    missing = _short(1 - len(found) / max(1, len(values)))
    if not len(found):
        return {"missing": missing}
    distinct, counts = np.unique(found, return_counts=True)
    if len(distinct) <= n_values // 2:
        shares = counts / len(found)
        return {"missing": missing, "values": tuple(distinct.tolist()), "shares": _kept(shares)}
    # the values themselves and no means of two: a table of whole numbers keeps to them
    chances = np.linspace(0, 1, n_values + 1)
    quantiles = np.quantile(found, chances, method="lower")
    return {"missing": missing, "values": tuple(quantiles.tolist())}


def _categories(codes: np.ndarray, n_values: int) -> dict[str, Any]:
    known = codes[codes >= 0]
    missing = _short(1 - len(known) / max(1, len(codes)))
    shares = np.bincount(known)[:n_values] / max(1, len(known))
    return {"missing": missing, "shares": _kept(shares)}


def _target_profile(y: np.ndarray, target: Target) -> ColumnProfile:
    if target.classes is None:
        return ColumnProfile(**_numbers(np.asarray(y, dtype=np.float64), FINE))
    shares = np.bincount(np.asarray(y, dtype=np.intp), minlength=len(target.classes)) / len(y)
    return ColumnProfile(shares=_kept(shares[:MOST_NUMBERS]))


def _number_groups(values: np.ndarray) -> np.ndarray:
    """Groups of equal size, or of equal values where these are few; missing is one, too."""
    found = values[np.isfinite(values)]
    if not len(found):
        return np.zeros(len(values), dtype=np.intp)
    edges = np.unique(np.quantile(found, np.linspace(0, 1, FINE + 1), method="lower"))
    groups = np.searchsorted(edges, values, side="right")
    groups[~np.isfinite(values)] = len(edges) + 1
    return np.asarray(groups, dtype=np.intp)


def _category_groups(codes: np.ndarray) -> np.ndarray:
    """The most frequent categories, one for the others, one for what is missing."""
    return np.minimum(np.asarray(codes, dtype=np.intp) + 1, 2 * FINE)


def _kept(values: Sequence[float] | np.ndarray) -> tuple[float, ...]:
    return tuple(_short(float(v)) for v in values)


def _short(value: float) -> float:
    """A number with few digits."""
    return float(f"{value:.{DIGITS}g}")


def _column(state: Any) -> ColumnProfile:
    return ColumnProfile(
        float(state["missing"]),
        tuple(float(v) for v in state.get("values", ())),
        tuple(float(v) for v in state.get("shares", ())),
        float(state["power"]),
    )
