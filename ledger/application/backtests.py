"""What it takes to tell how well lists were told, and what their offers came to."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ledger.application.campaigns import Campaigns
from ledger.application.offers import Offers
from ledger.calendar import midnight
from ledger.offers.histories import Cut, Histories
from ledger.projections.offer_value import offer_sums
from ledger.types import Day, Instant

if TYPE_CHECKING:  # numpy is an extra, and takes its time to load
    from ledger.offers.receipts import Receipts


class OfferValue(NamedTuple):
    """What the offers of a campaign, or of all, came to in a period; see `OfferSums`."""

    campaign: str
    """Empty: of all."""
    lists: int
    accepted_lists: int
    members: int
    used_members: int
    pieces: int
    off_minor: int
    spent_minor: int
    lift_minor: int | None = None
    """Spent on its goods by a member who was issued it more than by one held out, over the whole
    campaign; None where there is nobody to compare."""
    lift_low_minor: int | None = None
    lift_high_minor: int | None = None


class Backtests(Campaigns, Offers):
    """The past, for those who tell how well it was told."""

    def sampled_receipts(self) -> Receipts | None:
        """What a sample of members bought, to be asked about any day; None before anybody did.

        Raises:
            ImportError: the extra `offers` is not installed.
        """
        from ledger.offers.receipts import receipts  # noqa: PLC0415  an extra

        return receipts(Histories(self.log, Cut(self.log.head(), self.clock())))

    def end_of(self, day: Day) -> Instant:
        """The last instant of a day of the programme's zone."""
        return midnight(day + 1, self.programme_at(self.clock()).programme.time_zone) - 1

    def offers_value(self, first: Day, last: Day) -> list[OfferValue]:
        """What issued offers came to in a period: of all campaigns, then of each by its code."""
        with self.reading() as reader:
            sums = offer_sums(reader, first, last)
        found = []
        for one in sums:
            lift = self.campaign_results(one.campaign).lift_issued if one.campaign else None
            known = (lift.difference_minor, lift.low_minor, lift.high_minor) if lift else ()
            found.append(OfferValue(*one, *known))
        return found
