"""The catalogue: what is sold, and what it costs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple

from ledger.application.door import Door
from ledger.commands.catalogue import (
    DescribeProduct,
    Listing,
    SetPrice,
    SetPromotion,
    catalogue_of,
    catalogue_streams,
    command_of,
)
from ledger.commands.common import Outcome
from ledger.errors import ProductUnknown
from ledger.policies.catalogue import Catalogue, Period
from ledger.projections.catalogue import item, unknown
from ledger.projections.sold import Sold, sold
from ledger.store.working import Cache, Working
from ledger.types import Day, Price, Product, Promotion


class ProductView(NamedTuple):
    """A product in a store (empty: in all of them) on a day."""

    code: str
    product: Product | None
    """None where it is not in the catalogue."""
    store: str
    day: Day
    price: Period | None
    promotions: tuple[Period, ...]
    sold: Sold | None
    """None where it never was."""


class Catalogues(Door):
    """Commands on products, prices and promotions, and what is known of them."""

    def describe_product(self, product: Product) -> Outcome:
        """Say what a product is."""
        return self._do(DescribeProduct(product))

    def set_price(self, price: Price) -> Outcome:
        """Say what a product costs from a day on, or take that back.

        Raises:
            InputInvalid, PeriodTooOld.
        """
        return self._do(SetPrice(price))

    def set_promotion(self, promotion: Promotion) -> Outcome:
        """Say that a product is in a promotion, or take that back.

        Raises:
            InputInvalid, PeriodTooOld.
        """
        return self._do(SetPromotion(promotion))

    def list_all(self, listings: Iterable[Listing]) -> list[Any]:
        """Record many of these together; refusals stand among the outcomes, in order."""
        return self.list_later(listings).result()

    def list_later(self, listings: Iterable[Listing]) -> Future[list[Any]]:
        """The same without waiting: the answers come when they are durable.

        Raises:
            Busy, Closed.
        """
        return self._writer.submit_all([command_of(listing) for listing in listings])

    def catalogue(self, codes: Sequence[str], store: str = "") -> Catalogue:
        """What is told of some products in a store, from the log as it is now."""
        working = Working(self.log, self.codec, self.keys, Cache(1), self.vault)
        working.fetch(working.missing(catalogue_streams(self.keys, codes, store)))
        return catalogue_of(working, codes, store)

    def product(
        self, code: str, *, store: str = "", day: Day | None = None, upto: int | None = None
    ) -> ProductView:
        """A product on a day (today); its price and promotions as told up to a position of the log.

        Raises:
            ProductUnknown: it was neither described nor priced, promoted or sold.
        """
        if day is None:
            day = self.current_day()
        with self.reading() as reader:
            found, was_sold = item(reader, code, store, upto), sold(reader, code)
        if not (any(found) or was_sold):
            raise ProductUnknown(f"`{code}`", field="code")
        price, promotions = found.price_on(day), found.promotions_on(day)
        return ProductView(code, found.product, store, day, price, promotions, was_sold)

    def unknown_products(self, limit: int = 100) -> list[Sold]:
        """What was sold and is not in the catalogue, the most often sold first."""
        with self.reading() as reader:
            return unknown(reader, limit)
