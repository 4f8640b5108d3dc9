"""Which family proposes next: by what it promises per second."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Account:
    """What one family has spent and won.

    Parameters
    ----------
    seconds : float
        Seconds spent so far.
    best : float
        Smallest loss so far.
    wins : list of (float, float)
        Seconds spent at each improvement of the family's best, and the loss then.
    """

    seconds: float = 0.0
    best: float = float("inf")
    wins: list[tuple[float, float]] = field(default_factory=list)

    def book(self, seconds: float, loss: float | None) -> None:
        """Enter a trial that ended; `loss` is ``None`` if it was pruned or failed."""
        self.seconds += seconds
        if loss is not None and loss < self.best:
            self.best = loss
            self.wins.append((self.seconds, loss))

    def cost_of_improvement(self, leader: float) -> float:
        """Estimated seconds until this family improves on itself or reaches the leader.

        Notes
        -----
        The rule of FLAML (Wang, Wu, Weimer, Zhu 2021): the time since its last improvement or
        between the last two, whichever is longer, and at least twice its gap to the leader over
        its speed.
        """
        if not self.wins:
            return max(self.seconds, 1e-3)
        since = self.seconds - self.wins[-1][0]
        previous = self.wins[-2] if len(self.wins) > 1 else (0.0, float("inf"))
        between = self.wins[-1][0] - previous[0]
        cost = max(since, between)
        gained = previous[1] - self.best
        if self.best > leader and np.isfinite(gained) and gained > 0:
            cost = max(cost, 2 * (self.best - leader) / (gained / max(between, 1e-3)))
        elif self.best > leader:
            cost = max(cost, 2 * self.seconds)
        return max(cost, 1e-3)


class Bandit:
    """Chooses a family with a probability proportional to 1 / its cost of improvement.

    Parameters
    ----------
    names : sequence of str
    seed : int

    Examples
    --------
    >>> bandit = Bandit(["quick", "slow"], seed=0)
    >>> bandit.book("quick", seconds=1.0, loss=0.5)
    >>> bandit.book("slow", seconds=50.0, loss=0.6)
    >>> picks = [bandit.choose(["quick", "slow"]) for _ in range(100)]
    >>> picks.count("quick") > picks.count("slow")
    True
    """

    def __init__(self, names: Sequence[str], seed: int) -> None:
        self.accounts: Mapping[str, Account] = {name: Account() for name in names}
        self._rng = np.random.default_rng(seed)

    def book(self, name: str, seconds: float, loss: float | None) -> None:
        """Enter a trial of the family `name` that ended."""
        self.accounts[name].book(seconds, loss)

    def choose(self, names: Sequence[str]) -> str:
        """Draw one of `names`."""
        leader = min(a.best for a in self.accounts.values())
        costs = np.array([self.accounts[n].cost_of_improvement(leader) for n in names])
        shares = (1 / costs) / (1 / costs).sum()
        return str(self._rng.choice(list(names), p=shares))
