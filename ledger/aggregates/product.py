"""The stream of a product: what it is, and what it costs in all stores or in one."""

from __future__ import annotations

from msgspec import Struct

from ledger import events as e
from ledger.policies.catalogue import Period, Periods, put


class ProductState(Struct, frozen=True, array_like=True, gc=False):
    """What was said last; `version` counts the events, `described_at` is the description's."""

    version: int = 0
    described_at: int = 0
    described: e.ProductDescribed | None = None
    prices: Periods = ()
    promotions: Periods = ()


def evolve(state: ProductState | None, event: e.Event) -> ProductState:
    """The state after an event."""
    known = state or ProductState()
    version, described_at, described = known.version + 1, known.described_at, known.described
    prices, promotions = known.prices, known.promotions
    match event:
        case e.ProductDescribed():
            described_at, described = version, event
        case e.PriceSet():
            prices = put(prices, price_of(event, version))
        case e.PromotionSet():
            promotions = put(promotions, promotion_of(event, version))
        case _:
            pass
    return ProductState(version, described_at, described, prices, promotions)


def price_of(event: e.PriceSet, version: int) -> Period:
    """The period that a price stands for."""
    return Period(
        event.from_day, "", event.until_day, event.price_minor, "", event.withdrawn, version
    )


def promotion_of(event: e.PromotionSet, version: int) -> Period:
    """The period that a promotion stands for."""
    return Period(
        event.from_day, event.promotion, event.until_day, event.price_minor, event.name,
        event.withdrawn, version,
    )  # fmt: skip
