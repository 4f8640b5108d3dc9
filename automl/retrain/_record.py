"""What is left of a job in the registry's log, however it ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from automl.exceptions import AutoMLError
from automl.registry import Registry
from automl.search import Clock

FAILED = "failed"
"""What the log says of a job that came to no decision."""


@contextmanager
def on_record(registry: Registry, mode: str, clock: Clock) -> Iterator[dict[str, Any]]:
    """Write a job into the registry's log at the end of a ``with`` block.

    Parameters
    ----------
    registry : Registry
        Held by the job.
    mode : str
    clock : Clock

    Yields
    ------
    dict
        What is known of the job; it says that it failed until it is told a decision.
    """
    facts = {"decision": FAILED, "reason": "the job was cut off", "mode": mode}
    try:
        yield facts
    except AutoMLError as error:
        facts["reason"] = str(error)
        raise
    finally:
        registry.log_job(facts | {"seconds": round(clock.elapsed, 3)})
