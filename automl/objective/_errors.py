"""The error of a metric that can't be computed."""

from automl.exceptions import AutoMLError


class MetricError(AutoMLError, ValueError):
    """A metric raised, or returned something that is not one number.

    The message names the metric, the type of the exception and its text.

    Examples
    --------
    >>> issubclass(MetricError, ValueError)
    True
    """

    code = "metric"
    exit_code = 2
