"""RFM: how lately, how often and for how much a member bought, each from 1 to 5."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ledger.policies.profile import Profile, Segmented, Terms
from ledger.policies.shares import places, ranked

STEPS = 5
_DIGITS = [str(score) for score in range(STEPS, 0, -1)]
NAMES = tuple(f"{r}{f}{m}" for r in _DIGITS for f in _DIGITS for m in _DIGITS)


def rfm(profiles: Sequence[Profile], _: Terms) -> Segmented:
    """Three scores as three digits; 5 is the latest, the most often, the most."""
    lately = _scores({p.member: p.last_day for p in profiles})
    often = _scores({p.member: p.receipts for p in profiles})
    much = _scores({p.member: p.spend_minor for p in profiles})
    members = ranked(profiles, lambda p: p.spend_minor)
    return Segmented(NAMES, {m: f"{lately[m]}{often[m]}{much[m]}" for m in members})


def _scores(values: Mapping[bytes, int]) -> dict[bytes, int]:
    """The fifth that a value lies in, by how many have a higher one (floor); equals share it."""
    count = len(values)
    return {m: STEPS - STEPS * place // count for m, place in places(values).items()}
