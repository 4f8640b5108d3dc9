"""Where a matrix is written to, and in which order, makes no difference to its values."""

import numpy as np
import pytest

from automl.features import ENCODINGS, fit_encoder, write_matrix
from automl.features._matrix import LONG_BLOCK

from .conftest import DAY, make_table

N = 2 * LONG_BLOCK + 3
RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=N)
NUMBERS[::7] = np.nan
TABLE = make_table(
    {
        "a": ("numeric", NUMBERS, 0),
        "b": ("boolean", RNG.choice([0, 1, np.nan], N), 0),
        "c": ("categorical", RNG.integers(-1, 5, N), 5),
        "d": ("datetime", RNG.integers(0, 20_000, N) * DAY / 3, 0),
        "e": ("categorical", RNG.integers(-1, 400, N), 400),
    }
)
every_encoding = pytest.mark.parametrize("kind", ENCODINGS)


@pytest.fixture(scope="module", params=ENCODINGS)
def encoded(request):
    """An encoder, and the matrix put together from some of its rows at a time."""
    encoder = fit_encoder(request.param, TABLE)
    parts = [TABLE.take(slice(start, start + 20_000)) for start in range(0, N, 20_000)]
    return encoder, np.concatenate([encoder.transform(part).values for part in parts])


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("n_threads", [1, 3])
def test_new_arrays(encoded, order, n_threads):
    encoder, expected = encoded
    matrix = encoder.transform(TABLE, order=order, n_threads=n_threads)
    np.testing.assert_array_equal(matrix.values, expected)
    assert matrix.values.flags[f"{order}_CONTIGUOUS"]


def test_an_array_in_a_file(encoded, tmp_path):
    encoder, expected = encoded
    header = encoder.header(TABLE.schema)
    shape, dtype = (N, header.shape[1]), header.values.dtype
    if not shape[1]:
        pytest.skip("a file can't be mapped that holds nothing")
    path = tmp_path / "matrix.npy"
    out = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
    matrix = encoder.transform(TABLE, out=out)
    assert np.shares_memory(matrix.values, out)
    np.testing.assert_array_equal(np.load(path), expected)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_a_file_of_its_own(encoded, n_threads, tmp_path):
    encoder, expected = encoded
    header = write_matrix(encoder, TABLE, tmp_path / "matrix.npy", n_threads=n_threads)
    written = np.load(tmp_path / "matrix.npy")
    np.testing.assert_array_equal(written, expected)
    assert written.dtype == header.values.dtype
    assert (header.names, header.shape) == (
        encoder.header(TABLE.schema).names,
        (0, len(header.names)),
    )


@every_encoding
def test_the_header_is_the_matrix_without_its_rows(kind):
    encoder = fit_encoder(kind, TABLE)
    header, matrix = encoder.header(TABLE.schema), encoder.transform(TABLE.take(slice(0, 9)))
    assert header.shape == (0, matrix.shape[1])
    assert header.values.dtype == matrix.values.dtype
    assert header.names == matrix.names
    assert header.sources == matrix.sources
    assert header.cardinalities == matrix.cardinalities


@pytest.mark.parametrize("shape", [(9, 1), (8, 2)])
def test_an_array_that_does_not_fit_is_refused(shape):
    table = make_table({"a": ("numeric", NUMBERS[:9], 0), "b": ("boolean", np.zeros(9), 0)})
    encoder = fit_encoder("tree", table)
    with pytest.raises(ValueError, match=r"\(9, 2\)"):
        encoder.transform(table, out=np.empty(shape, np.float32))
    with pytest.raises(ValueError, match="float32"):
        encoder.transform(table, out=np.empty((9, 2)))
