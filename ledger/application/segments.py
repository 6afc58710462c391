"""Members by segment over a window, and who moved since an earlier one. Nothing here records."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from ledger.application.door import Door
from ledger.calendar import midnight
from ledger.errors import InputInvalid
from ledger.policies.profile import Criterion, Profile, Segmented, Terms
from ledger.policies.segments import ONE_OFF, SEGMENTATIONS, Segmentation, segmented
from ledger.programme import Programme
from ledger.projections.buying import Wanted, Window, profiles, who, window_of
from ledger.projections.queries import Reader
from ledger.types import Day

NONE = ""
"""The segment of who bought nothing (of that) in a window."""


MANY = 10
"""Of so many segments only those are told that have members."""


class SegmentQuery(NamedTuple):
    """What is asked: the window ends with `as_of`, and with `against` to compare."""

    by: str
    as_of: Day | None = None
    window: str = "12m"
    against: Day | None = None
    product: str = ""
    category: str = ""
    criteria: tuple[Criterion, ...] = ("amount",)


class SegmentCount(NamedTuple):
    """One segment: its members, what they spent without one-offs, what they are due."""

    segment: str
    members: int
    spend_minor: int
    one_off_minor: int
    due: str


class Moved(NamedTuple):
    """A member in another segment than before; empty: in none."""

    member_id: bytes
    before: str
    now: str


class SegmentReport(NamedTuple):
    """Everybody's segment, the first in rank first, and how they moved."""

    window: Window
    counts: list[SegmentCount]
    of: dict[bytes, str]
    profiles: dict[bytes, Profile]
    before: Window | None
    moves: list[tuple[str, str, int]]
    """From, to, members; who stayed included."""
    moved: list[Moved]
    currency: str


class Segments(Door):
    """Questions about groups of members."""

    def segments(self, query: SegmentQuery) -> SegmentReport:
        """Group the members who bought in a window, under the programme of its last day.

        The earlier window is grouped by the same rules, so that who moved did so by buying.

        Raises:
            InputInvalid: no such segmentation or window, or goods are needed or make no sense.
        """
        way = _way(query)
        as_of = self.current_day() if query.as_of is None else query.as_of
        window = window_of(query.window, as_of)
        programme = self.programme_at(self.end_of(as_of)).programme
        with self.reading() as reader:
            now, found = _segment(reader, way, query, window, programme)
            if query.against is None:
                return _report(window, now, found, programme)
            earlier = window_of(query.window, query.against)
            before, _ = _segment(reader, way, query, earlier, programme)
        return _moved(_report(window, now, found, programme), earlier, before, now)


def _way(query: SegmentQuery) -> Segmentation:
    way = next((one for one in SEGMENTATIONS if one.name == query.by), None)
    if way is None:
        names = ", ".join(one.name for one in SEGMENTATIONS)
        raise InputInvalid(f"`{query.by}` is none of {names}.", field="by")
    if way.products and not query.category:
        raise InputInvalid(f"`{query.by}` needs a category.", field="category")
    check_goods(
        way.name, query.product, query.category, needs=way.goods,
        takes=way.goods or way.name == "rank",
    )  # fmt: skip
    return way


def check_goods(name: str, product: str, category: str, *, needs: bool, takes: bool) -> None:
    """Make sure that what is asked names goods where it needs them, and only where it takes them.

    Raises:
        InputInvalid: it does not.
    """
    if product and category:
        raise InputInvalid("A product or a category, not both.", field="category")
    if needs and not (product or category):
        raise InputInvalid(f"`{name}` needs a product or a category.", field="product")
    if not takes and (product or category):
        raise InputInvalid(f"`{name}` is about all goods.", field="product")


def _segment(
    reader: Reader, way: Segmentation, query: SegmentQuery, window: Window, programme: Programme
) -> tuple[Segmented, dict[bytes, Profile]]:
    """Everybody's segment over one window, and what it was decided on."""
    of_goods = bool(query.product or query.category or "quantity" in query.criteria)
    wanted = Wanted(of_goods, way.products, way.hours, query.product, query.category)
    rules = programme.segments
    whose = who(reader, midnight(window.last + 1, programme.time_zone))
    found, shelves = profiles(reader, whose, window, rules, wanted)
    goods = (query.product, query.category)
    terms = Terms(rules, window.days, *goods, query.criteria, shelves, window.last)
    return segmented(way, found, terms), {profile.member: profile for profile in found}


def _report(
    window: Window, now: Segmented, found: dict[bytes, Profile], programme: Programme
) -> SegmentReport:
    members: Counter[str] = Counter(now.of.values())
    spend: Counter[str] = Counter()
    apart: Counter[str] = Counter()
    for member, segment in now.of.items():
        spend[segment] += found[member].spend_minor
        apart[segment] += found[member].one_off_minor
    counts = [
        SegmentCount(name, members[name], spend[name], apart[name], now.due.get(name, ""))
        for name in now.names
        if members[name] or (len(now.names) < MANY and name != ONE_OFF)
    ]
    return SegmentReport(window, counts, now.of, found, None, [], [], programme.currency)


def _moved(
    report: SegmentReport, earlier: Window, before: Segmented, now: Segmented
) -> SegmentReport:
    """The same with what changed: members by id, segments in their order, none last."""
    pairs = {
        member: (before.of.get(member, NONE), now.of.get(member, NONE))
        for member in sorted(before.of.keys() | now.of.keys())
    }
    place = {name: index for index, name in enumerate([*now.names, NONE])}
    counted = Counter(pairs.values())
    moves = sorted(counted.items(), key=lambda move: (place[move[0][0]], place[move[0][1]]))
    return report._replace(
        before=earlier,
        moves=[(old, new, count) for (old, new), count in moves],
        moved=[Moved(member, *pair) for member, pair in pairs.items() if pair[0] != pair[1]],
    )
