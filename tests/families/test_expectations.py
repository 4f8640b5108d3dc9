"""What families expect their fits to take moves as the parameters do."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.families import BUILT_IN, Problem, get_family
from automl.families._rounds import LEAST, expected_rounds

PROBLEM = Problem("binary", 20_000, 20, 2)
TUNED = [n for n in BUILT_IN if n != "constant"]


def ratio(name, before, after, what="work", problem=PROBLEM, **more):
    family = get_family(name)
    params = dict(family.starts(problem)[0].params)
    ask = getattr(family, what)
    return ask(params | after, problem, **more) / ask(params | before, problem, **more)


@pytest.mark.parametrize("name", ["lightgbm", "xgboost"])
def test_half_the_rate_is_twice_the_rounds(name):
    assert ratio(name, {"learning_rate": 0.1}, {"learning_rate": 0.05}) == pytest.approx(2, 0.2)


@pytest.mark.parametrize("name", ["lightgbm", "xgboost"])
def test_there_is_an_end_to_rounds(name):
    assert ratio(name, {"learning_rate": 1e-5}, {"learning_rate": 1e-6}) == pytest.approx(1)


@pytest.mark.parametrize(
    ("name", "less", "more"),
    [
        ("lightgbm", {"extra_trees": True}, {"extra_trees": False}),
        ("lightgbm", {"num_leaves": 8}, {"num_leaves": 128}),
        ("xgboost", {"max_depth": 3}, {"max_depth": 9}),
        ("extra_trees", {"max_features": 0.2}, {"max_features": 0.8}),
        ("random_forest", {"min_samples_leaf": 30}, {"min_samples_leaf": 1}),
        ("linear", {"encoding": "scaled"}, {"encoding": "piecewise"}),
        ("mlp", {"encoding": "scaled"}, {"encoding": "piecewise"}),
        ("mlp", {"width": 32}, {"width": 256}),
        ("mlp", {"depth": 1}, {"depth": 3}),
        ("mlp", {"batch_size": 256}, {"batch_size": 64}),
        ("mlp", {"learning_rate": 1e-2}, {"learning_rate": 1e-3}),
    ],
)
def test_more_to_do_is_more_work(name, less, more):
    wide = replace(PROBLEM, n_columns=200, n_rows=2000)
    assert ratio(name, less, more, problem=wide) > 1


@pytest.mark.parametrize("name", TUNED)
def test_columns_that_are_known_replace_the_guess(name):
    family = get_family(name)
    params = family.starts(PROBLEM)[0].params
    narrow, wide = (family.work(params, PROBLEM, width=w) for w in (10, 1000))
    assert wide > 2 * narrow
    narrow, wide = (family.memory(params, PROBLEM, width=w) for w in (10, 1000))
    assert wide > 1.4 * narrow


@pytest.mark.parametrize(
    ("name", "less", "more"),
    [
        ("lightgbm", {"num_leaves": 8}, {"num_leaves": 250}),
        ("xgboost", {"max_depth": 3}, {"max_depth": 11}),
        ("extra_trees", {"min_samples_leaf": 64}, {"min_samples_leaf": 1}),
        ("mlp", {"width": 32}, {"width": 256}),
    ],
)
def test_larger_models_need_more_memory(name, less, more):
    assert ratio(name, less, more, "memory", width=200) > 1.3


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_parameters_that_were_not_given_have_the_library_default(name, task):
    family, classes = get_family(name), {"binary": 2, "multiclass": 5}.get(task, 0)
    problem = Problem(task, 1000, 10, classes)
    assert family.work({}, problem) > 0
    assert family.memory({}, problem) > 0
    assert family.work({}, problem, width=0) > 0


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_unit_of_work_was_measured(name):
    assert get_family(name).unit_seconds is not None


def test_depth_without_a_limit_is_as_deep_as_the_rows_allow():
    assert ratio("xgboost", {"max_depth": 25}, {"max_depth": 0}) == pytest.approx(1)


@given(
    st.integers(1, 10**8),
    st.floats(0, 1e3),
    st.floats(0, 1e6),
    st.sampled_from(["binary", "multiclass", "regression"]),
)
def test_rounds_lie_between_the_least_and_the_most(n_rows, rate, leaves, task):
    assert LEAST <= expected_rounds(Problem(task, n_rows, 3), rate, leaves, 5000) <= 5000
