"""What a fit keeps of the table that it was given."""

import gc
import weakref

import numpy as np
import pandas as pd
import pytest

from automl._fit import FitSpec, prepare_table
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
