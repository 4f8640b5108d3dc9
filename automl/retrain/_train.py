"""Training a challenger: the champion's recipe again, or a search that begins with it."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from automl._fit import Observer, fit_table
from automl._spec import FitResult, FitSpec
from automl.exceptions import NoModelError
from automl.families import family_names
from automl.retrain._batch import Batch
from automl.retrain._champion import Champion

KEPT_WEIGHT = 0.9
"""The recipe leaves out the lightest members of an ensemble, as long as the others weigh so much
together: they take as long to fit as the others."""

MOST_MEMBERS = 5
MOST_FOLDS = 5

CONSTANT = "constant"


@dataclass(frozen=True)
class Recipe:
    """How a model is made: configurations, and how many folds validate them.

    Parameters
    ----------
    configurations : tuple of mapping
        Each with ``family`` and ``params``.
    folds : int
        1 stands for a holdout.
    """

    configurations: tuple[Mapping[str, Any], ...]
    folds: int = 1

    @classmethod
    def of(cls, members: Sequence[Mapping[str, Any]]) -> "Recipe":
        """Read the recipe from the members in the manifest of a saved model.

        Parameters
        ----------
        members : sequence of mapping

        Examples
        --------
        >>> members = [{"family": "linear", "params": {}, "weight": w, "models": [0, 0]}
        ...            for w in (0.05, 0.5, 0.45)]
        >>> recipe = Recipe.of(members)
        >>> len(recipe.configurations), recipe.folds
        (2, 2)
        """
        known = [m for m in members if m["family"] in family_names() and m["family"] != CONSTANT]
        total, kept, taken = sum(float(m["weight"]) for m in known), 0.0, []
        for member in sorted(known, key=lambda m: -float(m["weight"])):
            if kept >= KEPT_WEIGHT * total or len(taken) == MOST_MEMBERS:
                break
            taken.append({"family": member["family"], "params": dict(member["params"])})
            kept += float(member["weight"])
        folds = max((len(m["models"]) for m in members), default=1)
        return cls(tuple(taken), min(folds, MOST_FOLDS))

    @property
    def families(self) -> list[str]:
        """The families that it needs."""
        return list(dict.fromkeys(c["family"] for c in self.configurations))


@dataclass(frozen=True)
class Trainer:
    """Fits models as the champion was declared.

    Parameters
    ----------
    champion : Champion
    metric : object
        What was declared, or None for the champion's.
    seed : int
    n_jobs : int, optional
    memory : int or str, optional
    groups : str, optional
        Column whose groups validation must not split.
    observers : tuple of callable
    interrupted : callable
    """

    champion: Champion
    metric: Any = None
    seed: int = 0
    n_jobs: int | None = -1
    memory: int | str | None = None
    groups: str | None = None
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
        return self._fit(batch, spec)

    def search(self, recipe: Recipe, batch: Batch, seconds: float | None) -> FitResult:
        """Search, beginning with a recipe.

        Parameters
        ----------
        recipe : Recipe
        batch : Batch
        seconds : float, optional
            Without it, as many trials as the champion's search was given.
        """
        config = self.champion.manifest.get("config") or {}
        families = config.get("families") or "auto"
        wanted = [families] if isinstance(families, str) else list(families)
        allowed = recipe.families if wanted == ["auto"] else wanted
        starts = tuple(c for c in recipe.configurations if c["family"] in allowed)
        spec = self._spec(
            batch,
            time_budget=seconds,
            families=wanted,
            starts=starts,
            max_trials=config.get("max_trials"),
            ensemble=bool(config.get("ensemble", True)),
        )
        return self._fit(batch, spec)

    def _fit(self, batch: Batch, spec: FitSpec) -> FitResult:
        groups = None if self.groups is None else batch.frame[self.groups].to_numpy()
        result = fit_table(
            batch.frame,
            batch.y,
            spec,
            groups=groups,
            started=time.monotonic(),
            observers=self.observers,
            interrupted=self.interrupted,
        )
        if result.summary["winner"] == CONSTANT:
            raise NoModelError("The time was too short for anything but a constant.")
        return result

    def _spec(self, batch: Batch, **own: Any) -> FitSpec:
        """What the champion was declared with, and its columns' roles."""
        champion, config = self.champion, self.champion.manifest.get("config") or {}
        columns = set(batch.frame.columns)
        drop = [c for c in config.get("drop") or () if c in columns]
        if self.groups is not None and self.groups not in drop:
            drop.append(self.groups)
        roles = {c.name: c.role.value for c in champion.predictor.schema.features}
        types = {**roles, **(config.get("types") or {})}
        return FitSpec(
            metric=champion.metric.name if self.metric is None else self.metric,
            task=champion.predictor.target.task,
            positive_label=champion.manifest.get("positive_label"),
            seed=self.seed,
            n_jobs=self.n_jobs,
            memory=self.memory,
            types={k: v for k, v in types.items() if k in columns and k not in drop},
            drop=drop,
            **own,
        )
