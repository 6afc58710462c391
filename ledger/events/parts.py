"""What events are made of: their base, the scan, the award, the numbers they carry."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from ledger.events.columns import KIND_LETTERS, UNIT_LETTERS, named, unpacked
from ledger.types import Day, Instant

__all__ = [
    "ORIGINS",
    "ORIGIN_ADJUSTMENT",
    "ORIGIN_BONUS",
    "ORIGIN_COMPENSATION",
    "ORIGIN_MOVED",
    "ORIGIN_SCAN",
    "ORIGIN_TRANSFER",
    "UNATTRIBUTED",
    "UNATTRIBUTED_ANONYMOUS",
    "UNATTRIBUTED_BLOCKED",
    "UNATTRIBUTED_LATE",
    "UNATTRIBUTED_UNKNOWN_CARD",
    "Award",
    "Counted",
    "Event",
    "Goods",
    "ListedOffer",
    "OfferBack",
    "OfferUse",
    "Scan",
    "origin_name",
]


ORIGIN_SCAN, ORIGIN_ADJUSTMENT, ORIGIN_COMPENSATION, ORIGIN_BONUS = 0, 1, 2, 3
ORIGINS = ("scan", "adjustment", "compensation", "bonus")
"""Where the points of a lot come from, by the number that lots carry."""
ORIGIN_TRANSFER, ORIGIN_MOVED = 900, 1000
"""Points that another member gave; from the second number on, lots that a merge brought."""

UNATTRIBUTED_ANONYMOUS, UNATTRIBUTED_UNKNOWN_CARD, UNATTRIBUTED_BLOCKED, UNATTRIBUTED_LATE = range(
    4
)
UNATTRIBUTED = ("anonymous", "unknown_card", "review_blocked_card", "review_late")
"""Why a receipt has no member, by the number that its event carries."""


def origin_name(origin: int) -> str:
    """An origin as the reports call it."""
    if origin >= ORIGIN_MOVED:
        return "merge"
    return "transfer" if origin == ORIGIN_TRANSFER else ORIGINS[origin]


class Event(Struct, frozen=True, array_like=True, gc=False):
    """The base of all events."""

    TOPIC: ClassVar[str] = ""


class Goods(Struct, frozen=True, array_like=True, gc=False):
    """The lines of a receipt, as columns; a column that says nothing new is left empty.

    Who wants products, categories, units or kinds asks for `product_codes` and so on, which work
    them out at each call.
    """

    products: tuple[str, ...]
    """The codes; beside `product_digits`, their beginning and those that have another form."""
    quantities: tuple[int, ...]
    amounts_minor: tuple[int, ...]
    categories: tuple[str, ...] = ()
    discounts_minor: tuple[int, ...] = ()
    units: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    voided: tuple[int, ...] = ()
    """Indices of the voided lines, counted from 0."""
    brands: tuple[str, ...] = ()
    product_digits: bytes = b""
    """See `columns`, as for the next three."""
    category_digits: bytes = b""
    unit_letters: str = ""
    kind_letters: str = ""

    @property
    def product_codes(self) -> tuple[str, ...]:
        """The product of each line."""
        if self.product_digits:
            return unpacked(self.products, self.product_digits, len(self.quantities))
        return self.products

    @property
    def category_codes(self) -> tuple[str, ...]:
        """The category of each line; empty where none has one."""
        if self.category_digits:
            return unpacked(self.categories, self.category_digits, len(self.quantities))
        return self.categories

    @property
    def unit_names(self) -> tuple[str, ...]:
        """The unit of each line; empty where all are pieces."""
        return named(self.unit_letters, UNIT_LETTERS) if self.unit_letters else self.units

    @property
    def kind_names(self) -> tuple[str, ...]:
        """The kind of each line; empty where all are sales."""
        return named(self.kind_letters, KIND_LETTERS) if self.kind_letters else self.kinds


class Scan(Struct, frozen=True, array_like=True, gc=False):
    """What the till said of one receipt."""

    store: str
    lane: str
    business_day: Day
    number: str
    captured_at: Instant
    offset_minutes: int
    goods: Goods
    tenders: tuple[tuple[str, int], ...] = ()
    cashier: str = ""
    historical: bool = False
    """Imported as history: the late limit was not applied."""
    refs: tuple[str, ...] = ()
    """Beside the tenders, where one says which redemption it was; empty: none does."""

    @property
    def day(self) -> Day:
        """The day on the store's own calendar when it was captured."""
        return (self.captured_at + self.offset_minutes * 60) // 86_400

    @property
    def bought_minor(self) -> int:
        """What its goods cost; what it brings back is told by other events."""
        goods = self.goods
        if not goods.voided and min(goods.quantities) > 0:
            return sum(goods.amounts_minor)
        return sum(
            amount
            for index, amount in enumerate(goods.amounts_minor)
            if goods.quantities[index] > 0 and index not in goods.voided
        )


class Counted(Struct, frozen=True, array_like=True, gc=False):
    """Points that a limit will have to know of."""

    rule: str
    points: int
    daily: bool = False
    """Counted by day too."""
    until: Day = 0
    """The rule's last day; 0 where it has none."""


class ListedOffer(Struct, frozen=True, array_like=True, gc=False):
    """An offer on a member's list."""

    campaign: str
    product: str = ""
    """Empty: all the campaign's goods."""
    amount: int = 0
    """As the campaign's, for a piece; no deeper than that."""
    cell: str = ""
    """Where the member stood in the category when it was issued: `national heavy` and so on."""


class OfferUse(Struct, frozen=True, array_like=True, gc=False):
    """A line of a receipt used an offer; `line` counts from 0."""

    line: int
    campaign: str
    barcode: str
    """Of the list."""
    pieces: int
    off_minor: int
    """Of what the till took off, the campaign's part."""
    points: int = 0
    """Among the points of the line."""
    reward: str = ""


class OfferBack(Struct, frozen=True, array_like=True, gc=False):
    """Goods came back that had used an offer: the budget has so much again."""

    line: int
    campaign: str
    product: str
    pieces: int
    off_minor: int
    day: Day
    """On which they came back, in the programme's zone."""


class Award(Struct, frozen=True, array_like=True, gc=False):
    """The points that a receipt earned a member, and the lot they lie in."""

    card: int
    """Index into the member's cards."""
    programme: int
    points: tuple[int, ...]
    """By line."""
    activates_at: Instant
    expires_at: Instant
    qualifying: int
    repaid: int = 0
    """Points that went to arrears instead of the lot."""
    rules: tuple[tuple[str, int], ...] = ()
    """What each rule beyond the base gave."""
    birthday_year: int = 0
    watched: bool = False
    """Counted for the fraud limits."""
    review: int = 0
    """Points that wait for a person instead of lying in the lot."""
    counted: tuple[Counted, ...] = ()
    offers: tuple[OfferUse, ...] = ()
    accepted: tuple[str, ...] = ()
    """Barcodes of the member's lists that were shown on one of their days, used or not."""
