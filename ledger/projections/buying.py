"""Members' purchases over a window, as segmentations want them: read in the order of members.

Who was merged into another is counted with that one, and who is closed with nobody. What came back
is off the day it was bought on, whenever it came.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from msgspec.structs import replace

from ledger.calendar import add_months
from ledger.errors import InputInvalid
from ledger.policies.profile import Bought, Profile, Purchase, Shelf, profile_of
from ledger.programme import Segments
from ledger.projections.catalogue import DIM_PRODUCT
from ledger.projections.membership import DIM_STANDING, FCT_MERGE
from ledger.projections.purchase import FCT_PURCHASE
from ledger.projections.queries import DAY_SECONDS, Reader
from ledger.projections.receipt import FCT_RECEIPT, FCT_RECEIPT_LINE
from ledger.types import LEVELS, Day, Instant, date_of, day_of

MONDAY = 3
"""1970-01-01 was a Thursday: so many days after a Monday."""
Row = tuple[Any, ...]


class Window(NamedTuple):
    """From one day to another, both included."""

    first: Day
    last: Day

    @property
    def days(self) -> int:
        """How many."""
        return self.last - self.first + 1


def window_of(text: str, last: Day) -> Window:
    """The window that `12m` or `90d` means: so many months or days, the last one included.

    Raises:
        InputInvalid: it is neither.
    """
    found = re.fullmatch(r"([1-9][0-9]{0,3})([dm])", text)
    if not found:
        raise InputInvalid(f"`{text}` is no window; write 12m or 90d.", field="window")
    count = int(found[1])
    if found[2] == "d":
        return Window(last - count + 1, last)
    return Window(day_of(add_months(date_of(last + 1), -count)), last)


class Wanted(NamedTuple):
    """Which facts beside receipts and spend; of which goods, where not of all."""

    goods: bool = False
    products: bool = False
    hours: bool = False
    product: str = ""
    category: str = ""


class Who(NamedTuple):
    """Whose purchases are whose."""

    root_of: Mapping[bytes, bytes]
    """Of each merged member, who has its purchases now."""
    met: frozenset[bytes]
    """All that ever took part in a merge: their rows do not lie together."""
    gone: frozenset[bytes]

    def grouped(self, rows: Iterable[Row]) -> Iterator[tuple[bytes, list[Row]]]:
        """Rows (stream, owner, ...) in the order of streams, by the member they count for.

        Memory holds one member's rows, and those of all that took part in a merge.
        """
        aside: dict[bytes, list[Row]] = {}
        for stream, group in groupby(rows, key=itemgetter(0)):
            if stream in self.met:
                for row in group:
                    aside.setdefault(self.root_of.get(row[1], row[1]), []).append(row)
            elif stream not in self.gone:
                yield stream, list(group)
        yield from ((member, aside[member]) for member in sorted(aside.keys() - self.gone))


def who(reader: Reader, closed_before: Instant) -> Who:
    """Who is whom, as it is known now, and who was gone at an instant."""
    standing, merge = reader.name(DIM_STANDING), reader.name(FCT_MERGE)
    into = {
        bytes(member): bytes(root)
        for member, root in reader.rows(
            f"SELECT member_id, merged_into FROM {standing} WHERE standing = ?", ("merged",)
        )
    }
    root_of = {}
    for member in into:
        root = member
        while root in into:  # merged into one that was merged later
            root = into[root]
        root_of[member] = root
    pairs = reader.rows(f"SELECT member_id, into_id FROM {merge}", ())
    gone = reader.rows(
        f"SELECT member_id FROM {standing} WHERE standing IN ('closed', 'erased') AND since < ?",
        (closed_before,),
    )
    met = frozenset(bytes(member) for pair in pairs for member in pair)
    return Who(root_of, met, frozenset(bytes(member) for (member,) in gone))


def profiles(
    reader: Reader, whose: Who, window: Window, rules: Segments, wanted: Wanted
) -> tuple[list[Profile], dict[str, Shelf]]:
    """Everybody who bought in the window, and where the products are that were looked at.

    Memory is linear in members, not in receipts; with `products` also in what each bought of them.
    """
    typical = typical_minor(reader, window)
    found: dict[bytes, Profile] = {}
    for member, rows in whose.grouped(_receipts(reader, window)):
        purchases, loose_minor = _purchases(rows)
        if purchases:
            found[member] = profile_of(member, purchases, typical, rules.one_off, loose_minor)
    shelves: dict[str, Shelf] = {}
    reader.join_whole_tables()
    if wanted.goods:
        for member, bought in regular(whose, lines(reader, window, wanted), found):
            goods = _goods(bought, wanted, rules, shelves)
            days = tuple(sorted({row[2] for row in bought}))
            found[member] = replace(
                found[member], goods=goods[0], products=goods[1], goods_days=days
            )
    if wanted.hours:
        for member, times in regular(whose, _times(reader, window), found):
            found[member] = replace(found[member], hours=_hours(times))
    return list(found.values()), shelves


def regular(
    whose: Who, rows: Iterable[Row], found: Mapping[bytes, Profile]
) -> Iterator[tuple[bytes, list[Row]]]:
    """Rows (stream, owner, day, ...) by member, those of one-off days left out."""
    for member, group in whose.grouped(rows):
        if member in found:
            yield member, [row for row in group if row[2] not in found[member].one_off_days]


# --- receipts --------------------------------------------------------------------------


def typical_minor(reader: Reader, window: Window) -> int:
    """The median receipt of everybody in the window, of two the lower; 0 without receipts."""
    rows = reader.rows(
        f"SELECT bought_minor - returned_minor, count(*) FROM {reader.name(FCT_PURCHASE)}"
        " WHERE day >= ? AND day <= ? AND bought_minor > returned_minor GROUP BY 1 ORDER BY 1",
        window,
    )
    middle = (sum(count for _, count in rows) - 1) // 2
    for spend_minor, count in rows:
        if middle < count:
            return int(spend_minor)
        middle -= count
    return 0


def _receipts(reader: Reader, window: Window) -> Iterator[Row]:
    """Stream, owner, day, receipt, bought, returned.

    A return after a merge lies in the other's stream, and stays there when they part: then the
    receipt says whose it is.
    """
    return reader.stream(
        "SELECT p.member_id, CASE WHEN p.bought_minor > 0 THEN p.member_id ELSE coalesce((SELECT"
        f" r.member_id FROM {reader.name(FCT_RECEIPT)} r WHERE r.receipt_id = p.receipt_id),"
        " p.member_id) END, p.day, p.receipt_id, p.bought_minor, p.returned_minor"
        f" FROM {reader.name(FCT_PURCHASE)} p WHERE p.day >= ? AND p.day <= ?"
        " ORDER BY p.member_id, p.day, p.receipt_id",
        window,
    )


def _purchases(rows: Iterable[Row]) -> tuple[list[Purchase], int]:
    """The receipts of which something is still sold, and what came back beyond receipts."""
    by_receipt: dict[bytes, list[int]] = {}
    for _, _, day, receipt, bought, returned in rows:
        row = by_receipt.setdefault(receipt, [day, 0])
        row[0] = day if bought else row[0]
        row[1] += bought - returned
    purchases = [Purchase(day, left) for day, left in by_receipt.values() if left > 0]
    return purchases, -sum(left for _, left in by_receipt.values() if left < 0)


# --- goods -----------------------------------------------------------------------------


_GROUPS = ", ".join(f"d.level{number}" for number in range(1, LEVELS + 1))
CATEGORY = (
    "coalesce("
    + ", ".join(f"nullif(d.level{number}, '')" for number in range(1, LEVELS + 1))
    + ", l.category)"
)
"""The nearest group of the catalogue that has a code; where there is none, what the till said."""
_WITHIN = f"(? IN ({_GROUPS}) OR {CATEGORY} = ?)"
"""In any group of the catalogue above the product, or where that says none, as the till said."""


def lines(reader: Reader, window: Window, wanted: Wanted) -> Iterator[Row]:
    """Stream, owner, day, receipt, product, category, brand, kind, unit, bought, left, amount.

    `kind` is the catalogue's kind of brand, None or empty where it says none; the brand is the
    till's. A product belongs to each group that the catalogue has above it, or else to what the
    till said.
    """
    one = "".join(f" AND {what}" for what in _asked(wanted))
    asked = (
        *[wanted.product] * bool(wanted.product),
        *[wanted.category] * 2 * bool(wanted.category),
    )
    return reader.stream(
        f"SELECT p.member_id, p.member_id, p.day, p.receipt_id, l.product, {CATEGORY}, l.brand,"
        " d.brand_kind, l.unit, l.quantity, l.quantity - l.returned_quantity, l.amount_minor"
        f" FROM {reader.name(FCT_PURCHASE)} p JOIN {reader.name(FCT_RECEIPT_LINE)} l"
        f" ON l.receipt_id = p.receipt_id LEFT JOIN {reader.name(DIM_PRODUCT)} d"
        " ON d.code = l.product WHERE p.day >= ? AND p.day <= ? AND p.bought_minor > 0"
        f" AND l.kind = 'sale' AND l.voided = 0 AND l.quantity > l.returned_quantity{one}"
        " ORDER BY p.member_id, p.day, p.receipt_id, l.line",
        (*window, *asked),
    )


def _asked(wanted: Wanted) -> Iterator[str]:
    if wanted.product:
        yield "l.product = ?"
    if wanted.category:
        yield _WITHIN


def _goods(
    rows: Iterable[Row], wanted: Wanted, rules: Segments, shelves: dict[str, Shelf]
) -> tuple[Bought, dict[str, Bought]]:
    """A member's goods in all, and by product where that is wanted; fills the shelves.

    Of one product quantities are in its unit; of several in pieces, a line by weight being one.
    What is paid for the rest of a line that came back in part is rounded down.
    """
    whole = _Sum()
    by_product: dict[str, _Sum] = {}
    for _, _, _, receipt, product, category, brand, kind, unit, bought, left, amount in rows:
        within = wanted.category or category
        quantity = left if wanted.product or unit == "piece" else 1
        whole.add(receipt, quantity, amount * left // bought)
        if wanted.products:
            by_product.setdefault(product, _Sum()).add(receipt, quantity, amount * left // bought)
            shelf = _shelf(within, brand, kind, rules)
            shelves[product] = max(shelves.get(product, _NOWHERE), shelf)
    return whole.bought(), {product: one.bought() for product, one in by_product.items()}


def kinds_bought(
    reader: Reader, window: Window, category: str, rules: Segments
) -> Iterator[tuple[bytes, set[str], set[str]]]:
    """The kinds of brand and the products that members bought of a category, as it was then."""
    rows = lines(reader, window, Wanted(category=category))
    for member, group in groupby(rows, key=itemgetter(0)):
        kinds, products = set(), set()
        for row in group:
            kinds.add(_shelf(category, row[6], row[7], rules).kind)
            products.add(row[4])
        yield member, kinds, products


_NOWHERE = Shelf("", "")


def _shelf(category: str, brand: str, kind: str | None, rules: Segments) -> Shelf:
    """Where a product belongs: by the catalogue's kind of brand, or by the brand the till said.

    Of the till's brands the programme says which are own.
    """
    if kind or not brand:
        return Shelf(category, kind or "")
    return Shelf(category, "own" if brand in rules.loyalty.own_brands else "national")


class _Sum:
    """Adds up lines."""

    def __init__(self) -> None:
        self.receipts: set[bytes] = set()
        self.quantity = self.spend_minor = 0

    def add(self, receipt: bytes, quantity: int, spend_minor: int) -> None:
        self.receipts.add(receipt)
        self.quantity += quantity
        self.spend_minor += spend_minor

    def bought(self) -> Bought:
        return Bought(len(self.receipts), self.quantity, self.spend_minor)


# --- hours -----------------------------------------------------------------------------


def _times(reader: Reader, window: Window) -> Iterator[Row]:
    """Stream, owner, day, the second of the store's day, for each receipt still sold."""
    return reader.stream(
        "SELECT p.member_id, p.member_id, p.day, r.captured_at + r.offset_minutes * 60"
        f" FROM {reader.name(FCT_PURCHASE)} p JOIN {reader.name(FCT_RECEIPT)} r"
        " ON r.receipt_id = p.receipt_id WHERE p.day >= ? AND p.day <= ?"
        " AND p.bought_minor > p.returned_minor ORDER BY p.member_id, p.day, p.receipt_id",
        window,
    )


def _hours(rows: Iterable[Row]) -> dict[int, int]:
    """Receipts by hour of the week, as the store's clock showed it."""
    counts: dict[int, int] = {}
    for _, _, day, local in rows:
        hour = (day + MONDAY) % 7 * 24 + local % DAY_SECONDS // 3600
        counts[hour] = counts.get(hour, 0) + 1
    return counts
