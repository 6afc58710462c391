"""Offers on the lines of a receipt: which line gets which, and what that takes off or gives."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct

from ledger import events as e
from ledger.policies.bundles import bundled
from ledger.policies.ean import with_check_digit
from ledger.policies.split import largest_remainder, part_returned
from ledger.programme import ONE_BP
from ledger.types import Day, Line

NO_LIMIT = 2**62
UNPAID = ("points", "reward")
"""Kinds of offers that take no money off."""
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
        return _among(line, groups, self.terms.products, self.terms.categories)

    def parts(self, one: _Sold) -> list[bool]:
        """Which parts of its bundle a line may be, the offer's own goods first."""
        others = (
            _among(one.line, one.groups, part.products, part.categories)
            for part in self.terms.bundle
        )
        return [self.fits(one.line, one.groups), *others]


def _among(
    line: Line, groups: Sequence[str], products: Collection[str], categories: Collection[str]
) -> bool:
    return line.product in products or any(
        group in categories for group in (line.category, *groups)
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


def amount_for(terms: e.CampaignCreated, cell: str, lists_before: int) -> int:
    """What a piece gets on a member's next list, by its cell and by how many lists it had."""
    for depth in terms.depth:
        if depth.cell == cell:
            return depth.amounts[min(lists_before, len(depth.amounts) - 1)]
    return terms.amount


def lately(days: Iterable[Day], first: Day, within_days: int) -> int:
    """How many of the first days of lists count against a limit on one that begins on `first`.

    Those that begin later count too, so lists issued ahead do not get round it.
    """
    return sum(day > first - within_days for day in days)


def uses(
    lines: Sequence[Line], groups: Sequence[Sequence[str]], deals: Sequence[Deal],
    left: Mapping[str, Left],
) -> tuple[e.OfferUse, ...]:  # fmt: skip
    """Which lines use which offers; counts `left` down.

    Bundles come first, as they need several lines, in the order of the list; then each line takes
    what fits, in the order of lines and of the list.
    """
    sold = [
        _Sold(index, line, groups[index], line.discount_minor, [], {})
        for index, line in enumerate(lines)
        if line.kind == "sale" and line.quantity > 0 and not line.voided
    ]
    for deal in deals:
        if deal.terms.bundle:
            _bundle(sold, deal, left[deal.terms.code])
    for one in sold:
        for deal in deals:
            if not deal.terms.bundle and one.free(deal) and deal.fits(one.line, one.groups):
                _single(one, deal, left[deal.terms.code])
    return tuple(use for one in sold for use in one.uses)


class _Sold(NamedTuple):
    """A line while offers are laid on it: a second one only where all say that they combine."""

    place: int
    """Among the lines of the receipt."""
    line: Line
    groups: Sequence[str]
    discount_minor: int
    uses: list[e.OfferUse]
    taken: dict[str, bool]
    """The campaigns that have it, and whether they combine."""

    @property
    def pieces(self) -> int:
        """What is weighed or poured is one piece."""
        return self.line.quantity if self.line.unit == "piece" else 1

    @property
    def left_minor(self) -> int:
        """What the till took off, without what offers account for."""
        return self.discount_minor - sum(use.off_minor for use in self.uses)

    def gross_minor(self, pieces: int) -> int:
        """The price of so many pieces before discount (floor)."""
        return (self.line.amount_minor + self.line.discount_minor) * pieces // self.pieces

    def free(self, deal: Deal) -> bool:
        """Whether it may have this offer too; never a campaign twice."""
        combines = deal.terms.may_combine and all(self.taken.values())
        return deal.terms.code not in self.taken and (combines or not self.taken)

    def use(self, deal: Deal, pieces: int, off: int) -> None:
        """Lay an offer on it; nothing is recorded of a line that only makes a bundle whole."""
        terms = deal.terms
        self.taken[terms.code] = terms.may_combine
        if pieces or off:
            points = deal.offer.amount * pieces if terms.kind == "points" else 0
            self.uses.append(
                e.OfferUse(self.place, terms.code, deal.barcode, pieces, off, points, terms.reward)
            )


def _single(one: _Sold, deal: Deal, left: Left) -> None:
    """Lay an offer on a line, as far as there is something left.

    Money is never more than the till took off: the funder owes no more than the member got.
    """
    pieces = min(one.pieces, left.pieces)
    if pieces <= 0:
        return
    off = min(_off(deal, one.gross_minor(pieces), pieces), one.left_minor, left.minor)
    if off > 0 or deal.terms.kind in UNPAID:
        left.pieces -= pieces
        left.minor -= max(0, off)
        one.use(deal, pieces, max(0, off))


def _bundle(sold: Sequence[_Sold], deal: Deal, left: Left) -> None:
    """Lay an offer on the lines that make bundles; one bundle is one piece, of the offer's goods.

    The money stands on the lines from which the till took it, in proportion, so that each gives
    back its own part when it comes back.
    """
    free = [one for one in sold if one.free(deal)]
    parts = [[number for number, fits in enumerate(deal.parts(one)) if fits] for one in free]
    taken = bundled([one.pieces for one in free], parts, len(deal.terms.bundle) + 1, left.pieces)
    count = sum(take.pieces for take in taken if take.part == 0)
    if not count:
        return
    lines = [free[take.line] for take in taken]
    gross = sum(one.gross_minor(t.pieces) for one, t in zip(lines, taken, strict=True))
    given = [max(0, one.left_minor) for one in lines]
    off = min(_off(deal, gross, count), sum(given), left.minor)
    if off <= 0 and deal.terms.kind not in UNPAID:
        return
    left.pieces -= count
    left.minor -= max(0, off)
    shares = largest_remainder(max(0, off), given)
    for one, take, share in zip(lines, taken, shares, strict=True):
        one.use(deal, take.pieces if take.part == 0 else 0, share)


def _off(deal: Deal, gross_minor: int, pieces: int) -> int:
    """Money off so many pieces at a price before discount (floor, in the funder's favour)."""
    kind, amount = deal.terms.kind, deal.offer.amount
    if kind == "off_minor":
        return amount * pieces
    if kind == "off_bp":
        return gross_minor * amount // ONE_BP
    if kind == "price_minor":
        return gross_minor - amount * pieces
    return 0


def back(
    use: e.OfferUse, quantity: int, before: int, now: int, product: str, day: int
) -> e.OfferBack | None:
    """What of a use goes back when `now` of a line's quantity come back after `before`."""
    pieces = part_returned(use.pieces, quantity, before, now)
    off = part_returned(use.off_minor, quantity, before, now)
    if not (pieces or off):
        return None
    return e.OfferBack(use.line, use.campaign, product, pieces, off, day)
