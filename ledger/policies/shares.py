"""Ranking, and cutting a ranking by shares."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence

from ledger.policies.profile import Profile
from ledger.programme.parts import ONE_BP


def ranked(profiles: Sequence[Profile], value: Callable[[Profile], int]) -> list[bytes]:
    """Members by a value, the highest first; of equal ones the lower id first."""
    return [p.member for p in sorted(profiles, key=lambda p: (-value(p), p.member))]


def cut(
    members: Sequence[bytes], shares_bp: Sequence[int], names: Sequence[str]
) -> dict[bytes, str]:
    """Divide a ranking: the first share of its members, the next, and so on; the last name the rest.

    A segment ends where all shares up to it end, rounded up: 1 % of 1,000 is 10, of 7 it is 1, so
    that the best one is never left out. With 7 members 1 %, 4 % and 15 % are 1, 0 and 1.
    """
    found, start, share_bp = {}, 0, 0
    for name, more_bp in zip(names, [*shares_bp, ONE_BP], strict=True):
        share_bp = min(ONE_BP, share_bp + more_bp)
        end = -(-len(members) * share_bp // ONE_BP)
        found.update(dict.fromkeys(members[start:end], name))
        start = end
    return found


def places(values: Mapping[bytes, int]) -> dict[bytes, int]:
    """How many have a higher value; equals share their place."""
    rising = sorted(values.values())
    return {member: len(rising) - bisect_right(rising, one) for member, one in values.items()}
