"""The programme: everything a chain decides about its points, as one TOML file.

Amounts are minor units, shares and multipliers are basis points (10000 = 1 x), periods are
whole days or months. A wrong file gets `ProgrammeInvalid` with the key at fault.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import Annotated
from zoneinfo import ZoneInfoNotFoundError

import msgspec
from msgspec import Meta

from ledger.calendar import zone_of
from ledger.errors import ProgrammeInvalid
from ledger.programme import earn as earning
from ledger.programme import fraud as limiting
from ledger.programme import members as membership
from ledger.programme import prices as pricing
from ledger.programme import rebate as rebating
from ledger.programme import redeem as redeeming
from ledger.programme import segments as segmenting
from ledger.programme import staff as staffing
from ledger.programme import tiers as standing
from ledger.programme.complaints import *
from ledger.programme.earn import *
from ledger.programme.expressions import *
from ledger.programme.fraud import *
from ledger.programme.lists import *
from ledger.programme.lots import *
from ledger.programme.members import *
from ledger.programme.offers import *
from ledger.programme.parts import *
from ledger.programme.prices import *
from ledger.programme.questions import *
from ledger.programme.rebate import *
from ledger.programme.redeem import *
from ledger.programme.returns import *
from ledger.programme.segments import *
from ledger.programme.staff import *
from ledger.programme.tiers import *


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
    rebate: Rebate | None = None
    fraud: Fraud = Fraud()
    staff: Staff = Staff()
    enrolment: Enrolment | None = None
    transfer: Transfer | None = None
    members: Members = Members()
    segments: Segments = Segments()
    offers: Offers | None = None
    questions: Questions = Questions()
    lists: Lists | None = None


def load(text: str) -> Programme:
    """Read a programme file.

    Raises:
        ProgrammeInvalid: with the key at fault, e.g. `earn.per_minor`.
    """
    programme = _read(text)
    for key, complaint in _contradictions(programme):
        raise ProgrammeInvalid(complaint, field=key)
    return programme


@lru_cache(maxsize=64)
def loaded(text: str) -> Programme:
    """The same for a text that was already published: read once and kept.

    It was checked then, and holds even where a later version asks for more.
    """
    return _read(text)


def _read(text: str) -> Programme:
    try:
        return msgspec.toml.decode(text, type=Programme)
    except msgspec.ValidationError as error:
        raise _explain(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProgrammeInvalid(str(error)) from None


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


def _contradictions(programme: Programme) -> Contradictions:
    """Find what the types cannot say, table by table."""
    try:
        zone_of(programme.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        yield "time_zone", f"`{programme.time_zone}` is no time zone this machine knows"
    tiers = [level.name for level in programme.tiers.level] if programme.tiers else []
    yield from earning.contradictions(programme.earn, tiers)
    yield from pricing.contradictions(programme.member_price, tiers)
    yield from redeeming.contradictions(programme.redeem)
    if programme.rebate:
        yield from rebating.contradictions(programme.rebate, tiers)
    if programme.lots.pending == "return_window" and not programme.returns.window_days:
        yield "returns.window_days", 'is needed for lots.pending = "return_window"'
    yield from limiting.contradictions(programme.fraud, programme.late_scan_days)
    yield from staffing.contradictions(programme.staff)
    yield from membership.contradictions(programme.transfer)
    yield from segmenting.contradictions(programme.segments)
    if programme.tiers:
        yield from standing.contradictions(programme.tiers)
