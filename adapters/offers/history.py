"""The same measures on a log: each day by what had been recorded by its end."""

from __future__ import annotations

from adapters.offers.lines import HISTORY_DAYS, WEEKS_DAYS, tested_days, told
from ledger.application import LoyaltyLedger
from ledger.errors import InputInvalid
from ledger.forecast.fit import FORTNIGHTS, HORIZON_DAYS
from ledger.forecast.purchases import Purchases
from ledger.types import Day

ALWAYS = 2**31


def evaluate(ledger: LoyaltyLedger, as_of: Day | None) -> dict[str, float]:
    """What is told on a day, or on several of the last year, and what became of issued offers.

    Raises:
        InputInvalid: too little was bought before the day, or too few days are over since.
    """
    receipts = ledger.sampled_receipts()
    if receipts is None:
        raise InputInvalid("Nobody has bought anything yet.", field="as_of")
    first, last = int(receipts.day.min()), int(receipts.day.max())
    if as_of is None:
        days = tested_days(receipts.day)
        start, end = last - WEEKS_DAYS, ALWAYS
        offers = ledger.offers_value(0, ALWAYS)
    else:
        _check(as_of, first, last)
        days, start, end = [as_of], as_of, as_of + WEEKS_DAYS
        offers = ledger.offers_value(as_of + 1, as_of + HORIZON_DAYS)

    def known(day: Day) -> Purchases:
        found = receipts.around(day, ledger.end_of(day), end)
        if found is None:
            raise InputInvalid("Nobody had bought anything by then.", field="as_of")
        return found

    scores = told(known, start, days)
    for one in offers:
        before = f"offers.{one.campaign}." if one.campaign else "offers."
        scores |= {
            before + name: value
            for name, value in one._asdict().items()
            if name != "campaign" and value is not None
        }
    return scores


def _check(day: Day, first: Day, last: Day) -> None:
    least = HISTORY_DAYS + FORTNIGHTS[-1]
    if day < first + least:
        msg = f"It takes {least} days of purchases before the day, at least."
        raise InputInvalid(msg, field="as_of")
    if day > last - HORIZON_DAYS:
        msg = f"It takes {HORIZON_DAYS} days of purchases after the day, at least."
        raise InputInvalid(msg, field="as_of")
