"""The job: look at the data, train what is worth it, compare, promote."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from automl._fit import Observer
from automl._spec import FitResult
from automl.compute import parse_size, plan_workers
from automl.exceptions import NoModelError
from automl.registry import Registry
from automl.retrain._batch import Batch, as_known
from automl.retrain._challenger import Challenger, compare
from automl.retrain._champion import Champion
from automl.retrain._checks import Report
from automl.retrain._compare import LEAST_ROWS, Demands
from automl.retrain._divide import Division, divide
from automl.retrain._look import Look, look
from automl.retrain._overlap import without_new
from automl.retrain._result import KEPT, NOTHING, PROMOTED, REFUSED, RetrainResult
from automl.retrain._rules import Rules
from automl.retrain._service import OWNER, champion_in, registry_for, saved
from automl.retrain._settings import Retrain
from automl.retrain._times import time_column
from automl.retrain._train import Recipe, Trainer
from automl.search import Clock, parse_duration
from automl.table import Column, fingerprint, to_frame

logger = logging.getLogger("automl.retrain")

LOCK_SECONDS = 10.0
"""To wait for another job on the registry."""

REFIT_SHARE = 0.45
"""Share of the time left that making the recipe anew should take, before the comparison; as much
is for doing so again on all rows, if it wins."""
AUTO_SHARE = 0.18
"""Share of the budget for all of that in mode auto, where a search may have to follow."""
LEAST_SHARE = 0.1
"""Of the budget, should reading and checking have taken nearly all of that."""
SEARCH_SHARE = 0.75
"""Share of the time left that a search may take; its winner is fitted again on all rows."""

MOST_SHARE = 0.6
"""Share of the time left at which making a recipe anew is cut off, should it take longer."""

ENDING = 1.0
"""Seconds for the registry."""

BIG_FALL = 0.25
"""A champion that has lost more than this share of its skill is worth a search, if its recipe
made anew does not bring half of that back,"""
LEFT_FOR_SEARCH = 0.4
"""and so much of the budget is left."""

SPARE = 0.8
"""Share of the time left that the last fit may be expected to take."""


def run_job(
    settings: Retrain,
    data: tuple[Any, Any, Any],
    *,
    started: float | None = None,
    observers: tuple[Observer, ...] = (),
    interrupted: Callable[[], bool] = lambda: False,
) -> RetrainResult:
    """Run a retraining; see :meth:`automl.retrain.Retrain.run`."""
    budget = None if settings.time_budget is None else parse_duration(settings.time_budget)
    clock = Clock(time.monotonic() if started is None else started, budget, ENDING)
    given, new, old = data
    rules = Rules.read(settings.checks)
    demands = _demands(settings)
    registry = registry_for(given, settings.out)
    with registry.lock(OWNER, timeout=LOCK_SECONDS):
        champion = champion_in(registry, given, settings.metric)
        trainer = Trainer(
            champion,
            settings.metric,
            settings.random_state,
            settings.n_jobs,
            settings.memory,
            settings.groups,
            observers,
            interrupted,
        )
        job = _Job(settings, clock, registry, champion, trainer, Report(rules), demands)
        return job.run(new, old)


def _demands(settings: Retrain) -> Demands:
    size = settings.max_size
    return Demands(
        settings.margin,
        settings.min_score,
        None if size is None else parse_size(size),
        None if settings.max_latency is None else settings.max_latency / 1000,
    )


@dataclass
class _Job:
    """One retraining, with what it knows so far."""

    settings: Retrain
    clock: Clock
    registry: Registry
    champion: Champion
    trainer: Trainer
    report: Report
    demands: Demands
    seconds: dict[str, float] = field(default_factory=dict)
    found: Mapping[str, Any] = field(default_factory=dict)
    column: Column | None = None

    # -- the course of it -----------------------------------------------------------------

    def run(self, new: Any, old: Any) -> RetrainResult:
        """From two tables to a decision."""
        settings, champion = self.settings, self.champion
        began = time.monotonic()
        frame = to_frame(new)
        self.found = fingerprint(frame, time=settings.time)
        batch, before = self._read(frame, None if old is None else to_frame(old))
        seen = look(
            self.report,
            champion,
            batch,
            before,
            found=self.found,
            time=settings.time,
            seed=settings.random_state,
        )
        self.seconds["checks"] = time.monotonic() - began
        early = self._without_training(seen)
        if early is not None:
            return self._end(*early)
        return self._train(seen, before)

    def _read(self, frame: pd.DataFrame, old: pd.DataFrame | None) -> tuple[Batch, Batch | None]:
        """The new rows and the old ones, their time read in the same way."""
        settings, champion = self.settings, self.champion
        target, name = settings.target or champion.target, settings.time
        groups = [] if settings.groups is None else [settings.groups]
        if name is not None:
            tables = [table for table in (frame, old) if table is not None]
            self.column = time_column(name, tables, champion.time_column(name))
        needed = [*groups, *settings.slices]
        batch = Batch.read(
            frame, target, name, what="the new data", needed=needed, column=self.column
        )
        if old is None:
            return batch, None
        return batch, Batch.read(
            old, target, name, what="the old data", needed=groups, column=self.column
        )

    def _without_training(self, seen: Look) -> tuple[str, str] | None:
        """The decision, where it needs no training."""
        if self.report.refused:
            return REFUSED, "; ".join(f.message for f in self.report.of("refuse"))
        if found := self.report.of("nothing"):
            return NOTHING, "; ".join(f.message for f in found)
        if self.settings.mode == "auto" and not self.report.of("retrain"):
            return (
                NOTHING,
                "the new rows are as expected, and few beside those trained on",
            )
        return None

    def _train(self, seen: Look, before: Batch | None) -> RetrainResult:
        """Train challengers until one wins or there is no reason to go on."""
        settings, predictor = self.settings, self.champion.predictor
        new = as_known(seen.batch, predictor.target)
        if before is not None:
            before = as_known(before, predictor.target, "the old data")
            before = without_new(before, new, predictor.schema)
        parts = divide(
            new,
            before,
            end=seen.end,
            window=settings.window,
            seed=settings.random_state,
            groups=settings.groups,
        )
        n_recent = len(parts.recent)
        if n_recent < LEAST_ROWS:
            return self._end(
                NOTHING, f"{n_recent} recent rows are too few to compare on; collect more"
            )
        best = self._best(seen, parts)
        if best is None:
            return self._end(KEPT, "the time was too short to train a challenger")
        if not best.comparison.promote:
            return self._keep(best, parts)
        return self._promote(best, parts)

    def _best(self, seen: Look, parts: Division) -> Challenger | None:
        """The challenger of this mode."""
        mode = self.settings.mode
        recipe = Recipe.of(self.champion.manifest)
        if mode == "search" or not recipe.parts:
            return self._attempt("search", recipe, parts)
        short = recipe.within(self._for_refit(), len(parts.train), self.n_workers)
        best = self._attempt("refit", short, parts)
        if mode == "refit" or not self._worth_a_search(seen, best):
            return best
        other = self._attempt("search", recipe, parts)
        if best is None or other is None:
            return best or other
        scores = [c.comparison.overall.challenger for c in (other, best)]
        if best.comparison.promote and not other.comparison.promote:
            return best
        return other if self.champion.metric.is_better(*scores) else best

    def _for_refit(self) -> float:
        """Seconds that the recipe may take before the comparison."""
        budget, left = self.clock.budget, self.clock.left
        if budget is None or self.settings.mode != "auto":
            return REFIT_SHARE * left
        return max(LEAST_SHARE * budget, AUTO_SHARE * budget - self.clock.elapsed) / 2

    @property
    def n_workers(self) -> int:
        """Fits that run side by side."""
        return plan_workers(self.settings.n_jobs).n_workers

    def _worth_a_search(self, seen: Look, refit: Challenger | None) -> bool:
        """Whether the champion fell far, and its recipe does not bring it back."""
        budget = self.clock.budget
        if budget is not None and self.clock.left < LEFT_FOR_SEARCH * budget:
            return False
        if refit is None:
            return True
        if seen.fallen <= BIG_FALL:
            return False
        metric, overall = self.champion.metric, refit.comparison.overall
        expected = metric.loss(self.champion.expected.score)
        fall = metric.loss(overall.champion) - expected
        return metric.loss(overall.challenger) - expected > fall / 2

    def _attempt(self, kind: str, recipe: Recipe, parts: Division) -> Challenger | None:
        """Train one challenger and compare it; None where time was too short."""
        began = time.monotonic()
        left = None if self.clock.budget is None else self.clock.left
        try:
            if kind == "refit":
                fit = self.trainer.refit(recipe, parts.train, left and MOST_SHARE * left)
            else:
                fit = self.trainer.search(recipe, parts.train, left and SEARCH_SHARE * left)
                recipe = Recipe.of(fit.manifest)
        except NoModelError as error:
            logger.warning("%s: %s", kind, error)
            return None
        finally:
            self.seconds[kind] = time.monotonic() - began
        began = time.monotonic()
        found = compare(
            self.champion,
            fit,
            parts.recent,
            self.demands,
            slices=self.settings.slices,
            seed=self.trainer.seed,
        )
        self.seconds["compare"] = self.seconds.get("compare", 0.0) + time.monotonic() - began
        return Challenger(kind, fit, recipe, *found)

    # -- the end --------------------------------------------------------------------------

    def _promote(self, best: Challenger, parts: Division) -> RetrainResult:
        """Fit the winner on all rows, the recent ones among them, and let it serve."""
        began = time.monotonic()
        final, how = self._whole(best, parts)
        self.seconds["final"] = time.monotonic() - began
        version = self._add(best, final, PROMOTED, how, end=parts.end)
        self.registry.promote(
            version, reason=best.comparison.reason, expected=self._current_number()
        )
        return self._end(PROMOTED, best.comparison.reason, best, version)

    def _whole(self, best: Challenger, parts: Division) -> tuple[FitResult, str]:
        """The model that will serve, and how it was made."""
        kept = "the model that was compared; there was no time to fit it again on all rows"
        left = None if self.clock.budget is None else self.clock.left
        needed = best.recipe.forecast(len(parts.rows), self.n_workers)
        if left is not None and needed > SPARE * left:
            return best.fit, kept
        if self.trainer.interrupted():
            return best.fit, kept
        try:
            return self.trainer.refit(best.recipe, parts.rows, left), "fitted again on all rows"
        except NoModelError:
            return best.fit, kept

    def _keep(self, best: Challenger, parts: Division) -> RetrainResult:
        """Leave the champion in service, and the challenger on record."""
        self._add(best, best.fit, KEPT, "the model that was compared", end=parts.end)
        return self._end(KEPT, best.comparison.reason, best)

    def _add(
        self,
        best: Challenger,
        fit: FitResult,
        decision: str,
        how: str,
        *,
        end: float | None,
    ) -> int:
        """Put a model into the registry with where it comes from."""
        origin = {"parent": self._current_number(), "data": self.found, "end": end}
        if self.column is not None:
            origin["time"] = self.column.to_dict()
        checks = [f.to_dict() for f in self.report.findings if f.action != "ok"]
        return self.registry.add(
            saved(fit.predictor, fit.manifest),
            origin | best.lineage(fit, how),
            best.record(decision, self.champion.metric.name) | {"checks": checks},
            reason=best.comparison.reason,
        ).number

    def _current_number(self) -> int:
        assert self.champion.version is not None
        return self.champion.version.number

    def _end(
        self,
        decision: str,
        reason: str,
        best: Challenger | None = None,
        version: int | None = None,
    ) -> RetrainResult:
        """Say what happened."""
        overall = None if best is None else best.comparison.overall
        self.seconds["all"] = self.clock.elapsed
        kinds = [kind for kind in ("refit", "search") if kind in self.seconds]
        return RetrainResult(
            decision=decision,
            reason=reason,
            mode=self.settings.mode,
            trained=", ".join(kinds),
            registry=str(self.registry.path),
            champion=self.champion.describe()
            | ({} if overall is None else {"score": overall.champion}),
            challenger=None if best is None else best.describe(),
            difference=None if overall is None else overall.difference,
            interval=None if overall is None else overall.interval,
            version=self._current_number() if version is None else version,
            checks=tuple(self.report.findings),
            slices={} if best is None else best.slices,
            metric=self.champion.metric.name,
            seconds={name: round(value, 3) for name, value in self.seconds.items()},
        )
