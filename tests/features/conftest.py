"""Typed tables with everything that a user's table may hold."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from automl.table import Column, Role, Schema, Table

DAY = 86_400.0

NUMBERS = st.floats(allow_nan=True, allow_infinity=False)
PLAIN = st.one_of(st.integers(-5, 5).map(float), st.just(np.nan))
MOMENTS = st.one_of(st.floats(-1e10, 2e10), st.just(np.nan))


def make_table(columns, n_rows=None):
    """A table of name -> (role, values, n_categories)."""
    entries, values = [], {}
    for name, (role, array, n) in columns.items():
        categories = tuple(f"c{i}" for i in range(n))
        entries.append(Column(name, Role(role), "made up", categories))
        kind = np.int32 if role == "categorical" else np.float64
        values[name] = np.asarray(array, dtype=kind)
    n_rows = len(next(iter(values.values()))) if n_rows is None else n_rows
    return Table(Schema(tuple(entries)), values, n_rows)


@st.composite
def column_pairs(draw, n_fit, n_new):
    """Role, values to fit on, values that come later, number of categories."""
    role = draw(st.sampled_from(["numeric", "plain", "boolean", "datetime", "categorical"]))
    if role == "categorical":
        n = draw(st.integers(1, 60))
        codes = st.integers(-1, n - 1)
        fit = draw(arrays.arrays(np.int32, n_fit, elements=codes))
        new = draw(arrays.arrays(np.int32, n_new, elements=codes))
        return role, fit, new, n
    elements = {
        "numeric": NUMBERS,
        "plain": PLAIN,
        "boolean": st.sampled_from([0.0, 1.0, np.nan]),
        "datetime": MOMENTS,
    }[role]
    fit = draw(arrays.arrays(np.float64, n_fit, elements=elements))
    if draw(st.integers(0, 4)) == 0:
        fit[:] = np.nan
    new = draw(arrays.arrays(np.float64, n_new, elements=elements))
    return ("numeric" if role == "plain" else role), fit, new, 0


@st.composite
def table_pairs(draw):
    """A table to fit on and one that comes later."""
    n_fit, n_new = draw(st.integers(1, 12)), draw(st.integers(1, 6))
    drawn = draw(st.lists(column_pairs(n_fit, n_new), min_size=1, max_size=4))
    fit = {f"x{i}": (role, values, n) for i, (role, values, _, n) in enumerate(drawn)}
    new = {f"x{i}": (role, values, n) for i, (role, _, values, n) in enumerate(drawn)}
    return make_table(fit), make_table(new)
