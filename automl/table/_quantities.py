"""Numbers as people write them: "1,234", "1.234,5", "12%", "$5.2k", "(123)", "5 min", "10-20".

A column is looked at as a whole, once, at fit: which sign is the decimal mark, and which unit do
the numbers have? Both are kept as a short text, the column's number format, such as ``". kg"``,
so that every later table is read in the same way.
"""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from automl.table._units import CAPITALS, MULTIPLIERS, OF_TIME, factor, unit_name

# From this share of rows on, what can't be read is a slip of the pen.
READABLE = 0.95

_LONGEST = 60
"""Longer texts say more than a number."""

_MOST_PROBES = 2000
_DIGIT = re.compile(r"[0-9]")
ANY_UNIT = "*"
"""In place of a unit, where somebody declares numbers whose units are unknown words."""

CLOCK = ":"
"""In place of a unit, where lengths of time are written with colons; they are read as seconds."""

_CLOCK_TIME = re.compile(
    r"(?:([0-9]{1,4}):(?=[0-5][0-9]:))?([0-9]{1,4}):([0-5][0-9](?:\.[0-9]+)?)"
)
_DIGITS_ALONE = re.compile(r"[0-9]{1,9}(?:\.[0-9]+)?")
_GAP = r"[ \u00a0\u202f'’]"
_CURRENCY = r"(?:[A-Z]{1,2})?[$€£¥₹]|USD|EUR|GBP|INR|CHF|Rs\.?"
_UNIT = rf"%|°[CF]?|[\"″]|{_CURRENCY}|[^\W\d_](?:[^\d,;:()<>|]{{0,23}}[^\W\d_.²³+])?[.²³23]?"
_BELOW = r"<|(?:less than|lt|under|below)(?![^\W\d_])"
_ABOVE = r">|(?:more than|gt|over|above)(?![^\W\d_])"
_ABOUT = r"[≤≥~≈]|<=|>=|(?:at least|at most|up to|about|approx\.?|ca\.?)(?![^\W\d_])"
_EXPONENT = re.compile(r"[-+]?[0-9]+[eE][0-9]+")
_SURE = re.compile(r"[-+]?[0-9]*(?:[.,][0-9]*(?:[eE][-+]?[0-9]+)?|[0-9][eE][-+][0-9]+)")
_ADDRESS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
_BYTE = 255
_OR_MORE = frozenset(["more", "plus", "ormore", "andmore", "orabove", "andabove", "andover"])
_SEPARATOR = r"\s*(?:-|–|—|~|\bto\b|\.\.)\s*"


@dataclass(frozen=True)
class Quantity:
    """A number with its unit, and whether it stands for more than one number."""

    number: float
    unit: str
    vague: bool = False


@cache
def _patterns(decimal: str) -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """Patterns of digits alone, of one number with what is around it, and of a range of two."""
    group, mark = (",", r"\.") if decimal == "." else (r"\.", ",")
    least = 2 if decimal == "." else 3  # 12,34,567 is one in India
    whole = rf"[1-9][0-9]{{0,2}}(?:{group}[0-9]{{{least},3}})*{group}[0-9]{{3}}"
    core = (
        rf"(?:{whole}|[1-9][0-9]{{0,2}}(?:{_GAP}[0-9]{{3}})+|[0-9]+)(?:{mark}[0-9]*)?|{mark}[0-9]+"
    )
    one = (
        rf"(?P<open>\()?\s*(?:(?P<about>{_ABOUT})|(?P<below>{_BELOW})|(?P<above>{_ABOVE}))?"
        rf"\s*(?P<sign>[-+−])?\s*(?P<before>{_CURRENCY})?\s*(?P<inner>[-−])?(?P<core>{core})"
        rf"(?P<exponent>[eE][-+]?[0-9]+)?\s?(?P<plus>\+)?\s*(?P<unit>{_UNIT})?(?P<more>\+)?"
        r"\s*(?P<close>\))?"
    )
    low, high = rf"(?:{_CURRENCY})?\s*(?:{core})\s*(?:{_UNIT})??", rf".*?(?:{core}).*"
    two = rf"(?P<low>{low}){_SEPARATOR}(?P<high>{high})"
    return (
        re.compile(rf"[-+]?(?:{whole}|[0-9]+)(?:{mark}[0-9]+)?"),
        re.compile(one, re.IGNORECASE),
        re.compile(two, re.IGNORECASE),
    )


