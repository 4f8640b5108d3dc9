"""Numbers that stand for "not known": -999, 9999999999 and their like."""

import numpy as np

from automl.table._blocks import Extent

_NINES = [float("9" * n) for n in range(3, 11)]
CANDIDATES = frozenset([*_NINES, *(-n for n in _NINES), -2147483648.0, 2147483647.0])
# Amounts may be negative: a mark lies this many ranges of the others away from them.
_FAR, _BESIDE = 10.0, 1.0
_MIN_ROWS, _MIN_OTHERS = 3, 3
# Among amounts, a 9999 far above the others may be real: such a mark comes back more often.
_AMOUNT, _MIN_ROWS_OF_AMOUNT, _MIN_SHARE_OF_AMOUNT = 1e6, 5, 0.01


def find_sentinels(values: np.ndarray, extent: Extent) -> tuple[float, ...]:
    """Return the marks for missing values among numbers, if there are any.

    A mark is made of nines (at least three) or the end of the range of integers, comes back in
    several rows (one from 999 to 999,999 in five and 1 % of them), is the least or the greatest
    value, and lies far from all others: ten times as far as the others reach, or just as far
    below others that are all positive. So the 99,999 of a capped income, which the others come
    close to, stays a number.

    Parameters
    ----------
    values : numpy.ndarray
        Numbers, NaN where missing.
    extent : Extent
        The least and the greatest of them.

    Examples
    --------
    >>> def of(*values):
    ...     array = np.array(values, dtype=float)
    ...     return find_sentinels(array, Extent.of(array))
    >>> of(3, 5, 4, -999, -999, 7, -999), of(3, 5, 4, -999, 7), of(300, 5e4, 99999, 99999, 99999)
    ((-999.0,), (), ())
    """
    found = [float(v) for v in (extent.low, extent.high) if v in CANDIDATES]
    if not found or extent.low == extent.high:
        return ()
    others = values[~np.isin(values, np.array(found))]
    inner = Extent.of(others)
    if np.isnan(inner.low) or np.isinf([inner.low, inner.high]).any():
        return ()
    if len(np.unique(others[~np.isnan(others)])) < _MIN_OTHERS:
        return ()
    return tuple(v for v in found if _is_mark(v, values, inner))


def _is_mark(value: float, values: np.ndarray, inner: Extent) -> bool:
    gap = inner.low - value if value < inner.low else value - inner.high
    wanted = _BESIDE if value < 0 <= inner.low else _FAR
    reach = max(inner.high - inner.low, abs(inner.high), abs(inner.low))
    least: float = _MIN_ROWS
    if 0 < value < _AMOUNT:
        least = max(_MIN_ROWS_OF_AMOUNT, _MIN_SHARE_OF_AMOUNT * len(values))
    return gap >= wanted * reach and int((values == value).sum()) >= least
