"""Challengers: which ones are trained, in which part of the time, and which one is the best."""

import logging
import time
from dataclasses import dataclass, field

from automl._spec import FitResult
from automl.compute import plan_workers
from automl.exceptions import NoModelError
from automl.retrain._challenger import Challenger, broken_limit, compare
from automl.retrain._champion import Champion
from automl.retrain._compare import Demands
from automl.retrain._divide import Division
from automl.retrain._recipe import LEAST_WEIGHT, START, Recipe
from automl.retrain._settings import Retrain
from automl.retrain._train import Trainer
from automl.search import Clock

logger = logging.getLogger("automl.retrain")

REFIT_SHARE = 0.45
"""Share of the time left that making the recipe anew should take, before the comparison; as much
is for doing so again on all rows, if it wins."""
AUTO_SHARE = 0.13
"""Share of the budget for all of that in mode auto, where a search may have to follow."""
LEAST_SHARE = 0.06
"""Of the budget, should reading and checking have taken nearly all of that."""
SEARCH_SHARE = 0.75
"""Share of the time left that a search may take; its winner is fitted again on all rows."""

AUTO_SEARCH_SHARE = 0.17
"""Of the budget, for the search that follows in mode auto: a search of a quarter of the time was
within a few per cent of the whole one, and begins with the recipe."""
LATE = 1.5
"""In mode auto, making a recipe anew is cut off at so many times what it should take. Boosting
then keeps what it has; before it was cut off so, steps on a stream that grew took up to five
times what they should: what a search cut off early took was forecast for fits that nobody cut."""

MOST_SHARE = 0.6
"""Share of the time left at which making a recipe anew is cut off, should it take longer."""

COMPARE_SHARE = 0.2
"""Share of the time left that a comparison may take, where the metric is a slow one."""

BIG_FALL = 0.25
"""A champion that has lost more than this share of its skill is worth a search, if its recipe
made anew does not bring half of that back,"""
LEFT_FOR_SEARCH = 0.4
"""and so much of the budget is left."""

SPARE = 0.8
"""Share of the time left that the last fit may be expected to take."""

COMPARED = "the model that was compared"


