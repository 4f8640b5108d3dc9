"""Training a challenger: the champion's recipe again, or a search that begins with it."""

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from automl._fit import Observer, fit_table
from automl._spec import FitResult, FitSpec
from automl.exceptions import NoModelError
from automl.families import Problem, get_family, named_families
from automl.retrain._batch import Batch
from automl.retrain._champion import Champion
from automl.retrain._recipe import CONSTANT, Recipe
from automl.retrain._settings import Retrain

DECLARED = ("families", "max_trials", "time_budget", "ensemble", "cv")
"""Of a search, what its successors keep; the configuration of a refit is that of no search."""

USUAL_SECONDS = 60.0
"""For a search without a limit, where that of the champion's is not known."""


def still_suited(declared: Sequence[str], problem: Problem) -> list[str]:
    """Families for a table that has grown since they were declared.

    Parameters
    ----------
    declared : sequence of str
    problem : Problem

    Returns
    -------
    list of str
        Those that suit the table; ``["auto"]`` where none does.

    Examples
    --------
    >>> still_suited(["linear", "auto"], Problem("regression", n_rows=10**7, n_columns=8))
    ['auto']
    """
    suits = {n: n in ("auto", CONSTANT) or get_family(n).supports(problem) for n in declared}
    kept = [n for n in declared if suits[n]]
    return kept if set(kept) - {CONSTANT} else ["auto"]


@dataclass(frozen=True)
class Trainer:
    """Fits models as the champion was declared.

    Parameters
    ----------
    champion : Champion
    settings : Retrain
    scratch : Path, optional
        Folder for the runs' files; a temporary one by default.
    observers : tuple of callable
    interrupted : callable
    """

    champion: Champion
    settings: Retrain = field(default_factory=Retrain)
    scratch: Path | None = None
    observers: tuple[Observer, ...] = ()
    interrupted: Callable[[], bool] = lambda: False

    def refit(self, recipe: Recipe, batch: Batch, seconds: float | None) -> FitResult:
        """Make a model by a recipe, without a search.

        Parameters
        ----------
        recipe : Recipe
        batch : Batch
        seconds : float, optional

        Raises
        ------
        NoModelError
            If time was too short for any of it.
        """
        few = {} if seconds is not None else {"max_trials": len(recipe.configurations)}
        spec = self._spec(
            batch,
            time_budget=seconds,
            families=recipe.families,
            configurations=recipe.configurations,
            cv=recipe.folds if recipe.folds > 1 else "auto",
            pruning=False,
            early_stopping=False,
            **few,
        )
        found = self._fit(batch, spec)
        return replace(found, manifest={**found.manifest, "recipe": recipe.stored(found.manifest)})

    def search(self, recipe: Recipe, batch: Batch, seconds: float | None) -> FitResult:
        """Search, beginning with a recipe.

        Parameters
        ----------
        recipe : Recipe
        batch : Batch
        seconds : float, optional
            Without it, as many trials as the champion's search was given, or as much time.
        """
        declared = self.declared
        wanted = named_families(declared.get("families") or "auto")
        wanted = still_suited(wanted, self.champion.problem(batch.y))
        allowed = recipe.families if wanted == ["auto"] else wanted
        starts = tuple(c for c in recipe.configurations if c["family"] in allowed)
        most, folds = declared.get("max_trials"), declared.get("cv")
        if seconds is None and most is None:
            seconds = declared.get("time_budget") or USUAL_SECONDS
        spec = self._spec(
            batch,
            time_budget=seconds,
            families=wanted,
            starts=starts,
            max_trials=most,
            ensemble=bool(declared.get("ensemble", True)),
            cv=folds if isinstance(folds, int) else "auto",
        )
        return self._fit(batch, spec)

    @property
    def declared(self) -> dict[str, Any]:
        """What the search was declared with from which the champion, or its recipe, comes."""
        manifest = self.champion.manifest
        found = manifest.get("search") or manifest.get("config") or {}
        return {name: found[name] for name in DECLARED if name in found}

    def _fit(self, batch: Batch, spec: FitSpec) -> FitResult:
        name = self.settings.groups
        groups = None if name is None else batch.frame[name].to_numpy()
        result = fit_table(
            batch.frame,
            batch.y,
            spec,
            sample_weight=batch.weight,
            groups=groups,
            started=time.monotonic(),
            observers=self.observers,
            interrupted=self.interrupted,
        )
        if result.summary["winner"] == CONSTANT:
            raise NoModelError("The time was too short for anything but a constant.")
        return replace(result, manifest={**result.manifest, "search": self.declared})

    def _spec(self, batch: Batch, **own: Any) -> FitSpec:
        """What the champion was declared with, and its columns' roles."""
        champion, settings = self.champion, self.settings
        config = champion.manifest.get("config") or {}
        columns = set(batch.frame.columns)
        left_out = {*(config.get("drop") or ()), self.settings.groups, *batch.aside}
        # A column that came to be there by chance must not become one that predictions need.
        known = set(champion.predictor.schema.names)
        drop = [c for c in batch.frame.columns if c in left_out or c not in known]
        features = champion.predictor.schema.features
        roles = {c.name: c.role.value for c in features if not c.spelled}
        types = {**roles, **(config.get("types") or {})}
        return FitSpec(
            metric=settings.metric or champion.metric.name,
            task=champion.predictor.target.task,
            positive_label=champion.manifest.get("positive_label"),
            seed=settings.random_state,
            n_jobs=settings.n_jobs,
            memory=settings.memory,
            run_dir=self._folder(),
            types={k: v for k, v in types.items() if k in columns and k not in drop},
            drop=drop,
            text_encoder=config.get("text_encoder", "ngrams"),
            like=champion.predictor.schema,
            **own,
        )

    def _folder(self) -> Path | None:
        """A new folder for a run's files."""
        if self.scratch is None:
            return None
        return Path(tempfile.mkdtemp(prefix="run-", dir=self.scratch))
