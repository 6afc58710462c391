"""A made-up assortment, and the numbers on products and cards."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from ledger.policies.ean import with_check_digit
from ledger.types import Unit

_PRODUCTS_PER_CATEGORY = 10
_WEIGHED = ("apples", "tomatoes", "cheese", "meat")
BOTTLED = ("water", "beer", "juice")
# Category and the usual price in minor units, of a piece or of a kilogram.
_CATEGORIES = {
    "apples": 299,
    "tomatoes": 349,
    "cheese": 1_490,
    "meat": 1_290,
    "water": 79,
    "beer": 109,
    "juice": 199,
    "milk": 119,
    "yoghurt": 89,
    "butter": 229,
    "eggs": 269,
    "bread": 249,
    "pasta": 149,
    "rice": 219,
    "coffee": 649,
    "chocolate": 139,
    "crisps": 189,
    "frozen": 329,
    "cleaning": 279,
    "hygiene": 249,
}


class Product(NamedTuple):
    """What a shop sells: the price is of a piece, or of a kilogram."""

    code: str
    category: str
    price_minor: int
    unit: Unit


def card_number(index: int) -> str:
    """Make the number of a member's card, with an in-store prefix that no product bears."""
    return with_check_digit(f"29{index:010d}")


def catalogue(rng: Random) -> list[Product]:
    """Make the products, popular ones first; a quarter below to a half above the usual price."""
    products: list[Product] = []
    for rank in range(_PRODUCTS_PER_CATEGORY):
        for category, usual_minor in _CATEGORIES.items():
            code = with_check_digit(f"20{len(products) + 1:010d}")
            price_minor = usual_minor * (75 + rng.randrange(76)) // 100
            unit: Unit = "gram" if category in _WEIGHED else "piece"
            products.append(Product(code, category, price_minor + rank, unit))
    return products
