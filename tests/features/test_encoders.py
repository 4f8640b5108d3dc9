"""What all encodings promise, on tables that hold anything."""

import json
import warnings

import numpy as np
import pytest
from hypothesis import given, settings

from automl.features import ENCODINGS, encoder_from_dict, fit_encoder

from .conftest import make_table, table_pairs

every_encoding = pytest.mark.parametrize("kind", ENCODINGS)
wild = settings(max_examples=60, deadline=None)


def saved_and_read(encoder):
    return encoder_from_dict(json.loads(json.dumps(encoder.to_dict(), allow_nan=False)))


@every_encoding
@wild
@given(table_pairs())
def test_matrix_is_well_formed(kind, tables):
    known, later = tables
    encoder = fit_encoder(kind, known)
    assert encoder.kind == kind
    for table in (known, later):
        matrix = encoder.transform(table)
        n_columns = len(matrix.names)
        assert matrix.shape == (table.n_rows, n_columns)
        assert len(matrix.sources) == len(matrix.cardinalities) == n_columns
        assert (n_columns > 0) == (kind != "none")
        assert set(matrix.sources) <= set(table.schema.names)
        assert matrix.values.dtype in (np.float32, np.float64)
        assert not np.isinf(matrix.values).any()
        for column in matrix.categorical:
            codes = matrix.values[:, column]
            codes = codes[~np.isnan(codes)]
            assert (codes == np.floor(codes)).all()
            assert ((codes >= 0) & (codes < matrix.cardinalities[column])).all()


@pytest.mark.parametrize("kind", ["scaled", "piecewise"])
@wild
@given(table_pairs())
def test_dense_encodings_leave_no_value_missing_and_none_far_out(kind, tables):
    known, later = tables
    encoder = fit_encoder(kind, known)
    for table in (known, later):
        values = encoder.transform(table).values
        assert np.isfinite(values).all()
        assert (np.abs(values) <= 3.0).all()


@every_encoding
@wild
@given(table_pairs())
def test_a_row_is_encoded_alike_alone_and_in_a_batch(kind, tables):
    known, later = tables
    encoder = fit_encoder(kind, known)
    batch = encoder.transform(later).values
    for row in range(later.n_rows):
        alone = encoder.transform(later.take(np.array([row]))).values
        np.testing.assert_array_equal(alone[0], batch[row])


@every_encoding
@wild
@given(table_pairs())
def test_json_keeps_an_encoder_exactly(kind, tables):
    known, later = tables
    encoder = fit_encoder(kind, known)
    read = saved_and_read(encoder)
    assert read == encoder
    np.testing.assert_array_equal(read.transform(later).values, encoder.transform(later).values)
    assert read.transform(later).names == encoder.transform(later).names


@every_encoding
@wild
@given(table_pairs())
def test_the_table_is_not_touched_and_nothing_is_said(kind, tables):
    known, later = tables
    before = {name: values.copy() for name, values in later.columns.items()}
    for table in tables:
        for values in table.columns.values():
            values.setflags(write=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit_encoder(kind, known).transform(later)
    for name, values in before.items():
        np.testing.assert_array_equal(later.columns[name], values)


@every_encoding
def test_an_unknown_category_is_encoded_as_a_missing_one(kind):
    codes = [0] * 20 + [1] * 10 + [2] * 5 + [-1]
    encoder = fit_encoder(kind, make_table({"city": ("categorical", codes, 3)}))
    values = encoder.transform(make_table({"city": ("categorical", [0, 1, 2, -1], 3)})).values
    if kind != "none":
        assert len(np.unique(values, axis=0)) == 4  # each is told apart from the others
    if kind == "tree":
        assert np.isnan(values[3, 0])


@every_encoding
def test_a_column_that_was_never_missing_may_be_later(kind):
    known = make_table(
        {"a": ("numeric", [1.0, 2, 3, 4], 0), "b": ("datetime", [0, 9e6, 2e7, 3e7], 0)}
    )
    later = make_table({"a": ("numeric", [np.nan], 0), "b": ("datetime", [np.nan], 0)})
    values = fit_encoder(kind, known).transform(later).values
    assert np.isnan(values).all() if kind == "tree" else np.isfinite(values).all()


@every_encoding
def test_a_table_without_rows_keeps_its_columns(kind):
    known = make_table({"a": ("numeric", [1.0, 2.0], 0), "c": ("categorical", [0, 1], 2)})
    encoder = fit_encoder(kind, known)
    empty = encoder.transform(known.take(slice(0, 0)))
    assert empty.shape == (0, encoder.transform(known).shape[1])
