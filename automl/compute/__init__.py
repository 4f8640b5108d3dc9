"""Where work runs: cores and quotas, the device, worker processes, shared data, deadlines.

The room knows nothing of models and metrics. It holds shared data, runs named functions in
processes of its own, yields what they report, and kills them when asked or when they are late.
"""

from automl.compute._clock import process_start
from automl.compute._cores import Plan, granted_cores, plan_workers, resolve_n_jobs
from automl.compute._device import parse_device, resolve_device
from automl.compute._driver import Device, Driver, find_driver
from automl.compute._engine import (
    Channel,
    DataRef,
    Engine,
    Event,
    Failure,
    Job,
    Killed,
    SpoiledError,
)
from automl.compute._launch import shut_down, warm_up
from automl.compute._local import LocalEngine
from automl.compute._memory import memory_limit, parse_size, release_memory
from automl.compute._shared import read as read_shared
from automl.compute._threads import calm_threads
from automl.compute._usage import resident

__all__ = [
    "Channel",
    "DataRef",
    "Device",
    "Driver",
    "Engine",
    "Event",
    "Failure",
    "Job",
    "Killed",
    "LocalEngine",
    "Plan",
    "SpoiledError",
    "calm_threads",
    "find_driver",
    "granted_cores",
    "memory_limit",
    "parse_device",
    "parse_size",
    "plan_workers",
    "process_start",
    "read_shared",
    "release_memory",
    "resident",
    "resolve_device",
    "resolve_n_jobs",
    "shut_down",
    "warm_up",
]
