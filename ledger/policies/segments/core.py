"""Core, potential, occasional: by what the programme says makes a regular customer."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.policies.profile import Profile, Segmented, Terms
from ledger.policies.shares import ranked
from ledger.programme import RegularGroup

NAMES = ("core", "potential", "occasional")
YEAR_DAYS = 365


def core(profiles: Sequence[Profile], terms: Terms) -> Segmented:
    """Members by receipts and spend in the window, and what each group is due."""
    rules = terms.rules
    groups = (("core", rules.core), ("potential", rules.potential))
    by_id = {p.member: p for p in profiles}
    of = {}
    for member in ranked(profiles, lambda p: p.spend_minor):
        reached = (n for n, group in groups if _reaches(by_id[member], group, terms.window_days))
        of[member] = next(reached, "occasional")
    dues = (rules.core.due, rules.potential.due, rules.occasional.due)
    return Segmented(NAMES, of, dict(zip(NAMES, dues, strict=True)))


def _reaches(profile: Profile, group: RegularGroup, window_days: int) -> bool:
    """Whether both is enough for so many days of a year; exact, as nothing is divided."""
    return (
        profile.receipts * YEAR_DAYS >= group.least_receipts * window_days
        and profile.spend_minor * YEAR_DAYS >= group.least_spend_minor * window_days
    )
