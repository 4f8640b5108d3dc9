"""The encoding of the table in a worker."""

import numpy as np
import pandas as pd
import pytest

from automl.compute import LocalEngine
from automl.features import ENCODINGS, expected_width, fit_encoder
from automl.search._encode import BUNDLE, bundle
from automl.search._matrices import Matrices
from automl.table import Schema

RNG = np.random.default_rng(0)
N = 60


def table(n_numbers=3):
    frame = pd.DataFrame(RNG.normal(size=(N, n_numbers))).add_prefix("x")
    frame["x0"] = frame["x0"].mask(RNG.random(N) < 0.2)
    frame["city"] = RNG.choice(["a", "b", "c d", None], size=N)
    frame["yes"] = RNG.random(N) < 0.5
    frame["count"] = RNG.integers(0, 9, size=N)
    frame["day"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(N), unit="D")
    return Schema.infer(frame).apply(frame, fitting=True)


@pytest.mark.parametrize("n_numbers", [3, BUNDLE + 10])
def test_a_worker_encodes_as_the_driver_would(n_numbers, tmp_path):
    given = table(n_numbers)
    with LocalEngine(n_workers=1, scratch=tmp_path) as engine:
        matrices = Matrices(given, engine.put, tmp_path / "matrices")
        assert matrices.ready("none")
        for encoding in ("tree", "scaled", "straight", "piecewise"):
            assert not matrices.ready(encoding)
            matrices.begin(encoding, engine.submit(matrices.job(encoding)))
        while engine.busy:
            for event in engine.wait():
                assert event.kind == "done", event.value
                matrices.end(event)
        assert not matrices.jobs
        for encoding in ENCODINGS:
            reference, empty = matrices.get(encoding)
            whole = fit_encoder(encoding, given).transform(given)
            shared = np.load(f"{reference.path}/0.npy")
            np.testing.assert_array_equal(shared, whole.values)
            assert shared.dtype == empty.values.dtype
            assert (empty.names, empty.sources) == (whole.names, whole.sources)
            assert empty.cardinalities == whole.cardinalities
            assert matrices.encoders[encoding].transform(given).names == whole.names
            assert matrices.width(encoding) == len(whole.names)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_width_is_foretold_and_not_by_far(encoding):
    given = table()
    width = len(fit_encoder(encoding, given).transform(given).names)
    expected = expected_width(encoding, given.schema)
    assert width / 2 <= expected <= 2 * width + 8


def test_a_wide_table_goes_into_few_files():
    columns = [np.full(4, i, dtype=(np.float64, np.int32)[i % 2]) for i in range(200)]
    places, bundles = bundle(columns)
    assert len(bundles) == 4
    for columns_of, values in zip(places, bundles.values(), strict=True):
        assert [row[0] for row in values] == list(columns_of)
    assert sorted(i for place in places for i in place) == list(range(200))


def test_a_narrow_table_is_not_copied():
    columns = [np.arange(4.0), np.arange(4.0)]
    _, bundles = bundle(columns)
    assert all(np.shares_memory(b, c) for b, c in zip(bundles.values(), columns, strict=True))
