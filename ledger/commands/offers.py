"""Offers: lists issued to members, used at the till, given back with the goods."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ledger import events as e
from ledger.aggregates.campaign import CampaignState
from ledger.aggregates.member.earning import given_on
from ledger.aggregates.member.state import Member
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
from ledger.errors import CampaignOver, InputInvalid
from ledger.policies.basket import Award
from ledger.policies.offers import NO_LIMIT, Deal, Left, back, ean13, held_out, uses, within
from ledger.store.keys import PROGRAMME_STREAM
from ledger.store.working import Working
from ledger.types import Day, Line, Receipt

MOST_OFFERS = 64
"""On a list."""
MOST_LISTS = 64
"""That a member's state keeps at a time."""


class IssueList(NamedTuple):
    """Issue offers to a member for some days; an amount of 0 is the campaign's own."""

    to: str | bytes
    """The holder of a card, or the member of a stream."""
    offers: tuple[e.ListedOffer, ...]
    from_day: Day
    until_day: Day
    command_id: str

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
            InputInvalid: the list or an offer on it is not well formed.
        """
        stream, member = self._member(working)
        content = (stream, self.offers, self.from_day, self.until_day)
        claimed = claim(working, "offers", self.command_id, content)
        if earlier := claimed.earlier(working):
            return earlier
        accepting(member)
        if not self.offers:
            raise InputInvalid("A list needs an offer.", field="offers")
        event = self.event(working, stream, member)
        return claimed.record(working, stream, working.emit(stream, event))

    def event(
        self, working: Working, stream: bytes, member: Member,
        shopping: e.ShoppingList | None = None,
    ) -> e.ListIssued:  # fmt: skip
        """What the member gets, and of what campaigns nothing.

        Raises:
            CampaignUnknown, CampaignOver, InputInvalid.
        """
        programme = rules_at(working, working.now).programme
        self._check(member, local_day(working.now, programme.time_zone))
        offers = [self._listed(working, offer) for offer in self.offers]
        out = _held_out(working, stream, self.offers)
        return e.ListIssued(
            working.now, ean13(working.keys.list_number(stream, self.command_id)),
            tuple(offer for offer in offers if offer.campaign not in out),
            self.from_day, self.until_day, self.until_day + programme.late_scan_days + 1,
            self.command_id, out, shopping=shopping,
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
            raise InputInvalid(f"The member has {MOST_LISTS} lists.", field="card")

    def _listed(self, working: Working, offer: e.ListedOffer) -> e.ListedOffer:
        """An offer with its amount, once it is found to be within the campaign."""
        state = campaign_of(working, offer.campaign)
        if self.until_day > state.until_day:
            raise CampaignOver(f"`{offer.campaign}`", field="until")
        listed = e.ListedOffer(offer.campaign, offer.product, offer.amount or state.terms.amount)
        if not within(listed.amount, state.terms):
            raise InputInvalid(f"`{offer.campaign}` goes no deeper.", field="amount")
        whole = Deal("", e.ListedOffer(offer.campaign), state.terms)
        if offer.product and not whole.fits(
            Line(offer.product, 1, 0), groups_of(working, [offer.product])[0]
        ):
            msg = f"`{offer.campaign}` is not for `{offer.product}`."
            raise InputInvalid(msg, field="product")
        return listed


def _held_out(working: Working, member: bytes, offers: Sequence[e.ListedOffer]) -> tuple[str, ...]:
    codes = dict.fromkeys(offer.campaign for offer in offers)
    terms = [campaign_of(working, code).terms for code in codes]
    return tuple(t.code for t in terms if held_out(t.seed, t.code, member, t.holdout_bp))


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


NONE_USED = Used()


def use_offers(working: Working, member: Member, receipt: Receipt, day: Day) -> Used:
    """Let the lines of a receipt use the offers of the lists it shows, and draw on the budgets."""
    deals, states = _deals(working, member, receipt, day)
    if not deals:
        return NONE_USED
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
            if states[use.campaign].terms.per_member or states[use.campaign].terms.per_day
        ),
    )  # fmt: skip


def _deals(
    working: Working, member: Member, receipt: Receipt, day: Day
) -> tuple[list[Deal], Mapping[str, CampaignState]]:
    """The offers of the lists shown that hold on the day, in the order of the member's lists."""
    deals, states = [], {}
    for one in member.lists:
        if one.barcode in receipt.offers and one.from_day <= day <= one.until_day:
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
