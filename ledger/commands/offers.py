"""Offers: lists issued to members, used at the till, given back with the goods."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ledger import events as e
from ledger.aggregates.campaign import CampaignState
from ledger.aggregates.member.earning import given_on
from ledger.aggregates.member.state import Member, OfferList
from ledger.aggregates.receipt import Back, ReceiptState
from ledger.calendar import local_day
from ledger.commands.campaigns import campaign_of, pools_of
from ledger.commands.catalogue import catalogue_of
from ledger.commands.common import (
    Outcome,
    accepting,
    claim,
    member_of,
    owner_of,
    rules_at,
    storable,
)
from ledger.commands.redeem import owned_streams
from ledger.errors import CampaignOver, InputInvalid, MemberNotAddressed, OffersLimited
from ledger.policies.basket import Award
from ledger.policies.offers import (
    NO_LIMIT,
    Deal,
    Left,
    amount_for,
    back,
    ean13,
    held_out,
    lately,
    uses,
    within,
)
from ledger.programme import Programme
from ledger.store.keys import PROGRAMME_STREAM
from ledger.store.working import Working
from ledger.types import Day, Line, Receipt

MOST_OFFERS = 64
"""On a list."""
MOST_LISTS = 64
"""That a member's state keeps at a time."""


class IssueList(NamedTuple):
    """Issue offers to a member for some days.

    An amount of 0 is the campaign's own: by the cell that the offer says, and the member's lists of
    the campaign before. The cell is found, not asked for, so a repeat may find another one.
    """

    to: str | bytes
    """The holder of a card, or the member of a stream."""
    offers: tuple[e.ListedOffer, ...]
    from_day: Day
    until_day: Day
    command_id: str
    asked: tuple[object, ...] = ()
    """What a run asked for, where the offers follow from it: a repeat may find others."""

    def streams(self, working: Working) -> Iterable[bytes]:
        """The command's claim, the card and its member, the campaigns and products."""
        keys = working.keys
        owned = (
            owned_streams(working, "offers", self.command_id, self.to)
            if isinstance(self.to, str)
            else (PROGRAMME_STREAM, keys.command("offers", self.command_id), self.to)
        )
        campaigns = [keys.campaign(offer.campaign) for offer in self.offers]
        products = [keys.product(offer.product) for offer in self.offers if offer.product]
        return (*owned, *campaigns, *products)

    def decide(self, working: Working) -> Outcome:
        """Record what the member gets, and of what campaigns nothing.

        Raises:
            KeyConflict: the command id was used for another list.
            CardUnknown, MemberUnknown: nobody holds the card; there is no such member.
            MemberClosed: the account is closed.
            CampaignUnknown: there is no such campaign.
            CampaignOver: it is over before the list is.
            MemberNotAddressed: a campaign is for certain cells, and the offer says none of them.
            OffersLimited: limits leave nothing of the list, or the member has too many lists.
            InputInvalid: the list or an offer on it is not well formed.
        """
        stream, member = self._member(working)
        content = (stream, self.asked or asked_of(self.offers), self.from_day, self.until_day)
        claimed = claim(working, "offers", self.command_id, content)
        if earlier := claimed.earlier(working):
            return earlier
        accepting(member)
        if not self.offers:
            raise InputInvalid("A list needs an offer.", field="offers")
        event = self.event(working, stream, member)
        if not (event.offers or event.held_out):
            raise OffersLimited(field="offers")
        return claimed.record(working, stream, working.emit(stream, event))

    def event(
        self, working: Working, stream: bytes, member: Member,
        shopping: e.ShoppingList | None = None,
    ) -> e.ListIssued:  # fmt: skip
        """What the member gets, and of what campaigns nothing.

        Raises:
            CampaignUnknown, CampaignOver, MemberNotAddressed, OffersLimited, InputInvalid.
        """
        programme = rules_at(working, working.now).programme
        self._check(member, local_day(working.now, programme.time_zone))
        offers = [self.listed(working, member, offer) for offer in self.offers]
        drawn = self._drawn(working, stream, member, offers)
        return e.ListIssued(
            working.now, ean13(working.keys.list_number(stream, self.command_id)),
            tuple(drawn.given), self.from_day, self.until_day,
            self._kept_until(working, programme), self.command_id, tuple(drawn.held_out),
            tuple(drawn.held_out.values()) if any(drawn.held_out.values()) else (),
            tuple(drawn.limited), shopping,
        )  # fmt: skip

    def _member(self, working: Working) -> tuple[bytes, Member]:
        if isinstance(self.to, str):
            return owner_of(working, self.to)
        return self.to, member_of(working, self.to)

    def _check(self, member: Member, today: Day) -> None:
        storable(command_id=self.command_id)
        named = {(offer.campaign, offer.product) for offer in self.offers}
        if len(self.offers) > MOST_OFFERS or len(named) < len(self.offers):
            msg = f"A list has up to {MOST_OFFERS} offers, each once."
            raise InputInvalid(msg, field="offers")
        if not max(self.from_day, today) <= self.until_day:
            raise InputInvalid("It ends before it begins, or is past.", field="until")
        if len([one for one in member.lists if one.kept_until >= today]) >= MOST_LISTS:
            raise OffersLimited(f"The member has {MOST_LISTS} lists.", field="card")

    def _kept_until(self, working: Working, programme: Programme) -> Day:
        """As long as a receipt of its days can come in, or a later list asks how many there were."""
        kept = [self.until_day + programme.late_scan_days + 1]
        if programme.offers:
            kept.append(self.from_day + programme.offers.days)
        for offer in self.offers:
            state = campaign_of(working, offer.campaign)
            kept.append(self.from_day + state.terms.limit_days)
            if any(len(depth.amounts) > 1 for depth in state.terms.depth):
                kept.append(state.until_day)
        return max(kept)

    def _drawn(
        self, working: Working, stream: bytes, member: Member, offers: Sequence[e.ListedOffer]
    ) -> _Drawn:
        """Which offers the member gets, is held out of, or had too many of lately.

        Limits come first, and who is held out uses them up the same, so that both stay alike.
        """
        drawn = _Drawn([], {}, {})
        most = rules_at(working, working.now).programme.offers
        room = len(offers)
        if most:
            begun = [one.from_day for one in member.lists for _ in one.offers]
            room = most.most - lately(begun, self.from_day, most.days)
        for offer in offers:
            terms = campaign_of(working, offer.campaign).terms
            had = lately(_begun(member, terms.code), self.from_day, terms.limit_days)
            if room <= 0 or (terms.most_lists and had >= terms.most_lists):
                drawn.limited[terms.code] = None
                continue
            room -= 1
            if held_out(terms.seed, terms.code, stream, terms.holdout_bp):
                drawn.held_out[terms.code] = offer.cell
            else:
                drawn.given.append(offer)
        return drawn

    def listed(self, working: Working, member: Member, offer: e.ListedOffer) -> e.ListedOffer:
        """An offer with its amount, once it is found to be within the campaign."""
        state = campaign_of(working, offer.campaign)
        if self.until_day > state.until_day:
            raise CampaignOver(f"`{offer.campaign}`", field="until")
        terms, cell = state.terms, offer.cell
        cells = ("", *terms.cells) if offer.amount else terms.cells or ("",)
        if cell not in cells:
            raise MemberNotAddressed(f"`{offer.campaign}`", field="offers")
        amount = offer.amount or amount_for(terms, cell, len(_begun(member, terms.code)))
        listed = e.ListedOffer(offer.campaign, offer.product, amount, cell)
        if not within(listed.amount, state.terms):
            raise InputInvalid(f"`{offer.campaign}` goes no deeper.", field="amount")
        whole = Deal("", e.ListedOffer(offer.campaign), state.terms)
        if offer.product and not whole.fits(
            Line(offer.product, 1, 0), groups_of(working, [offer.product])[0]
        ):
            msg = f"`{offer.campaign}` is not for `{offer.product}`."
            raise InputInvalid(msg, field="product")
        return listed


