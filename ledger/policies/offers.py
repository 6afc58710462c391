"""Offers on the lines of a receipt: which line gets which, and what that takes off or gives."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from msgspec import Struct

from ledger import events as e
from ledger.policies.ean import with_check_digit
from ledger.policies.split import part_returned
from ledger.programme import ONE_BP
from ledger.types import Line

NO_LIMIT = 2**62
ISSUER = "99"
"""The GS1 prefix of coupons."""


class Left(Struct, gc=False):
    """What a campaign may still give to a receipt; counted down while lines are decided."""

    minor: int = NO_LIMIT
    pieces: int = NO_LIMIT
    """Of the budget, and of what the member may have."""


class Deal(Struct, frozen=True, gc=False):
    """An offer of a list that is shown, with its campaign's terms."""

    barcode: str
    offer: e.ListedOffer
    terms: e.CampaignCreated

    def fits(self, line: Line, groups: Sequence[str]) -> bool:
        """Whether it is for the goods of a line; `groups` are those of its product."""
        if self.offer.product:
            return line.product == self.offer.product
        terms = self.terms
        return line.product in terms.products or any(
            group in terms.categories for group in (line.category, *groups)
        )


def held_out(seed: str, campaign: str, member: bytes, holdout_bp: int) -> bool:
    """Whether a member is held out: the same answer whenever and wherever it is asked."""
    said = b"\0".join((seed.encode(), campaign.encode(), member))
    drawn = int.from_bytes(hashlib.blake2b(said, digest_size=8).digest(), "big")
    return drawn % ONE_BP < holdout_bp


def ean13(ten_digits: int) -> str:
    """The barcode of a list: prefix, ten digits, check digit."""
    return with_check_digit(f"{ISSUER}{ten_digits % 10**10:010d}")


def within(amount: int, terms: e.CampaignCreated) -> bool:
    """Whether an amount is no deeper than the campaign's own."""
    if terms.kind == "price_minor":
        return amount >= terms.amount
    return 0 < amount <= terms.amount or amount == terms.amount


def uses(
    lines: Sequence[Line], groups: Sequence[Sequence[str]], deals: Sequence[Deal],
    left: Mapping[str, Left],
) -> tuple[e.OfferUse, ...]:  # fmt: skip
    """Which lines use which offers, in the order of lines and of the list; counts `left` down."""
    found: list[e.OfferUse] = []
    for index, line in enumerate(lines):
        if line.kind == "sale" and line.quantity > 0 and not line.voided:
            found += _on_line(index, line, groups[index], deals, left)
    return tuple(found)


def _on_line(
    index: int, line: Line, groups: Sequence[str], deals: Sequence[Deal], left: Mapping[str, Left]
) -> list[e.OfferUse]:
    """A second offer only where all say that they combine, and never a campaign twice."""
    found: list[e.OfferUse] = []
    taken: dict[str, bool] = {}
    for deal in deals:
        code, combines = deal.terms.code, deal.terms.may_combine
        if code in taken or (taken and not (combines and all(taken.values()))):
            continue
        discount = line.discount_minor - sum(use.off_minor for use in found)
        use = _use(index, line, deal, left[code], discount) if deal.fits(line, groups) else None
        if use:
            found.append(use)
            taken[code] = combines
    return found


def _use(index: int, line: Line, deal: Deal, left: Left, discount: int) -> e.OfferUse | None:
    """What an offer comes to on a line, as far as there is something left; None for nothing.

    Money is never more than the till took off: the funder owes no more than the member got.
    """
    pieces = min(_pieces(line), left.pieces)
    if pieces <= 0:
        return None
    terms, amount = deal.terms, deal.offer.amount
    off = min(_off(terms.kind, amount, line, pieces), discount, left.minor)
    if off <= 0 and terms.kind in {"off_minor", "off_bp", "price_minor"}:
        return None
    left.pieces -= pieces
    left.minor -= max(0, off)
    points = amount * pieces if terms.kind == "points" else 0
    return e.OfferUse(
        index, terms.code, deal.barcode, pieces, max(0, off), points, terms.reward
    )  # fmt: skip


def _off(kind: str, amount: int, line: Line, pieces: int) -> int:
    """Money off so many pieces of a line (floor, in the funder's favour)."""
    gross, count = line.amount_minor + line.discount_minor, _pieces(line)
    if kind == "off_minor":
        return amount * pieces
    if kind == "off_bp":
        return gross * pieces * amount // (count * ONE_BP)
    if kind == "price_minor":
        return gross * pieces // count - amount * pieces
    return 0


def _pieces(line: Line) -> int:
    """What is weighed or poured is one piece."""
    return line.quantity if line.unit == "piece" else 1


def back(
    use: e.OfferUse, quantity: int, before: int, now: int, product: str, day: int
) -> e.OfferBack | None:
    """What of a use goes back when `now` of a line's quantity come back after `before`."""
    pieces = part_returned(use.pieces, quantity, before, now)
    off = part_returned(use.off_minor, quantity, before, now)
    if not (pieces or off):
        return None
    return e.OfferBack(use.line, use.campaign, product, pieces, off, day)