def read_quantity(text: str, decimal: str = ".") -> Quantity | None:
    """Read one number with what stands around it, None if it is something else.

    Parameters
    ----------
    text : str
    decimal : {".", ","}
        The decimal mark. The other one, blanks and apostrophes may group thousands.

    Examples
    --------
    >>> [read_quantity(text).number for text in ("1,234", "$5.2k", "(12.5)", "-7%", "1.2M")]
    [1234.0, 5200.0, -12.5, -7.0, 1200000.0]
    >>> read_quantity("1.234,5 kg", decimal=",")
    Quantity(number=1234.5, unit='kg', vague=False)
    >>> read_quantity("2100 - 2850"), read_quantity("<5").number, read_quantity("10+").number
    (Quantity(number=2475.0, unit='', vague=True), 4.5, 10.0)
    >>> [read_quantity(text) for text in ("19-Dec", "A4", "10:30", "1.2.3")]
    [None, None, None, None]
    """
    digits, one, two = _patterns(decimal)
    text = text.strip()
    if len(text) > _LONGEST or not _DIGIT.search(text):
        return None
    if digits.fullmatch(text):  # what most texts are
        return Quantity(_plain(text, decimal), "")
    found = one.fullmatch(text)
    if found is not None:
        return _one(found, decimal)
    pair = two.fullmatch(text)
    if pair is None:
        return None
    low, high = one.fullmatch(pair["low"].strip()), one.fullmatch(pair["high"].strip())
    if low is None or high is None:
        return None
    first, last = _one(low, decimal), _one(high, decimal)
    if first is None or last is None or first.number >= last.number:
        return None
    if first.unit not in ("", last.unit) or first.vague or last.vague:
        return None
    return Quantity((first.number + last.number) / 2, last.unit, vague=True)


def _plain(digits: str, decimal: str) -> float:
    return float(digits.replace("," if decimal == "." else ".", "").replace(decimal, "."))


def _one(found: re.Match[str], decimal: str) -> Quantity | None:
    """Return the number and the unit of a match."""
    if bool(found["open"]) != bool(found["close"]):
        return None
    digits = re.sub(_GAP, "", found["core"])
    number = _plain(digits + (found["exponent"] or ""), decimal)
    if math.isinf(number):
        return None
    places = len(digits) - digits.index(decimal) - 1 if decimal in digits else 0
    if found["below"] or found["above"]:  # half of the last digit beyond, so that <5 is not 5
        number += (0.5 if found["above"] else -0.5) * 10.0**-places
    scale, unit = _unit_of(found["unit"] or "", found["before"] or "")
    if unit in OF_TIME:
        return None
    minus = [found["sign"], found["inner"], "-" if found["open"] else None]
    negative = sum(sign is not None and sign in "-−" for sign in minus)
    signs = [found[name] for name in ("about", "below", "above", "plus", "more")]
    open_ended = unit in _OR_MORE
    value = -number * scale if negative else number * scale
    return Quantity(value, "" if open_ended else unit, any(signs) or open_ended)


def _unit_of(text: str, before: str) -> tuple[float, str]:
    """Tell a multiplier (k, M, million) from the unit that follows it or stands in front."""
    word, _, rest = text.partition(" ")
    small = MULTIPLIERS.get(word.casefold())
    scale = small or CAPITALS.get(word.upper() if before else word)
    if scale is None:
        return 1.0, unit_name(before or text)
    return scale, unit_name(before or rest)


def quantities(values: Sequence[Any], decimal: str) -> list[Quantity | None]:
    """Read texts as quantities and numbers as bare ones.

    Examples
    --------
    >>> quantities(["5 kg", 3, None, "many"], ".")
    [Quantity(number=5.0, unit='kg', vague=False), Quantity(number=3.0, unit='', vague=False), \
None, None]
    """
    found: list[Quantity | None] = []
    for value in values:
        if isinstance(value, str):
            found.append(read_quantity(value, decimal))
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found.append(Quantity(float(value), ""))
        else:
            found.append(None)
    return found


def reader(number_format: str) -> Callable[[str], float | None]:
    """Return the function that reads texts by a column's number format.

    Examples
    --------
    >>> read = reader(", h")
    >>> read("1,5"), read("90 min"), read("5 kg")
    (1.5, 1.5, None)
    >>> clock = reader(". :")
    >>> clock("4:05"), clock("1:04:05.5"), clock("25:10"), clock("4:75")
    (245.0, 3845.5, 1510.0, None)
    """
    decimal, unit = number_format[:1], number_format[2:]
    if unit == CLOCK:
        return _on_the_clock

    def read(text: str) -> float | None:
        quantity = read_quantity(text, decimal)
        return None if quantity is None else in_unit(quantity, unit)

    return read


def _on_the_clock(text: str) -> float | None:
    """Return the seconds of a text such as 4:05 or 1:04:05.6."""
    found = _CLOCK_TIME.fullmatch(text.strip())
    if found is None:
        return _plain(text, ".") if _DIGITS_ALONE.fullmatch(text.strip()) else None
    hours, minutes, seconds = found.groups()
    return 3600.0 * float(hours or 0) + 60.0 * float(minutes) + float(seconds)


