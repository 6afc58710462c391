"""What an operator says of a till's dialect, as it is written in options and files."""

from __future__ import annotations

from zoneinfo import ZoneInfoNotFoundError

from msgspec import Struct

from adapters.pos.gs1 import scale
from adapters.pos.recorded import InLedger
from adapters.pos.terms import Reading, Terms
from ledger.application import LoyaltyLedger
from ledger.calendar import zone_of
from ledger.errors import InputInvalid


class Given(Struct, frozen=True, forbid_unknown_fields=True):
    """See `Terms`; `store` is `NAME`, where none is told, or `THEIRS=NAME`."""

    zone: str = ""
    currency: str = ""
    store: tuple[str, ...] = ()
    walk_in: tuple[str, ...] = ()
    scale: tuple[str, ...] = ()
    pounds: bool = False


def way(ledger: LoyaltyLedger, given: Given) -> Reading:
    """The way through what a till wrote, as it is given and as the programme has it.

    Raises:
        InputInvalid: something given is not what it should be.
    """
    programme = ledger.programme_at(ledger.clock()).programme
    pairs = [one.partition("=") for one in given.store]
    plain = [name for name, mark, _ in pairs if not mark]
    if len(plain) > 1:
        raise InputInvalid("One name stands for stores that are not told.", field="store")
    try:
        scales = tuple(map(scale, given.scale))
    except ValueError as error:
        raise InputInvalid(f"{error}.", field="scale") from None
    terms = Terms(
        zone=_zone(given.zone or programme.time_zone),
        currency=given.currency or programme.currency,
        store=plain[0] if plain else "",
        stores={theirs: ours for theirs, mark, ours in pairs if mark},
        nobody=frozenset(given.walk_in),
        scales=scales,
        pounds=given.pounds,
    )
    return Reading(terms, recorded=InLedger(ledger))


def _zone(name: str) -> str:
    try:
        zone_of(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InputInvalid(f"`{name}` is no time zone this machine knows.", field="zone") from None
    return name
