"""Values that every room of the house shares.

Units: money is minor units of the programme's currency (pence, cents), points are whole,
an instant is epoch seconds in UTC, a day is days since 1970-01-01.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Annotated, Literal, NamedTuple

from msgspec import Meta, Struct, field

Instant = int
Day = int
Clock = Callable[[], Instant]
"""Tells the ledger's time; injected, so that tests and imports can hold it still."""

EPOCH_DAY = dt.date(1970, 1, 1).toordinal()
FOREVER: Day = dt.date.max.toordinal() - EPOCH_DAY
"""The last day of what has no end."""

Name = Annotated[str, Meta(min_length=1, max_length=64)]
Code = Annotated[str, Meta(max_length=64)]
Label = Annotated[str, Meta(max_length=200)]
MOST_MINOR = 10_000_000_000
Minor = Annotated[int, Meta(ge=-MOST_MINOR, le=MOST_MINOR)]
"""So bounded that no sum of a member outgrows a database's integer."""
MOST_POINTS = 1_000_000_000
"""More than this is not given or taken at once, for the same reason."""
Quantity = Annotated[int, Meta(ge=-100_000_000, le=100_000_000)]
LineKind = Literal["sale", "gift_card", "deposit", "reward", "return"]
Unit = Literal["piece", "gram", "millilitre"]
BrandKind = Literal["", "national", "own"]
LEVELS = 4
"""So many groups lie above a product at most, each within the next one."""


class ReceiptKey(NamedTuple):
    """The natural key of a receipt: what the till prints on it."""

    store: str
    lane: str
    business_day: Day
    number: str

    def __str__(self) -> str:
        """Show the key as people write it, `store/lane/date/number`."""
        return f"{self.store}/{self.lane}/{date_of(self.business_day)}/{self.number}"


class Take(NamedTuple):
    """Part of a lot consumed."""

    activates_at: Instant
    expires_at: Instant
    origin: int
    points: int


