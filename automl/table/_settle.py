"""Last touches to a table from a file: numbers with marked thousands, and infinite values."""

import logging

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from automl.table._blocks import blocks
from automl.table._messages import counted, listed

logger = logging.getLogger("automl.table")

_GROUPED = r"^\s*[+-]?\d{1,3}(\.\d{3})+(,\d+)?\s*$"
_PLAIN = r"^\s*[+-]?(\d+|\d{1,3}(\.\d{3})+)(,\d*)?\s*$"
_SHOWN = 5


def with_grouped_numbers(frame: pd.DataFrame) -> pd.DataFrame:
    """Read columns of texts such as "1.234,5" as numbers, if all of a column's values are.

    For tables that write decimals with a comma; the parser knows no marks of thousands that
    would not also make a number of the date 01.02.2026.

    Examples
    --------
    >>> frame = pd.DataFrame({"a": ["1.234,5", "7", None], "b": ["1.2.2026", "1.234", "x"]})
    >>> with_grouped_numbers(frame).to_dict("list")
    {'a': [1234.5, 7.0, nan], 'b': ['1.2.2026', '1.234', 'x']}
    """
    for name, dtype in frame.dtypes.items():
        if not isinstance(dtype, pd.StringDtype):
            continue
        texts = pa.array(frame[name])
        if isinstance(texts, pa.ChunkedArray):
            texts = texts.combine_chunks()
        head = texts.slice(0, 1000).drop_null()
        if not _all(head, _PLAIN) or not _all(texts, _PLAIN):
            continue
        if not pc.any(pc.match_substring_regex(texts, _GROUPED)).as_py():
            continue
        points = pc.replace_substring(pc.utf8_trim_whitespace(texts), ".", "")
        values = pc.cast(pc.replace_substring(points, ",", "."), pa.float64())
        frame[name] = values.to_numpy(zero_copy_only=False)
    return frame


def _all(texts: pa.Array, pattern: str) -> bool:
    return bool(len(texts) and pc.all(pc.match_substring_regex(texts, pattern)).as_py())


def without_infinities(frame: pd.DataFrame, shown: str) -> pd.DataFrame:
    """Take infinite values as missing, and say so: no model can use them.

    Examples
    --------
    >>> without_infinities(pd.DataFrame({"a": [1.0, float("inf")]}), "'a.csv'")["a"].tolist()
    [1.0, nan]
    """
    found = {}
    for name, dtype in frame.dtypes.items():
        if not isinstance(dtype, np.dtype) or dtype.kind != "f":
            continue
        values = frame[name].to_numpy()
        if any(np.isinf(values[rows]).any() for rows in blocks(len(values))):
            infinite = np.isinf(values)
            found[str(name)] = int(infinite.sum())
            frame[name] = np.where(infinite, np.nan, values)
    if found:
        many = counted(sum(found.values()), "infinite value")
        logger.warning("%s: %s taken as missing, in %s", shown, many, listed(found, _SHOWN))
    return frame
