"""Where fits run: with a card and without, before and after it did harm."""

import numpy as np
import pytest

from automl.compute import Device, Failure, Killed
from automl.families import DeviceUse, Problem, get_family
from automl.features import Matrix
from automl.search import Clock, SearchPlan, Trial
from automl.search._cost import CostModel
from automl.search._limits import Allowance
from automl.search._places import ERRORS, Places
from automl.search._work import Work

CARD = Device(1, "a card", "9.0", 16 * 2**30, 15 * 2**30, "13.0")
COLUMNS = tuple(f"x{i}" for i in range(50))


def matrix(categories=0):
    return Matrix(np.empty((0, 50), np.float32), COLUMNS, COLUMNS, (categories,) + (0,) * 49)


def places(n_rows=1_000_000, *, card=CARD, insists=False, checked=True):
    families = tuple(get_family(n) for n in ("lightgbm", "xgboost", "linear"))
    plan = SearchPlan(
        problem=Problem("binary", n_rows, 50, 2),
        families=families,
        clock=Clock(0.0),
        card=card,
        insists=insists,
        metric=None, splits=None, resources=None, files=None, journal=None,
        interrupted=None, observe=None,
    )  # fmt: skip
    found = Places(plan, CostModel())
    for name in found.unchecked() if checked else ():
        found.trust(name)
    return found


def trial(name="xgboost", number=1, **params):
    family = get_family(name)
    usual = family.starts(Problem("binary", 1000, 50, 2))[0].params
    return Trial(number, family, dict(usual) | params, 5)


def where(found, name="xgboost", *, n_rows=800_000, categories=0, **params):
    return found.choose(trial(name, **params), n_rows, matrix(categories))


def begin(found, job, name):
    found.begin_fit(job, trial(name), matrix(), None)


def failed(found, value, name="xgboost", share=1.0):
    tried = trial(name)
    tried.share = share
    work = Work(tried, 0, Allowance(None, None), 1, CARD.cuda)
    return found.take_failure(work, value), tried


def test_without_a_card_everything_runs_on_the_cpu_and_nobody_is_to_be_checked():
    found = places(card=None)
    assert {where(found, n) for n in ("lightgbm", "xgboost", "linear")} == {"cpu"}
    assert found.users == found.unchecked() == []
    assert not found.why_none()
    assert not failed(found, Killed("died", -6))[0]


def test_a_large_table_goes_to_the_card_and_a_small_one_does_not():
    assert where(places()) == where(places(), "lightgbm") == "cuda:1"
    assert where(places(), "linear") == "cpu"
    assert where(places(1000), n_rows=800) == "cpu"


def test_where_it_is_insisted_on_a_small_table_goes_to_the_card_too():
    found = places(1000, insists=True)
    assert where(found, n_rows=800) == "cuda:1"
    assert where(found, "linear", n_rows=800) == "cpu"


@pytest.mark.parametrize(
    "params", [{"max_depth": 4}, {"generated": "both"}, {"linear_tree": True}]
)
def test_what_lightgbm_would_not_heed_on_the_card_runs_on_the_cpu(params):
    for insists in (False, True):
        assert where(places(insists=insists), "lightgbm", **params) == "cpu"


def test_columns_of_many_categories_are_not_for_lightgbm_on_the_card():
    assert where(places(insists=True), "lightgbm", categories=255) == "cuda:1"
    assert where(places(insists=True), "lightgbm", categories=256) == "cpu"
    assert where(places(insists=True), "xgboost", categories=5000) == "cuda:1"


def test_a_family_waits_for_its_check_where_that_is_worth_it():
    found = places(checked=False)
    assert found.unchecked() == ["lightgbm", "xgboost"]
    assert where(found) is None
    found.trust("xgboost")
    assert where(found) == "cuda:1"
    found.bar("lightgbm", "it was built without CUDA")
    assert where(found, "lightgbm") == "cpu"
    assert found.users == ["xgboost"]


def test_why_nobody_may_use_the_card():
    found = places(checked=False)
    found.bar("lightgbm", "one")
    assert not found.why_none()
    found.bar("xgboost", "other")
    assert found.why_none() == "lightgbm: one; xgboost: other"


def test_lightgbm_waits_for_others_and_others_wait_for_it():
    found = places(insists=True)
    begin(found, 7, "xgboost")
    assert where(found, "lightgbm") is None
    assert where(found, "xgboost") == "cuda:1"
    found.end(7)
    begin(found, 8, "lightgbm")
    assert where(found, "xgboost") is where(found, "lightgbm") is None
    assert where(found, "linear") == "cpu"
    found.end(8)
    assert where(found, "lightgbm") == "cuda:1"


def test_a_fit_that_would_wait_longer_than_the_cpu_takes_does_not_wait():
    found = places()
    found.begin(3, get_family("lightgbm").device_use({}, found._plan.problem, matrix()), 1e6)
    assert where(found) == "cpu"


def test_a_fit_waits_for_the_first_that_makes_room():
    found = places()
    most = found.capacity
    found.begin(3, DeviceUse(0.6 * most), 1e6)
    found.begin(4, DeviceUse(0.3 * most), 5.0)
    assert found._wait(DeviceUse(0.1 * most)) == 0.0
    assert 4.0 < found._wait(DeviceUse(0.3 * most)) <= 5.0
    assert found._wait(DeviceUse(0.5 * most)) > 1e5


def test_what_does_not_fit_on_the_card_runs_on_the_cpu_unless_the_card_is_insisted_on():
    assert where(places(200_000_000), n_rows=160_000_000) == "cpu"
    assert where(places(200_000_000, insists=True), n_rows=160_000_000) == "cuda:1"


@pytest.mark.parametrize(
    "value",
    [Killed("died", -6), Failure("DeviceError", "trains on 'cpu'", "")],
)
def test_a_family_that_died_there_or_trained_elsewhere_is_not_sent_again(value, caplog):
    found = places(insists=True)
    again, tried = failed(found, value)
    assert again
    assert tried.off_card
    assert where(found) == "cpu"
    assert where(found, "lightgbm") == "cuda:1"
    failed(found, value)
    assert caplog.text.count("from here on") == 1


def test_errors_send_a_trial_to_the_cpu_and_its_family_after_some():
    found = places()
    for i in range(ERRORS):
        assert where(found) == "cuda:1", i
        again, tried = failed(found, Failure("SpoiledError", "CUDA error", ""))
        assert again
        assert found.choose(tried, 800_000, matrix()) == "cpu"
    assert where(found) == "cpu"


def test_what_hung_on_the_card_is_not_tried_again_there_nor_anywhere():
    found = places()
    assert not failed(found, Killed("deadline", -9))[0]
    assert where(found) == "cpu"


@pytest.mark.parametrize("value", [Killed("asked", -9), Killed("memory", -9)])
def test_what_the_search_ended_is_no_fault_of_the_card(value):
    found = places()
    again, tried = failed(found, value)
    assert not again
    assert not tried.off_card
    assert where(found) == "cuda:1"


def test_too_little_memory_there_moves_the_trial_or_where_it_is_insisted_on_shrinks_it():
    memory = Failure("XGBoostError", "cudaErrorMemoryAllocation: out of memory", "")
    found = places()
    before = found.use(trial(), matrix()).bytes
    assert failed(found, memory)[0]
    assert found.use(trial(), matrix()).bytes == 2 * before
    assert where(found) == "cuda:1"
    insisting = places(insists=True)
    again, tried = failed(insisting, memory)
    assert not again  # the search then halves its rows, as ever
    assert not tried.off_card
    assert failed(insisting, memory, share=0.125)[0]