class ReceiptRef(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Names a receipt by what the till prints on it."""

    store: Name
    lane: Annotated[str, Meta(max_length=64)]
    business_date: dt.date
    number: Name

    @property
    def key(self) -> ReceiptKey:
        """The natural key, under which it counts once."""
        return ReceiptKey(self.store, self.lane, day_of(self.business_date), self.number)


class LineRef(ReceiptRef, frozen=True, gc=False):
    """Points at one line of an earlier receipt; `line` counts from 1."""

    line: Annotated[int, Meta(ge=1, le=5000)]


class Line(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """One line of a receipt: `amount_minor` is what was paid for all of it, after discount.

    `quantity` is in `unit`; negative (with `amount_minor` not above zero) for goods brought
    back, and then `return_of` names the line they were bought on. Where nobody knows that
    line, the kind is `return`.
    """

    product: Name
    quantity: Quantity
    amount_minor: Minor
    unit: Unit = "piece"
    discount_minor: Annotated[int, Meta(ge=0, le=10_000_000_000)] = 0
    category: Annotated[str, Meta(max_length=64)] = ""
    kind: LineKind = "sale"
    voided: bool = False
    return_of: LineRef | None = None
    brand: Annotated[str, Meta(max_length=64)] = ""

    def __post_init__(self) -> None:
        """Refuse a line whose signs contradict each other."""
        if self.quantity == 0:
            msg = "`quantity` is zero"
            raise ValueError(msg)
        if self.kind == "return":
            if self.return_of is not None:
                msg = (
                    "a line of kind `return` has no `return_of`: the line it was bought on is known"
                )
                raise ValueError(msg)
            if self.quantity > 0 or self.amount_minor > 0:
                msg = "a line of kind `return` needs a negative `quantity` and no positive amount"
                raise ValueError(msg)
        elif self.return_of is None:
            if self.quantity < 0:
                msg = "`quantity` is negative without `return_of`"
                raise ValueError(msg)
            if self.amount_minor < 0:
                msg = "`amount_minor` is negative without `return_of`"
                raise ValueError(msg)
        elif self.quantity > 0 or self.amount_minor > 0:
            msg = "`return_of` needs a negative `quantity` and no positive `amount_minor`"
            raise ValueError(msg)
        _no_nul("product", self.product)
        _no_nul("category", self.category)
        _no_nul("brand", self.brand)


class Tender(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """One means of payment, e.g. `cash`, `card`, `gift_card`, `points`.

    `ref` is the command id of the redemption or hold, where points paid.
    """

    kind: Name
    amount_minor: Minor
    ref: Annotated[str, Meta(max_length=200)] = ""

    def __post_init__(self) -> None:
        """Refuse what no report could hold."""
        _no_nul("kind", self.kind)
        _no_nul("ref", self.ref)


class Receipt(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """The canonical receipt: what every till dialect is turned into.

    `lane` is the till's number in the store (empty where a dialect has none).
    `captured_at` is the till's own time with the store's offset from UTC.
    """

    store: Name
    lane: Annotated[str, Meta(max_length=64)]
    business_date: dt.date
    number: Name
    captured_at: Annotated[dt.datetime, Meta(tz=True)]
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")]
    lines: Annotated[tuple[Line, ...], Meta(min_length=1, max_length=5000)]
    card: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    cashier: Annotated[str, Meta(max_length=64)] = ""
    tenders: Annotated[tuple[Tender, ...], Meta(max_length=100)] = ()
    offers: Annotated[tuple[Name, ...], Meta(max_length=20)] = ()

    def __post_init__(self) -> None:
        """Refuse what no report could hold."""
        for name in ("store", "lane", "number", "cashier"):
            _no_nul(name, getattr(self, name))
        if not 1 < self.captured_at.year < dt.MAXYEAR:
            msg = "`captured_at` is out of range"  # its offset could lead out of the calendar
            raise ValueError(msg)

    @property
    def key(self) -> ReceiptKey:
        """The natural key under which this receipt counts once."""
        return ReceiptKey(self.store, self.lane, day_of(self.business_date), self.number)


def _in_order(first: dt.date, last: dt.date | None) -> None:
    if last is not None and last < first:
        msg = "`until` is before `from`"
        raise ValueError(msg)


def _no_nuls(one: Struct, *names: str) -> None:
    for name in names:
        _no_nul(name, getattr(one, name))


def _no_nul(name: str, text: str) -> None:
    if "\0" in text:
        msg = f"`{name}` holds a NUL character"  # PostgreSQL keeps none
        raise ValueError(msg)


class Level(NamedTuple):
    """A group that a product belongs to; no code where nobody knows the group of this level."""

    code: Code
    name: Label = ""


class Product(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A product of the catalogue; `levels` go up from the product, the widest group last."""

    code: Name
    name: Label = ""
    levels: Annotated[tuple[Level, ...], Meta(max_length=LEVELS)] = ()
    brand: Code = ""
    maker: Code = ""
    brand_kind: BrandKind = ""

    def __post_init__(self) -> None:
        """Refuse what no report could hold."""
        _no_nuls(self, "code", "name", "brand", "maker")
        for level in self.levels:
            _no_nul("levels", "".join(level))


class Price(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """What a product costs from a day on, in one store or (`store` empty) in all of them.

    The last day counts too; without one it holds until another price begins. What was said of the
    same product, store and first day before is replaced, or `withdrawn`.
    """

    product: Name
    from_date: dt.date = field(name="from")
    price_minor: Annotated[int, Meta(ge=0, le=MOST_MINOR)]
    until: dt.date | None = None
    store: Code = ""
    withdrawn: bool = False

    def __post_init__(self) -> None:
        """Refuse a period that ends before it begins, and what no report could hold."""
        _in_order(self.from_date, self.until)
        _no_nuls(self, "product", "store")


class Promotion(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """That a product is in a promotion for some days, and at which price if that is told."""

    product: Name
    promotion: Name
    from_date: dt.date = field(name="from")
    until: dt.date | None = None
    store: Code = ""
    price_minor: Annotated[int, Meta(ge=0, le=MOST_MINOR)] | None = None
    name: Label = ""
    withdrawn: bool = False

    def __post_init__(self) -> None:
        """Refuse a period that ends before it begins, and what no report could hold."""
        _in_order(self.from_date, self.until)
        _no_nuls(self, "product", "promotion", "store", "name")


class Personal(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """What identifies a person; stored only encrypted, under a key of the member's own."""

    card: str = ""
    name: str = ""
    email: str = ""
    phone: str = ""
    birthday: dt.date | None = None


def day_of(date: dt.date) -> Day:
    """Days since 1970-01-01."""
    return date.toordinal() - EPOCH_DAY


def date_of(day: Day) -> dt.date:
    """The calendar date of a day number."""
    return dt.date.fromordinal(day + EPOCH_DAY)