class _Drawn(NamedTuple):
    """What becomes of the offers of a list."""

    given: list[e.ListedOffer]
    held_out: dict[str, str]
    """Campaigns, and the member's cell."""
    limited: dict[str, None]


def asked_of(offers: Sequence[e.ListedOffer]) -> tuple[tuple[str, str, int], ...]:
    """What of a list makes it another one."""
    return tuple((offer.campaign, offer.product, offer.amount) for offer in offers)


def _begun(member: Member, campaign: str) -> list[Day]:
    """The first days of the member's lists with offers of a campaign, as far as they are kept."""
    return [
        one.from_day
        for one in member.lists
        if any(offer.campaign == campaign for offer in one.offers)
    ]


def offer_streams(working: Working, member: Member, receipt: Receipt) -> list[bytes]:
    """What a receipt that shows lists is decided on, to be looked up with the rest."""
    keys = working.keys
    codes = {
        offer.campaign for one in member.lists if one.barcode in receipt.offers
        for offer in one.offers
    }  # fmt: skip
    streams = [keys.product(line.product) for line in receipt.lines] if codes else []
    for code in sorted(codes):
        streams += [keys.campaign(code), *pools_of(keys, code)]
    return streams


class Used(NamedTuple):
    """The offers that a receipt uses, and what they add to its award."""

    uses: tuple[e.OfferUse, ...] = ()
    awards: tuple[Award, ...] = ()
    counted: tuple[e.Counted, ...] = ()
    accepted: tuple[str, ...] = ()
    """The barcodes of the lists that were shown in time."""


