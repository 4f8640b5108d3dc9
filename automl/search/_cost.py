"""How long things take here, learned from what ran."""

from dataclasses import dataclass, field
from math import erfc, exp, log, pi, sqrt
from statistics import NormalDist
from typing import Protocol

import numpy as np

from automl.families import Params, Problem

FIXED = 0.01
"""Seconds of a fit that no work explains: of the order of the hand-over to a worker and back."""

THREADS = 0.65
"""A fit on t threads is t ** 0.65 times as fast: 1.57 times was measured on two, for boosters."""

TYPICAL_UNIT = 2e-6
"""Seconds per unit of work of a family that nobody measured."""

MACHINE = 0.7
FAMILY = 0.5
UNKNOWN = 3.0
SLOPE = 0.2
"""Spreads of log seconds before anything ran: of all fits together (0.4 between 19 tables on
one machine, and more between machines), of one family against the others (0.4 to 0.8), of one
that nobody measured, and of the exponent of work. See ``benchmarks/costs.py replay``."""

NOISE_COUNT = 4.0
"""Fits that the prior on the noise counts for; 2 and 8 foresee as well."""

REPEAT = 0.2
REPEATED = 0.1
"""Spread of log seconds between folds of one configuration (0.20 in 110 fits), and what a
further fold of it tells about other configurations, in fits."""

FORGET = 0.96
"""What a fit counts for after the next one: the load of a machine changes. On a machine of
steady load 0.95 foresees one per cent worse than 1."""

LIMIT = 3.0
"""Standard deviations at which a surprise is cut off, so that one odd fit does not decide."""

LEAST_SLOPE = 0.2
"""Twice the work takes at least 2 ** 0.2 times as long, whatever a few fits say."""

RANGE = 40.0
"""Logs of seconds and of work are held between -40 and 40."""


class Costed(Protocol):
    """What the cost model must know of a family, or of a family on a card."""

    @property
    def name(self) -> str:
        """Under which its fits are entered."""

    @property
    def unit_seconds(self) -> float | None:
        """Seconds per unit of work, where they were measured."""

    @property
    def work_spread(self) -> float:
        """Standard deviation of log seconds between fits of equal work."""

    def work(self, params: Params, problem: Problem, *, width: int | None = None) -> float:
        """How much a fit is expected to do."""


@dataclass(frozen=True)
class Forecast:
    """What a fit is expected to take.

    Parameters
    ----------
    seconds : float
        The median: as likely too low as too high.
    spread : float
        Standard deviation of log seconds, but for the fixed part.

    Examples
    --------
    >>> forecast = Forecast(4.0, 0.5)
    >>> forecast.at(0.5), round(forecast.at(0.9), 1)
    (4.0, 7.6)
    """

    seconds: float
    spread: float

    def at(self, probability: float) -> float:
        """Seconds within which the fit ends with this probability, between 0 and 1."""
        return FIXED + (self.seconds - FIXED) * exp(
            self.spread * NormalDist().inv_cdf(probability)
        )