@dataclass
class Contest:
    """Trains challengers and compares them with the champion.

    Parameters
    ----------
    champion : Champion
    settings : Retrain
    clock : Clock
    trainer : Trainer
    demands : Demands

    Attributes
    ----------
    seconds : dict of str to float
        What each part took.
    failures : list of NoModelError
        Of attempts in which everything failed.
    """

    champion: Champion
    settings: Retrain
    clock: Clock
    trainer: Trainer
    demands: Demands
    seconds: dict[str, float] = field(default_factory=dict)
    failures: list[NoModelError] = field(default_factory=list)

    def best(self, parts: Division, fallen: float) -> Challenger | None:
        """Train and compare as the mode says.

        Parameters
        ----------
        parts : Division
        fallen : float
            Share of the champion's skill that is gone on the new rows.

        Returns
        -------
        Challenger or None
            None where there was no time for any, see `why_none`.

        Raises
        ------
        NoModelError
            If all that was tried failed.
        """
        found = self._best(parts, fallen)
        if found is None and self.failures and not self.trainer.interrupted():
            raise self.failures[-1]
        return found

    def _best(self, parts: Division, fallen: float) -> Challenger | None:
        mode = self.settings.mode
        recipe = Recipe.of(self.champion.manifest).suited(self.champion.problem(parts.rows.y))
        if mode == "search" or not recipe.parts:
            return self._attempt("search", recipe, parts)
        short = recipe.within(self._for_refit(), len(parts.train), self.n_workers)
        best = self._attempt("refit", short, parts)
        if mode == "refit" or not self._worth_a_search(fallen, best):
            return best
        other = self._attempt("search", recipe, parts)
        if best is None or other is None:
            return best or other
        scores = [c.comparison.overall.challenger for c in (other, best)]
        if best.comparison.promote != other.comparison.promote:
            return best if best.comparison.promote else other
        return other if self.champion.metric.is_better(*scores) else best

    def _for_refit(self) -> float:
        """Seconds that the recipe may take before the comparison."""
        if self._aim is None:
            return REFIT_SHARE * self.clock.left
        return self._aim / 2

    @property
    def _aim(self) -> float | None:
        """Seconds that are left of what mode auto should take without a search."""
        budget = self.clock.budget
        if budget is None or self.settings.mode != "auto":
            return None
        return max(LEAST_SHARE * budget, AUTO_SHARE * budget - self.clock.elapsed)

    def _cut_off(self, most: float, share: float) -> float:
        """Seconds after which a fit is cut off that should take a share of what mode auto should;
        in other modes it may have the most that there is for it."""
        return most if self._aim is None else min(most, START + LATE * share * self._aim)

    def _for_search(self, left: float | None) -> float | None:
        """Seconds that a search may take."""
        budget = self.clock.budget
        if left is None or budget is None:
            return None
        share = AUTO_SEARCH_SHARE * budget if self.settings.mode == "auto" else left
        return min(share, SEARCH_SHARE * left)

    @property
    def n_workers(self) -> int:
        """Fits that run side by side."""
        return plan_workers(self.settings.n_jobs).n_workers

    def _worth_a_search(self, fallen: float, refit: Challenger | None) -> bool:
        """Whether the champion fell far, and its recipe does not bring it back."""
        budget = self.clock.budget
        if budget is not None and self.clock.left < LEFT_FOR_SEARCH * budget:
            return False
        if refit is None:
            return True
        if fallen <= BIG_FALL:
            return False
        metric, overall = self.champion.metric, refit.comparison.overall
        expected = metric.loss(self.champion.expected.score)
        fall = metric.loss(overall.champion) - expected
        return metric.loss(overall.challenger) - expected > fall / 2

    def _attempt(self, kind: str, recipe: Recipe, parts: Division) -> Challenger | None:
        """Train one challenger and compare it; None where time was too short or all failed."""
        began = time.monotonic()
        left = None if self.clock.budget is None else self.clock.left
        if (left is not None and left <= START) or self.trainer.interrupted():
            return None
        try:
            if kind == "refit":
                most = None if left is None else self._cut_off(MOST_SHARE * left, 0.5)
                fit = self.trainer.refit(recipe, parts.train, most)
            else:
                fit = self.trainer.search(recipe, parts.train, self._for_search(left))
                recipe = Recipe.of(fit.manifest)
        except NoModelError as error:
            logger.warning("%s: %s", kind, error)
            self.failures += [error] if error.n_failed else []
            return None
        finally:
            self.seconds[kind] = time.monotonic() - began
        began, budget = time.monotonic(), self.clock.budget
        found = compare(
            self.champion,
            fit,
            parts.recent,
            self.demands,
            slices=self.settings.slices,
            seed=self.trainer.settings.random_state,
            seconds=None if budget is None else max(START, COMPARE_SHARE * self.clock.left),
        )
        self.seconds["compare"] = self.seconds.get("compare", 0.0) + time.monotonic() - began
        return Challenger(kind, fit, recipe, *found)

    @property
    def why_none(self) -> str:
        """Why there is no challenger."""
        if self.trainer.interrupted():
            return "the job was interrupted before a challenger was trained"
        return "the time was too short to train a challenger"

    def whole(self, best: Challenger, parts: Division) -> tuple[FitResult, str]:
        """Make the winner again of all rows.

        Parameters
        ----------
        best : Challenger
        parts : Division

        Returns
        -------
        FitResult
            The model that will serve.
        str
            How it was made.
        """
        suited = best.recipe.suited(self.champion.problem(parts.rows.y))
        if not suited.parts:
            return best.fit, f"{COMPARED}; none of its families is for so many rows"
        recipe, seconds = self._for_all_rows(suited, len(parts.rows))
        if recipe is None:
            return best.fit, f"{COMPARED}; there was no time to fit it again on all rows"
        if self.trainer.interrupted():
            return best.fit, f"{COMPARED}; the job was interrupted"
        try:
            final = self.trainer.refit(recipe, parts.rows, seconds)
        except NoModelError:
            return best.fit, f"{COMPARED}; fitting it again on all rows brought nothing"
        if recipe.made(final.leaderboard) < LEAST_WEIGHT:
            return best.fit, f"{COMPARED}; fitting it again on all rows was cut off"
        if broken := broken_limit(final, parts.recent, self.demands):
            return best.fit, f"{COMPARED}; fitted again on all rows, {broken}"
        if recipe != best.recipe:
            return final, "fitted again on all rows, in less time than the one compared"
        return final, "fitted again on all rows"

    def _for_all_rows(self, recipe: Recipe, n_rows: int) -> tuple[Recipe | None, float | None]:
        """What of a recipe there is time for, all of its parts, and when it is cut off.

        In mode auto it should be done soon; where it can't be, it has the time that is left.
        """
        if self.clock.budget is None:
            return recipe, None
        left = self.clock.left
        for seconds in (self._cut_off(left, 1.0), left):
            short = recipe.within(SPARE * seconds, n_rows, self.n_workers)
            needed = short.forecast(n_rows, self.n_workers)
            all_of_it = len(short.parts) == len(recipe.parts)
            if seconds > START and needed <= SPARE * seconds and all_of_it:
                return short, seconds
        return None, None
