"""Which of the campaigns that run for a product stand on its line of a member's list."""

from __future__ import annotations

from collections.abc import Iterable

from ledger import events as e
from ledger.programme import ONE_BP
from ledger.programme.campaign import KINDS

MONEY = ("off_minor", "off_bp", "price_minor")


def chosen(
    campaigns: Iterable[e.CampaignCreated], price_minor: int
) -> tuple[e.CampaignCreated, ...]:
    """The campaign that takes most off a piece, and those that may be combined with it.

    `price_minor` is of one piece, 0 where it is not known: then a share or a price, of which
    nobody can say what it takes off, comes after money off. One that takes nothing off is left out.
    """
    found = [
        (-_off(one, price_minor), KINDS.index(one.kind), one.code, one)
        for one in campaigns
        if not (price_minor and one.kind in MONEY and not _off(one, price_minor))
    ]
    best = [one for *_, one in sorted(found, key=lambda row: row[:3])]
    if best and best[0].may_combine:
        return tuple(one for one in best if one.may_combine)
    return tuple(best[:1])


def _off(terms: e.CampaignCreated, price_minor: int) -> int:
    """Money off a piece at this price (floor, in the funder's favour)."""
    if terms.kind == "off_minor":
        return min(terms.amount, price_minor) if price_minor else terms.amount
    if terms.kind == "off_bp":
        return price_minor * terms.amount // ONE_BP
    if terms.kind == "price_minor":
        return max(0, price_minor - terms.amount)
    return 0
