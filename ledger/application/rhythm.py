"""What one member buys how often."""

from __future__ import annotations

from typing import NamedTuple

from ledger.application.reads import Reads
from ledger.errors import InputInvalid
from ledger.policies.habit import Habit, Kept, habit
from ledger.policies.rhythm import pace, rhythm
from ledger.projections.catalogue import groups
from ledger.projections.habits import kept
from ledger.projections.rhythm import Rhythm, rhythm_of
from ledger.types import LEVELS, Day

NO_GROUP = ""


class RhythmView(NamedTuple):
    """A member's visits, and its habits, those that are met most often first."""

    member_id: bytes
    visits: int
    spend_minor: int
    first_day: Day
    last_day: Day
    interval_days: int
    rhythm: str
    habits: list[Habit]
    currency: str


class Rhythms(Reads):
    """Questions about one member's rhythm."""

    def rhythm_of(self, card_or_id: str, level: int = 0) -> RhythmView | None:
        """How often a member comes and buys what: by product, or by groups of a level above it.

        Of the catalogue's levels, 1 is the nearest; what has no group there stands under an empty
        code. None where nothing was bought.

        Raises:
            MemberUnknown.
            InputInvalid: there is no such level.
        """
        if not 0 <= level <= LEVELS:
            raise InputInvalid(f"From 0 to {LEVELS}.", field="level")
        member = self.member_of(card_or_id)
        currency = self.programme_at(self.clock()).programme.currency
        today = self.current_day()
        with self.reading() as reader:
            found = rhythm_of(reader, member)
            if found is None:
                return None
            goods = found.habits().goods
            group_of = groups(reader, list(goods), level) if level else {}
        products: dict[str, list[Kept]] = {}
        for code, times in goods.items():
            name = group_of.get(code, NO_GROUP) if level else code
            products.setdefault(name, []).append(kept(times))
        habits = [habit(name, some, today, group=level > 0) for name, some in products.items()]
        return _view(member, found, habits, today, currency)


def _view(
    member: bytes, found: Rhythm, habits: list[Habit], today: Day, currency: str
) -> RhythmView:
    known = pace(found.days)
    return RhythmView(
        member, found.visits, found.spend_minor, found.first_day or 0, known.last_day,
        known.interval_days, rhythm(known, today),
        sorted(habits, key=lambda one: (-one.purchases, one.code)), currency,
    )  # fmt: skip
