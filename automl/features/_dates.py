"""Parts of a moment that a model can use."""

import numpy as np

DAY = 86_400.0


def date_parts(seconds: np.ndarray) -> dict[str, np.ndarray]:
    """Split moments into numbers.

    Parameters
    ----------
    seconds : ndarray of shape (n_rows,), float64
        Seconds since 1970-01-01 UTC, NaN where missing.

    Returns
    -------
    dict of str to ndarray of shape (n_rows,), float64
        ``days`` since 1970, ``month`` (1-12), ``weekday`` (0 = Monday), ``day_of_year``,
        ``day`` of the month and ``hour`` with its fraction; NaN where the moment is missing.

    Examples
    --------
    >>> parts = date_parts(np.array([0.0, 86_400.0 * 31 + 6 * 3600, np.nan]))
    >>> parts["month"].tolist(), parts["weekday"].tolist(), parts["hour"].tolist()
    ([1.0, 2.0, nan], [3.0, 6.0, nan], [0.0, 6.0, nan])
    """
    missing = ~np.isfinite(seconds)
    days = np.floor(np.where(missing, 0.0, seconds) / DAY)
    moments = days.astype("datetime64[D]")
    months = moments.astype("datetime64[M]")
    years = moments.astype("datetime64[Y]")
    parts = {
        "days": np.where(missing, 0.0, seconds) / DAY,
        "month": months.astype(np.int64) % 12 + 1.0,
        "weekday": (days + 3) % 7,
        "day_of_year": (moments - years).astype(np.int64) + 1.0,
        "day": (moments - months).astype(np.int64) + 1.0,
        "hour": (np.where(missing, 0.0, seconds) - days * DAY) / 3600,
    }
    return {name: np.where(missing, np.nan, values) for name, values in parts.items()}
