"""Campaigns: what is offered, at whose expense, and how much of it is left."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, cast

from ledger import events as e
from ledger.aggregates.campaign import CampaignState
from ledger.aggregates.pool import Pool
from ledger.application.door import Door
from ledger.commands.campaigns import (
    ChangeBudget,
    CreateCampaign,
    EndCampaign,
    campaign_of,
    pools_of,
)
from ledger.commands.common import Outcome
from ledger.policies.lift import Lift, lift, lift_of_shares
from ledger.programme.campaign import read_campaign
from ledger.projections.buying import Window, kinds_bought, window_of
from ledger.projections.campaign import CampaignRow, campaigns
from ledger.projections.offer_results import (
    Goods,
    InvoiceRow,
    Issued,
    accepted,
    invoice,
    issued,
    spent,
    used,
)
from ledger.projections.queries import Reader
from ledger.types import Day


class CampaignView(NamedTuple):
    """A campaign, and what it has drawn; a budget is -1 where there is no limit."""

    state: CampaignState
    drawn_minor: int
    drawn_pieces: int

    @property
    def left(self) -> tuple[int | None, int | None]:
        """The money and the pieces that are left; None where there is no limit."""
        pairs = (
            (self.state.budget_minor, self.drawn_minor),
            (self.state.budget_pieces, self.drawn_pieces),
        )
        minor, pieces = [None if budget < 0 else budget - drawn for budget, drawn in pairs]
        return minor, pieces


class Results(NamedTuple):
    """What became of a campaign: members by what happened to them, and what they spent."""

    issued: int
    used: int
    held_out: int
    pieces: int
    off_minor: int
    lift: Lift | None
    """Who used it against who was held out."""
    lift_issued: Lift | None
    """Who was issued it, used or not, against who was held out."""
    turned: Turned | None = None
    """By its goal; None where it has none, or nobody to compare."""
    accepted: int = 0
    """Members who showed a list that has it, whether they used it or not."""
    cells: Sequence[CellResults] = ()
    """By where members stood on their first list; empty: it looks at no cells."""


class CellResults(NamedTuple):
    """What became of the members of a cell; turned are all of them that its goal counts."""

    cell: str
    issued: int
    used: int
    held_out: int
    turned: int
    held_out_turned: int


class Turned(NamedTuple):
    """Members who before bought what the goal turns from and nothing of it, and who bought of it."""

    members: int
    """Issued."""
    turned: int
    held_out: int
    held_out_turned: int
    lift: Lift
    """Of the shares, in basis points."""


class Campaigns(Door):
    """Commands and questions on campaigns."""

    def create_campaign(self, text: str, author: str) -> Outcome:
        """Begin a campaign from the text of its file, TOML or JSON.

        Raises:
            CampaignInvalid, KeyConflict, InputInvalid.
        """
        return self._do(CreateCampaign(read_campaign(text), author))

    def end_campaign(self, code: str, until_day: Day, author: str, command_id: str) -> Outcome:
        """End a campaign after a day, today at the earliest.

        Raises:
            KeyConflict, CampaignUnknown, CampaignOver, InputInvalid.
        """
        return self._do(EndCampaign(code, until_day, author, command_id))

    def change_budget(
        self, code: str, author: str, command_id: str, *, amount_minor: int = 0, pieces: int = 0
    ) -> Outcome:
        """Raise a campaign's budget, or lower it to what is drawn at most.

        Raises:
            KeyConflict, CampaignUnknown, AmountInvalid, BudgetShort, InputInvalid.
        """
        return self._do(ChangeBudget(code, amount_minor, pieces, author, command_id))

    def campaign(self, code: str) -> CampaignView:
        """A campaign as it is now.

        Raises:
            CampaignUnknown.
        """
        state = campaign_of(self._fresh(), code)
        pools = [cast("Pool | None", self._state(pool)) for pool in pools_of(self.keys, code)]
        minor, pieces = [pool.drawn if pool else 0 for pool in pools]
        return CampaignView(state, minor, pieces)

    def campaign_results(self, code: str) -> Results:
        """What became of a campaign, and what its goods brought more than from those held out.

        Raises:
            CampaignUnknown.
        """
        state = self.campaign(code).state
        terms = state.terms
        goods = Goods(terms.products, terms.categories, terms.from_day, state.until_day)
        with self.reading() as reader:
            who, use, paid = issued(reader, code), used(reader, code), spent(reader, code, goods)
            shown = accepted(reader, code)
            could = self._could_turn(reader, state, who) if terms.goal_from else {}
        out = [paid.get(member, 0) for member, one in who.items() if one.held_out]
        got = {member: paid.get(member, 0) for member, one in who.items() if not one.held_out}
        users = [paid.get(member, 0) for member in use]
        return Results(
            len(got), len(use), len(out), sum(pieces for pieces, _ in use.values()),
            sum(off for _, off in use.values()), lift(users, out), lift([*got.values()], out),
            _turned(who, could), shown, _by_cell(terms, who, use, could),
        )  # fmt: skip

    def _could_turn(
        self, reader: Reader, state: CampaignState, who: Mapping[bytes, Issued]
    ) -> dict[bytes, bool]:
        """Who could be turned when the campaign began, by the audience's window; and who was."""
        terms = state.terms
        rules = self.programme_at(self.clock()).programme.segments
        before = kinds_bought(
            reader, window_of(terms.window, terms.from_day - 1), terms.category, rules
        )
        could = {
            member
            for member, kinds, products in before
            if member in who and terms.goal_from in kinds and not _at_goal(terms, kinds, products)
        }
        days = Window(terms.from_day, state.until_day)
        bought = {
            member
            for member, kinds, products in kinds_bought(reader, days, terms.category, rules)
            if member in could and _at_goal(terms, kinds, products)
        }
        return {member: member in bought for member in could}

    def campaign_invoice(self, funder: str, first: Day, last: Day) -> list[InvoiceRow]:
        """What a funder owes for a period, the last day included, by campaign and product."""
        with self.reading() as reader:
            return invoice(reader, funder, first, last)

    def campaigns(self) -> list[CampaignRow]:
        """All campaigns, those that begin last first."""
        with self.reading() as reader:
            return campaigns(reader)


def _turned(who: Mapping[bytes, Issued], could: Mapping[bytes, bool]) -> Turned | None:
    groups: tuple[list[bool], list[bool]] = ([], [])
    for member, did in could.items():
        groups[who[member].held_out].append(did)
    given, out = groups
    compared = lift_of_shares(given, out)
    return compared and Turned(len(given), sum(given), len(out), sum(out), compared)


def _by_cell(
    terms: e.CampaignCreated, who: Mapping[bytes, Issued], use: Collection[bytes],
    could: Mapping[bytes, bool],
) -> list[CellResults]:  # fmt: skip
    found = {cell: [0] * 5 for cell in terms.cells}
    for member, (held_out, cell) in who.items():
        if cell in found:
            counts, did = found[cell], could.get(member, False)
            counts[2 if held_out else 0] += 1
            counts[1] += member in use
            counts[4 if held_out else 3] += did
    return [CellResults(cell, *counts) for cell, counts in found.items() if any(counts)]


def _at_goal(terms: e.CampaignCreated, kinds: set[str], products: set[str]) -> bool:
    return terms.goal_product in products if terms.goal_product else terms.goal_to in kinds
