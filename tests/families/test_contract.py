"""Every family keeps the contract, and the contract notices families that don't."""

import pytest

from automl.families import BUILT_IN, ContractError, check_family, get_family

from . import toy

FAMILIES = [
    "constant",
    "lightgbm",
    "xgboost",
    "extra_trees",
    "random_forest",
    "linear",
    "crossed_linear",
    "mlp",
    "kernel",
]


@pytest.mark.parametrize("name", FAMILIES)
def test_family_keeps_the_contract(name):
    check_family(get_family(name))


def test_every_built_in_family_is_checked():
    assert list(BUILT_IN) == FAMILIES


def test_a_family_of_somebody_else_passes():
    check_family(toy.Descent())


@pytest.mark.parametrize(
    ("family", "told"),
    [
        (toy.IgnoresSeed, "two fits with one seed differ"),
        (toy.IgnoresWeights, "weights moved the mean"),
        (toy.IgnoresStop, "steps were taken after"),
        (toy.ReturnsLast, "not the one at the watch's best step"),
        (toy.ReturnsLastOfOthers, "check_best_step"),
        (toy.CountsBackwards, "the steps shown are"),
        (toy.NeverCounts, "best step"),
        (toy.TripsOverMissing, "missing or infinite|no predictions"),
        (toy.LosesPrecision, "differ after saving"),
        (toy.Pickles, "is a pickle"),
        (toy.WritesElsewhere, "not a plain name"),
        (toy.TakesThreads, "ran in other threads"),
        (toy.ForgetsAClass, "multiclass, check_rare_class"),
        (toy.ProposesOddThings, "JSON can't hold"),
        (toy.StartsOutside, "asking for parameters warns"),
        (toy.StartsOutOfOrder, "not in order of rank"),
        (toy.Suits, "supports no task"),
        (toy.PeeksOutOfBag, "say in their own prediction"),
        (toy.LearnsNothing, "no better than the constant"),
        (toy.WorksLessOnMore, "more rows are less work"),
        (toy.WorksForNothing, "works are"),
        (toy.NeedsNothing, "expected to need nan bytes"),
        (toy.CostsNothing, "a unit of work takes 0.0 seconds"),
        (toy.NeverSurprised, "the spread of equal work is 0.0"),
    ],
)
def test_a_broken_family_is_noticed(family, told):
    with pytest.raises(ContractError, match=told):
        check_family(family())
