"""The target column as plain values: numbers, truth values or texts, none of them missing."""

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import pyarrow as pa

from automl.exceptions import DataError
from automl.table._frames import from_arrow
from automl.table._messages import counted, shown
from automl.table._values import canonical, is_missing, is_nested

_NUMBER_KINDS = ("integer", "floating", "mixed-integer-float", "decimal")


@dataclass(frozen=True)
class Labels:
    """Values of a target without a gap.

    Parameters
    ----------
    kind : {"bool", "number", "text"}
    plain : numpy.ndarray
        The values; of texts, the distinct ones in the order in which they come.
    codes : numpy.ndarray, optional
        Of texts, which of them each row holds.
    declared_categories : bool
        Whether the caller's type says that they are categories.
    """

    kind: Literal["bool", "number", "text"]
    plain: np.ndarray
    codes: np.ndarray | None = None
    declared_categories: bool = False

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.plain if self.codes is None else self.codes)

    @cached_property
    def distinct(self) -> tuple[np.ndarray, np.ndarray]:
        """For each row which of the distinct values it holds, and those in their order."""
        if self.codes is not None:
            return self.codes, self.plain
        codes, values = pd.factorize(self.plain)
        return codes, values

    @classmethod
    def read(cls, y: Any, name: str) -> "Labels":
        """Check the target's shape and values.

        Raises
        ------
        DataError
            If values are missing, infinite, dates, or not of one kind.
        ValueError
            If ``y`` is None or not one-dimensional.
        """
        series = _one_column(y)
        categories = isinstance(series.dtype, pd.CategoricalDtype)
        if isinstance(series.dtype, pd.CategoricalDtype):
            gaps = series.isna().any()
            series = series.astype(object if gaps else series.cat.categories.dtype)
        if len(series) == 0:
            raise DataError(f"The target {name!r} is empty: found 0 sample(s), 1 is the minimum.")
        kind = _kind(series, name)
        missing = series.isna().to_numpy(dtype=bool)
        codes, texts = pd.factorize(series) if kind == "text" else (None, ())
        if codes is not None:
            blank = np.array([is_missing(text) and not text.strip() for text in texts] + [True])
            missing = missing | blank[codes]
        if missing.any():
            many = counted(int(missing.sum()), "missing value")
            raise DataError(
                f"Input y contains NaN: the target {name!r} has {many}, the first in row "
                f"{int(missing.argmax())} (counting from 0). Leave out the rows without a target; "
                f"cells such as NA, None or ? count as missing in a text file."
            )
        if codes is None:
            return cls(kind, _plain(series, kind, name), None, categories)
        merged, plain = pd.factorize(np.array([_text(value) for value in texts], dtype=object))
        return cls(kind, plain, merged[codes], categories)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else canonical(value)


def _one_column(y: Any) -> pd.Series:
    if isinstance(y, pd.Series):
        return y
    if y is None:
        raise ValueError("This estimator requires y to be passed, but the target y is None.")
    if type(y).__module__.startswith("scipy.sparse"):
        raise TypeError("Sparse data was passed for y, but dense data is required.")
    if isinstance(y, pa.Array):
        y = pa.chunked_array([y])
    if isinstance(y, pd.Index | pd.api.extensions.ExtensionArray):
        return pd.Series(y)
    known = nw.from_native(y, pass_through=True, allow_series=True)
    if isinstance(known, nw.Series):
        return from_arrow(known.alias("y").to_frame().to_arrow())["y"]
    if isinstance(known, nw.LazyFrame):
        known = known.collect("pyarrow")
    if isinstance(known, nw.DataFrame):
        _check_shape(known.shape)
        frame = y if isinstance(y, pd.DataFrame) else from_arrow(known.to_arrow())
        return frame.iloc[:, 0]
    return _from_array(y)


def _from_array(y: Any) -> pd.Series:
    if isinstance(y, list | tuple) and not (len(y) and np.ndim(y[0])):
        return pd.Series(list(y), dtype=None if len(y) else object)
    array = np.asarray(y)
    if array.ndim != 1:
        _check_shape(array.shape)
    return pd.Series(array.ravel())


def _check_shape(shape: tuple[int, ...]) -> None:
    if len(shape) != 2 or shape[1] != 1:
        raise ValueError(f"y should be a 1d array, got an array of shape {shape} instead.")
    from sklearn.exceptions import DataConversionWarning

    warnings.warn(
        "A column-vector y was passed when a 1d array was expected. Please change the shape of "
        "y to (n_samples, ), for example using ravel().",
        DataConversionWarning,
        stacklevel=5,
    )


def _kind(series: pd.Series, name: str) -> Literal["bool", "number", "text"]:
    letter = series.dtype.kind
    if letter == "c":
        raise DataError(f"Complex data not supported: the target {name!r} is complex.")
    if letter == "b":
        return "bool"
    if letter in "iuf":
        return "number"
    if letter in "mM":
        raise DataError(
            f"The target {name!r} holds dates or lengths of time; turn it into numbers "
            f"(such as days since a fixed day) or into classes."
        )
    found = pd.api.types.infer_dtype(series, skipna=True)
    if found in _NUMBER_KINDS:
        return "number"
    if found == "boolean":
        return "bool"
    for row, value in enumerate(series) if found in ("mixed", "bytes") else ():
        if is_nested(value) or isinstance(value, bytes):
            raise DataError(
                f"Unknown label type: the target {name!r} has a {type(value).__name__} in row "
                f"{row} (counting from 0): {shown(value)}. A label must be one number or text."
            )
    return "text"


def _plain(series: pd.Series, kind: str, name: str) -> np.ndarray:
    if kind == "bool":
        return series.to_numpy(dtype=np.bool_)
    if pd.api.types.infer_dtype(series) == "integer":
        if series.dtype.kind == "i":
            return series.to_numpy(dtype=np.int64)
        try:
            return np.array(series.tolist(), dtype=np.int64)
        except OverflowError as error:
            raise DataError(
                f"The target {name!r} has integers beyond 64 bits; turn them into text or floats."
            ) from error
    values = series.to_numpy(dtype=np.float64)
    if np.isinf(values).any():
        row = int(np.isinf(values).argmax())
        raise DataError(
            f"Input y contains infinity or a value too large for dtype('float64'): the target "
            f"{name!r} has {values[row]} in row {row} (counting from 0). Leave out such rows."
        )
    return values
