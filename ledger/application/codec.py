"""The house's events and aggregates, as the store needs to know them."""

from __future__ import annotations

from collections.abc import Mapping

from ledger.aggregates import (
    access,
    allowance_keys,
    campaign,
    card,
    claim,
    identity,
    job,
    model,
    pool,
    product,
    programmes,
    receipt,
    voucher,
)
from ledger.aggregates.member import state as member_state
from ledger.aggregates.member.folds import evolve as evolve_member
from ledger.events import TOPICS
from ledger.store.codec import Codec, Kind
from ledger.store.keys import (
    ACCESS,
    ALLOWANCE,
    CAMPAIGN,
    CARD,
    COMMAND,
    IDENTITY,
    JOB,
    MEMBER,
    MODEL,
    POOL,
    PRODUCT,
    PROGRAMME,
    RECEIPT,
    VOUCHER,
)

KINDS: Mapping[int, Kind] = {
    MEMBER: Kind(
        evolve_member,
        cached=True,
        state=member_state.Member,
        shape=f"member{member_state.SHAPE}",
    ),
    CARD: Kind(card.evolve, cached=True),
    RECEIPT: Kind(receipt.evolve, cached=False, claimed=receipt.claimed),
    COMMAND: Kind(claim.evolve, cached=False),
    VOUCHER: Kind(voucher.evolve, cached=False),
    PROGRAMME: Kind(programmes.evolve, cached=True),
    JOB: Kind(job.evolve, cached=True),
    POOL: Kind(pool.evolve, cached=True, state=pool.Pool),
    IDENTITY: Kind(identity.evolve, cached=False),
    MODEL: Kind(model.evolve, cached=False),
    PRODUCT: Kind(product.evolve, cached=False, state=product.ProductState),
    CAMPAIGN: Kind(campaign.evolve, cached=True),
    ACCESS: Kind(access.evolve, cached=False),
    ALLOWANCE: Kind(allowance_keys.evolve, cached=False),
}


def codec() -> Codec:
    """The house's events and aggregates, as the store needs to know them."""
    return Codec(TOPICS, KINDS)
