"""Is there something to read in a column: free text, or categories whose spelling tells more?"""

import re

import numpy as np

from automl.table._look import Look

MIN_TEXTS = 20
"""Fewer different texts than this are better taken as they are."""

TEXT_WORDS = 3.0
"""Words of a text on average, from which on it says something."""

DIFFERENT = 0.5
"""Share of the rows with a text that have one of their own, from which on it is no category."""

MIN_SPELLED = 50
FEW_ROWS = 30
"""Categories from which on, and rows of one on average up to which, the categories alone are too
many: those that are spelled alike are taken to be alike."""

KEY_LENGTH, LETTERS = 12, 0.5
"""Characters on average up to which texts of which each row has its own are keys, and the share of
letters that longer ones must have to be more than that."""

PROBES = 1000
"""Texts that are looked at closely, about."""

_DIGITS = re.compile(r"[0-9]+")


def is_text(look: Look) -> bool:
    """Tell texts from categories: several words, and seldom the same ones."""
    n_texts, n_rows = len(look.frequencies), sum(look.frequencies.values())
    if n_texts < MIN_TEXTS or n_texts < DIFFERENT * n_rows:
        return False
    return look.words >= TEXT_WORDS


def is_wordy(look: Look) -> bool:
    """Tell names, addresses of pages and formulas from keys, where every row has its own.

    They are long, of different lengths, and mostly letters; keys that number things are the same
    but for their digits.
    """
    texts = list(look.frequencies)
    texts = texts[:: max(1, len(texts) // PROBES)]
    letters = [sum(map(str.isalpha, text)) for text in texts]
    lengths = [len(text) for text in texts]
    return (
        len(texts) >= MIN_SPELLED
        and float(np.mean(lengths)) > KEY_LENGTH
        and min(lengths) < max(lengths)
        and sum(letters) >= LETTERS * sum(lengths)
        and len({_DIGITS.sub("", text) for text in texts}) >= DIFFERENT * len(texts)
    )


def is_spelled(look: Look) -> bool:
    """Tell whether categories are too many for their rows, but come again."""
    n_texts, n_rows = len(look.frequencies), sum(look.frequencies.values())
    return n_texts >= MIN_SPELLED and n_rows <= FEW_ROWS * n_texts
