"""Is there something to read in a column: free text, or categories whose spelling tells more?"""

import numpy as np

from automl.table._look import Look
from automl.table._values import canonical

MIN_TEXTS = 20
"""Fewer different texts than this are better taken as they are."""

TEXT_WORDS = 3.0
"""Words of a text on average, from which on it says something."""

DIFFERENT = 0.5
"""Share of the rows with a text that have one of their own, from which on it is no category."""

MIN_SPELLED = 50
FEW_ROWS = 100
"""Categories from which on, and rows of one on average up to which, the categories alone are too
many: those that are spelled alike are taken to be alike."""


def is_text(look: Look) -> bool:
    """Tell texts from categories: several words, and seldom the same ones."""
    n_texts, n_rows = len(look.frequencies), sum(look.frequencies.values())
    if n_texts < MIN_TEXTS or n_texts < DIFFERENT * n_rows:
        return False
    return float(np.mean([len(canonical(v).split()) for v in look.sample])) >= TEXT_WORDS


def is_spelled(look: Look) -> bool:
    """Tell whether categories are too many for their rows, but come again."""
    n_texts, n_rows = len(look.frequencies), sum(look.frequencies.values())
    return n_texts >= MIN_SPELLED and n_rows <= FEW_ROWS * n_texts
