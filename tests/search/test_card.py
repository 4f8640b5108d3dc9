"""The rules of a card, as functions of plain values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.families import DeviceUse, Problem, get_family
from automl.search._card import (
    FASTEST,
    SHARERS,
    OnCard,
    choose_place,
    costed,
    has_room,
    speed_up,
)
from automl.search._cost import CostModel

SECONDS = st.floats(1e-3, 1e5)
CELLS = st.integers(1, 10_000_000)
USES = st.builds(DeviceUse, st.floats(0, 100), st.booleans())


@given(st.lists(st.tuples(USES, st.integers(0, 5)), max_size=40), st.floats(1, 150))
def test_no_order_of_begins_and_ends_breaks_the_rules(steps, capacity):
    running = []
    for use, ended in steps:
        del running[:ended]
        if has_room(running, use, capacity):
            running.append(use)
        assert len(running) <= SHARERS
        if len(running) > 1:
            assert not any(u.exclusive for u in running)
            assert sum(u.bytes for u in running) <= capacity


@given(USES, st.floats(0, 10))
def test_a_card_with_nothing_on_it_refuses_nothing(use, capacity):
    assert has_room([], use, capacity)


def test_shared_fits_run_together_while_there_is_memory():
    assert has_room([DeviceUse(4)], DeviceUse(4), 8)
    assert not has_room([DeviceUse(4)], DeviceUse(5), 8)


@given(SECONDS, SECONDS, st.one_of(st.just(0.0), SECONDS))
def test_a_fit_goes_where_it_ends_first(cpu, card, wait):
    place = choose_place(cpu, card, wait)
    assert (place == "cpu") == (cpu <= card + wait)
    assert (place == "wait") == (cpu > card + wait and wait > 0)


@given(CELLS, CELLS, st.integers(1, 500))
def test_the_larger_the_table_the_more_a_card_is_worth(a, b, n_columns):
    small, large = sorted([a, b])
    assert 0 < speed_up(small, n_columns) <= speed_up(large, n_columns) <= FASTEST


def problem(n_rows):
    return Problem("binary", n_rows, 50, 2)


@pytest.mark.parametrize("name", ["lightgbm", "xgboost"])
def test_before_any_fit_a_large_table_is_for_the_card_and_a_small_one_is_not(name):
    family, costs = get_family(name), CostModel()
    for n_rows, is_quicker in ((1000, False), (1_000_000, True)):
        params = family.starts(problem(n_rows))[0].params
        cpu = costs.forecast(family, params, problem(n_rows))
        card = costs.forecast(OnCard(family), params, problem(n_rows))
        assert (card.seconds < cpu.seconds) is is_quicker


def test_what_was_measured_on_the_card_is_no_evidence_about_the_cpu_and_outdoes_the_guess():
    family, costs, large = get_family("xgboost"), CostModel(), problem(1_000_000)
    params = family.starts(large)[0].params
    cpu, card = (
        costs.forecast(family, params, large),
        costs.forecast(OnCard(family), params, large),
    )
    costs.book(OnCard(family), params, large, 50 * card.seconds)
    after = costs.forecast(OnCard(family), params, large)
    assert after.seconds > 20 * card.seconds
    assert after.spread < card.spread / 2
    assert costs.forecast(family, params, large).seconds == pytest.approx(cpu.seconds, rel=0.5)


def test_on_the_cpu_a_family_is_itself_to_the_cost_model():
    family = get_family("linear")
    assert costed(family, "cpu") is family
    assert costed(family, "cuda:0").name != family.name
