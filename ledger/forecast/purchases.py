"""Who bought what on which visit, as arrays that a whole chain's purchases fit into."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class Purchases(NamedTuple):
    """One entry a member, item and visit, sorted in this order; an item counts once a visit."""

    member: Ints
    """From 0; as items are."""
    item: Ints
    visit: Ints
    """From 0, by day and then by the number of the basket."""
    day: Ints
    visits: Ints
    """By member: how many."""
    begins: Ints
    """By member: where its visits begin in the next two; one more at the end."""
    visit_day: Ints
    visit_size: Ints
    """Items on the visit, each once."""
    items: int
    """How many items there are at all."""

    @property
    def members(self) -> int:
        """How many there are."""
        return len(self.visits)

    def known_on(self, day: int) -> Ints:
        """By member: visits up to the end of a day."""
        return np.add.reduceat((self.visit_day <= day).astype(np.int64), self.begins[:-1])

    def day_of(self, known: Ints) -> Ints:
        """By member: the day of the last of so many visits; of the first one where there are none."""
        return self.visit_day[self.begins[:-1] + np.maximum(known - 1, 0)]

    def next_visit(self, known: Ints) -> Ints:
        """What each member buys on the visit after so many, as `keys`, sorted."""
        chosen = self.visit == known[self.member]
        return self.keys(self.member[chosen], self.item[chosen])

    def until(self, known: Ints, day: int) -> Ints:
        """What each member buys after so many visits and up to a day, as `keys`, sorted."""
        chosen = (self.visit >= known[self.member]) & (self.day <= day)
        return np.unique(self.keys(self.member[chosen], self.item[chosen]))

    def keys(self, member: Ints, item: Ints) -> Ints:
        """One number for a member and an item."""
        return member * self.items + item


def purchases(member: Ints, day: Ints, basket: Ints, item: Ints) -> Purchases:
    """Sort lines into visits; members and items are numbered from 0, every member has a line."""
    visit, visits, visit_day = _visits(member, day, basket)
    order = np.lexsort((visit, item, member))
    columns = [column[order] for column in (member, item, visit, day)]
    once = np.ones(len(order), bool)
    once[1:] = np.any([column[1:] != column[:-1] for column in columns[:3]], axis=0)
    member, item, visit, day = (column[once] for column in columns)
    begins = np.concatenate([[0], np.cumsum(visits)])
    sizes = np.bincount(begins[member] + visit, minlength=begins[-1])
    return Purchases(
        member, item, visit, day, visits, begins, visit_day, sizes, int(item.max()) + 1
    )


def _visits(member: Ints, day: Ints, basket: Ints) -> tuple[Ints, Ints, Ints]:
    """The visit of each line, how many each member has, and the day of each."""
    order = np.lexsort((basket, day, member))
    m, d, b = member[order], day[order], basket[order]
    other = np.ones(len(order), bool)
    other[1:] = m[1:] != m[:-1]
    begins = other.copy()
    other[1:] |= (d[1:] != d[:-1]) | (b[1:] != b[:-1])
    numbered = np.cumsum(other) - 1
    first = numbered[begins]  # the first visit of each member
    visit = np.empty(len(order), np.int64)
    visit[order] = numbered - first[np.cumsum(begins) - 1]
    return visit, np.diff(np.append(first, numbered[-1] + 1)), d[other]
