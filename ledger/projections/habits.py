"""What is kept of a member's purchases in bounded space, and how receipts are taken into it.

The latest receipts are kept as they come, which costs least; every so many of them are taken into
what is packed by product. So the same receipts in the same order come to the same bytes, however
the log is cut into batches.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

import msgspec

from ledger.events.columns import unpacked
from ledger.events.parts import Goods
from ledger.policies.rhythm import LATEST
from ledger.types import Day

FRESH = 32
"""So many receipts are taken in together, or a quarter to a half of what is packed already: with
fewer the same bytes are written more often, with more there is more to read for who asks."""
VISITS = 128
"""The latest visits, whose days and spend are kept."""
GOODS = 1_000
"""Products that are kept; beyond them, what was not bought for longest is let go."""
_SALE = "sale"
_MOST = 2**31 - 1

VISIT = struct.Struct("<iiq")
"""Day, products, what was paid for them."""
HEAD = struct.Struct("<iiiqq")
"""Of a product: visits on which it was bought, number and day of the first one, what was paid on
the last one, what was paid on all of them."""
TIME = struct.Struct("<iii")
"""After the head, the latest ones, ascending: number of the visit, day, quantity."""
_KEPT_TIMES = LATEST * TIME.size


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
    """By code, a `HEAD` and one `TIME` or more."""


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
    """At which multiples of visits they are taken in; each step is a multiple of the one before."""
    return max(FRESH, 1 << visits.bit_length() >> 2)


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
    goods = _renumbered(kept.goods, places) if late else kept.goods
    by_code: dict[str, _News] = {}
    visits = []
    pack = TIME.pack
    for index, one in enumerate(ordered):
        number, day, size = places[index] + index, one.day, len(one.quantities)
        once = pack(number, day, 1)
        for code, quantity, amount in zip(
            one.codes, one.quantities, one.amounts_minor, strict=True
        ):
            time = once if quantity == 1 else pack(number, day, quantity)
            new = by_code.get(code)
            if new is None:
                by_code[code] = [time, amount, amount, number, number, day]
                continue
            new[2] += amount
            if new[3] == number:
                size -= 1
                _join(new, quantity, amount)
            else:
                new[0] += time
                new[1] = amount
                new[3] = number
        visits.append(VISIT.pack(day, size, sum(one.amounts_minor)))
    (_added_late if late else _added)(goods, by_code)
    first = not places[0]
    latest = kept.latest + b"".join(visits)
    if late:
        by_day: list[bytes] = sorted(_cut(latest, VISIT.size), key=_visit_day)
        latest = b"".join(by_day)
    return Habits(
        kept.visits + len(ordered),
        ordered[0].day if first else kept.first_day,
        len(set(ordered[0].codes)) if first else kept.first_size,
        latest[-VISITS * VISIT.size :],
        goods if len(goods) <= GOODS else _without_oldest(goods),
    )


_News = list[Any]
"""Of a product: times, what was paid on the last one and on all, the number of the last one, the
number and the day of the first one."""


def _day(one: Fresh) -> Day:
    return one.day


def _cut(packed: bytes, size: int) -> list[bytes]:
    return [packed[at : at + size] for at in range(0, len(packed), size)]


def _visit_day(packed: bytes) -> Day:
    day: Day = VISIT.unpack(packed)[0]
    return day


def _join(new: _News, quantity: int, amount: int) -> None:
    """Another line of the same product on the same receipt."""
    number, day, before = TIME.unpack(new[0][-TIME.size :])
    both = TIME.pack(number, day, min(before + quantity, _MOST))
    new[0] = new[0][: -TIME.size] + both
    new[1] += amount


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


def _moved(packed: bytes, places: Sequence[int]) -> bytes:
    times, first, *rest = HEAD.unpack_from(packed)
    moved = [HEAD.pack(times, first + bisect_right(places, first), *rest)]
    for number, day, quantity in TIME.iter_unpack(packed[HEAD.size :]):
        moved.append(TIME.pack(number + bisect_right(places, number), day, quantity))
    return b"".join(moved)


def _added(goods: dict[str, bytes], by_code: dict[str, _News]) -> None:
    """Add what was bought after all that is kept."""
    head, head_of, size = HEAD.pack, HEAD.unpack_from, HEAD.size
    for code, (times, paid, spend, _, number, day) in by_code.items():
        count = len(times) // TIME.size
        if (old := goods.get(code)) is None:
            goods[code] = head(count, number, day, paid, spend) + times[-_KEPT_TIMES:]
        else:
            before, first, first_day, _, spent = head_of(old)
            all_times = old[size:] + times
            goods[code] = (
                head(before + count, first, first_day, paid, spent + spend)
                + all_times[-_KEPT_TIMES:]
            )


def _added_late(goods: dict[str, bytes], by_code: dict[str, _News]) -> None:
    """Add what was bought at any time."""
    for code, (times, paid, spend, _, number, day) in by_code.items():
        new = HEAD.pack(len(times) // TIME.size, number, day, paid, spend) + times
        old = goods.get(code)
        goods[code] = _both(old, new) if old else new[: HEAD.size] + times[-_KEPT_TIMES:]


def _both(old: bytes, new: bytes) -> bytes:
    """A product of which one part was bought before, after or between the other."""
    count, *first, paid, spend = HEAD.unpack_from(old)
    new_count, *new_first, new_paid, new_spend = HEAD.unpack_from(new)
    number, day = min(first, new_first)
    times = sorted(TIME.iter_unpack(old[HEAD.size :] + new[HEAD.size :]))
    last = paid if _last(old) > _last(new) else new_paid
    head = HEAD.pack(count + new_count, number, day, last, spend + new_spend)
    return head + b"".join([TIME.pack(*one) for one in times[-LATEST:]])


def _last(packed: bytes) -> int:
    """The number of the last visit on which it was bought."""
    return int.from_bytes(packed[-TIME.size : 4 - TIME.size], "little")


def _without_oldest(goods: dict[str, bytes]) -> dict[str, bytes]:
    """Those that were bought last, in the order in which they are."""
    ranked = sorted(goods, key=lambda code: (_last(goods[code]), code))
    gone = set(ranked[: len(goods) - GOODS])
    return {code: packed for code, packed in goods.items() if code not in gone}
