"""Reads what a scanner read: article numbers, codes that a scale printed, GS1 element strings.

Facts. GS1 General Specifications: 7.9 check digits; 2.1.12 restricted circulation numbers carry a
weight or price after a prefix that each country or chain shares out itself, hence a table of
patterns; 3 application identifiers (01 GTIN, 310n net weight in kilograms, 320n in pounds, 392n
price, 8110 and 8112 coupons of North America). GS1 Digital Link 1.1 puts the same identifiers into
the path and query of a URI. biip takes a plain EAN-13 also for an element string that happens to
begin alike, so its GTIN counts first; plain numbers never get there.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from ledger.policies.ean import check_digit

_LENGTHS = frozenset({8, 12, 13, 14})
_SCALE = re.compile(r"([0-9]{2,3})(I+)(V?)([WP]+)C")
_LENGTH = 13
_STRUCTURED = re.compile(r"https?://|\][CdeQJ]|\(\d{2,4}\)|01\d{14}|811[02]\d{11}", re.IGNORECASE)
_COUPONS = frozenset({"8110", "8112"})
_WEIGHTS = {"310": (1000, 1), "320": (45_359_237, 100_000)}
"""Grams in a kilogram and in a pound, as fractions."""
_LONGEST = 250
"""Nothing longer is looked into: reading it would take longer than its square."""


class Scale(NamedTuple):
    """A pattern of codes that carry a weight or a price, e.g. `28IIIIIWWWWWC`."""

    prefix: str
    item: slice
    value: slice
    weight: bool


class Scanned(NamedTuple):
    """What a code says; `quantity` (in grams) and `price_minor` only where it carries them.

    `coupon` is the whole code where it is a coupon: it is kept as given, and not looked into.
    """

    product: str
    grams: int | None = None
    price_minor: int | None = None
    coupon: str = ""


@lru_cache(maxsize=65_536)  # the goods of a store come again and again
def valid(code: str) -> bool:
    """Whether it is a GTIN of 8, 12, 13 or 14 digits with its right check digit."""
    return (
        len(code) in _LENGTHS
        and code.isascii()
        and code.isdigit()
        and check_digit(code[:-1]) == code[-1]
    )


def product_of(code: str) -> str:
    """One spelling of an article number: a GTIN as 13 digits (8 stay 8), all else as it is.

    Tills write the same GTIN with or without zeros before it.
    """
    code = code.strip()
    if not valid(code):
        return code
    if len(code) == 12:
        return f"0{code}"
    return code[1:] if len(code) == 14 and code[0] == "0" else code


def scale(pattern: str) -> Scale:
    """Read a pattern: the prefix's digits, then a letter a digit.

    I is the item, V a digit that checks the price, W grams or P minor units, C the check digit.

    Raises:
        ValueError: it is no such pattern of 13.
    """
    found = _SCALE.fullmatch(pattern)
    if not found or len(pattern) != _LENGTH or len(set(found[4])) != 1:
        msg = f"`{pattern}` is no pattern of 13 such as 28IIIIIWWWWWC or 21IIIIVPPPPPC"
        raise ValueError(msg)
    return Scale(found[1], slice(*found.span(2)), slice(*found.span(4)), weight=found[4][0] == "W")


def scanned(code: str, scales: Iterable[Scale] = ()) -> Scanned:
    """What a scanned code says.

    A code that nothing is known of is a product as it is, so this refuses nothing.

    Raises:
        ImportError: it is an element string or a Digital Link, and biip is not installed.
    """
    code = code.strip()
    if valid(code):
        return _printed(code, scales) or Scanned(product_of(code))
    if len(code) <= _LONGEST and _STRUCTURED.match(code):
        return _structured(code)
    return Scanned(code)


def goods(code: str, quantity: int, unit: str, scales: Iterable[Scale]) -> tuple[str, int, str]:
    """The product, quantity and unit of a line; pieces with a weight in their code are grams."""
    found = scanned(code, scales)
    if found.grams and unit == "piece":
        return found.product, quantity * found.grams, "gram"
    return found.product, quantity, unit


def _printed(code: str, scales: Iterable[Scale]) -> Scanned | None:
    """A code of a scale: the product is the same with zeros in place of the value."""
    whole = product_of(code)
    for one in scales:
        if len(whole) == _LENGTH and whole.startswith(one.prefix):
            value = int(whole[one.value])
            body = whole[: one.item.stop].ljust(_LENGTH - 1, "0")
            product = body + check_digit(body)
            return Scanned(product, value) if one.weight else Scanned(product, None, value)
    return None


def _structured(code: str) -> Scanned:
    biip = _biip()
    try:
        if code.startswith("("):  # as it is printed below a symbol
            message, gtin = biip.gs1_messages.GS1Message.parse_hri(code), None
        else:
            found = biip.parse(code)
            message, gtin = found.gs1_message or found.gs1_digital_link_uri, found.gtin
    except (biip.ParseError, ValueError):
        return Scanned(code)
    values = {e.ai.ai: e.value for e in message.element_strings} if message else {}
    if values.keys() & _COUPONS:
        return Scanned(code, coupon=code)
    gtin = gtin.value if gtin else values.get("01", "")
    if not valid(gtin):
        return Scanned(code)
    return Scanned(product_of(gtin), _grams(values), None)


def _grams(values: dict[str, str]) -> int | None:
    """The net weight, to the nearest gram; the identifier's last digit counts the decimals."""
    for identifier, value in values.items():
        if len(identifier) == 4 and identifier[:3] in _WEIGHTS and value.isdigit():
            grams, over = _WEIGHTS[identifier[:3]]
            divisor = over * 10 ** int(identifier[3])
            return (2 * int(value) * grams + divisor) // (2 * divisor) or None
    return None


def _biip() -> Any:
    try:
        return importlib.import_module("biip")
    except ImportError as error:
        msg = "reading GS1 element strings needs biip: pip install 'loyalty-ledger[tills]'"
        raise ImportError(msg) from error
