"""How a model is made: which configurations, with how much weight, and what they take."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from automl.families import Problem, family_names, get_family

KEPT_WEIGHT = 0.9
"""The recipe leaves out the lightest members of an ensemble, as long as the others weigh so much
together: they take as long to fit as the others."""

MOST_MEMBERS = 6

LEAST_WEIGHT = 0.5
"""Share of a recipe's weight, or of its heaviest part's where time is short, without which what is
left of it is not worth a comparison."""

FEW_FOLDS = 3
"""Where time is short."""

START = 1.0
"""Seconds for workers to start, and for what comes after the fits."""

QUICKER = (1.0, 2.0, 3.0, 6.0)
"""Where time is short, families that can take so many times less. Boosting three times as fast
cost one per cent of the error, while leaving out members cost a fifth of it."""

UNLIKELY = 0.5
"""A fit that took less than this share of what it took before was cut off, or the machine was busy
then: it is not believed to take less."""

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

    def quicker(self, times: float) -> "Part":
        """The same in so many times less seconds, as far as the family can.

        Examples
        --------
        >>> part = Part("linear", {"alpha": 1.0}, 1.0, seconds=0.01)
        >>> part.quicker(2.0) == part
        True
        """
        params, less = get_family(self.family).quicker(self.params, times)
        return replace(self, params=params, seconds=self.seconds / less)


@dataclass(frozen=True)
class Recipe:
    """How a model is made: configurations, and how many folds validate them.

    Parameters
    ----------
    parts : tuple of Part
        The heaviest first.
    folds : int
        1 stands for a holdout.
    whole : Recipe, optional
        Of which this is what time allows.
    """

    parts: tuple[Part, ...]
    folds: int = 1
    whole: "Recipe | None" = None

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
        if stored := manifest.get("recipe"):
            whole = (Part(**part) for part in stored["parts"] if part["family"] in known)
            return cls(tuple(whole), stored["folds"])
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

    def suited(self, problem: Problem) -> "Recipe":
        """Leave out families that a table has outgrown; the whole recipe stays on record.

        Parameters
        ----------
        problem : Problem

        Examples
        --------
        >>> recipe = Recipe((Part("linear", {}, 1.0),), 5)
        >>> grown = recipe.suited(Problem("regression", n_rows=10**7, n_columns=8))
        >>> grown.parts, len(grown.whole.parts)
        ((), 1)
        """
        parts = tuple(p for p in self.parts if get_family(p.family).supports(problem))
        return self if parts == self.parts else Recipe(parts, self.folds, self.whole or self)

    def within(self, seconds: float, n_rows: int, n_workers: int) -> "Recipe":
        """Return what of the recipe fits into some time.

        First there are fewer folds, then quicker parameters, then fewer parts. If those left
        have less than half of the heaviest part's weight, it would hardly be the same model: that
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
        whole, folds = self.whole or self, min(self.folds, FEW_FOLDS)
        quick = self.parts
        for times in QUICKER:
            quick = tuple(part.quicker(times) for part in self.parts)
            if (all_of_it := Recipe(quick, folds, whole)).forecast(n_rows, n_workers) <= seconds:
                return all_of_it
        small = Recipe((), folds, whole)
        for part in quick:
            wider = Recipe((*small.parts, part), folds, whole)
            if wider.forecast(n_rows, n_workers) <= seconds:
                small = wider
        weight = sum(part.weight for part in small.parts)
        if weight < LEAST_WEIGHT * self.parts[0].weight:
            return Recipe(quick[:1], folds, whole)
        return small

    def forecast(self, n_rows: int, n_workers: int) -> float:
        """Seconds that it should take; 0 where that is not known.

        Parameters
        ----------
        n_rows : int
        n_workers : int
        """
        fits = sum(p.seconds * (max(1, self.folds) if p.folded else 1) for p in self.parts)
        longest = max((part.seconds for part in self.parts), default=0.0)  # is never divided
        return START + max(fits / n_workers, longest) * n_rows if fits else 0.0

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

    def stored(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the manifest of a model says that was made by it: the whole recipe.

        So that what one night had no time for, the next one may have.

        Parameters
        ----------
        manifest : mapping
            Of the model. Where it says what a fit took, that is believed.
        """
        whole = self.whole or self
        made = {_key(part): part.seconds for part in Recipe.of(manifest).parts}
        by_params = dict(zip(map(_key, self.parts), self.parts, strict=True))
        parts = []
        for part in whole.parts:
            quick = next((p for t in QUICKER if (p := by_params.get(_key(part.quicker(t))))), part)
            seconds, expected = made.get(_key(quick), 0.0), quick.seconds
            if seconds and expected:
                times = max(seconds / expected, UNLIKELY)
                part = replace(part, seconds=part.seconds * times)
            parts.append({**asdict(part), "params": dict(part.params)})
        return {"parts": parts, "folds": whole.folds}

    @property
    def configurations(self) -> tuple[dict[str, Any], ...]:
        """Of all parts."""
        return tuple(part.configuration for part in self.parts)

    @property
    def families(self) -> list[str]:
        """The families that it needs."""
        return list(dict.fromkeys(part.family for part in self.parts))


def _key(part: Part) -> tuple[str, str]:
    """Tells configurations apart."""
    return part.family, repr(sorted(part.params.items()))


def _heaviest(parts: Sequence[Part], share: float) -> tuple[Part, ...]:
    """The heaviest parts that together have a share of the weight."""
    total, kept, taken = sum(p.weight for p in parts), 0.0, []
    for part in parts[:MOST_MEMBERS]:
        if kept < share * total:
            taken.append(part)
            kept += part.weight
    return tuple(taken)
