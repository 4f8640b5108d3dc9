"""What the numeric libraries read from the environment, once: how many threads they may start."""

import os

from automl.compute._cores import granted_cores

_VARIABLES = (
    "ARROW_IO_THREADS",  # Arrow's other pool follows OMP_NUM_THREADS
    "BLIS_NUM_THREADS",
    "LOKY_MAX_CPU_COUNT",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "NUMEXPR_MAX_THREADS",
    "NUMEXPR_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "POLARS_MAX_THREADS",
    "RAYON_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
# Waiting threads that spin make everything several times slower on a busy machine.
_WAITING = {"OMP_WAIT_POLICY": "PASSIVE"}


def calm_threads(cores: int | None = None) -> None:
    """Let numeric libraries that this process loads later use the granted cores and no more.

    By themselves many count the cores of the machine, not those of the container, and let waiting
    threads spin. Call it first of all: a library reads its variables when it is loaded.

    Parameters
    ----------
    cores : int or None
        By default `granted_cores`. What the user has set in the environment stays.

    Examples
    --------
    >>> calm_threads()  # doctest: +SKIP
    """
    number = str(granted_cores() if cores is None else cores)
    for name, value in (dict.fromkeys(_VARIABLES, number) | _WAITING).items():
        os.environ.setdefault(name, value)


def worker_environment(threads: int) -> dict[str, str]:
    """Return the variables for workers of so many threads."""
    return (
        dict.fromkeys(_VARIABLES, str(threads))
        | _WAITING
        | {
            # pyarrow starts a thread when it is loaded; the server must have none when it forks.
            # OpenBLAS starts some too, but ends them by itself around a fork.
            "JE_ARROW_MALLOC_CONF": "background_thread:false",
            # The GNU C library maps large arrays apart and gives them back at once, but takes the
            # size from which it does so from what was freed last, up to 32 MB. Held fixed, two
            # workers on 500,000 rows need 20 to 30 MB less, in the same seconds.
            "MALLOC_MMAP_THRESHOLD_": str(2**20),
            "MALLOC_TRIM_THRESHOLD_": str(2**20),
        }
    )
