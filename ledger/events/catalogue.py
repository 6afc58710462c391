"""What a chain says of its products: what they are, what they cost, what they are promoted in."""

from __future__ import annotations

from typing import ClassVar

from ledger.events.parts import Event
from ledger.types import FOREVER, Day, Level

__all__ = ["PriceSet", "ProductDescribed", "PromotionSet"]


class ProductDescribed(Event, frozen=True):
    """A product is this from now on; all of it replaces what was said before."""

    TOPIC: ClassVar[str] = "product"
    code: str
    name: str = ""
    levels: tuple[Level, ...] = ()
    brand: str = ""
    maker: str = ""
    brand_kind: str = ""


class PriceSet(Event, frozen=True):
    """A product costs this from a day on; it replaces what was said of the same first day."""

    TOPIC: ClassVar[str] = "price"
    product: str
    store: str
    from_day: Day
    price_minor: int
    until_day: Day = FOREVER
    withdrawn: bool = False


class PromotionSet(Event, frozen=True):
    """A product is in a promotion; it replaces what was said of the same one and first day."""

    TOPIC: ClassVar[str] = "promotion"
    product: str
    store: str
    promotion: str
    from_day: Day
    until_day: Day = FOREVER
    price_minor: int | None = None
    name: str = ""
    withdrawn: bool = False


EVENTS: tuple[type[Event], ...] = (ProductDescribed, PriceSet, PromotionSet)
