"""What a fit is expected to take."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.families import Problem
from automl.search._cost import FIXED, CostModel, Forecast
from tests.families.toy import Descent

PROBLEM = Problem("binary", 1000, 10, 2)


class Sized(Descent):
    """A family whose work is one of its parameters, and a unit of it a second."""

    name = "sized"
    unit_seconds = 1.0

    def work(self, params, problem, *, width=None):
        return params["work"]


class Other(Sized):
    name = "other"


class Unmeasured(Sized):
    name = "unmeasured"
    unit_seconds = None


FAMILIES = (Sized(), Other(), Unmeasured())


def at(model, work, family=FAMILIES[0], **more):
    return model.forecast(family, {"work": work, "not": "seen"}, PROBLEM, **more)


def book(model, works, seconds, family=FAMILIES[0], **more):
    for i, (work, value) in enumerate(zip(works, seconds, strict=True)):
        model.book(family, {"work": work, "i": i}, PROBLEM, value, **more)


def test_before_anything_ran_the_measured_constants_speak():
    model = CostModel()
    assert at(model, 5.0).seconds == pytest.approx(5.0 + FIXED)
    assert at(model, 5.0).at(0.9) > 5.0
    assert at(model, 5.0, FAMILIES[2]).spread > at(model, 5.0).spread


WILD = st.one_of(st.floats(), st.sampled_from([0.0, 1e-300, 1e300, -1.0, math.inf, math.nan]))
FITS = st.lists(st.tuples(st.sampled_from(FAMILIES), WILD, WILD, st.booleans()), max_size=30)


@given(FITS, WILD)
@settings(max_examples=200)
def test_forecasts_are_numbers_whatever_was_entered(fits, work):
    model = CostModel()
    for family, size, seconds, cut in fits:
        model.book(family, {"work": size}, PROBLEM, seconds, cut=cut)
    for family in FAMILIES:
        forecast = at(model, work, family)
        assert 0 < forecast.seconds < math.inf
        assert 0 < forecast.spread < math.inf
        assert forecast.at(0.05) <= forecast.seconds <= forecast.at(0.95)


SANE = st.floats(1e-3, 1e4)


@given(st.lists(st.tuples(st.sampled_from(FAMILIES), SANE, SANE), max_size=30), SANE)
@settings(max_examples=100)
def test_more_work_takes_longer(fits, work):
    model = CostModel()
    for family, size, seconds in fits:
        model.book(family, {"work": size}, PROBLEM, seconds)
    for family in FAMILIES:
        assert at(model, work, family).seconds < at(model, 1.5 * work, family).seconds


def test_no_evidence_makes_more_work_quicker():
    model = CostModel()
    works = np.geomspace(0.001, 1000, 40)
    book(model, works, works**-0.3)
    assert at(model, 1.0).seconds < at(model, 2.0).seconds < at(model, 1000.0).seconds


@given(st.floats(0.2, 5), st.integers(6, 20))
def test_what_fits_take_here_is_learned(factor, n):
    model = CostModel()
    works = np.geomspace(1, 50, n)
    book(model, works, factor * works)
    for work in (1.0, 50.0):
        assert at(model, work).seconds == pytest.approx(factor * work, rel=0.4)
    assert at(model, 7.0).spread < at(CostModel(), 7.0).spread


def test_the_exponent_of_work_is_learned():
    model = CostModel()
    works = np.geomspace(0.1, 100, 30)
    book(model, works, works**0.8)
    assert at(model, 100.0).seconds == pytest.approx(100**0.8, rel=0.25)
    assert at(model, 0.1).seconds == pytest.approx(0.1**0.8, rel=0.25)


def test_one_family_tells_about_the_others():
    model = CostModel()
    before = at(model, 2.0, FAMILIES[1])
    book(model, [2.0] * 3, [12.0] * 3)
    after = at(model, 2.0, FAMILIES[1])
    assert 4.0 < after.seconds < 12.0
    assert after.spread < before.spread
    book(model, [2.0] * 10, [2.0] * 10, FAMILIES[1])  # its own fits tell more
    assert at(model, 2.0, FAMILIES[1]).seconds == pytest.approx(2.0, rel=0.25)
    assert 7.0 < at(model, 2.0).seconds < 12.0


def test_one_odd_fit_does_not_decide():
    model = CostModel()
    book(model, [1.0] * 10 + [1.1], [1.0] * 10 + [1e4])
    assert at(model, 1.0).seconds < 1.3


def test_a_machine_that_became_slower_is_noticed():
    rng, model = np.random.default_rng(0), CostModel()
    for factor in (1.0, 3.0):
        works = np.exp(rng.normal(1, 1, 40))
        book(model, works, factor * works * np.exp(rng.normal(0, 0.3, 40)))
    assert 2.0 < at(model, 1.0).seconds < 4.0


def test_bounds_hold_as_often_as_they_say():
    rng = np.random.default_rng(0)
    held, n = 0, 0
    for _ in range(10):
        model = CostModel()
        shift = rng.normal(0, 0.5)
        for i in range(30):
            work = math.exp(rng.normal(1, 1))
            seconds = work * math.exp(shift + rng.normal(0, 0.3))
            held += seconds <= model.forecast(FAMILIES[0], {"work": work}, PROBLEM).at(0.9)
            n += 1
            model.book(FAMILIES[0], {"work": work, "i": i}, PROBLEM, seconds)
    assert 0.84 < held / n < 0.97


def test_folds_of_one_configuration_take_about_as_long():
    model = CostModel()
    book(model, [1.0] * 9, [1.0] * 9)
    slow = {"work": 1.0, "depth": 9}
    model.book(FAMILIES[0], slow, PROBLEM, 4.0)
    forecast = model.forecast(FAMILIES[0], slow, PROBLEM)
    assert 2.5 < forecast.seconds < 4.0
    assert forecast.spread < at(model, 1.0).spread
    assert at(model, 1.0).seconds < 1.5
    alone = at(model, 1.0).seconds
    for _ in range(9):
        model.book(FAMILIES[0], slow, PROBLEM, 4.0)
    assert at(model, 1.0).seconds < 1.4 * alone  # nine folds are one configuration


@given(st.floats(1e-3, 1e4))
def test_a_fit_that_was_cut_took_at_least_as_long(seconds):
    model = CostModel()
    book(model, [1.0] * 5, [1.0] * 5)
    before = at(model, 1.0)
    book(model, [1.0], [seconds], cut=True)
    assert at(model, 1.0).seconds >= 0.999 * before.seconds


def test_a_cut_tells_more_the_later_it_was():
    after = []
    for seconds in (0.01, 1.0, 10.0):
        model = CostModel()
        book(model, [1.0], [seconds], cut=True)
        after.append(at(model, 1.0).seconds)
    assert after[0] == pytest.approx(at(CostModel(), 1.0).seconds, rel=0.01)
    assert after[0] < after[1] < after[2]
    assert after[2] > 5.0


def test_threads_share_the_work():
    model = CostModel()
    book(model, [1.0] * 9, [1.0] * 9, n_threads=4)
    assert at(model, 1.0, n_threads=4).seconds == pytest.approx(1.0, rel=0.2)
    assert at(model, 1.0).seconds > 1.5


def test_a_tiny_fit_is_not_expected_to_take_no_time():
    model = CostModel()
    book(model, [1e-6] * 9, [0.02] * 9)
    assert at(model, 1e-6).seconds == pytest.approx(0.02, rel=0.3)
    assert at(model, 1e-9).seconds > FIXED


def test_a_forecast_gives_quantiles():
    forecast = Forecast(FIXED + 1.0, 1.0)
    assert forecast.at(0.5) == pytest.approx(FIXED + 1.0)
    assert forecast.at(0.975) == pytest.approx(FIXED + math.exp(1.96), rel=0.001)
