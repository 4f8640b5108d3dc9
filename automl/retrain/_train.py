"""Training a challenger: the champion's recipe again, or a search that begins with it."""

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from automl._fit import Observer, fit_table
from automl._spec import FitResult, FitSpec
from automl.exceptions import NoModelError
from automl.families import family_names
from automl.retrain._batch import Batch
from automl.retrain._champion import Champion
from automl.retrain._settings import Retrain

KEPT_WEIGHT = 0.9
"""The recipe leaves out the lightest members of an ensemble, as long as the others weigh so much
together: they take as long to fit as the others."""

MOST_MEMBERS = 6

LEAST_WEIGHT = 0.5
"""Share of a recipe's weight without which what is left of it is not worth a comparison."""

FEW_FOLDS = 3
"""Where time is short."""

START = 1.0
"""Seconds for workers to start, and for what comes after the fits."""

DECLARED = ("families", "max_trials", "time_budget", "ensemble", "cv")
"""Of a search, what its successors keep; the configuration of a refit is that of no search."""

USUAL_SECONDS = 60.0
"""For a search without a limit, where that of the champion's is not known."""

CONSTANT = "constant"


@dataclass(frozen=True)
class Part:
    """One configuration of a recipe.

    Parameters
    ----------
    family : str
    params : mapping
    weight : float
    seconds : float
        That one of its fits took for each row of the table; 0 if that is not known.
    folded : bool
        Whether it is fitted once for each fold.
    """

    family: str
    params: Mapping[str, Any]
    weight: float
    seconds: float = 0.0
    folded: bool = True

    @property
    def configuration(self) -> dict[str, Any]:
        """As :class:`automl.AutoModel` takes it."""
        return {"family": self.family, "params": dict(self.params)}


@dataclass(frozen=True)
class Recipe:
    """How a model is made: configurations, and how many folds validate them.

    Parameters
    ----------
    parts : tuple of Part
        The heaviest first.
    folds : int
        1 stands for a holdout.
    """

    parts: tuple[Part, ...]
    folds: int = 1

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> "Recipe":
        """Read the recipe from the manifest of a saved model.

        Parameters
        ----------
        manifest : mapping

        Examples
        --------
        >>> members = [{"name": f"linear-{w}", "family": "linear", "params": {}, "weight": w,
        ...             "models": [0, 0]} for w in (0.05, 0.5, 0.45)]
        >>> recipe = Recipe.of({"members": members, "n_rows": 100})
        >>> [part.weight for part in recipe.parts], recipe.folds
        ([0.5, 0.45], 2)
        """
        members, known = manifest["members"], set(family_names()) - {CONSTANT}
        seconds, n_rows = manifest.get("seconds") or {}, manifest.get("n_rows") or 1
        parts = [
            Part(
                m["family"],
                m["params"],
                float(m["weight"]),
                float(seconds.get(m["name"], 0.0)) / (n_rows * len(m["models"])),
                len(m["models"]) > 1,
            )
            for m in members
            if m["family"] in known
        ]
        folds = max((len(m["models"]) for m in members), default=1)
        parts = sorted(parts, key=lambda part: -part.weight)
        return cls(_heaviest(parts, KEPT_WEIGHT), folds)

    def within(self, seconds: float, n_rows: int, n_workers: int) -> "Recipe":
        """Return what of the recipe fits into some time: fewer folds, then fewer parts.

        If that has less than half of the weight, it would hardly be the same model: the heaviest
        part alone is returned then, although it takes longer.

        Parameters
        ----------
        seconds : float
        n_rows : int
        n_workers : int

        Examples
        --------
        >>> recipe = Recipe((Part("linear", {}, 0.5, 0.1), Part("linear", {}, 0.5, 0.01)), 5)
        >>> recipe.within(60.0, 100, 1) == recipe
        True
        >>> small = recipe.within(5.0, 100, 1)
        >>> [part.seconds for part in small.parts], small.folds
        ([0.01], 3)
        """
        if self.forecast(n_rows, n_workers) <= seconds or not self.parts:
            return self
        folds = min(self.folds, FEW_FOLDS)
        small = Recipe((), folds)
        for part in self.parts:
            wider = Recipe((*small.parts, part), folds)
            if wider.forecast(n_rows, n_workers) <= seconds:
                small = wider
        weight = sum(part.weight for part in small.parts)
        if weight < LEAST_WEIGHT * sum(part.weight for part in self.parts):
            return Recipe(self.parts[:1], folds)
        return small

    def forecast(self, n_rows: int, n_workers: int) -> float:
        """Seconds that it should take; 0 where that is not known.

        Parameters
        ----------
        n_rows : int
        n_workers : int
        """
        fits = sum(p.seconds * (max(1, self.folds) if p.folded else 1) for p in self.parts)
        return START + fits * n_rows / n_workers if fits else 0.0

    def made(self, leaderboard: Sequence[Mapping[str, Any]]) -> float:
        """Return the share of its weight that a fit came to make; the heaviest parts go first.

        Parameters
        ----------
        leaderboard : sequence of mapping
            Of the fit.

        Examples
        --------
        >>> recipe = Recipe((Part("linear", {}, 0.6), Part("linear", {}, 0.2)))
        >>> round(recipe.made([{"family": "linear", "state": "complete"}]), 2)
        0.75
        """
        done = [row["family"] for row in leaderboard if row["state"] == "complete"]
        weight = 0.0
        for part in self.parts:
            if part.family in done:
                done.remove(part.family)
                weight += part.weight
        return weight / (sum(part.weight for part in self.parts) or 1.0)

    @property
    def configurations(self) -> tuple[dict[str, Any], ...]:
        """Of all parts."""
        return tuple(part.configuration for part in self.parts)

    @property
    def families(self) -> list[str]:
        """The families that it needs."""
        return list(dict.fromkeys(part.family for part in self.parts))


def _heaviest(parts: Sequence[Part], share: float) -> tuple[Part, ...]:
    """The heaviest parts that together have a share of the weight."""
    total, kept, taken = sum(p.weight for p in parts), 0.0, []
    for part in parts[:MOST_MEMBERS]:
        if kept < share * total:
            taken.append(part)
            kept += part.weight
    return tuple(taken)


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
        return self._fit(batch, spec)

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
        families = declared.get("families") or "auto"
        wanted = [families] if isinstance(families, str) else list(families)
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
        left_out = {*(config.get("drop") or ()), self.settings.groups}
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
            **own,
        )

    def _folder(self) -> Path | None:
        """A new folder for a run's files."""
        if self.scratch is None:
            return None
        return Path(tempfile.mkdtemp(prefix="run-", dir=self.scratch))
