"""A list as a printed page says it: all words of the page are here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from adapters.cli.render import money
from ledger.application import LoyaltyLedger
from ledger.types import date_of

if TYPE_CHECKING:
    from ledger.events import BundlePart, CampaignCreated, ListedLine, ListedOffer
    from ledger.offers.plan import MadeList

HEADS = ("", "Product", "Usual", "Price", "Offer", "Why")
WITH_OFFERS = "Show this barcode at the till: one scan takes all offers of this page."
WITHOUT = "This list is made for you alone."
UNISSUED = "Not issued: no offer on this page counts at the till yet."
_REASONS = {
    "new": "new for you", "once": "you had it once", "lapsing": "missed for a while",
    "lost": "missed for long", "returned": "you are back to it",
}  # fmt: skip


class Words(NamedTuple):
    """What all pages need to know."""

    title: str
    """The programme's name."""
    currency: str
    names: Mapping[str, str]
    """Of products, by code."""
    campaigns: Mapping[str, CampaignCreated]
    """Terms by code."""

    def name(self, product: str) -> str:
        """What the catalogue calls a product; its code where it has no name there."""
        return self.names.get(product, product)

    def offer(self, offer: ListedOffer) -> str:
        """What an offer gives for a piece."""
        terms = self.campaigns[offer.campaign]
        whole, part = divmod(offer.amount, 100)
        return {
            "off_minor": f"{money(offer.amount, self.currency)} off each",
            "off_bp": f"{whole}{f'.{part:02d}'.rstrip('0') if part else ''} % off",
            "price_minor": f"for {money(offer.amount, self.currency)}",
            "points": f"{offer.amount} points each",
            "reward": terms.reward,
        }[terms.kind] + "".join(f" with {self._any(part)}" for part in terms.bundle)

    def _any(self, part: BundlePart) -> str:
        """Goods of which one must be bought too."""
        return " or ".join((*map(self.name, part.products), *part.categories))


class Page(NamedTuple):
    """The texts of a page."""

    member: str
    title: str
    days: str
    barcode: str
    hint: str
    rows: Sequence[tuple[str, ...]]
    """As `HEADS`."""


def words(ledger: LoyaltyLedger) -> Words:
    """What all pages need to know, as it is now; memory is linear in products."""
    programme = ledger.programme_at(ledger.clock()).programme
    campaigns = {row.code: ledger.campaign(row.code).state.terms for row in ledger.campaigns()}
    return Words(programme.name, programme.currency, ledger.product_names(), campaigns)


def page(one: MadeList, said: Words) -> Page:
    """A list's page."""
    days = f"{date_of(one.from_day).isoformat()} to {date_of(one.until_day).isoformat()}"
    rows = [
        (
            str(place), said.name(line.product), str(line.quantity), _price(line, said.currency),
            "; ".join(said.offer(offer) for offer in offers_on(one, line)), _reason(line),
        )
        for place, line in enumerate(one.shopping.lines, 1)
    ]  # fmt: skip
    hint = (WITH_OFFERS if one.offers else WITHOUT) if one.barcode else UNISSUED
    return Page(one.member.hex(), f"{said.title}: your list", days, one.barcode, hint, rows)


def offers_on(one: MadeList, line: ListedLine) -> list[ListedOffer]:
    """The offers of a line."""
    return [offer for offer in one.offers if offer.product == line.product]


def _price(line: ListedLine, currency: str) -> str:
    """The catalogue's price, or what the usual quantity cost the last time."""
    if line.price_minor:
        return money(line.price_minor, currency)
    return f"about {money(line.paid_minor, currency)}" if line.paid_minor else ""


def _reason(line: ListedLine) -> str:
    if line.reason in _REASONS:
        return _REASONS[line.reason]
    return "every day" if line.every_days <= 1 else f"every {line.every_days} days"
