"""Greedy ensemble selection."""

from collections.abc import Callable, Sequence

import numpy as np

N_STEPS = 30


def greedy_weights(
    predictions: Sequence[np.ndarray],
    loss: Callable[[np.ndarray], float],
    *,
    n_steps: int = N_STEPS,
) -> np.ndarray:
    """Weights of an ensemble, found by adding one member after the other.

    Each step adds, with replacement, the candidate whose addition gives the average the smallest
    loss; ties go to members that are in already. The first best step is kept.

    Parameters
    ----------
    predictions : sequence of ndarray of shape (n_rows, n_outputs)
        Out-of-fold predictions of the candidates.
    loss : callable
        From predictions to a number, smaller is better.
    n_steps : int

    Returns
    -------
    ndarray of shape (n_candidates,)
        Shares that sum to 1; 0 for those left out.

    References
    ----------
    Caruana, Niculescu-Mizil, Crew, Ksikes (2004), Ensemble selection from libraries of models.

    Examples
    --------
    >>> y = np.array([[0.0], [1.0]])
    >>> candidates = [y + 0.5, y - 0.5, y + 3.0]
    >>> greedy_weights(candidates, lambda p: float(((p - y) ** 2).mean())).tolist()
    [0.5, 0.5, 0.0]
    """
    counts, scale = np.zeros(len(predictions), dtype=int), 0.0
    total = np.zeros_like(predictions[0], dtype=np.float64)
    best_counts, best_loss = counts.copy(), float("inf")
    for step in range(1, n_steps + 1):
        losses = np.array([loss((total + p) / step) for p in predictions])
        losses = np.where(np.isfinite(losses), losses, np.inf)
        scale = scale or float(np.abs(losses[np.isfinite(losses)]).max(initial=0.0)) or 1.0
        order = np.lexsort((np.arange(len(losses)), -counts, np.round(losses / scale, 12)))
        chosen = int(order[0])
        counts[chosen] += 1
        total += predictions[chosen]
        if losses[chosen] < best_loss - 1e-12 * scale:
            best_counts, best_loss = counts.copy(), float(losses[chosen])
    if best_counts.sum() == 0:
        best_counts[0] = 1
    return np.asarray(best_counts / best_counts.sum())
