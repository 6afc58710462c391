"""What a till's dialect does not say, and what came of a file beside its receipts."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from adapters.pos.gs1 import Scale
from adapters.records import Progress
from ledger.calendar import zone_of
from ledger.policies.split import largest_remainder
from ledger.types import Day, ReceiptKey, date_of, day_of

FIRST_YEAR, LAST_YEAR = 1970, 9000
MOST_DAYS = 400
"""That goods come back after, where nobody tells the day they were sold."""
MOST_KNOWN = 100_000
"""Sales of a file that a later return of the same file can name."""


class Unmapped(ValueError):
    """A document cannot be turned into a receipt; `field` is named as the dialect names it."""

    def __init__(self, field: str, message: str) -> None:
        """Keep the field beside the message."""
        self.field = field
        super().__init__(message)


def shown(value: object) -> str:
    """A value in a message: the beginning of a text or number, else only what it is."""
    plain = isinstance(value, str | int | Decimal)
    return f"`{str(value)[:40]}`" if plain else f"a {type(value).__name__}"


class Terms(NamedTuple):
    """What the sender knows and a dialect leaves out.

    `zone` is where the tills stand; `store` the name where a dialect has none; `stores` the chain's
    names by the dialect's; `nobody` the customers that stand for no person; `scales` the patterns
    of codes that a scale prints; `pounds` that weights without a unit are in pounds, not kilograms.
    """

    zone: str = "UTC"
    currency: str = ""
    store: str = ""
    stores: Mapping[str, str] = {}
    nobody: frozenset[str] = frozenset()
    scales: tuple[Scale, ...] = ()
    pounds: bool = False

    def store_of(self, theirs: str) -> str:
        """The chain's name of a store."""
        return self.stores.get(theirs, theirs)

    def moment(self, field: str, text: str) -> dt.datetime:
        """A time with its offset from UTC: the one that is written, else that of the zone.

        Raises:
            Unmapped: it is no time of ISO 8601, or out of range.
        """
        try:
            found = dt.datetime.fromisoformat(text.strip())
        except ValueError:
            raise Unmapped(field, f"{shown(text)} is not a time in ISO 8601") from None
        if not FIRST_YEAR <= found.year <= LAST_YEAR:
            raise Unmapped(field, f"the year {found.year} is out of range")
        if found.tzinfo is None:
            found = found.replace(tzinfo=zone_of(self.zone))
        return fixed(found)

    def local(self, moment: dt.datetime) -> dt.datetime:
        """The same moment by the clock on the store's wall."""
        return fixed(moment.astimezone(zone_of(self.zone)))


def fixed(moment: dt.datetime) -> dt.datetime:
    """A moment with its offset as a plain number, without fractions of a second."""
    offset = moment.utcoffset() or dt.timedelta()
    return moment.replace(tzinfo=dt.timezone(offset), microsecond=0)


def key_of(fields: Mapping[str, Any]) -> ReceiptKey:
    """The key of a receipt as it was mapped."""
    day = day_of(fields["business_date"])
    return ReceiptKey(fields["store"], fields["lane"], day, fields["number"])


def calendar_date(field: str, text: str) -> dt.date:
    """A date from ISO 8601; of a time its date.

    Raises:
        Unmapped: it is none, or out of range.
    """
    try:
        found = dt.date.fromisoformat(text.strip()[:10])
    except ValueError:
        raise Unmapped(field, f"{shown(text)} is not a date, e.g. 2026-01-31") from None
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise Unmapped(field, f"the year {found.year} is out of range")
    return found


class SoldLine(NamedTuple):
    """A line that goods can come back from: its position from 1, and how many are left of it."""

    position: int
    product: str
    quantity: int


class Sold(NamedTuple):
    """An earlier sale, as far as a return has to name it."""

    key: ReceiptKey
    lines: list[SoldLine]
    names: Mapping[str, int] = {}
    """Positions by the dialect's own name of a line, where it has one."""


Recorded = Callable[[Iterable[ReceiptKey]], Sold | None]
"""The first receipt of these keys that was recorded before."""


def nothing_recorded(_: Iterable[ReceiptKey]) -> Sold | None:
    """No receipt was recorded before."""
    return None


