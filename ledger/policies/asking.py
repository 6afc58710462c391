"""What is known of a member where somebody asks whom to win back, to tell, to call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from msgspec import Struct

from ledger.policies.profile import Profile
from ledger.programme import Cash, Questions
from ledger.programme.parts import ONE_BP

MOST_USUAL = 2
"""One or two things: so many categories at most."""
YEAR_DAYS = 365
STOPPED, FELL = "stopped", "fell"
UNKNOWN = "unknown"
Figure = int | str


class Cost(NamedTuple):
    """What a member got over a window, beside the goods."""

    points: int = 0
    """Points that came, less what was taken back; without compensation."""
    compensation_points: int = 0
    discount_minor: int = 0


class Habits(NamedTuple):
    """Visits over a window, by the categories of the goods."""

    visits: int = 0
    categories: int = 0
    usual: tuple[str, ...] = ()
    """The categories that are on most visits, at most two."""
    on_usual: int = 0
    """Visits with nothing else."""


class Facts(Struct, frozen=True, gc=False):
    """A member over a window, and over the same window a year before."""

    member: bytes
    now: Profile
    before: Profile
    cost: Cost = Cost()
    habits: Habits = Habits()
    complaints: int = 0
    """Opened in the window."""
    open_complaints: int = 0
    """Open at its end, whenever they were opened."""
    consent: str = UNKNOWN
    """To be told offers: yes, no, unknown."""


class Terms(NamedTuple):
    """What a question is answered by beside the members."""

    rules: Questions
    cash: Cash | None = None
    window_days: int = YEAR_DAYS


class Found(NamedTuple):
    """A member who is an answer, and the figures that make the case, in the question's order."""

    member: bytes
    figures: tuple[Figure, ...]


Asking = Callable[[Sequence[Facts], Terms], list[Found]]


def largest(spent: Mapping[bytes, int], share_bp: int) -> list[bytes]:
    """The share of those who spent anything that spent most, rounded up; of equals the lower id."""
    members = sorted((m for m in spent if spent[m] > 0), key=lambda m: (-spent[m], m))
    return members[: -(-len(members) * share_bp // ONE_BP)]


def decline(facts: Facts, fall_bp: int) -> str:
    """How a member's spend went since a year before: stopped, fell, or empty.

    Who bought nothing stopped. Who spends less by the share or more fell; nothing is divided.
    """
    if facts.before.spend_minor <= 0:
        return ""
    if not facts.now.receipts and not facts.now.one_off_minor:
        return STOPPED
    left_bp = ONE_BP - fall_bp
    return FELL if facts.now.spend_minor * ONE_BP <= facts.before.spend_minor * left_bp else ""


def habits_of(visits: Iterable[frozenset[str]]) -> Habits:
    """Sum visits up, each told by its categories; one without any is none."""
    seen = [visit for visit in visits if visit]
    counts: dict[str, int] = {}
    for category in chain.from_iterable(seen):
        counts[category] = counts.get(category, 0) + 1
    usual = tuple(sorted(counts, key=lambda one: (-counts[one], one))[:MOST_USUAL])
    on_usual = sum(visit.issubset(usual) for visit in seen)
    return Habits(len(seen), len(counts), usual, on_usual)
