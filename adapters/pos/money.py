"""Decimals of a till as whole minor units, grams and pieces."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

from adapters.pos.terms import Unmapped, shown

_DECIMAL = re.compile(r"[+-]?\d{1,15}(?:\.\d{1,15})?", re.ASCII)
_GERMAN = re.compile(r"[+-]?(?:\d{1,3}(?:\.\d{3})+|\d{1,15})(?:,\d{1,15})?", re.ASCII)
_MOST_DIGITS = 15
# ISO 4217: currencies whose minor unit is not a hundredth.
_DIGITS = dict.fromkeys(
    ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND",
     "VUV", "XAF", "XOF", "XPF"), 0,
) | dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3)  # fmt: skip
# UN/ECE Recommendation 20 and the words that tills write; ounces and pounds are avoirdupois.
_UNITS: dict[str, tuple[str, Decimal]] = {
    **dict.fromkeys(("KGM", "KG", "KILOGRAM", "METRIC_KILOGRAM"), ("gram", Decimal(1000))),
    **dict.fromkeys(("GRM", "G", "GRAM", "METRIC_GRAM"), ("gram", Decimal(1))),
    **dict.fromkeys(("LBR", "LB", "LBS", "POUND", "IMPERIAL_POUND"),
                    ("gram", Decimal("453.59237"))),
    **dict.fromkeys(("ONZ", "OZ", "OUNCE", "IMPERIAL_WEIGHT_OUNCE"),
                    ("gram", Decimal("28.349523125"))),
    **dict.fromkeys(("LTR", "L", "LITER", "LITRE", "METRIC_LITER"), ("millilitre", Decimal(1000))),
    **dict.fromkeys(("MLT", "ML", "MILLILITER", "METRIC_MILLILITER"), ("millilitre", Decimal(1))),
}  # fmt: skip


def decimal(field: str, value: object) -> Decimal:
    """A number as a dialect writes it: a whole number, a decimal or the text of one.

    Raises:
        Unmapped: it is none, or far beyond what a till counts.
    """
    if isinstance(value, str) and _DECIMAL.fullmatch(value.strip()):
        return Decimal(value.strip())
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**_MOST_DIGITS:
        return Decimal(value)
    if isinstance(value, Decimal) and value.is_finite() and value.adjusted() < _MOST_DIGITS:
        return value
    raise Unmapped(field, f"{shown(value)} is not a number of a till")


def german(field: str, text: str) -> Decimal:
    """A number with a comma before its fraction, and maybe points between its thousands.

    Raises:
        Unmapped: it is none.
    """
    if not _GERMAN.fullmatch(text.strip()):
        raise Unmapped(field, f"{shown(text)} is not a number with a decimal comma")
    return decimal(field, text.strip().replace(".", "").replace(",", "."))


def minor(field: str, value: object, currency: str) -> int:
    """An amount of money in minor units, exactly.

    Raises:
        Unmapped: it is no number, or has a fraction of a minor unit.
    """
    found = _scaled(decimal(field, value), currency)
    if found != found.to_integral_value():
        raise Unmapped(field, f"{shown(value)} has a fraction of a minor unit of {currency}")
    return int(found)


def rounded(field: str, value: object, currency: str) -> int:
    """An amount that a till computed as a float: the nearest minor unit, halves away from zero.

    Raises:
        Unmapped: it is no number.
    """
    return half_up(_scaled(decimal(field, value), currency))


def half_up(value: Decimal) -> int:
    """The nearest whole number, halves away from zero."""
    return int(value.to_integral_value(ROUND_HALF_UP))


def _scaled(value: Decimal, currency: str) -> Decimal:
    return value.scaleb(_DIGITS.get(currency, 2))


def weighed(code: str) -> bool:
    """Whether a unit is one of weight or volume."""
    return code.upper() in _UNITS


def measured(field: str, value: Decimal, code: str) -> tuple[int, str]:
    """A quantity and its unit: whole grams or millilitres to the nearest, or whole pieces exactly.

    What is measured in a unit that is not known here, such as metres, is counted as pieces.

    Raises:
        Unmapped: half a piece.
    """
    unit, factor = _UNITS.get(code.upper(), ("piece", Decimal(1)))
    found = value * factor
    if unit == "piece" and found != found.to_integral_value():
        raise Unmapped(field, f"{shown(value)} is not a whole number of pieces")
    return half_up(found), unit
