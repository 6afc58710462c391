"""Lists of offers: issued to one member, to some, or to everybody whom a campaign addresses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from itertools import islice
from typing import Any, NamedTuple, cast

from msgspec.structs import replace

from ledger.aggregates.campaign import CampaignState
from ledger.application.door import Door
from ledger.commands.campaigns import campaign_of
from ledger.commands.common import Outcome, storable
from ledger.commands.offers import IssueList, asked_of
from ledger.errors import CampaignOver, InputInvalid, MemberClosed, OffersLimited
from ledger.events import ListedOffer, ListIssued
from ledger.offers.audience import addressed, open_members
from ledger.types import Day

TOGETHER = 500
"""Lists that are issued at a time."""


class Issues(NamedTuple):
    """What became of a campaign in a run, in members."""

    campaign: str
    issued: int = 0
    held_out: int = 0
    limited: int = 0
    """Addressed, but had as many lately as they may have."""
    not_addressed: int = 0
    closed: int = 0
    """Addressed, but closed since."""


class IssueRun(NamedTuple):
    """A run: lists that were recorded now and before, and each of its campaigns."""

    recorded: int
    before: int
    campaigns: list[Issues]


class Issuing(Door):
    """Commands that issue lists."""

    def issue_list(
        self, card: str, offers: Sequence[ListedOffer], command_id: str, *, from_day: Day,
        until_day: Day,
    ) -> Outcome:  # fmt: skip
        """Issue a list of offers to a card's holder; its event says the barcode and who is held out.

        Where a campaign addresses cells and an offer has neither cell nor amount, the member's cell
        of today is looked up, which takes a look at all buyers of the category.

        Raises:
            KeyConflict, CardUnknown, MemberClosed, CampaignUnknown, CampaignOver,
            MemberNotAddressed, OffersLimited, InputInvalid.
        """
        found = self._in_cells(card, offers)
        return self._do(IssueList(card, found, from_day, until_day, command_id))

    def issue_lists(self, lists: Iterable[IssueList]) -> list[Any]:
        """Issue lists together, to cards or members; refusals stand among the outcomes, in order."""
        return self.issue_lists_later(lists).result()

    def issue_lists_later(self, lists: Iterable[IssueList]) -> Future[list[Any]]:
        """The same without waiting: the answers come when the lists are durable.

        Raises:
            Busy, Closed.
        """
        return self._writer.submit_all([*lists])

    def addressed(self, code: str, *, as_of: Day | None = None) -> dict[bytes, str]:
        """The members that a campaign addresses on a day (today), with their cells.

        Raises:
            CampaignUnknown.
        """
        state = campaign_of(self._fresh(), code)
        day = self.current_day() if as_of is None else as_of
        programme = self.programme_at(self.end_of(day)).programme
        with self.reading() as reader:
            return addressed(reader, state.terms, day, programme)

    def issue_campaigns(
        self, offers: Sequence[ListedOffer], command_id: str, *, from_day: Day, until_day: Day,
        as_of: Day | None = None,
    ) -> IssueRun:  # fmt: skip
        """Issue a list to each member that some of the campaigns address, as they stood on a day.

        Each list has an id of its own, made of the run's and the member's: a run that was killed
        goes on when it is asked again, and nobody gets two.

        Raises:
            KeyConflict: the run's id was used for other offers or days.
            CampaignUnknown, CampaignOver, InputInvalid, Busy, Closed.
        """
        storable(command_id=command_id)
        if not offers:
            raise InputInvalid("Which offers?", field="offers")
        codes = dict.fromkeys(offer.campaign for offer in offers)
        for code in codes:
            if until_day > campaign_of(self._fresh(), code).until_day:
                raise CampaignOver(f"`{code}`", field="until")
        cells = {code: self.addressed(code, as_of=as_of) for code in codes}
        with self.reading() as reader:
            members = set(open_members(reader))
        run = _Run(codes)
        asked = ("run", *asked_of(offers))
        found = _lists(offers, cells)
        while some := [*islice(found, TOGETHER)]:
            lists = [
                IssueList(
                    member, own, from_day, until_day, f"{command_id}/{member.hex()}", asked
                )
                for member, own in some
            ]  # fmt: skip
            for one, outcome in zip(lists, self.issue_lists(lists), strict=True):
                run.add(one.offers, self._issued(outcome))
        return run.report({code: len(members - cells[code].keys()) for code in codes})

    def _issued(self, outcome: Any) -> tuple[ListIssued | Exception, bool]:
        """The event of a list, or why there is none, and whether it was there before."""
        if isinstance(outcome, Outcome):
            return self.event(outcome), outcome.repeat
        if isinstance(outcome, OffersLimited | MemberClosed):
            return outcome, False
        raise outcome

    def _in_cells(self, card: str, offers: Sequence[ListedOffer]) -> tuple[ListedOffer, ...]:
        """The offers with the cell of a card's holder, where a campaign looks at that."""
        cells: dict[str, dict[bytes, str]] = {}
        for code in dict.fromkeys(one.campaign for one in offers if not (one.cell or one.amount)):
            campaign = cast("CampaignState | None", self._state(self.keys.campaign(code)))
            if campaign and campaign.terms.cells:
                cells[code] = self.addressed(code)
        holder = self.holder_of(card) if cells else None
        if holder is None:
            return tuple(offers)  # refused, or decided, as they are
        return tuple(
            replace(one, cell=cells[one.campaign].get(holder, ""))
            if one.campaign in cells and not (one.cell or one.amount)
            else one
            for one in offers
        )


class _Run:
    """Counts what became of members."""

    def __init__(self, codes: Iterable[str]) -> None:
        self.recorded = self.before = 0
        self.counts = {code: Issues(code) for code in codes}

    def add(self, offers: Sequence[ListedOffer], found: tuple[Any, bool]) -> None:
        """Count one list."""
        event, repeat = found
        codes = {offer.campaign for offer in offers}
        if isinstance(event, ListIssued):
            self.before += repeat
            self.recorded += not repeat
            given = {offer.campaign for offer in event.offers}
            self._more(issued=given, held_out=event.held_out, limited={*event.limited} - given)
        elif isinstance(event, OffersLimited):
            self._more(limited=codes)
        else:
            self._more(closed=codes)

    def _more(self, **codes: Iterable[str]) -> None:
        for name, some in codes.items():
            for code in some:
                known = self.counts[code]
                self.counts[code] = known._replace(**{name: getattr(known, name) + 1})

    def report(self, not_addressed: Mapping[str, int]) -> IssueRun:
        """All of it."""
        told = [
            one._replace(not_addressed=not_addressed[code]) for code, one in self.counts.items()
        ]
        return IssueRun(self.recorded, self.before, told)


def _lists(
    offers: Sequence[ListedOffer], cells: Mapping[str, Mapping[bytes, str]]
) -> Iterator[tuple[bytes, tuple[ListedOffer, ...]]]:
    """Each member that is addressed, in order, with the offers of those campaigns."""
    for member in sorted({member for found in cells.values() for member in found}):
        yield (
            member,
            tuple(
                replace(offer, cell=cells[offer.campaign][member])
                for offer in offers
                if member in cells[offer.campaign]
            ),
        )
