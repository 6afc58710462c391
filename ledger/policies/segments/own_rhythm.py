"""By rhythm: how each member stands in its own rhythm of visits on the last day."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.policies.profile import Profile, Segmented, Terms
from ledger.policies.rhythm import STANDINGS, pace, rhythm
from ledger.policies.shares import ranked


def own_rhythm(profiles: Sequence[Profile], terms: Terms) -> Segmented:
    """Members by how long they have been away, by their own intervals."""
    by_id = {p.member: p for p in profiles}
    members = ranked(profiles, lambda p: p.spend_minor)
    return Segmented(STANDINGS, {m: rhythm(pace(by_id[m].days), terms.last) for m in members})
