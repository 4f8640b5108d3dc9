"""Mechanisms and families that no option of the package switches off, for an ablation.

Each function changes the package in the process that calls it; so that process should be one that
ends after a single fit.
"""

from collections.abc import Mapping
from typing import Any


def switch_off(name: str) -> None:
    """Switch off what `SWITCHES` has under `name`, or the family of that name."""
    if name in SWITCHES:
        SWITCHES[name]()
    else:
        _no_family(name)


def _no_family(name: str) -> None:
    """Let a family suit no problem; naming all others would name some that don't, either."""
    from automl.families import get_family

    get_family(name).supports = lambda _: False  # type: ignore[method-assign]


def _no_starts() -> None:
    """Let the sampler propose from the beginning, without starting configurations."""
    for family in _families():
        family.starts = lambda _: []


def _nothing_generated() -> None:
    """Let no family compute columns from others."""
    _fix({"generated": "none"})


def _plain_targets() -> None:
    """Learn targets of ratios like all others."""
    _fix({"target": "plain", "objective": "regression"})


def _no_calibration() -> None:
    """Leave the winner's predictions as they are."""
    from automl.objective import Metric

    Metric.calibrates = property(lambda _: False)  # type: ignore[assignment, method-assign]


def _no_news() -> None:
    """Judge a trial by its own folds as they end, and not again when those of others do."""
    from automl.search._search import Search

    Search._look_again = lambda *_: None  # type: ignore[method-assign]


def _families() -> list[Any]:
    """Those of this process; each is made once."""
    from automl.families import family_names, get_family

    return [get_family(name) for name in family_names() if name != "constant"]


def _fix(values: Mapping[str, Any]) -> None:
    """Hold parameters at values, in all configurations that have them."""
    from automl.families import Start

    def held(params: Mapping[str, Any]) -> dict[str, Any]:
        return dict(params) | {k: v for k, v in values.items() if k in params}

    def hold(family: Any) -> None:
        starts, suggest = family.starts, family.suggest
        family.starts = lambda problem: [Start(held(s.params), s.rank) for s in starts(problem)]
        family.suggest = lambda trial, problem: held(suggest(trial, problem))

    for family in _families():
        hold(family)


SWITCHES = {
    "starts": _no_starts,
    "generated": _nothing_generated,
    "targets": _plain_targets,
    "calibration": _no_calibration,
    "news": _no_news,
}
