"""Units that are known, and how to get from one to another of the same kind."""

from collections.abc import Mapping

OF_TIME = frozenset(["am", "pm", "uhr", "oclock"])
"""Not units: with them, a number is a time of day."""

MULTIPLIERS: Mapping[str, float] = {
    "k": 1e3, "thousand": 1e3, "lakh": 1e5, "lac": 1e5, "mn": 1e6, "mio": 1e6, "mio.": 1e6,
    "million": 1e6, "cr": 1e7, "crore": 1e7, "bn": 1e9, "billion": 1e9, "trillion": 1e12,
}  # fmt: skip
"""What a word right after a number multiplies it with, in any case."""
CAPITALS: Mapping[str, float] = {"M": 1e6, "B": 1e9}
"""Small, they are metres and bits, unless they follow money."""

_SAME: Mapping[str, str] = {
    "€": "eur", "euro": "eur", "euros": "eur", "$": "usd", "us$": "usd", "dollar": "usd",
    "dollars": "usd", "£": "gbp", "₹": "inr", "rs": "inr", "¥": "jpy", "r$": "brl",
    "percent": "%", "pct": "%",
}  # fmt: skip

# Factors to the first unit of each kind.
_KINDS: tuple[Mapping[str, float], ...] = (
    {"s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0, "ms": 1e-3, "min": 60.0,
     "mins": 60.0, "minute": 60.0, "minutes": 60.0, "h": 3600.0, "hr": 3600.0, "hrs": 3600.0,
     "hour": 3600.0, "hours": 3600.0, "d": 86400.0, "day": 86400.0, "days": 86400.0,
     "wk": 604800.0, "week": 604800.0, "weeks": 604800.0, "mo": 2629746.0, "mos": 2629746.0,
     "month": 2629746.0, "months": 2629746.0, "y": 31556952.0, "yr": 31556952.0,
     "yrs": 31556952.0, "year": 31556952.0, "years": 31556952.0},
    {"g": 1.0, "mg": 1e-3, "gram": 1.0, "grams": 1.0, "kg": 1e3, "kgs": 1e3, "tonne": 1e6,
     "tonnes": 1e6, "oz": 28.349523125, "lb": 453.59237, "lbs": 453.59237, "pound": 453.59237,
     "pounds": 453.59237},
    {"m": 1.0, "metre": 1.0, "metres": 1.0, "meter": 1.0, "meters": 1.0, "mm": 1e-3, "cm": 1e-2,
     "km": 1e3, "in": 0.0254, "inch": 0.0254, "inches": 0.0254, '"': 0.0254, "″": 0.0254,
     "ft": 0.3048, "feet": 0.3048, "foot": 0.3048, "yd": 0.9144, "mi": 1609.344,
     "mile": 1609.344, "miles": 1609.344},
    {"sqm": 1.0, "m2": 1.0, "m²": 1.0, "sqmeter": 1.0, "sqmetre": 1.0, "sqmeters": 1.0,
     "sqft": 0.09290304, "ft2": 0.09290304, "ft²": 0.09290304, "sqfeet": 0.09290304,
     "sqyards": 0.83612736, "sqyd": 0.83612736, "acre": 4046.8564224, "acres": 4046.8564224,
     "ha": 1e4, "hectare": 1e4, "hectares": 1e4, "km2": 1e6, "km²": 1e6},
    {"l": 1.0, "liter": 1.0, "litre": 1.0, "liters": 1.0, "litres": 1.0, "ml": 1e-3, "cl": 1e-2},
    {"kb": 1.0, "mb": 1024.0, "gb": 1024.0**2, "tb": 1024.0**3},
    {"w": 1.0, "kw": 1e3, "hp": 745.7, "bhp": 745.7, "ps": 735.49875},
)  # fmt: skip


def unit_name(text: str) -> str:
    """Return a unit without case, blanks and points, one name for all ways to write it.

    Examples
    --------
    >>> unit_name("Sq. Meter"), unit_name("€"), unit_name("BHK")
    ('sqmeter', 'eur', 'bhk')
    """
    name = text.casefold().replace(".", "").replace(" ", "")
    return _SAME.get(name, name)


def factor(unit: str, wanted: str) -> float | None:
    """Return what to multiply a number in one unit with to have it in another.

    Examples
    --------
    >>> factor("h", "min"), factor("h", "kg"), factor("bhk", "bedroom")
    (60.0, None, None)
    """
    for kind in _KINDS:
        if unit in kind and wanted in kind:
            return kind[unit] / kind[wanted]
    return None
