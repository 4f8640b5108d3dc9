"""Categories that are met only after training."""

import numpy as np
import pandas as pd
import pytest

from automl.features import fit_encoder
from automl.table import Schema

N = 600


def encoded(kind, *, missing):
    """The matrix rows of a rare category, of a new one, and of a missing one."""
    rng = np.random.default_rng(0)
    names = [f"n{i}" for i in range(400)] + [f"often{i}" for i in rng.integers(0, 5, N - 400)]
    frame = pd.DataFrame({"name": names, "x": rng.normal(size=N)})
    if missing:
        frame.loc[N - 50 :, "name"] = None
    schema = Schema.infer(frame, types={"name": "categorical"})
    encoder = fit_encoder(kind, schema.apply(frame, fitting=True))
    asked = pd.DataFrame({"name": ["n399", "never met", None], "x": [0.0, 0.0, 0.0]})
    return encoder.transform(schema.apply(asked)).values


@pytest.mark.parametrize("kind", ["tree", "scaled", "straight", "piecewise"])
def test_a_new_category_stands_with_the_rarest_where_none_was_missing(kind):
    rare, new, _ = encoded(kind, missing=False)
    np.testing.assert_array_equal(new, rare)


@pytest.mark.parametrize("kind", ["tree", "scaled", "straight", "piecewise"])
def test_where_some_were_missing_it_counts_as_missing(kind):
    rare, new, gone = encoded(kind, missing=True)
    np.testing.assert_array_equal(new, gone)
    assert not np.array_equal(new, rare, equal_nan=True)
