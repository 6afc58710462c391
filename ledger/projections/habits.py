"""What is kept of a member's purchases in bounded space, and how receipts are taken into it.

The latest receipts are kept as they come, which costs least; every so many of them are taken into
what is packed by product. So the same receipts in the same order come to the same bytes, however
the log is cut into batches.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Sequence

import msgspec

from ledger.events.columns import unpacked
from ledger.events.parts import Goods
from ledger.policies.habit import Kept
from ledger.policies.rhythm import LATEST
from ledger.types import Day

FRESH = 32
"""So many receipts are taken in together, from the 128th on twice as many: with fewer the same bytes
are written more often, with more there is more to read for who asks."""
VISITS = 128
"""The latest visits, whose days and spend are kept."""
GOODS = 1_000
"""Products that are kept; beyond them, what was not bought for longest is let go."""
_SALE = "sale"
_MOST = 2**31 - 1

VISIT = struct.Struct("<iiq")
"""Day, products, what was paid for them."""
TIME = struct.Struct("<iiiq")
"""A product on a visit: its number, day, quantity, what was paid. A product has one after another,
ascending; where earlier ones were let go, a first one of the same size tells of them: how many, below
zero, number and day of the first one, what was paid for them."""
_KEPT, _MOST_TIMES = LATEST * TIME.size, 2 * LATEST * TIME.size
"""With more than twice as many as are looked at, earlier ones are let go: not at every purchase."""


class Fresh(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A receipt as it came: what was bought on it; codes packed as in `Goods`."""

    day: Day
    texts: tuple[str, ...]
    digits: bytes
    quantities: tuple[int, ...]
    amounts_minor: tuple[int, ...]

    @property
    def codes(self) -> Sequence[str]:
        """The product of each line."""
        return (
            unpacked(self.texts, self.digits, len(self.quantities)) if self.digits else self.texts
        )


class Habits(msgspec.Struct, array_like=True, gc=False):
    """Receipts that were taken in, as visits in the order of their days."""

    visits: int = 0
    first_day: Day = 0
    first_size: int = 0
    """Products on the first visit."""
    latest: bytes = b""
    """The latest visits, each a `VISIT`."""
    goods: dict[str, bytes] = {}
    """By code, one `TIME` or more."""


_encode = msgspec.msgpack.Encoder().encode
_fresh = msgspec.msgpack.Decoder(list[Fresh]).decode
decode = msgspec.msgpack.Decoder(Habits).decode
encode = _encode


def bought(day: Day, goods: Goods) -> tuple[int, bytes]:
    """What was paid for what was bought on a receipt, and the receipt as it is kept until taken in.

    No deposit is bought, no gift card, nothing brought back, nothing voided. Where nothing else was
    on it, there is nothing to keep: that is no visit.
    """
    quantities, amounts = goods.quantities, goods.amounts_minor
    texts, digits = goods.products, goods.product_digits
    if goods.kinds or goods.kind_letters or goods.voided or not quantities or min(quantities) <= 0:
        texts, quantities, amounts = _sold(goods)
        digits = b""
        if not texts:
            return 0, b""
    return sum(amounts), _encode((day, texts, digits, quantities, amounts))


def _sold(goods: Goods) -> tuple[tuple[str, ...], tuple[int, ...], tuple[int, ...]]:
    kinds, codes = goods.kind_names, goods.product_codes
    kept = [
        index
        for index, quantity in enumerate(goods.quantities)
        if quantity > 0 and index not in goods.voided and (not kinds or kinds[index] == _SALE)
    ]
    return (
        tuple([codes[index] for index in kept]), tuple([goods.quantities[index] for index in kept]),
        tuple([goods.amounts_minor[index] for index in kept]),
    )  # fmt: skip


def step(visits: int) -> int:
    """At which multiples of visits receipts are taken in."""
    return FRESH if visits < 4 * FRESH else 2 * FRESH


def fresh(visits: int) -> int:
    """How many of so many visits are not taken in yet."""
    return visits % step(visits)


def receipts(packed: bytes, count: int) -> list[Fresh]:
    """So many receipts that were kept one after another."""
    return _fresh(b"\xdc" + count.to_bytes(2) + packed)  # msgpack's array of so many


