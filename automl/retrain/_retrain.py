"""The job: look at the data, train what is worth it, compare, promote."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from automl._fit import Observer
from automl._spec import FitResult
from automl._weights import WeightsError
from automl.compute import parse_size
from automl.exceptions import UsageError
from automl.registry import Registry
from automl.retrain._batch import Batch, as_known
from automl.retrain._challenger import Challenger
from automl.retrain._champion import Champion
from automl.retrain._checks import Report
from automl.retrain._compare import LEAST_ROWS, Demands
from automl.retrain._contest import Contest
from automl.retrain._divide import Division, divide, require_classes
from automl.retrain._look import Look, look
from automl.retrain._overlap import without_new
from automl.retrain._record import on_record
from automl.retrain._result import KEPT, NOTHING, PROMOTED, REFUSED, RetrainResult
from automl.retrain._rules import Rules
from automl.retrain._service import OWNER, champion_in, registry_for, saved
from automl.retrain._settings import Retrain
from automl.retrain._times import time_column
from automl.retrain._train import Trainer
from automl.search import Clock, parse_duration
from automl.table import Column, fingerprint, to_frame

logger = logging.getLogger("automl.retrain")

LOCK_SECONDS = 10.0
"""To wait for another job on the registry."""

CHECK_SHARE = 0.1
"""Share of the budget that telling how far the champion fell may take."""

ENDING = 1.0
"""Seconds for the registry."""


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
    with (
        registry.lock(OWNER, timeout=LOCK_SECONDS),
        on_record(registry, settings.mode, clock) as record,
    ):
        champion = champion_in(registry, given, settings.metric)
        champion = replace(champion, n_jobs=settings.n_jobs)
        record["champion"] = champion.version and champion.version.number
        if champion.manifest.get("weighted") and not (settings.weights or champion.weights):
            logger.warning(
                "The champion was fitted with weights of rows, and it is not known in which "
                "column the new ones are: challengers are fitted without. Name it (weights)."
            )
        trainer = Trainer(champion, settings, registry.scratch, observers, interrupted)
        contest = Contest(champion, settings, clock, trainer, demands)
        job = _Job(settings, clock, registry, champion, contest, Report(rules), record)
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
    contest: Contest
    report: Report
    record: dict[str, Any]
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
        self.record["data"] = {name: self.found[name] for name in ("sha256", "n_rows")}
        try:
            batch, before = self._read(frame, None if old is None else to_frame(old))
        except WeightsError as error:
            return self._refuse_weights(error)
        seen = look(
            self.report,
            champion,
            batch,
            before,
            found=self.found,
            time=settings.time,
            seed=settings.random_state,
            seconds=None if self.clock.budget is None else CHECK_SHARE * self.clock.budget,
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
        before = None
        if old is not None:
            before = Batch.read(
                old, target, name, what="the old data", needed=groups, column=self.column
            )
        if (weights := self.weights) is not None:
            batch = batch.weighed(weights, "the new data")
            before = None if before is None else before.weighed(weights, "the old data")
        return batch, before

    @property
    def weights(self) -> str | None:
        """The column of weights."""
        return self.settings.weights or self.champion.weights

    def _refuse_weights(self, error: WeightsError) -> RetrainResult:
        """Refuse rows that don't say what they count."""
        reason = str(error)
        if self.settings.weights is None:
            reason += (
                f" The champion was fitted with the weights in {self.weights!r}; if those of the "
                "new rows are elsewhere, name the column (weights)."
            )
        self.report.refuse("weights", reason, self.weights)
        return self._end(REFUSED, reason)

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
        n_recent = parts.recent.n_counting
        if n_recent < LEAST_ROWS:
            what = "recent rows" if new.weight is None else "recent rows with a weight above zero"
            return self._end(NOTHING, f"{n_recent} {what} are too few to compare on; collect more")
        require_classes(parts, predictor.target)
        best = self.contest.best(parts, seen.fallen)
        if best is None:
            return self._end(KEPT, self.contest.why_none)
        if not best.comparison.promote:
            return self._keep(best, parts)
        return self._promote(best, parts)

    # -- the end --------------------------------------------------------------------------

    def _promote(self, best: Challenger, parts: Division) -> RetrainResult:
        """Fit the winner on all rows, the recent ones among them, and let it serve."""
        began = time.monotonic()
        final, how = self.contest.whole(best, parts)
        self.seconds["final"] = time.monotonic() - began
        reason, serving = best.comparison.reason, self._serving()
        if serving == self._compared_with:
            version = self._add(best, final, PROMOTED, how, end=parts.end)
            try:
                self.registry.promote(version, reason=reason, expected=serving)
                return self._end(PROMOTED, reason, best, version)
            except UsageError:  # in this very moment
                serving = self._serving()
        else:
            self._add(best, final, KEPT, how, end=parts.end)
        reason = (
            f"version {serving} was let serve while the job trained, and not the one compared "
            f"with, {self._compared_with}; {reason}"
        )
        return self._end(KEPT, reason, best, serving)

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
        origin = {"parent": self._compared_with, "data": self.found, "end": end}
        if self.column is not None:
            origin["time"] = self.column.to_dict()
        checks = [f.to_dict() for f in self.report.findings if f.action != "ok"]
        return self.registry.add(
            saved(fit.predictor, fit.manifest),
            origin | best.lineage(fit, how),
            best.record(decision, self.champion.metric.name) | {"checks": checks},
            reason=best.comparison.reason,
        ).number

    @property
    def _compared_with(self) -> int:
        assert self.champion.version is not None
        return self.champion.version.number

    def _serving(self) -> int:
        """The version that serves now, which need not be the champion any more."""
        current = self.registry.current
        return self._compared_with if current is None else current.number

    def _end(
        self,
        decision: str,
        reason: str,
        best: Challenger | None = None,
        version: int | None = None,
    ) -> RetrainResult:
        """Say what happened."""
        overall = None if best is None else best.comparison.overall
        self.seconds |= self.contest.seconds | {"all": self.clock.elapsed}
        kinds = [kind for kind in ("refit", "search") if kind in self.seconds]
        serves = self._serving() if version is None else version
        self.record |= {"decision": decision, "reason": reason, "version": serves}
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
            weights=self.weights,
            version=serves,
            checks=tuple(self.report.findings),
            slices={} if best is None else best.slices,
            metric=self.champion.metric.name,
            seconds={name: round(value, 3) for name, value in self.seconds.items()},
        )
