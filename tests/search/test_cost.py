"""What a fold is expected to cost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.search._cost import CostBook

RELATIVE = {"a": 1.0, "b": 3.0, "c": 0.5}


def test_nothing_is_known_at_first():
    assert CostBook(RELATIVE).seconds("a") is None


@given(st.lists(st.floats(0.001, 1000), min_size=1, max_size=9))
def test_one_odd_fold_does_not_decide(seconds):
    book = CostBook(RELATIVE)
    for value in seconds:
        book.book("a", value)
    assert min(seconds) <= book.seconds("a") <= max(seconds)
    book.book("a", book.seconds("a"))
    known = book.seconds("a")
    book.book("a", 1e9)
    assert book.seconds("a") <= max(*seconds, known)


def test_a_family_that_has_not_run_is_guessed_from_those_that_have():
    book = CostBook(RELATIVE)
    book.book("a", 2.0)
    assert book.seconds("b") == pytest.approx(6.0)
    assert book.seconds("c") == pytest.approx(1.0)
    book.book("b", 1.0)  # what was measured replaces what was declared
    assert book.seconds("b") == pytest.approx(1.0)