def taken(kept: Habits, news: Sequence[Fresh]) -> Habits:
    """What is kept with receipts taken in, in the order in which they were recorded.

    A visit's number is its place by day; of a day, by when it was recorded. One that was recorded
    late moves the later ones up. One before the kept visits counts as right before them, unless it
    is before the first one.
    """
    if not news:
        return kept
    ordered = sorted(news, key=_day)
    places = _places(kept, ordered)
    late = places[0] < kept.visits
    goods = _renumbered(kept.goods, places) if late else kept.goods.copy()
    visits = []
    pack = TIME.pack
    for index, one in enumerate(ordered):
        number, day, codes = places[index] + index, one.day, one.codes
        quantities: Sequence[int] = one.quantities
        amounts: Sequence[int] = one.amounts_minor
        if len(set(codes)) < len(codes):
            codes, quantities, amounts = _joined(codes, quantities, amounts)
        visits.append(VISIT.pack(day, len(codes), sum(amounts)))
        for code, quantity, amount in zip(codes, quantities, amounts, strict=True):
            time = pack(number, day, quantity, amount)
            if (times := goods.get(code)) is None:
                goods[code] = time
            else:
                times += time
                if len(times) > _MOST_TIMES:
                    times = _shortened(_sorted(times) if late else times)
                goods[code] = times
    first = not places[0]
    latest = kept.latest + b"".join(visits)
    if late:
        goods = {code: _sorted(times) for code, times in goods.items()}
        by_day: list[bytes] = sorted(_cut(latest, VISIT.size), key=_visit_day)
        latest = b"".join(by_day)
    return Habits(
        kept.visits + len(ordered),
        ordered[0].day if first else kept.first_day,
        len(set(ordered[0].codes)) if first else kept.first_size,
        latest[-VISITS * VISIT.size :],
        goods if len(goods) <= GOODS else _without_oldest(goods),
    )


def kept(times: bytes) -> Kept:
    """What is kept of a product."""
    first, *latest = TIME.iter_unpack(times)
    if first[0] >= 0:
        latest = [first, *latest]
        return Kept(len(latest), first[1], sum(time[3] for time in latest), latest)
    count, number, day, spend_minor = first
    days = min((number, day), latest[0][:2])
    spend_minor += sum(time[3] for time in latest)
    return Kept(len(latest) - count, days[1], spend_minor, latest)


def _day(one: Fresh) -> Day:
    return one.day


def _cut(packed: bytes, size: int) -> list[bytes]:
    return [packed[at : at + size] for at in range(0, len(packed), size)]


def _visit_day(packed: bytes) -> Day:
    day: Day = VISIT.unpack(packed)[0]
    return day


def _joined(
    codes: Sequence[str], quantities: Sequence[int], amounts: Sequence[int]
) -> tuple[Sequence[str], list[int], list[int]]:
    """Each product of a receipt once."""
    sums: dict[str, list[int]] = {}
    for code, quantity, amount in zip(codes, quantities, amounts, strict=True):
        one = sums.setdefault(code, [0, 0])
        one[0] = min(one[0] + quantity, _MOST)
        one[1] += amount
    return tuple(sums), [one[0] for one in sums.values()], [one[1] for one in sums.values()]


def _places(kept: Habits, ordered: Sequence[Fresh]) -> list[int]:
    """How many of the kept visits lie before each receipt."""
    if not kept.visits or ordered[0].day >= _visit_day(kept.latest[-VISIT.size :]):
        return [kept.visits] * len(ordered)
    days = [day for day, _, _ in VISIT.iter_unpack(kept.latest)]
    older = kept.visits - len(days)
    return [
        0 if one.day < kept.first_day else older + bisect_right(days, one.day) for one in ordered
    ]


def _renumbered(goods: dict[str, bytes], places: Sequence[int]) -> dict[str, bytes]:
    """The same after visits have come between."""
    return {code: _moved(packed, places) for code, packed in goods.items()}


def _moved(times: bytes, places: Sequence[int]) -> bytes:
    moved = []
    for number, what, *rest in TIME.iter_unpack(times):
        if number < 0:
            moved.append(TIME.pack(number, what + bisect_right(places, what), *rest))
        else:
            moved.append(TIME.pack(number + bisect_right(places, number), what, *rest))
    return b"".join(moved)


def _sorted(times: bytes) -> bytes:
    """In the order of their numbers, which those let go have, below zero, before all."""
    return b"".join([TIME.pack(*time) for time in sorted(TIME.iter_unpack(times))])


def _shortened(times: bytes) -> bytes:
    """The latest ones, and what is told of all earlier ones; ascending."""
    count = spend = 0
    seen: list[tuple[int, Day]] = []
    for number, day, quantity, amount in TIME.iter_unpack(times[:-_KEPT]):
        if number < 0:
            count -= number
            seen.append((day, quantity))
        else:
            count += 1
            seen.append((number, day))
        spend += amount
    return TIME.pack(-count, *min(seen), spend) + times[-_KEPT:]


def _last(packed: bytes) -> int:
    """The number of the last visit on which it was bought."""
    return int.from_bytes(packed[-TIME.size : 4 - TIME.size], "little")


def _without_oldest(goods: dict[str, bytes]) -> dict[str, bytes]:
    """Those that were bought last, in the order in which they are."""
    ranked = sorted(goods, key=lambda code: (_last(goods[code]), code))
    gone = set(ranked[: len(goods) - GOODS])
    return {code: packed for code, packed in goods.items() if code not in gone}
