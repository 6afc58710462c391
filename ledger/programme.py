"""The programme: everything a chain decides about its points, as one TOML file.

Amounts are minor units, shares and multipliers are basis points (10000 = 1 x), periods are
whole days or months. A wrong file gets `ProgrammeInvalid` with the key at fault.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Annotated, Literal
from zoneinfo import ZoneInfoNotFoundError

import msgspec
from msgspec import Meta, Struct

from ledger.calendar import zone_of
from ledger.errors import ProgrammeInvalid

ONE_BP = 10_000
Name = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]
"""PostgreSQL keeps no NUL, and names of rules and tiers stand in the reports."""
Points = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Positive = Annotated[int, Meta(ge=1, le=1_000_000_000)]
Days = Annotated[int, Meta(ge=0, le=3660)]
MultiplierBp = Annotated[int, Meta(ge=0, le=1_000_000)]
MAX_LATE_DAYS = 366
LateDays = Annotated[int, Meta(ge=0, le=MAX_LATE_DAYS)]
MAX_WINDOW_DAYS = 731
"""A member keeps qualifying points by day for this long, so no window may be longer."""


class Part(Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the programme file; an unknown key in it is an error."""


class Bonus(Part, frozen=True, rename={"from_": "from"}):
    """Extra points on listed goods, always or between two dates (both included).

    `multiplier_bp` is applied to the base points of the listed lines; `points_each` is
    added for each piece (or each line, for weighed goods).
    """

    name: Name
    products: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    multiplier_bp: MultiplierBp = ONE_BP
    points_each: Points = 0
    from_: dt.date | None = None
    until: dt.date | None = None


class Birthday(Part, frozen=True):
    """The first receipt in the window around a member's birthday earns more, once a year."""

    days_before: Annotated[int, Meta(ge=0, le=31)] = 0
    days_after: Annotated[int, Meta(ge=0, le=31)] = 0
    multiplier_bp: MultiplierBp = ONE_BP
    points: Points = 0


class Earn(Part, frozen=True):
    """`points` for each full `per_minor` spent, counted by receipt or by line (floor)."""

    points: Positive
    per_minor: Positive
    counted_by: Literal["receipt", "line"] = "receipt"
    excluded_products: frozenset[str] = frozenset()
    excluded_categories: frozenset[str] = frozenset()
    excluded_tenders: frozenset[str] = frozenset()
    bonus: tuple[Bonus, ...] = ()
    birthday: Birthday | None = None


class Expiry(Part, frozen=True):
    """When points end: `after` so many units from earning, then on to the end of `round_to`."""

    after: Positive
    unit: Literal["days", "months"] = "months"
    round_to: Literal["day", "month", "quarter", "year"] = "day"


class Lots(Part, frozen=True):
    """How long points wait before they can be used, and when they end (never without expiry)."""

    pending_days: Days = 0
    expiry: Expiry | None = None


class Cash(Part, frozen=True):
    """`points` are worth `value_minor` at the till, from a minimum and in steps.

    A step of 0 stands for `points`.
    """

    points: Positive
    value_minor: Positive
    minimum_points: Points = 0
    step_points: Points = 0


class Gift(Part, frozen=True):
    """A gift and its price in points."""

    code: Name
    name: Name
    points: Positive


class Redeem(Part, frozen=True):
    """What points can be turned into; a table that is absent is not offered."""

    cash: Cash | None = None
    gift: tuple[Gift, ...] = ()


class Level(Part, frozen=True):
    """A tier, from so many qualifying points in the window on."""

    name: Name
    from_points: Points
    multiplier_bp: MultiplierBp = ONE_BP


class Tiers(Part, frozen=True):
    """Tiers by qualifying points of the last `window_days`; once reached, kept for `keep_days`.

    `taken` says whether a receipt earns at the tier before it or at the one it leads to.
    """

    window_days: Annotated[int, Meta(ge=1, le=MAX_WINDOW_DAYS)]
    level: Annotated[tuple[Level, ...], Meta(min_length=1, max_length=20)]
    keep_days: Days = 0
    taken: Literal["before", "after"] = "before"


class MemberPrice(Part, frozen=True, rename={"from_": "from"}):
    """A lower price on listed goods for members (of the listed tiers, if any are)."""

    name: Name
    off_bp: Annotated[int, Meta(ge=1, le=ONE_BP)]
    products: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    tiers: frozenset[str] = frozenset()
    from_: dt.date | None = None
    until: dt.date | None = None


