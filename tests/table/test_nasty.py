"""Each file of the corpus gives a table that can be learned from, or a message that says why."""

import logging
import re

import pytest

from automl.cli._tables import take_column
from automl.exceptions import AutoMLError, DataError
from automl.table import Schema, Target, read_table
from tests.table.nasty import Nasty, corpus


def look(path):
    """What `automl fit` does before it searches."""
    frame = read_table(path, skip_bad_rows=True)
    y = take_column(frame, "y", what="target", source=str(path))
    if not len(frame.columns):
        raise DataError("There is no column beside the target 'y'.")
    schema = Schema.infer(frame)
    table = schema.apply(frame, fitting=True)
    _, encoded, _ = Target.fit(y, name="y")
    assert table.n_rows == len(encoded)


@pytest.mark.parametrize(
    "one",
    [pytest.param(n, marks=pytest.mark.slow if n.slow else ()) for n in corpus().values()],
    ids=lambda one: one.name,
)
def test_nasty(one: Nasty, tmp_path, caplog):
    path = one.write(tmp_path)
    with caplog.at_level(logging.WARNING, "automl"):
        if one.told:
            with pytest.raises(AutoMLError) as caught:
                look(path)
            assert re.search(one.told, str(caught.value)), caught.value
        else:
            look(path)
    assert re.search(one.warned, caplog.text)
    assert one.warned or one.told or not caplog.text


def test_there_are_enough():
    assert len(corpus()) >= 60
    assert sum(not one.told for one in corpus().values()) >= 45