def days_before(stores: Iterable[str], number: str, day: Day) -> Iterator[ReceiptKey]:
    """The keys that a sale may have of which a shop tells no day, the latest first."""
    for back in range(MOST_DAYS):
        for store in stores:
            yield ReceiptKey(store, "", day - back, number)


class Reading:
    """The way through one file: its terms, the sales so far, and what was left out."""

    def __init__(
        self, terms: Terms, progress: Progress | None = None, recorded: Recorded = nothing_recorded
    ) -> None:
        """Nothing is read yet."""
        self.terms = terms
        self.progress = progress
        self.left_out: Counter[str] = Counter()
        """What is no receipt, or no line of one, by what it is."""
        self._recorded = recorded
        self._sold: dict[str, Sold] = {}

    def keep(self, name: str, sold: Sold) -> None:
        """Remember a sale; the oldest is forgotten when there are too many."""
        self._sold[name] = sold
        if len(self._sold) > MOST_KNOWN:
            del self._sold[next(iter(self._sold))]

    def return_of(
        self, name: str, product: str, quantity: int, *, line: str = "",
        keys: Iterable[ReceiptKey] = (),
    ) -> dict[str, object] | None:  # fmt: skip
        """The line that goods come back from, as a receipt names it; None where nobody knows.

        The sale is one of this file, by its name there, or one recorded before, by a key that it may
        have. A line without a name is found by its product, where it sold as much.
        """
        sold = self._sold.get(name)
        if sold is None:
            sold = self._recorded(keys)
            if sold is None:
                return None
            self.keep(name, sold)
        position = (line and sold.names.get(line)) or _found(sold, product, abs(quantity))
        if not position:
            return None
        _take(sold, position, abs(quantity))
        of = sold.key
        return {
            "store": of.store, "lane": of.lane, "business_date": date_of(of.business_day),
            "number": of.number, "line": position,
        }  # fmt: skip

    def back(self, line: dict[str, Any], of: dict[str, object] | None) -> list[dict[str, Any]]:
        """A line that brings goods back: negative, and naming the line they were bought on if known.

        A deposit or gift card whose line nobody knows earned nothing that could be given back, and
        is left out.
        """
        kind = line.pop("kind", "sale")
        line.pop("discount_minor", None)
        if of is None and kind != "sale":
            self.left_out[f"lines of kind {kind} given back"] += 1
            return []
        line["amount_minor"] = -abs(line["amount_minor"])
        line["quantity"] = -abs(line["quantity"])
        return [line | ({"return_of": of} if of else {"kind": "return"})]


def _found(sold: Sold, product: str, quantity: int) -> int:
    """The line of a product that sold just as much, else more; 0 where there is none."""
    fit = [one for one in sold.lines if one.product == product and one.quantity >= quantity]
    exact = [one for one in fit if one.quantity == quantity]
    return next((one.position for one in exact or fit), 0)


def _take(sold: Sold, position: int, quantity: int) -> None:
    """So much less is left of a line."""
    for index, one in enumerate(sold.lines):
        if one.position == position:
            sold.lines[index] = one._replace(quantity=one.quantity - quantity)


def sold_lines(lines: Iterable[Mapping[str, Any]]) -> list[SoldLine]:
    """The goods of a receipt that can come back, of its lines as they were mapped."""
    return [
        SoldLine(position, line["product"], line["quantity"])
        for position, line in enumerate(lines, 1)
        if line["quantity"] > 0 and not line.get("voided")
    ]


def take_off(field: str, lines: Iterable[dict[str, Any]], off: int) -> None:
    """Take a sum off what was sold, in proportion and without a remainder.

    Raises:
        Unmapped: there is not as much to take it off.
    """
    sold = [one for one in lines if one["amount_minor"] > 0 and not one.get("voided")]
    if off < 0 or sum(one["amount_minor"] for one in sold) < off:
        raise Unmapped(field, "there is no line of as much to take it off")
    parts = largest_remainder(off, [one["amount_minor"] for one in sold])
    for one, less in zip(sold, parts, strict=True):
        one["amount_minor"] -= less
        one["discount_minor"] = one.get("discount_minor", 0) + less
