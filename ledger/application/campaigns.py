"""Campaigns: what is offered, at whose expense, and how much of it is left."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple, cast

from ledger.aggregates.campaign import CampaignState
from ledger.aggregates.pool import Pool
from ledger.application.door import Door
from ledger.commands.campaigns import ChangeBudget, CreateCampaign, EndCampaign, pools_of
from ledger.commands.common import Outcome
from ledger.commands.offers import IssueList
from ledger.errors import CampaignUnknown
from ledger.events import ListedOffer
from ledger.policies.lift import Lift, lift
from ledger.programme.campaign import read_campaign
from ledger.projections.campaign import CampaignRow, campaigns
from ledger.projections.offer_results import Goods, InvoiceRow, invoice, issued, spent, used
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

    def issue_list(
        self, card: str, offers: Sequence[ListedOffer], command_id: str, *, from_day: Day,
        until_day: Day,
    ) -> Outcome:  # fmt: skip
        """Issue a list of offers to a card's holder; its event says the barcode and who is held out.

        Raises:
            KeyConflict, CardUnknown, MemberClosed, CampaignUnknown, CampaignOver, InputInvalid.
        """
        return self._do(IssueList(card, tuple(offers), from_day, until_day, command_id))

    def issue_lists(self, lists: Iterable[IssueList]) -> list[Any]:
        """Issue lists together, to cards or members; refusals stand among the outcomes, in order."""
        return self.issue_lists_later(lists).result()

    def issue_lists_later(self, lists: Iterable[IssueList]) -> Future[list[Any]]:
        """The same without waiting: the answers come when the lists are durable.

        Raises:
            Busy, Closed.
        """
        return self._writer.submit_all([*lists])

    def campaign(self, code: str) -> CampaignView:
        """A campaign as it is now.

        Raises:
            CampaignUnknown.
        """
        state = cast("CampaignState | None", self._state(self.keys.campaign(code)))
        if state is None:
            raise CampaignUnknown(f"`{code}`", field="campaign")
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
        out = [paid.get(member, 0) for member, held in who.items() if held]
        got = {member: paid.get(member, 0) for member, held in who.items() if not held}
        users = [paid.get(member, 0) for member in use]
        return Results(
            len(got), len(use), len(out), sum(pieces for pieces, _ in use.values()),
            sum(off for _, off in use.values()), lift(users, out), lift([*got.values()], out),
        )  # fmt: skip

    def campaign_invoice(self, funder: str, first: Day, last: Day) -> list[InvoiceRow]:
        """What a funder owes for a period, the last day included, by campaign and product."""
        with self.reading() as reader:
            return invoice(reader, funder, first, last)

    def campaigns(self) -> list[CampaignRow]:
        """All campaigns, those that begin last first."""
        with self.reading() as reader:
            return campaigns(reader)