@dataclass
class _Evidence:
    """What the fits of one family have shown.

    Each is a row (1, 1, x) of a regression with the log of its seconds over what was expected
    from work alone as target: what all families share, what is the family's own, and x, the log
    of what was expected, for the exponent.
    """

    offset: float
    prior: float
    gram: np.ndarray = field(default_factory=lambda: np.zeros((3, 3)))
    moment: np.ndarray = field(default_factory=lambda: np.zeros(3))
    fits: float = 0.0
    squares: float = 0.0
    configurations: dict[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def noise(self) -> float:
        """Variance between configurations that were expected to take equally long."""
        return (NOISE_COUNT * self.prior**2 + self.squares) / (NOISE_COUNT + self.fits)

    def add(self, x: float, value: float, weight: float) -> None:
        """Enter a fit."""
        row = np.array([1.0, 1.0, x])
        self.gram += weight * np.outer(row, row)
        self.moment += weight * value * row

    def remember(self, key: str, value: float, weight: float) -> None:
        """Keep the mean of a configuration's fits, and how many they were."""
        mean, n = self.configurations.get(key, (0.0, 0.0))
        total = n + weight
        if total > 0:
            self.configurations[key] = ((n * mean + weight * value) / total, total)

    def forget(self) -> None:
        """Let everything that was seen count a little less."""
        self.gram *= FORGET
        self.moment *= FORGET
        self.fits *= FORGET
        self.squares *= FORGET


class CostModel:
    """Seconds of fits before they run, from the work that they are and what others took.

    Log seconds of a fit are the log of the family's :meth:`~automl.families.Family.work` times
    what a unit took where it was measured, plus an offset that all families share, plus one of
    the family's own, plus a little of the work's log again (an exponent that is not quite 1),
    plus noise. All of these have normal priors, so the posterior is that of a linear
    regression, in closed form. The noise of each family is shrunk to a common value. A further
    fold of a configuration is expected to take what its first ones took.

    Notes
    -----
    A fit that was cut short took at least its seconds. It is entered as the normal observation
    that moves mean and variance of the expectation as that knowledge does (a site of assumed
    density filtering): a fit that was cut early says next to nothing, one that ran on for much
    longer than expected as much as if it had ended.

    References
    ----------
    Bishop (2006), Pattern recognition and machine learning, section 3.3 (Bayesian linear
    regression). Minka (2001), A family of algorithms for approximate Bayesian inference.

    Examples
    --------
    >>> from automl.families import family_names, get_family
    >>> family, model = get_family(family_names()[1]), CostModel()
    >>> problem = Problem("binary", n_rows=10_000, n_columns=20, n_classes=2)
    >>> params = family.starts(problem)[0].params
    >>> before = model.forecast(family, params, problem)
    >>> model.book(family, params, problem, 10 * before.seconds)
    >>> after = model.forecast(family, params, problem)
    >>> before.seconds < 5 * before.seconds < after.seconds, after.spread < before.spread
    (True, True)
    """

    def __init__(self) -> None:
        self._seen: dict[str, _Evidence] = {}
        self._mean = np.zeros(1)
        self._covariance = np.full((1, 1), MACHINE**2)

    def book(
        self,
        family: Costed,
        params: Params,
        problem: Problem,
        seconds: float,
        *,
        width: int | None = None,
        n_threads: int = 1,
        cut: bool = False,
    ) -> None:
        """Enter a fit that ended.

        Parameters
        ----------
        family : Costed
            A :class:`~automl.families.Family`, or one on a card.
        params : dict
        problem : Problem
            With the training rows of this fit as `n_rows`.
        seconds : float
            On the clock.
        width : int, optional
            Columns of the encoded matrix.
        n_threads : int
        cut : bool
            Whether it was ended before it had finished: it would have taken longer.
        """
        x = _place(family, params, problem, width)
        mean, variance = self._expected(family, x)
        evidence = self._seen.setdefault(
            family.name, _Evidence(_offset(family), family.work_spread)
        )
        key, noise = _key(params), evidence.noise
        net = max(seconds - FIXED, seconds / 4) * n_threads**THREADS
        spread = sqrt(variance + noise)
        value = _log(net) - x
        surprise = float(np.clip((value - mean) / spread, -LIMIT, LIMIT))
        share = REPEATED if key in evidence.configurations else 1.0
        weight = 1.0
        if cut:
            hazard = _hazard(surprise)
            known = hazard * (hazard - surprise)  # share of the variance that this takes away
            surprise = 1 / (hazard - surprise)
            value = mean + spread * surprise
            weight = known * noise / (variance + noise - variance * known)
        else:
            evidence.fits += share
            evidence.squares += share * noise * surprise**2
        evidence.add(x, mean + spread * surprise, share * weight)
        evidence.remember(key, value, weight)
        self._learn()

    def forecast(
        self,
        family: Costed,
        params: Params,
        problem: Problem,
        *,
        width: int | None = None,
        n_threads: int = 1,
    ) -> Forecast:
        """What a fit is expected to take, from all that ended.

        Parameters
        ----------
        family : Costed
            A :class:`~automl.families.Family`, or one on a card.
        params : dict
        problem : Problem
            With the training rows of that fit as `n_rows`.
        width : int, optional
            Columns of the encoded matrix.
        n_threads : int
        """
        x = _place(family, params, problem, width)
        mean, variance = self._expected(family, x)
        evidence = self._seen.get(family.name)
        variance += family.work_spread**2 if evidence is None else evidence.noise
        known = None if evidence is None else evidence.configurations.get(_key(params))
        if known is not None:
            value, n = known
            own, others = n / REPEAT**2, 1 / variance
            mean = (own * value + others * mean) / (own + others)
            variance = 1 / (own + others) + REPEAT**2
        seconds = exp(float(np.clip(x + mean, -RANGE, RANGE))) / n_threads**THREADS
        return Forecast(FIXED + seconds, sqrt(variance))

    def _expected(self, family: Costed, x: float) -> tuple[float, float]:
        """Mean and variance of the log of seconds over those expected from work alone."""
        names = list(self._seen)
        if family.name not in names:
            own = _offset(family) ** 2 + (SLOPE * x) ** 2
            return float(self._mean[0]), float(self._covariance[0, 0]) + own
        first = 1 + 2 * names.index(family.name)
        at = [0, first, first + 1]
        mean, covariance = self._mean[at], self._covariance[np.ix_(at, at)]
        missing = LEAST_SLOPE - 1 - mean[2]
        if missing > 0:  # what the rest would be if the exponent were known to be the least
            mean = mean + covariance[2] * (missing / covariance[2, 2])
        row = np.array([1.0, 1.0, x])
        return float(row @ mean), float(row @ covariance @ row)

    def _learn(self) -> None:
        """Solve the regression anew, with all that was seen a little less certain."""
        size = 1 + 2 * len(self._seen)
        precision, moment = np.zeros((size, size)), np.zeros(size)
        precision[0, 0] = 1 / MACHINE**2
        for i, evidence in enumerate(self._seen.values()):
            evidence.forget()
            at = np.array([0, 1 + 2 * i, 2 + 2 * i])
            precision[np.ix_(at, at)] += evidence.gram / evidence.noise
            precision[at[1:], at[1:]] += 1 / evidence.offset**2, 1 / SLOPE**2
            moment[at] += evidence.moment / evidence.noise
        self._covariance = np.linalg.inv(precision)
        self._mean = self._covariance @ moment


def _offset(family: Costed) -> float:
    """Spread of the family's own offset before it ran."""
    return UNKNOWN if family.unit_seconds is None else FAMILY


def _key(params: Params) -> str:
    """Tells configurations apart."""
    return repr(sorted(params.items()))


def _place(family: Costed, params: Params, problem: Problem, width: int | None) -> float:
    """Log of the seconds that the work took where it was measured."""
    unit = TYPICAL_UNIT if family.unit_seconds is None else family.unit_seconds
    return _log(family.work(params, problem, width=width)) + _log(unit)


def _log(value: float) -> float:
    """A logarithm that is finite whatever it is given."""
    return log(min(max(exp(-RANGE), value), exp(RANGE)))


def _hazard(surprise: float) -> float:
    """Density of a normal number at `surprise`, given that it lies above."""
    return exp(-surprise * surprise / 2) / sqrt(2 * pi) / (erfc(surprise / sqrt(2)) / 2)
