"""Who buys one or two things here, and plainly the rest elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ledger.policies.asking import YEAR_DAYS, Facts, Figure, Found, Habits, Terms
from ledger.policies.profile import median
from ledger.programme.parts import ONE_BP

FIGURES = ("visits", "on_usual", "usual", "categories", "peers_categories", "spend_minor")


def narrow(facts: Sequence[Facts], terms: Terms) -> list[Found]:
    """Members who come for one or two categories, where those who come as often buy many.

    They have visits enough; most are for their usual two categories and nothing else; and the middle
    one of those with like visits buys at least twice as many categories. Who comes most often first;
    of equals the lower id.
    """
    peers = _peers(facts)
    found = [one for one in facts if _is_narrow(one.habits, peers, terms)]
    found.sort(key=lambda one: (-one.habits.visits, one.member))
    return [Found(one.member, _figures(one, peers)) for one in found]


def _is_narrow(habits: Habits, peers: Mapping[int, int], terms: Terms) -> bool:
    """Nothing is divided, so nothing is rounded."""
    return (
        habits.visits * YEAR_DAYS >= terms.rules.least_visits * terms.window_days
        and habits.on_usual * ONE_BP >= habits.visits * terms.rules.usual_bp
        and habits.categories * 2 <= peers[habits.visits.bit_length()]
    )


def _peers(facts: Sequence[Facts]) -> dict[int, int]:
    """The median of categories (of two the lower) of those with 1, 2-3, 4-7, 8-15, ... visits."""
    bands: dict[int, list[int]] = {}
    for one in facts:
        bands.setdefault(one.habits.visits.bit_length(), []).append(one.habits.categories)
    return {band: median(categories) for band, categories in bands.items()}


def _figures(facts: Facts, peers: Mapping[int, int]) -> tuple[Figure, ...]:
    habits = facts.habits
    return (
        habits.visits, habits.on_usual, ", ".join(habits.usual), habits.categories,
        peers[habits.visits.bit_length()], facts.now.spend_minor,
    )  # fmt: skip
