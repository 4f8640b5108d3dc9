"""Small pieces of error messages: lists that stay short, counts, close matches."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


def counted(number: int, noun: str) -> str:
    """Return the number with its noun, in the plural where that is right.

    Examples
    --------
    >>> counted(1, "row"), counted(5000, "row")
    ('1 row', '5,000 rows')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def listed(names: Iterable[object], limit: int | None = None) -> str:
    """Return the names quoted and joined by commas, cut after ``limit`` of them.

    Examples
    --------
    >>> listed(["a", "b", "c"], 2)
    "'a', 'b' and 1 more"
    """
    shown = [repr(name) for name in names]
    if limit is None or len(shown) <= limit:
        return ", ".join(shown)
    return f"{', '.join(shown[:limit])} and {len(shown) - limit} more"


def close_match(name: str, choices: Sequence[str]) -> str:
    """Return a question that names the choice which looks most like ``name``, or nothing.

    Examples
    --------
    >>> close_match("Age", ["age", "name"])
    " (did you mean 'age'?)"
    >>> close_match("height", ["age", "name"])
    ''
    """
    folded = {choice.casefold(): choice for choice in choices}
    found = get_close_matches(name.casefold(), folded, n=1, cutoff=0.75)
    return f" (did you mean {folded[found[0]]!r}?)" if found else ""


def shown(value: object, limit: int = 60) -> str:
    """Return ``repr(value)``, cut so that one long cell does not fill the screen."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
