"""A moment: everything that is known then, and who is asked about."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ledger.forecast.features import adoption, of_new, of_repeats
from ledger.forecast.pairs import Crowd, Own, Pairs, People, crowd_at, own_at, pairs_at, people_at
from ledger.forecast.purchases import Floats, Ints, Purchases

CANDIDATES = 200
"""Of the items a member never bought, so many of those that others lately began with are looked at."""


class Rows(NamedTuple):
    """What is looked at: one row a member and item, with named columns."""

    member: Ints
    item: Ints
    names: list[str]
    columns: Floats


class Moment(NamedTuple):
    """What is known at a moment; with days, or by the order of visits alone."""

    pairs: Pairs
    people: People
    crowd: Crowd
    items: int
    dated: bool
    own: Own
    """What of the crowd each member is itself."""

    @classmethod
    def at(cls, bought: Purchases, known: Ints, today: Ints, *, dated: bool) -> Moment:
        """When so many visits of each member are known and it is this day."""
        pairs = pairs_at(bought, known, today)
        people = people_at(bought, pairs, known, today)
        own = own_at(pairs, np.ones(bought.members, np.int64))
        return cls(pairs, people, crowd_at(pairs, bought.items), bought.items, dated, own)

    def of(self, whom: npt.NDArray[np.bool_]) -> Moment:
        """The same moment, to ask about some members only; of all the others it still knows."""
        chosen = whom[self.pairs.member]
        return self._replace(pairs=self.pairs.some(chosen), own=self.own.some(chosen))

    def repeats(self, begin: int, end: int) -> Rows:
        """What the members from one number up to another bought before."""
        chosen = self.pairs.between(begin, end)
        pairs, own = self.pairs.some(chosen), self.own.some(chosen)
        names, columns = of_repeats(pairs, self.crowd, self.people, own, dated=self.dated)
        return Rows(pairs.member, pairs.item, names, columns)

    def new(self, begin: int, end: int, most: int = CANDIDATES) -> Rows:
        """What they never bought and others lately began with: so many of each, the likeliest first.

        No column is about a member and an item together, so it is the same order for everybody.
        """
        pairs = self.pairs.of(begin, end)
        likely = np.argsort(-adoption(self.crowd), kind="stable")[:CANDIDATES]
        likely = likely[self.crowd.owners[likely] > 0]  # so it matters not who else is asked about
        members, row = np.unique(pairs.member, return_inverse=True)
        place = np.full(self.items, len(likely))
        place[likely] = np.arange(len(likely))
        owned = np.zeros((len(members), len(likely) + 1), bool)
        owned[row, place[pairs.item]] = True
        fresh = ~owned[:, : len(likely)]
        fresh &= np.cumsum(fresh, axis=1) <= most
        row, column = np.nonzero(fresh)
        member, item = members[row], likely[column]
        names, columns = of_new(member, item, self.crowd, self.people, dated=self.dated)
        return Rows(member, item, names, columns)
