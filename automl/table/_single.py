"""How well one column alone foretells the target: what does so nearly perfectly is a leak.

Half of the rows learn, the other half is predicted: a column of different keys so foretells
nothing. Numbers are cut at 64 quantiles, categories stay as they are, missing values are one
category more.
"""

import numpy as np

MAX_ROWS = 20_000
_BINS = 64
_MIN_ROWS = 40


class SingleColumns:
    """Measures columns one by one against one target.

    Parameters
    ----------
    target : numpy.ndarray
        Codes of classes, or numbers.
    n_classes : int
        0 for numbers; of them only their order counts.
    seed : int

    Examples
    --------
    >>> y = np.arange(400.0)
    >>> measure = SingleColumns(y, n_classes=0)
    >>> round(measure(y ** 3), 2), round(measure(y % 7), 2)
    (1.0, 0.0)
    >>> measure = SingleColumns((y > 300).astype(int), n_classes=2)
    >>> round(measure(-y), 2), round(measure((y > 350).astype(np.int32), codes=True), 2)
    (1.0, 0.47)
    """

    def __init__(self, target: np.ndarray, *, n_classes: int, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        rows = rng.permutation(len(target))[:MAX_ROWS]
        self._halves = rows[::2], rows[1::2]
        self._n_classes = n_classes
        self._enough = len(rows) >= _MIN_ROWS
        if n_classes:
            self._target = target.astype(np.int64)
        else:  # ranks: a few enormous values must not decide
            self._target = np.unique(target, return_inverse=True)[1].astype(np.float64)

    def __call__(self, values: np.ndarray, *, codes: bool = False) -> float:
        """Return which share of the error of a constant the column takes away.

        Parameters
        ----------
        values : numpy.ndarray
            One column: numbers with NaN, or codes of categories from -1 on.
        codes : bool, default=False
            Whether they are codes.

        Returns
        -------
        float
            At most 1; 0 where the column is of no use.
        """
        if not self._enough:
            return 0.0
        learn, judge = self._halves
        cells, n_cells = _cells(values[np.concatenate(self._halves)], codes, len(learn))
        seen, asked = cells[: len(learn)], cells[len(learn) :]
        if self._n_classes:
            return self._of_classes(seen, asked, n_cells)
        return self._of_numbers(seen, asked, n_cells)

    def _of_classes(self, seen: np.ndarray, asked: np.ndarray, n_cells: int) -> float:
        """Return by how much fewer rows are wrong than with the most frequent class."""
        learn, judge = (self._target[half] for half in self._halves)
        k = self._n_classes
        usual = int(np.bincount(learn, minlength=k).argmax())
        counts = np.bincount(seen * k + learn, minlength=n_cells * k).reshape(n_cells, k)
        best = np.where(counts.any(axis=1), counts.argmax(axis=1), usual)
        wrong, wrong_before = (best[asked] != judge).mean(), (judge != usual).mean()
        return max(0.0, float(1.0 - wrong / wrong_before)) if wrong_before else 0.0

    def _of_numbers(self, seen: np.ndarray, asked: np.ndarray, n_cells: int) -> float:
        """Return the share of the variance that the means of the cells explain."""
        learn, judge = (self._target[half] for half in self._halves)
        counts = np.bincount(seen, minlength=n_cells)
        sums = np.bincount(seen, weights=learn, minlength=n_cells)
        means = np.where(counts > 0, sums / np.maximum(counts, 1), learn.mean())
        before = np.square(judge - learn.mean()).mean()
        left = np.square(judge - means[asked]).mean()
        return max(0.0, float(1.0 - left / before)) if before else 0.0


def _cells(values: np.ndarray, codes: bool, n_learn: int) -> tuple[np.ndarray, int]:
    """Return the cell of each row, from 0 on, and how many there are."""
    if codes:
        cells = values.astype(np.int64) + 1
        return cells, int(cells.max(initial=0)) + 1
    known = values[:n_learn][~np.isnan(values[:n_learn])]
    if not len(known):
        return np.zeros(len(values), dtype=np.int64), 1
    edges = np.unique(known)
    if len(edges) > _BINS:
        edges = np.unique(np.quantile(known, np.linspace(0, 1, _BINS + 1)[1:-1]))
    # On its edge or between edges: a value that comes back often is a cell of its own.
    cells = np.searchsorted(edges, values, side="left") + np.searchsorted(edges, values, "right")
    cells[np.isnan(values)] = 2 * len(edges) + 1
    return cells, 2 * len(edges) + 2
