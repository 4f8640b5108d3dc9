"""The schema: inferred at fit, enforced at predict."""

import logging
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from automl.exceptions import ArtifactError, DataError, SchemaError
from automl.table._blocks import refuse_infinity
from automl.table._checks import declared_roles, judge_unreadable, missing_columns
from automl.table._column import Column, Role
from automl.table._convert import CONVERTERS, ReadTexts
from automl.table._frames import is_unnamed, to_frame
from automl.table._inference import infer_column
from automl.table._messages import counted, listed, shown
from automl.table._table import Table
from automl.table._texts import Texts
from automl.table._values import Parsed

logger = logging.getLogger("automl.table")

THREADED_ROWS = 5000
"""Below this many rows one thread is faster than waking others."""


@dataclass(frozen=True)
class Schema:
    """Columns of a table with their roles.

    Parameters
    ----------
    columns : tuple of Column
        All columns seen at fit, in their order.

    Examples
    --------
    >>> frame = pd.DataFrame({"size": ["S", "L", "S"], "price": [1.5, None, 4], "shop": "A"})
    >>> schema = Schema.infer(frame)
    >>> [(column.name, column.role.value, column.reason) for column in schema.columns]
    [('size', 'categorical', '2 distinct strings'),
     ('price', 'numeric', 'numbers from 1.5 to 4; 1 missing'),
     ('shop', 'constant', "'A' in every row")]
    >>> table = schema.apply(pd.DataFrame({"price": ["2.5", ""], "size": ["XL", "L"]}))
    >>> table.columns["size"].tolist(), table.columns["price"].tolist()
    ([-1, 1], [2.5, nan])
    """

    columns: tuple[Column, ...]

    @cached_property
    def features(self) -> tuple[Column, ...]:
        """The columns that a model may use."""
        return tuple(column for column in self.columns if column.role in CONVERTERS)

    @cached_property
    def categorical(self) -> frozenset[str]:
        """Names of the categorical features."""
        return frozenset(c.name for c in self.features if c.role is Role.CATEGORICAL)

    @cached_property
    def coded(self) -> frozenset[str]:
        """Names of the features that a table holds as integers for something else."""
        return self.categorical | {c.name for c in self.features if c.role is Role.TEXT}

    @cached_property
    def readable(self) -> tuple[str, ...]:
        """Names of the features of which a table keeps the texts."""
        return tuple(c.name for c in self.features if c.readable)

    @cached_property
    def literal(self) -> tuple[str, ...]:
        """Names of the features that are read from a file as texts, see `Column.literal`."""
        return tuple(c.name for c in self.features if c.literal)

    @cached_property
    def numeric(self) -> frozenset[str]:
        """Names of the numeric features."""
        return frozenset(c.name for c in self.features if c.role is Role.NUMERIC)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of all columns seen at fit."""
        return tuple(column.name for column in self.columns)

    @classmethod
    def infer(
        cls,
        frame: Any,
        *,
        types: Mapping[str, str] | None = None,
        drop: Collection[str] = (),
        allow_empty: bool = False,
        like: "Schema | None" = None,
    ) -> "Schema":
        """Give every column of the table a role.

        Parameters
        ----------
        frame : object
            The features at fit, without the target; anything that `to_frame` takes.
        types : mapping of str to str, optional
            Roles that the caller knows better, by column name: ``"numeric"``,
            ``"categorical"``, ``"boolean"``, ``"datetime"``, ``"text"``, ``"identifier"`` or
            ``"dropped"`` (also ``"drop"``).
        drop : collection of str, default=()
            Columns to leave out.
        allow_empty : bool, default=False
            Whether all columns may be set aside.
        like : Schema, optional
            Of an earlier table: columns of declared roles are read as there, where they can be.

        Returns
        -------
        Schema

        Raises
        ------
        UsageError
            If ``types`` or ``drop`` name an unknown column or role.
        DataError
            If no column is left for a model, or a column holds infinite values.
        """
        table = to_frame(frame)
        found = {str(name): series for name, series in table.items()}
        forced = declared_roles(list(found), types or {}, drop)
        known = {} if like is None else {column.name: column for column in like.columns}
        schema = cls(
            tuple(
                infer_column(name, series, forced.get(name), known.get(name))
                for name, series in found.items()
            )
        )
        if not schema.features and not allow_empty:
            raise _no_features(schema, len(table))
        return schema

    def apply(
        self,
        frame: Any,
        *,
        fitting: bool = False,
        estimator: str = "AutoModel",
        n_threads: int = 1,
        deferred: bool = False,
    ) -> Table:
        """Return the features of a table, typed as at fit.

        Columns are found by name, in any order. A table without names (an array, rows, a frame
        labelled 0, 1, ...) is read by position and must have every column seen at fit. Only
        features are required: constant columns, identifiers and dropped ones may be absent.

        Parameters
        ----------
        frame : object
            Anything that `to_frame` takes.
        fitting : bool, default=False
            True for the table that the schema was inferred from; nothing is logged then.
        estimator : str, default="AutoModel"
            Name for the error message about the number of columns.
        n_threads : int, default=1
            How many columns of texts or other values that must be read are read at a time.
        deferred : bool, default=False
            Whether infinite values are looked for when the table is read, which saves a way
            through it, and not here.

        Returns
        -------
        Table

        Raises
        ------
        SchemaError
            If columns are missing, or a value can't be read as what its column was at fit.
            Columns that held such values at fit already take them as missing.
        DataError
            If a numeric column holds an infinite value.
        """
        found = self._columns_of(frame, estimator, quiet=fitting)
        arrays: dict[str, np.ndarray] = {}
        texts: dict[str, Texts] = {}
        for column, parsed in self._converted(found, n_threads):
            if column.role is Role.NUMERIC and not deferred:
                refuse_infinity(parsed.values, column.name)
            if len(parsed.bad) and parsed.bad.any():
                judge_unreadable(column, found[column.name], parsed.bad, quiet=fitting)
            arrays[column.name] = parsed.values
            if isinstance(parsed, ReadTexts):
                texts[column.name] = parsed.texts
        unchecked = self.numeric if deferred else frozenset[str]()
        return Table(self, arrays, len(next(iter(found.values()))), unchecked, texts)

    def to_dict(self) -> dict[str, Any]:
        """Return the schema as plain values that JSON can hold.

        Examples
        --------
        >>> schema = Schema.infer({"price": [1.5, 2.5]})
        >>> schema.to_dict()
        {'columns': [{'name': 'price', 'role': 'numeric', 'reason': 'numbers from 1.5 to 2.5'}]}
        >>> Schema.from_dict(schema.to_dict()) == schema
        True
        """
        return {"columns": [column.to_dict() for column in self.columns]}

    @classmethod
    def from_dict(cls, state: Any) -> "Schema":
        """Return the schema that `to_dict` wrote.

        Raises
        ------
        ArtifactError
            If the values are not those of a schema.
        """
        entries = state.get("columns") if isinstance(state, Mapping) else None
        if not isinstance(entries, list) or not entries:
            raise ArtifactError(f"The saved schema has no list of columns, but {shown(state)}.")
        schema = cls(tuple(Column.from_dict(entry) for entry in entries))
        if len(set(schema.names)) < len(schema.names):
            raise ArtifactError(f"The saved schema names a column twice: {listed(schema.names)}.")
        return schema

    def _converted(
        self, found: Mapping[str, pd.Series], n_threads: int
    ) -> Iterator[tuple[Column, Parsed]]:
        """Yield the features in their order, each read as what its role says."""

        def convert(column: Column) -> Parsed:
            return CONVERTERS[column.role](found[column.name], column)

        slow: list[Column] = []
        if n_threads > 1 and len(next(iter(found.values()))) >= THREADED_ROWS:
            slow = [c for c in self.features if not isinstance(found[c.name].dtype, np.dtype)]
        if len(slow) < 2:
            yield from ((column, convert(column)) for column in self.features)
            return
        with ThreadPoolExecutor(n_threads) as pool:
            ahead = {column.name: pool.submit(convert, column) for column in slow}
            for column in self.features:
                future = ahead.pop(column.name, None)
                yield column, convert(column) if future is None else future.result()

    def _columns_of(self, data: Any, estimator: str, *, quiet: bool) -> dict[str, pd.Series]:
        """Find the features in the table, by name or by position."""
        frame = to_frame(data)
        found = {str(name): series for name, series in frame.items()}
        missing = [column.name for column in self.features if column.name not in found]
        if is_unnamed(data) and (missing or not isinstance(data, pd.DataFrame)):
            if len(found) != len(self.columns):
                raise SchemaError(
                    f"X has {len(found)} features, but {estimator} is expecting "
                    f"{len(self.columns)} features as input."
                )
            return dict(zip(self.names, found.values(), strict=True))
        if missing:
            raise missing_columns(missing, [name for name in found if name not in self._seen])
        extra = [] if quiet else [name for name in found if name not in self._seen]
        if extra:
            many = counted(len(extra), "column")
            logger.warning("%s not seen at fit and ignored: %s", many, listed(extra, 5))
        return found

    @cached_property
    def _seen(self) -> frozenset[str]:
        return frozenset(self.names)


def _no_features(schema: Schema, n_rows: int) -> DataError:
    told = "; ".join(f"{c.name!r} is {c.role.value} ({c.reason})" for c in schema.columns[:10])
    more = f"; and {len(schema.columns) - 10} more" if len(schema.columns) > 10 else ""
    return DataError(
        f"No column is left for a model in {n_rows:,} sample(s) of "
        f"{counted(len(schema.columns), 'column')}: {told}{more}. Declare the role of a column "
        f'that should count, as in types={{{schema.names[0]!r}: "numeric"}}.'
    )