NONE_USED = Used()


def use_offers(working: Working, member: Member, receipt: Receipt, day: Day) -> Used:
    """Let the lines of a receipt use the offers of the lists it shows, and draw on the budgets."""
    lists = [
        one
        for one in member.lists
        if one.barcode in receipt.offers and one.from_day <= day <= one.until_day
    ]
    accepted = tuple(one.barcode for one in lists)
    deals, states = _deals(working, lists, day)
    if not deals:
        return Used(accepted=accepted)
    left = {code: left_of(working, member, state, day) for code, state in states.items()}
    groups = groups_of(working, [line.product for line in receipt.lines])
    found = uses(receipt.lines, groups, deals, left)
    for use in found:
        _draw(working, use.campaign, use.off_minor, use.pieces)
    return Used(
        found, tuple(_points(use, len(receipt.lines)) for use in found if use.points),
        tuple(
            e.Counted(
                rule_of(use.campaign), use.pieces, bool(states[use.campaign].terms.per_day),
                states[use.campaign].terms.until_day,
            )
            for use in found
            if use.pieces
            if states[use.campaign].terms.per_member or states[use.campaign].terms.per_day
        ),
        accepted,
    )  # fmt: skip


def _deals(
    working: Working, lists: Sequence[OfferList], day: Day
) -> tuple[list[Deal], Mapping[str, CampaignState]]:
    """The offers of the lists shown whose campaigns run on the day, in the order of the lists."""
    deals, states = [], {}
    for one in lists:
        for offer in one.offers:
            state = campaign_of(working, offer.campaign)
            if state.on(day):
                states[offer.campaign] = state
                deals.append(Deal(one.barcode, offer, state.terms))
    return deals, states


def left_of(working: Working, member: Member, state: CampaignState, day: Day) -> Left:
    """What budget and limits leave; the pools themselves make that exact, whoever else draws."""
    terms = state.terms
    minor, pieces = pools_of(working.keys, terms.code)
    today, ever = given_on(member, rule_of(terms.code), day)
    return Left(
        working.pool_left(minor) if state.budget_minor >= 0 else NO_LIMIT,
        min(
            working.pool_left(pieces) if state.budget_pieces >= 0 else NO_LIMIT,
            terms.per_member - ever if terms.per_member else NO_LIMIT,
            terms.per_day - today if terms.per_day else NO_LIMIT,
        ),
    )


def _points(use: e.OfferUse, lines: int) -> Award:
    points = [0] * lines
    points[use.line] = use.points
    return Award(rule_of(use.campaign), points)


def rule_of(campaign: str) -> str:
    """The name under which awards and limits know a campaign."""
    return f"offer:{campaign}"


def groups_of(working: Working, codes: Sequence[str]) -> list[list[str]]:
    """The groups above each product, as the catalogue has them."""
    catalogue = catalogue_of(working, codes)
    return [[level.code for level in catalogue.levels(code)] for code in codes]


def offers_back(
    working: Working, known: ReceiptState, award: e.Award, goods: e.Goods, came: Back, day: Day
) -> tuple[e.OfferBack, ...]:
    """Give back to the budgets what returned goods had used.

    What a voided return gave back is never given back again: others may have used it since.
    """
    so_far, most = known.returned, dict(known.most_back)
    found = []
    for line, quantity in zip(came.lines, came.quantities, strict=True):
        after = so_far.get(line, 0) + quantity
        before = max(so_far.get(line, 0), most.get(line, 0))
        for use in award.offers if after > before else ():
            if use.line == line:
                product, bought = goods.product_codes[line], goods.quantities[line]
                found.append(back(use, bought, before, after - before, product, day))
    given = tuple(one for one in found if one)
    for one in given:
        _draw(working, one.campaign, -one.off_minor, -one.pieces)
    return given


def _draw(working: Working, campaign: str, off_minor: int, pieces: int) -> None:
    minor_pool, pieces_pool = pools_of(working.keys, campaign)
    working.draw(minor_pool, off_minor)
    working.draw(pieces_pool, pieces)
