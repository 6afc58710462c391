"""The pyramid: the few who spend most, and the levels below."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.policies.profile import Profile, Segmented, Terms
from ledger.policies.shares import cut, ranked

NAMES = ("top", "high", "middle", "rest")


def pyramid(profiles: Sequence[Profile], terms: Terms) -> Segmented:
    """Members by what they spent, cut by the programme's shares."""
    members = ranked(profiles, lambda p: p.spend_minor)
    return Segmented(NAMES, cut(members, terms.rules.pyramid_bp, NAMES))
