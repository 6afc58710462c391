"""The catalogue: products, prices and promotions; the same again records nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, cast

from msgspec.structs import replace

from ledger import events as e
from ledger.aggregates.product import ProductState, price_of, promotion_of
from ledger.commands.common import Outcome
from ledger.errors import InputInvalid, PeriodTooOld
from ledger.policies.catalogue import Catalogue, Item, Period, Periods, comparable, said
from ledger.store.keys import Keys
from ledger.store.working import Working
from ledger.types import FOREVER, Price, Product, Promotion, day_of

UNKNOWN = ProductState()
Listing = Product | Price | Promotion
"""What a catalogue's files say."""


class DescribeProduct(NamedTuple):
    """Say what a product is."""

    product: Product

    def streams(self, working: Working) -> Iterable[bytes]:
        """The product's own."""
        return (working.keys.product(self.product.code),)

    def decide(self, working: Working) -> Outcome:
        """Record it, unless it was said last."""
        stream = working.keys.product(self.product.code)
        state = state_of(working, stream)
        event = described(self.product)
        if state.described == event:
            return Outcome(stream, state.described_at, repeat=True)
        return Outcome(stream, working.emit(stream, event))


class SetPrice(NamedTuple):
    """Say what a product costs from a day on, in all stores or in one."""

    price: Price

    def streams(self, working: Working) -> Iterable[bytes]:
        """The product's, in all stores or in this one."""
        return (working.keys.product(self.price.product, self.price.store),)

    def decide(self, working: Working) -> Outcome:
        """Record it, unless it was said last of its first day.

        Raises:
            InputInvalid: there is nothing to withdraw.
            PeriodTooOld: too many later ones are known.
        """
        price = self.price
        (stream,) = self.streams(working)
        event = e.PriceSet(
            price.product, price.store, day_of(price.from_date), price.price_minor,
            day_of(price.until) if price.until else FOREVER, price.withdrawn,
        )  # fmt: skip
        return _put(working, stream, event, price_of(event, 0), state_of(working, stream).prices)


class SetPromotion(NamedTuple):
    """Say that a product is in a promotion for some days, in all stores or in one."""

    promotion: Promotion

    def streams(self, working: Working) -> Iterable[bytes]:
        """The product's, in all stores or in this one."""
        return (working.keys.product(self.promotion.product, self.promotion.store),)

    def decide(self, working: Working) -> Outcome:
        """Record it, unless it was said last of this promotion and first day.

        Raises:
            InputInvalid: there is nothing to withdraw.
            PeriodTooOld: too many later ones are known.
        """
        one = self.promotion
        (stream,) = self.streams(working)
        event = e.PromotionSet(
            one.product, one.store, one.promotion, day_of(one.from_date),
            day_of(one.until) if one.until else FOREVER, one.price_minor, one.name, one.withdrawn,
        )  # fmt: skip
        known = state_of(working, stream).promotions
        return _put(working, stream, event, promotion_of(event, 0), known)


def _put(
    working: Working, stream: bytes, event: e.PriceSet | e.PromotionSet, one: Period, known: Periods
) -> Outcome:
    before = said(known, one.key)
    if before and replace(before, version=0) == one:
        return Outcome(stream, before.version, repeat=True)
    if not comparable(known, one.key):
        raise PeriodTooOld(field="from")
    if one.withdrawn and before is None:
        raise InputInvalid("Nothing that begins on this day is there to withdraw.", field="from")
    return Outcome(stream, working.emit(stream, event))


def command_of(listing: Listing) -> DescribeProduct | SetPrice | SetPromotion:
    """The command that records what a file says."""
    if isinstance(listing, Product):
        return DescribeProduct(listing)
    return SetPrice(listing) if isinstance(listing, Price) else SetPromotion(listing)


def catalogue_streams(keys: Keys, codes: Sequence[str], store: str = "") -> list[bytes]:
    """The streams that say all of some products in a store, to be looked up with the rest."""
    streams = [keys.product(code) for code in codes]
    return [*streams, *[keys.product(code, store) for code in codes]] if store else streams


def catalogue_of(working: Working, codes: Sequence[str], store: str = "") -> Catalogue:
    """What is told of some products, as a value that policies can ask."""
    return Catalogue(store, {code: _item(working, code, store) for code in codes})


def _item(working: Working, code: str, store: str) -> Item:
    common = state_of(working, working.keys.product(code))
    own = state_of(working, working.keys.product(code, store)) if store else UNKNOWN
    return Item(
        product_of(common.described), common.prices, common.promotions, own.prices, own.promotions
    )


def described(product: Product) -> e.ProductDescribed:
    """The event that says what a product is; groups nobody knows at the top say nothing."""
    levels = list(product.levels)
    while levels and not any(levels[-1]):
        levels.pop()
    return e.ProductDescribed(
        product.code, product.name, tuple(levels), product.brand, product.maker,
        product.brand_kind,
    )  # fmt: skip


def product_of(event: e.ProductDescribed | None) -> Product | None:
    """The product that an event describes."""
    if event is None:
        return None
    return Product(
        event.code, event.name, event.levels, event.brand, event.maker,
        event.brand_kind,  # type: ignore[arg-type]  # it was one of them when it was recorded
    )  # fmt: skip


def state_of(working: Working, stream: bytes) -> ProductState:
    """What is known in a stream of a product."""
    return cast("ProductState | None", working.state(stream)) or UNKNOWN
