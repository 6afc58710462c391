"""What is known of each member and item at a moment, and of all members together."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ledger.forecast.purchases import Floats, Ints, Purchases

RECENT = 8
"""Of a member's purchases of one item, so many of the latest are looked at one by one."""
NEVER = -1


class Pairs(NamedTuple):
    """One entry a member and item that it bought, sorted by both."""

    member: Ints
    item: Ints
    times: Ints
    """Visits on which it was bought."""
    visits: Ints
    """Of the member, up to now."""
    gap: Ints
    """RECENT rows: visits since the latest purchase, the one before, ...; 1 is the last visit."""
    age: Ints
    """The same in days; `NEVER` where there are not so many, here and in `gap`."""
    first_gap: Ints
    first_age: Ints

    def between(self, begin: int, end: int) -> slice:
        """Where the pairs of the members from one number up to another are."""
        return slice(*np.searchsorted(self.member, (begin, end)).tolist())

    def of(self, begin: int, end: int) -> Pairs:
        """The pairs of the members from one number up to another."""
        return self.some(self.between(begin, end))

    def some(self, chosen: Any) -> Pairs:
        """Some of them, by a slice or an array."""
        return Pairs(*[column[..., chosen] for column in self])


class People(NamedTuple):
    """By member: what there is to know without looking at items."""

    visits: Ints
    size: Floats
    """Items on a visit, on average."""
    last_size: Ints
    items: Ints
    """Different ones bought so far."""
    repeats: Floats
    """The share of what is bought after the first visit that had been bought before."""
    away: Ints
    """Days since the last visit."""
    lately: Ints
    """Visits in the last 28 days, and in the last 56."""
    lately_56: Ints


class Crowd(NamedTuple):
    """By item: what all members together do."""

    trials: Floats
    """Visits on which somebody could have bought it again."""
    repeats: Floats
    last: Floats
    """Members who bought it on their last visit."""
    recent: Floats
    """The same over several visits, the later ones counting more."""
    owners: Floats
    """Members who ever bought it."""
    adopted: Floats
    """Members who bought it first on one of their last two visits."""
    members: int
    """Members with a visit."""


class Own(NamedTuple):
    """By pair: what of the crowd is the member itself, to be taken out of it; 0 where it is not."""

    trials: Floats
    repeats: Floats
    last: Floats
    recent: Floats
    owned: Floats

    def some(self, chosen: Any) -> Own:
        """Some of them, by a slice or an array."""
        return Own(*[column[chosen] for column in self])


def pairs_at(bought: Purchases, known: Ints, today: Ints) -> Pairs:
    """The pairs when so many visits of each member are known and it is this day."""
    chosen = bought.visit < known[bought.member]
    member, item, visit, day = (c[chosen] for c in bought[:4])
    new = np.ones(len(member), bool)
    new[1:] = (member[1:] != member[:-1]) | (item[1:] != item[:-1])
    begin = np.flatnonzero(new)
    end = np.append(begin[1:], len(member))
    whose = member[begin]
    back = end - 1 - np.arange(RECENT)[:, None]
    there = back >= begin
    at = np.where(there, back, begin)
    return Pairs(
        whose, item[begin], end - begin, known[whose],
        np.where(there, known[whose] - visit[at], NEVER),
        np.where(there, today[whose] - day[at], NEVER),
        known[whose] - visit[begin], today[whose] - day[begin],
    )  # fmt: skip


def people_at(bought: Purchases, pairs: Pairs, known: Ints, today: Ints) -> People:
    """What is known of each member at that moment."""
    begins = bought.begins[:-1]
    last_size = bought.visit_size[begins + np.maximum(known - 1, 0)]
    return people_of(
        pairs, known, bought.visit_size[begins], last_size, today - bought.day_of(known),
        (_since(bought, known, today - 28), _since(bought, known, today - 56)),
    )  # fmt: skip


def people_of(
    pairs: Pairs, visits: Ints, first_size: Ints, last_size: Ints, away: Ints,
    lately: tuple[Ints, Ints],
) -> People:  # fmt: skip
    """What is known of members, by their pairs, visits and the sizes of the first and last one."""
    members = len(visits)
    lines = np.bincount(pairs.member, pairs.times, members)
    items = np.bincount(pairs.member, minlength=members)
    first = np.minimum(first_size, items)
    later = np.maximum(lines - first, 0)
    return People(
        visits, lines / np.maximum(visits, 1), last_size, items,
        (later - (items - first) + 3) / (later + 8), away, *lately,
    )  # fmt: skip


def _since(bought: Purchases, known: Ints, day: Ints) -> Ints:
    """By member: visits that are known and after a day."""
    whose = np.repeat(np.arange(bought.members), bought.visits)
    number = np.arange(len(whose)) - bought.begins[whose]
    counted = (number < known[whose]) & (bought.visit_day > day[whose])
    return np.bincount(whose, counted, bought.members).astype(np.int64)


def lately(gap: Ints, *factors: float) -> list[Floats]:
    """Purchases, each counted less by a factor for every visit that it lies back; by factor."""
    powers = np.arange(-1, gap.max(initial=0))
    return faded(gap, *[factor**powers for factor in factors])


def faded(back: Ints, *worths: Floats) -> list[Floats]:
    """Purchases, each at its worth by how far it lies back; what is not there is worth nothing.

    Looked up: a power of each would take most of the time that a list takes. Most products were
    bought less often than is looked at, so what is there is picked out first.
    """
    there = np.flatnonzero(back > NEVER)
    pairs = back.shape[1]
    pair, values = there % max(pairs, 1), back.ravel().take(there)
    weights = [np.asarray(worth.take(values), dtype=np.float64) for worth in worths]
    return [np.bincount(pair, weight, pairs).astype(np.float64) for weight in weights]


def own_at(pairs: Pairs, inside: Ints, since: Ints | None = None) -> Own:
    """What of a crowd is each member; `inside` is 1 where it counts the member.

    By member; `since` are visits after the day of the crowd, where that is over.
    """
    gap, times, first = pairs.gap, pairs.times, pairs.first_gap
    if since is not None:
        later = since[pairs.member]
        times = times - ((gap > 0) & (gap <= later)).sum(axis=0)
        gap, first = np.where(gap > later, gap - later, NEVER), first - later
    there = inside[pairs.member]
    return Own(
        np.maximum(first - 1, 0) * there, np.maximum(times - 1, 0) * there,
        (gap == 1).any(axis=0) * there, lately(gap, 0.7)[0] * 0.3 * there, ((first > 0) * there).astype(np.float64),
    )  # fmt: skip


def crowd_at(pairs: Pairs, items: int) -> Crowd:
    """What all members do at that moment."""

    def sums(weights: npt.NDArray[Any]) -> Floats:
        return np.bincount(pairs.item, weights, items).astype(np.float64)

    fresh = (pairs.first_gap <= 2) & (pairs.visits > 2)
    return Crowd(
        sums(pairs.first_gap - 1), sums(pairs.times - 1), sums(pairs.gap[0] == 1),
        sums(lately(pairs.gap, 0.7)[0] * 0.3), sums(np.ones(len(pairs.item))), sums(fresh),
        len(np.unique(pairs.member)),
    )  # fmt: skip
