"""Seconds that belong to the end of a run."""

import time

import pytest

from automl._reserve import MOST, SLOWEST, Reserve
from automl.search import Clock


def reserve(budget=60.0, n_values=1000):
    return Reserve(Clock(time.monotonic(), budget), n_values)


def test_it_is_on_the_clock():
    found = reserve()
    assert 0 < found.clock.reserve < 3
    assert found.clock.left == pytest.approx(60 - found.clock.reserve, abs=0.5)
    assert found.left() == pytest.approx(60, abs=0.5)


def test_without_a_budget_there_is_none():
    found = reserve(None)
    found.book_fit(10, 1)
    found.book_model(10**9)
    assert found.clock.reserve == 0
    assert found.left() == float("inf")


def test_large_models_need_time_to_be_saved():
    found, before = reserve(), reserve().clock.reserve
    for _ in range(10):
        found.book_model(20_000_000)
    assert found.saving == pytest.approx(6 * 20_000_000 * 1.6e-8)
    assert found.clock.reserve == pytest.approx(before + found.saving)
    found.book_save(10_000_000, 1.0)
    assert found.saving == pytest.approx(12.0)


def test_many_rows_need_time_to_be_weighed():
    assert reserve(n_values=3_000_000).clock.reserve > reserve(n_values=9000).clock.reserve + 1


def test_a_small_table_is_worth_more_care():
    assert reserve(n_values=1000).clock.reserve > reserve(n_values=9000).clock.reserve + 1


def test_a_busy_machine_needs_more_of_it():
    found, before = reserve(), reserve().clock.reserve
    found.book_fit(8.0, 4.0)
    assert found.slowdown == 2
    assert found.clock.reserve == pytest.approx(2 * before)
    found.book_fit(1000.0, 1.0)
    assert found.slowdown == SLOWEST


def test_a_few_fits_say_nothing_about_the_machine():
    found = reserve()
    found.book_fit(0.5, 0.1)
    assert found.slowdown == 1


def test_it_never_takes_the_whole_budget():
    found = reserve(5.0)
    found.book_model(10**10)
    assert found.clock.reserve == MOST * 5
