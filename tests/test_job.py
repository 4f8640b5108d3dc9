"""What a fit keeps of the table that it was given."""

import gc
import mmap
import weakref

import numpy as np
import pandas as pd
import pytest

from automl._fit import FitSpec, fit_job, prepare_table
from automl._sample import Rows


def _table(n_rows):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=n_rows), "b": rng.choice(["x", "y"], n_rows)})
    return frame, pd.Series(frame["a"] > 0, name="target")


@pytest.mark.parametrize("sampled", [False, True])
def test_a_job_keeps_nothing_of_the_frame(sampled):
    frame, y = _table(30_000)
    groups = np.arange(30_000) // 3
    budget = 1e-3 if sampled else 60
    gone = weakref.ref(frame)
    job = prepare_table(Rows(frame, y, groups=groups), FitSpec(time_budget=budget))
    assert job.table.n_rows == (10_000 if sampled else 30_000)
    del frame
    gc.collect()
    assert gone() is None


def test_during_the_search_the_columns_lie_in_files(tmp_path):
    frame, y = _table(2000)
    arrays = weakref.WeakValueDictionary()
    job = prepare_table(Rows(frame, y), FitSpec(time_budget=20, families=["linear"], n_jobs=1))
    arrays["b"] = job.table.arrays["b"]
    del frame
    fit_job(job, interrupted=lambda: True)
    gc.collect()
    assert "b" not in arrays
    assert all(isinstance(_owner(values), mmap.mmap) for values in job.table.arrays.values())


def _owner(values):
    while getattr(values, "base", None) is not None:
        values = values.base
    return values
