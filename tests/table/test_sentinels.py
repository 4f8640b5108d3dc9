import numpy as np
import pandas as pd
import pytest

from automl.table import Schema

RNG = np.random.default_rng(0)
AMOUNTS = RNG.integers(0, 300, 200).astype(float)


def marks(values):
    return Schema.infer({"c": values, "n": RNG.random(len(values))}).columns[0].sentinels


@pytest.mark.parametrize(
    ("mark", "others"),
    [
        (-999, AMOUNTS),
        (-999999, AMOUNTS),
        (9999, AMOUNTS),
        (9999999999, AMOUNTS - 150),
        (-9999, AMOUNTS - 150),
        (-2147483648, AMOUNTS * 1e6),
    ],
)
@pytest.mark.parametrize("dtype", [float, int, str])
def test_marks(mark, others, dtype):
    values = pd.Series([*others, *[mark] * 5]).astype(int).astype(dtype)
    schema = Schema.infer({"c": values, "n": RNG.random(len(values))})
    column = schema.columns[0]
    assert column.sentinels == (mark,)
    assert f"{mark} taken as missing" in column.reason
    found = schema.apply({"c": values, "n": np.zeros(len(values))}).columns["c"]
    assert np.isnan(found[-5:]).all()
    assert not np.isnan(found[:-5]).any()
    one = schema.apply({"c": [str(mark)], "n": [0.0]}).columns["c"]
    assert np.isnan(one).all()
    assert Schema.from_dict(schema.to_dict()) == schema


@pytest.mark.parametrize(
    "values",
    [
        [*AMOUNTS, -999, -999],  # too seldom
        [*AMOUNTS, *[9999] * 4],  # so high may be real
        [*AMOUNTS * 3, *AMOUNTS, *AMOUNTS, *AMOUNTS, *[99999] * 5],
        [*AMOUNTS * 10, *[-999] * 5],  # not far enough below
        [*AMOUNTS, *[999] * 5],
        [*AMOUNTS * 140, *[99999] * 5],  # a cap: others come near
        [*AMOUNTS - 150, *[-999] * 5],  # amounts may be negative
        [*AMOUNTS, *[-1] * 5],
        [*AMOUNTS, *[-998] * 5],
        [0, 0, 0, 0, *[9999999999] * 5],  # two values: a number like any other
        [9999, *range(9000, 9990), *[9999] * 5],
    ],
)
def test_no_marks(values):
    assert marks(values) == ()
