"""Which family proposes next: by what it promises per second."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import erf, exp, pi, sqrt

import numpy as np

PRIOR_SPREAD = 0.02
"""Spread of a family's losses before they are known, as a share of the way from the baseline to
the leader: tuning moves a score by a few per cent of what the model gains at all."""

IN_VAIN = 2.0
"""After so many trials of a family since its best one its promise is half of what it was."""

OWN_SHARE = 0.25
"""What an improvement on a family's own best counts, against one on the leader: it may still
help the ensemble."""


def expected_improvement(mean: float, spread: float, target: float) -> float:
    """How far a normal loss is expected to fall below `target`, counting only falls.

    Examples
    --------
    >>> round(expected_improvement(0.0, 1.0, 0.0), 3)
    0.399
    >>> expected_improvement(5.0, 1.0, 0.0) < 1e-6
    True
    """
    z = (target - mean) / spread
    density = exp(-z * z / 2) / sqrt(2 * pi)
    return spread * (z * (1 + erf(z / sqrt(2))) / 2 + density)


@dataclass
class Account:
    """What one family has spent and won.

    Parameters
    ----------
    losses : list of float
        Of its finished trials.
    seconds : list of float
        Spent on each trial, those that were pruned or failed included.
    in_vain : int
        Trials since the best one.
    """

    losses: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    in_vain: int = 0

    def book(self, seconds: float, loss: float | None) -> None:
        """Enter a trial; `loss` is ``None`` if it was pruned or failed."""
        self.seconds.append(seconds)
        better = loss is not None and loss < min(self.losses, default=float("inf"))
        self.in_vain = 0 if better else self.in_vain + 1
        self.losses += [] if loss is None else [loss]

    def promise(self, leader: float, gap: float) -> float:
        """Expected improvement per second of the family's next trial."""
        cost = max(float(np.mean(self.seconds)), 1e-3) if self.seconds else 1e-3
        if not self.losses:  # tried in vain: less and less likely to be drawn
            return gap * PRIOR_SPREAD / cost / (1 + len(self.seconds)) ** 2
        best = min(self.losses)
        deviations = np.asarray(self.losses) - np.mean(self.losses)
        prior = (PRIOR_SPREAD * gap) ** 2
        spread = sqrt((2 * prior + float(deviations @ deviations)) / (len(self.losses) + 1))
        mean = best + spread / 2
        gain = expected_improvement(mean, spread, leader)
        own = expected_improvement(mean, spread, best)
        nearness = exp(-(best - leader) / (5 * PRIOR_SPREAD * gap))
        return (gain + OWN_SHARE * nearness * own) / cost / (1 + self.in_vain / IN_VAIN)


class Bandit:
    """Draws a family with a probability proportional to its expected improvement per second.

    Parameters
    ----------
    names : sequence of str
    seed : int

    Attributes
    ----------
    baseline : float
        Loss of the constant baseline: the scale on which gains are judged.

    References
    ----------
    Snoek, Larochelle, Adams (2012), Practical Bayesian optimization of machine learning
    algorithms (expected improvement per second).

    Examples
    --------
    >>> bandit = Bandit(["quick", "slow"], seed=0)
    >>> bandit.baseline = 1.0
    >>> bandit.book("quick", seconds=1.0, loss=0.5)
    >>> bandit.book("slow", seconds=50.0, loss=0.5)
    >>> picks = [bandit.choose(["quick", "slow"]) for _ in range(100)]
    >>> picks.count("quick") > picks.count("slow")
    True
    """

    def __init__(self, names: Sequence[str], seed: int) -> None:
        self.baseline = float("nan")
        self.accounts: Mapping[str, Account] = {name: Account() for name in names}
        self._rng = np.random.default_rng(seed)

    def book(self, name: str, seconds: float, loss: float | None) -> None:
        """Enter a trial of the family `name`; `loss` is ``None`` if it was pruned or failed."""
        self.accounts[name].book(seconds, loss)

    def choose(self, names: Sequence[str]) -> str:
        """Draw one of `names`."""
        losses = [loss for a in self.accounts.values() for loss in a.losses]
        leader = min(losses, default=0.0)
        gap = self.baseline - leader if losses else 1.0
        gap = gap if np.isfinite(gap) else 0.0
        gap = max(gap, 1e-9 * abs(leader), 1e-100)  # its square must not vanish
        promises = np.array([self.accounts[n].promise(leader, gap) for n in names])
        promises = np.maximum(promises, 1e-12 * max(float(promises.max()), 1e-12))
        return str(self._rng.choice(list(names), p=promises / promises.sum()))
