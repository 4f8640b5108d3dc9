"""The time between two moments in each encoding."""

import json

import numpy as np
import pandas as pd
import pytest

from automl.features import encoder_from_dict, fit_encoder
from automl.features._elapsed import elapsed_pairs
from automl.table import Schema

RNG = np.random.default_rng(0)
N = 80
ORDERED = pd.Timestamp("2024-01-01") + pd.to_timedelta(RNG.integers(0, 400, N), unit="h")
DAYS = RNG.integers(1, 9, N).astype(float)
FRAME = pd.DataFrame({"ordered": ORDERED, "sent": ORDERED + pd.to_timedelta(DAYS, unit="D")})
FRAME.loc[3, "sent"] = pd.NaT
SCHEMA = Schema.infer(FRAME)
TABLE = SCHEMA.apply(FRAME, fitting=True)


@pytest.mark.parametrize("kind", ["tree", "scaled", "straight", "piecewise"])
def test_days_pass_between_two_columns(kind):
    encoder = fit_encoder(kind, TABLE)
    matrix = encoder.transform(TABLE)
    column = matrix.values[:, matrix.names.index("sent-ordered")]
    assert matrix.sources[matrix.names.index("sent-ordered")] == "sent"
    rows = np.arange(N) != 3
    if kind == "tree":
        np.testing.assert_array_equal(column[rows], DAYS[rows])
        assert np.isnan(column[3])
    else:
        assert np.corrcoef(np.argsort(np.argsort(column[rows])), DAYS[rows])[0, 1] > 0.9
        assert matrix.values[3, matrix.names.index("sent-ordered?")] == 1
    read = encoder_from_dict(json.loads(json.dumps(encoder.to_dict())))
    np.testing.assert_array_equal(read.transform(TABLE).values, matrix.values)


def test_a_span_that_never_changes_is_no_number():
    frame = FRAME.assign(sent=ORDERED + pd.Timedelta("2D"))
    table = Schema.infer(frame).apply(frame, fitting=True)
    assert "sent-ordered" not in fit_encoder("tree", table).transform(table).names


def test_no_time_passes_between_a_day_and_a_time_of_day():
    hours = [f"{h:02}:{m:02}" for h in range(8, 18) for m in (0, 7, 15, 22, 30, 37, 45, 52)]
    frame = FRAME.assign(opened=hours, closed=hours[::-1])
    table = Schema.infer(frame).apply(frame, fitting=True)
    assert elapsed_pairs(table) == (("ordered", "sent"), ("opened", "closed"))


def test_one_column_of_dates_is_encoded_as_ever():
    table = Schema.infer(FRAME[["ordered"]]).apply(FRAME[["ordered"]], fitting=True)
    assert not [n for n in fit_encoder("tree", table).transform(table).names if "-" in n]
