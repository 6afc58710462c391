"""What it takes to tell how well lists were told, and what their offers came to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.application.campaigns import Campaigns
from ledger.application.offers import Offers
from ledger.offers.histories import Cut, Histories
from ledger.projections.offer_value import OfferValue, offer_values
from ledger.types import Day

if TYPE_CHECKING:  # numpy is an extra, and takes its time to load
    from ledger.offers.receipts import Receipts


class Backtests(Campaigns, Offers):
    """The past, for those who tell how well it was told."""

    def sampled_receipts(self) -> Receipts | None:
        """What a sample of members bought, to be asked about any day; None before anybody did.

        Raises:
            ImportError: the extra `offers` is not installed.
        """
        from ledger.offers.receipts import receipts  # noqa: PLC0415  an extra

        return receipts(Histories(self.log, Cut(self.log.head(), self.clock())))

    def offers_value(self, first: Day, last: Day) -> list[OfferValue]:
        """What issued offers came to in a period: of all campaigns, then of each by its code."""
        with self.reading() as reader:
            values = offer_values(reader, first, last)
        found = []
        for one in values:
            lift = self.campaign_results(one.campaign).lift_issued if one.campaign else None
            if lift:
                one = one._replace(  # noqa: PLW2901  with what only its results tell
                    lift_minor=lift.difference_minor, lift_low_minor=lift.low_minor,
                    lift_high_minor=lift.high_minor,
                )  # fmt: skip
            found.append(one)
        return found