class Returns(Part, frozen=True):
    """What happens when the points of returned goods are already spent.

    `refuse` the return, `take` what is there and let the rest go, or raise `arrears` that
    later earning repays first.
    """

    when_spent: Literal["refuse", "take", "arrears"] = "arrears"


class Complaints(Part, frozen=True):
    """How much a complaint may be compensated with."""

    max_points: Points = 0


class Programme(Part, frozen=True):
    """The whole file."""

    name: Name
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")]
    earn: Earn
    time_zone: str = "UTC"
    late_scan_days: LateDays = 30
    lots: Lots = Lots()
    redeem: Redeem = Redeem()
    tiers: Tiers | None = None
    member_price: tuple[MemberPrice, ...] = ()
    returns: Returns = Returns()
    complaints: Complaints = Complaints()


def load(text: str) -> Programme:
    """Read a programme file.

    Raises:
        ProgrammeInvalid: with the key at fault, e.g. `earn.per_minor`.
    """
    try:
        programme = msgspec.toml.decode(text, type=Programme)
    except msgspec.ValidationError as error:
        raise _explain(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProgrammeInvalid(str(error)) from None
    for key, complaint in _contradictions(programme):
        raise ProgrammeInvalid(complaint, field=key)
    return programme


@lru_cache(maxsize=64)
def loaded(text: str) -> Programme:
    """The same for a text that was already published: read once and kept."""
    return load(text)


def digest(text: str) -> bytes:
    """SHA-256 of the text, which names a version of the programme without doubt."""
    return hashlib.sha256(text.encode()).digest()


def _explain(message: str) -> ProgrammeInvalid:
    """Turn msgspec's path into the key a person finds in the file."""
    found = re.search(r"^(.*?) - at `\$\.?(.*)`$", message)
    unknown = re.search(r"unknown field `([^`]*)`", message)
    missing = re.search(r"missing required field `([^`]*)`", message)
    path = found.group(2) if found else ""
    leaf = unknown or missing
    key = ".".join(part for part in (path, leaf.group(1) if leaf else "") if part)
    return ProgrammeInvalid(found.group(1) if found else message, field=key or None)


def _contradictions(programme: Programme) -> Iterator[tuple[str, str]]:
    """Find what the types cannot say."""
    try:
        zone_of(programme.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        yield "time_zone", f"`{programme.time_zone}` is no time zone this machine knows"
    yield from _listed("earn.bonus", programme.earn.bonus)
    yield from _listed("member_price", programme.member_price)
    yield from _repeated("redeem.gift", "code", (g.code for g in programme.redeem.gift))
    yield from _repeated("earn.bonus", "name", (b.name for b in programme.earn.bonus))
    yield from _repeated("member_price", "name", (p.name for p in programme.member_price))
    cash = programme.redeem.cash
    if cash and cash.step_points % cash.points:
        yield "redeem.cash.step_points", f"must be a multiple of redeem.cash.points ({cash.points})"
    if programme.tiers:
        yield from _tier_contradictions(programme)


def _tier_contradictions(programme: Programme) -> Iterator[tuple[str, str]]:
    assert programme.tiers  # noqa: S101  the caller looked
    levels = programme.tiers.level
    yield from _repeated("tiers.level", "name", (level.name for level in levels))
    for index, level in enumerate(levels):
        key = f"tiers.level[{index}].from_points"
        if index == 0 and level.from_points:
            yield key, "the first tier must start at 0, so that every member has one"
        if index and level.from_points <= levels[index - 1].from_points:
            yield key, "tiers must rise"
    names = {level.name for level in levels}
    for index, price in enumerate(programme.member_price):
        for unknown in sorted(price.tiers - names):
            yield f"member_price[{index}].tiers", f"there is no tier `{unknown}`"


def _listed(key: str, parts: Sequence[Bonus | MemberPrice]) -> Iterator[tuple[str, str]]:
    for index, part in enumerate(parts):
        if not part.products and not part.categories:
            yield f"{key}[{index}]", "lists neither `products` nor `categories`"
        if part.from_ and part.until and part.from_ > part.until:
            yield f"{key}[{index}].until", "is before `from`"


def _repeated(key: str, field: str, values: Iterable[str]) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for index, value in enumerate(values):
        if value in seen:
            yield f"{key}[{index}].{field}", f"`{value}` stands twice"
        seen.add(value)
