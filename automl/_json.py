"""Values as JSON knows them."""

import math
from collections.abc import Mapping
from typing import Any


def plain(value: Any) -> Any:
    """Turn a value into what JSON knows: ``None`` for what is not a number, text for the rest.

    Examples
    --------
    >>> plain({"score": float("nan"), "interval": (0.5, 1.0)})
    {'score': None, 'interval': [0.5, 1.0]}
    """
    if hasattr(value, "tolist"):  # numpy's scalars and arrays, without importing numpy
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, bool | int | float) else str(value)
