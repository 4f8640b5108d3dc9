"""The winner: the best single configuration or the ensemble, by the declared metric."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from automl.ensemble._adjust import Adjustment, Adjustments
from automl.ensemble._candidate import Candidate, blend_rows, least
from automl.ensemble._cross_fit import cross_fit, judge
from automl.ensemble._effort import MAX_PARTS, Effort, affordable, random_halves
from automl.ensemble._greedy import greedy_weights
from automl.objective import Loss

Pick = Callable[[Sequence[Candidate], Loss, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Choice:
    """What won.

    Parameters
    ----------
    name : str
        Name of the candidate, or ``"ensemble"``.
    weights : ndarray of shape (n_candidates,)
        Shares of the candidates in it.
    predictions : ndarray of shape (n_rows, n_outputs)
        Predictions for each row by the choice that was made without the row's own part, so that
        their score is not flattered by the choosing. The adjustment, too, was learned without it.
    ensemble_loss : float
        Loss of the ensemble, chosen without the row's own part; infinite if none was considered.
    adjustment : Calibration or Decision, optional
        What is done to predictions, or to choose labels.
    """

    name: str
    weights: np.ndarray
    predictions: np.ndarray
    ensemble_loss: float
    adjustment: Adjustment | None = None


def choose(
    candidates: Sequence[Candidate],
    loss: Callable[[np.ndarray, np.ndarray], float],
    parts: np.ndarray,
    *,
    ensemble: bool = True,
    adjustments: Adjustments | None = None,
    seconds: float | None = 1.0,
    seed: int = 0,
) -> Choice:
    """Choose between the best candidate and a greedy ensemble of all, and how to adjust it.

    All choices are cross-fitted: made on all parts but one and scored on that one, in turn. The
    better ones are then made again on all rows.

    Parameters
    ----------
    candidates : sequence of Candidate
        At least one.
    loss : callable
        Called with (rows, predictions of those rows).
    parts : ndarray of int of shape (n_rows,)
        The part (fold) of each row.
    ensemble : bool
        Whether an ensemble may win.
    adjustments : Adjustments, optional
        Where the metric rewards it.
    seconds : float, optional
        Time that the selection may take, kept by looking at fewer rows, then at fewer
        candidates; where the metric is too slow even for that, the best candidate wins. ``None``
        where the same must be chosen every time: no clock is asked then.
    seed : int

    Returns
    -------
    Choice
    """
    if len(candidates) == 1 and adjustments is None:
        return _best_of_all(candidates, 0)
    single = least([c.loss for c in candidates])
    parts = parts % MAX_PARTS
    if (parts == parts[0]).all():  # nothing could be chosen without the row's own part
        return _best_of_all(candidates, single)
    effort = affordable(candidates, loss, parts, seconds, seed)
    if not len(effort.library):  # not even comparing the best few can be paid for
        return _best_of_all(candidates, single)
    kinds: dict[str, Pick] = {"single": _pick_single}
    if ensemble and len(candidates) > 1:
        kinds["ensemble"] = _selection(effort)
    tried = {
        kind: cross_fit(candidates, partial(pick, candidates, loss), effort.rows, parts)
        for kind, pick in kinds.items()
    }
    judged = {kind: judge(candidates, t, loss, adjustments) for kind, t in tried.items()}
    ensemble_loss = judged["ensemble"].loss if "ensemble" in judged else float("inf")
    best, weights = judged["single"], np.eye(len(candidates))[single]
    name = candidates[single].name
    if ensemble_loss < best.loss:
        weights = kinds["ensemble"](candidates, loss, effort.rows)
        if (weights > 0).sum() > 1:
            best, name = judged["ensemble"], "ensemble"
        else:
            single = int(np.argmax(weights))
            weights, name = np.eye(len(candidates))[single], candidates[single].name
    adjustment = None
    if best.adjusted and adjustments is not None:
        adjustment = adjustments.find(effort.rows, blend_rows(candidates, weights, effort.rows))
    return Choice(name, weights, best.predictions, ensemble_loss, adjustment)


def _best_of_all(candidates: Sequence[Candidate], single: int) -> Choice:
    """The best candidate as it is."""
    best = candidates[single]
    return Choice(best.name, np.eye(len(candidates))[single], best.predictions, float("inf"))


def _pick_single(candidates: Sequence[Candidate], loss: Loss, rows: np.ndarray) -> np.ndarray:
    losses = [loss(rows, c.predictions[rows]) for c in candidates]
    if not np.isfinite(losses).any():  # one class only in these rows, for instance
        losses = [c.loss for c in candidates]
    return np.asarray(np.eye(len(candidates))[least(losses)])


def _selection(
    effort: Effort,
) -> Callable[[Sequence[Candidate], Loss, np.ndarray], np.ndarray]:
    """Ensemble selection among the candidates of the library."""

    def pick_on(candidates: Sequence[Candidate], loss: Loss, rows: np.ndarray) -> np.ndarray:
        return greedy_weights(
            [candidates[i].predictions[rows] for i in effort.library], lambda p: loss(rows, p)
        )

    def pick(candidates: Sequence[Candidate], loss: Loss, rows: np.ndarray) -> np.ndarray:
        first = candidates[effort.library[0]].predictions
        halves = [h for h in random_halves(rows, effort) if np.isfinite(loss(h, first[h]))]
        weights = np.zeros(len(candidates))
        found = [pick_on(candidates, loss, h) for h in halves or [rows]]
        weights[effort.library] = np.mean(found, axis=0)
        return weights

    return pick