def in_unit(quantity: Quantity, wanted: str) -> float | None:
    """Return the number in the unit of the column, None if that is not known.

    Examples
    --------
    >>> in_unit(Quantity(90.0, "min"), "h"), in_unit(Quantity(3.0, ""), "h")
    (1.5, 3.0)
    >>> in_unit(Quantity(3.0, "kg"), "h") is None
    True
    """
    if wanted == ANY_UNIT or quantity.unit in ("", wanted):
        return quantity.number
    scale = factor(quantity.unit, wanted)
    return None if scale is None else quantity.number * scale


def choose_format(values: Sequence[Any], counts: np.ndarray, *, declared: bool = False) -> str:
    """Return the number format of a column, "" if its values are no quantities.

    Parameters
    ----------
    values : sequence of object
        The distinct values that are not missing.
    counts : numpy.ndarray
        Rows of each.
    declared : bool, default=False
        Whether somebody says that they are numbers; then few of them suffice, and words that are
        no known units don't matter.

    Returns
    -------
    str
        The decimal mark, then perhaps a blank and the unit that numbers are given in (``*`` for
        any).

    Examples
    --------
    >>> def of(*values):
    ...     return choose_format(values, np.ones(len(values)))
    >>> of("$5", "$1,200.50", "$3.2k"), of("1,5", "2,25", "1.000"), of("2 kg", "500 g", "3 kg")
    ('. usd', ',', '. kg')
    >>> of("2 BHK", "3 BHK", "4 BHK"), of("2 BHK", "3 BHK", "4 Bedroom"), of("12a", "7b", "3 c")
    ('. bhk', '', '')
    """
    if len(values) > _MOST_PROBES:
        probes = np.linspace(0, len(values) - 1, _MOST_PROBES).astype(int).tolist()
        values, counts = [values[i] for i in probes], counts[probes]
    if not declared and are_codes(values):
        return ""
    total = float(counts.sum())
    best, best_rows, best_found = "", 0.0, list[Quantity | None]()
    for decimal in ".,":
        found = quantities(values, decimal)
        rows = float(counts[[q is not None for q in found]].sum())
        if rows > best_rows:
            best, best_rows, best_found = decimal, rows, found
    if not best or (best_rows < READABLE * total and not declared):
        return ""
    pairs = [(q, n) for q, n in zip(best_found, counts.tolist(), strict=True) if q is not None]
    unit = _common_unit(pairs, total)
    if declared:
        known = any(factor(q.unit, q.unit) is not None for q, _ in pairs)
        fallback = max(pairs, key=lambda pair: pair[1])[0].unit if known else ANY_UNIT
        return f"{best} {fallback if unit is None else unit}".rstrip()
    if sum(n for q, n in pairs if q.vague) > total / 2:
        return ""  # bins of a number: they are categories
    if unit is None or len({in_unit(q, unit) for q, _ in pairs} - {None}) < 3:
        return ""
    return f"{best} {unit}".rstrip()


def are_codes(values: Iterable[Any]) -> bool:
    """Tell codes and addresses that only look like numbers, in a column as a whole.

    An E between digits is a letter, unless some other number has a decimal mark or the sign of
    an exponent. Four groups of digits up to 255 are an address.

    Examples
    --------
    >>> are_codes(["12", "1E4", "8E5"]), are_codes(["0.5", "1E4"]), are_codes(["1e+04", "1E4"])
    (True, False, False)
    >>> are_codes(["192.168.100.101", "192.168.100.102"]), are_codes(["1.234.100.200", "1.500"])
    (True, False)
    """
    texts = [text.strip() for text in values if isinstance(text, str)]
    with_letter = (text for text in texts if "E" in text or "e" in text)
    if any(_EXPONENT.fullmatch(text) for text in with_letter):
        return not any(_SURE.fullmatch(text) for text in texts)
    addresses = sum(text.count(".") == 3 and _is_address(text) for text in texts)
    return addresses > 0 and addresses >= READABLE * len(texts)


def _is_address(text: str) -> bool:
    return bool(_ADDRESS.fullmatch(text)) and max(map(int, text.split("."))) <= _BYTE


def _common_unit(pairs: Sequence[tuple[Quantity, float]], total: float) -> str | None:
    """Return the unit that all numbers can be given in, None if there is none."""
    rows: dict[str, float] = {"": 0.0}
    for quantity, n in pairs:
        rows[quantity.unit] = rows.get(quantity.unit, 0.0) + n
    if rows[""] >= READABLE * total:
        return ""
    named = sorted(filter(None, rows), key=lambda unit: (-rows[unit], unit))
    if not named:
        return ""
    convertible = [u for u in named if u == named[0] or factor(u, named[0]) is not None]
    if rows[""] + sum(rows[u] for u in convertible) >= READABLE * total:
        return named[0]
    return None  # the words say something: they are categories
