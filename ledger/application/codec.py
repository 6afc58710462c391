"""The house's events and aggregates, as the store needs to know them."""

from __future__ import annotations

from collections.abc import Mapping

from ledger.aggregates import card, claim, identity, programmes, receipt
from ledger.aggregates.member import state as member_state
from ledger.aggregates.member.folds import evolve as evolve_member
from ledger.events import TOPICS
from ledger.store.codec import Codec, Kind
from ledger.store.keys import (
    CARD,
    COMMAND,
    IDENTITY,
    MEMBER,
    PROGRAMME,
    RECEIPT,
)

KINDS: Mapping[int, Kind] = {
    MEMBER: Kind(
        evolve_member,
        cached=True,
        state=member_state.Member,
        shape=f"member{member_state.SHAPE}",
    ),
    CARD: Kind(card.evolve, cached=True),
    RECEIPT: Kind(receipt.evolve, cached=False),
    COMMAND: Kind(claim.evolve, cached=False),
    PROGRAMME: Kind(programmes.evolve, cached=True),
    IDENTITY: Kind(identity.evolve, cached=False),
}


def codec() -> Codec:
    """The house's events and aggregates, as the store needs to know them."""
    return Codec(TOPICS, KINDS)
