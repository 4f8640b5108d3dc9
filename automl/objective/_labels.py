"""From probabilities to labels."""

import numpy as np

from automl.objective._types import Array, Codes


def label_codes(predictions: Array) -> Codes:
    """Return the code of the most probable class of each row, the first one on a tie."""
    if predictions.shape[1] == 1:
        return np.asarray(predictions[:, 0] > 0.5, dtype=np.intp)
    return np.asarray(predictions.argmax(axis=1), dtype=np.intp)


def decide_labels(predictions: Array, classes: Array) -> Array:
    """Choose the most probable class of each row.

    With two classes the second one is chosen above 0.5. On a tie the first class in the
    order of `classes` is chosen, as ``argmax`` does.

    Parameters
    ----------
    predictions : ndarray of shape (n_rows, n_outputs)
        ``P(classes[1])`` in one column for two classes, else one column per class.
    classes : ndarray of shape (n_classes,)
        The labels, in the order of the columns.

    Returns
    -------
    ndarray of shape (n_rows,)
        Labels, with the dtype of `classes`.

    Examples
    --------
    >>> import numpy as np
    >>> decide_labels(np.array([[0.2], [0.5], [0.9]]), np.array(["no", "yes"])).tolist()
    ['no', 'no', 'yes']
    >>> decide_labels(np.array([[0.2, 0.5, 0.3]]), np.array([10, 20, 30])).tolist()
    [20]
    """
    return np.asarray(classes)[label_codes(predictions)]
