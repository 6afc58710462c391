"""Points that are spent without asking: how many may be, what a till is told, which lots pay later."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec
from msgspec import Struct

from ledger.errors import AllowanceInvalid, AllowanceLimit, AllowanceNotOffered, AmountInvalid
from ledger.policies.burn import Lot, take_in_order
from ledger.programme import ONE_BP, Cash, Redeem
from ledger.types import Instant, Take

HOUR_SECONDS = 3600


def hours_of(redeem: Redeem, hours: int) -> int:
    """For how long an allowance holds, where so long is asked (0: as long as the programme lets).

    Raises:
        AllowanceNotOffered: the programme issues none.
        AmountInvalid: for longer than it lets.
    """
    if redeem.offline is None:
        raise AllowanceNotOffered
    most = redeem.offline.hours
    if not 0 <= hours <= most:
        raise AmountInvalid(f"{hours} hours asked, {most} at most.", field="hours")
    return hours or most


def check_allowance(redeem: Redeem, points: int, available: int, open_points: int) -> None:
    """Make sure that so many points may be spent offline beside those that may be already.

    Raises:
        AllowanceNotOffered: the programme issues none.
        AmountInvalid: nothing is asked.
        AllowanceLimit: it is more than the programme lets; says the most.
    """
    if redeem.offline is None:
        raise AllowanceNotOffered
    if points <= 0:
        raise AmountInvalid(field="points")
    share = available * redeem.offline.share_bp // ONE_BP  # floor, in the programme's favour
    most = max(min(redeem.offline.most_points, share) - open_points, 0)
    if points > most:
        raise AllowanceLimit(f"{points} asked, {most} at most now.", field="points")


class Paid(NamedTuple):
    """What pays for points that were spent at an earlier instant."""

    takes: tuple[Take, ...]
    unexpired: tuple[Take, ...]
    """Of lots whose expiry was recorded meanwhile."""
    short: int
    """What nothing pays."""


def pay_late(
    lots: Sequence[Lot], written: Sequence[Lot], points: int, at: Instant, now: Instant
) -> Paid:
    """Choose the lots that pay what was spent at an instant and is told now.

    First what could be used then, soonest expiry first, though it has expired since: whether its
    expiry was recorded (`written`) makes no difference. Then what can be used now; the rest is short.
    """
    there = [(lot, False) for lot in lots] + [(lot, True) for lot in written]
    then = [one for one in there if one[0].activates_at <= at < one[0].expires_at]
    then.sort(key=lambda one: (*_order(one[0]), one[1]))
    takes: list[Take] = []
    unexpired: list[Take] = []
    left = points
    for lot, recorded in then:
        for take in take_in_order([lot], left):
            (unexpired if recorded else takes).append(take)
            left -= take.points
    later = [lot for lot in lots if at < lot.activates_at <= now < lot.expires_at]
    more = take_in_order(sorted(later, key=_order), left)
    short = left - sum(take.points for take in more)
    return Paid((*takes, *more), tuple(unexpired), short)


def _order(lot: Lot) -> tuple[Instant, Instant, int]:
    return (lot.expires_at, lot.activates_at, lot.origin)


class Header(Struct, frozen=True):
    """How an allowance is signed (RFC 7515, RFC 8037)."""

    kid: str
    alg: Literal["EdDSA"] = "EdDSA"
    typ: str = "allowance+jwt"


class Claims(Struct, frozen=True):
    """What an allowance says to a till that cannot ask; the names are those of RFC 7519."""

    jti: str
    """The allowance."""
    sub: str
    """The card, see `card_mark`."""
    nbf: Instant
    exp: Instant
    points: int
    store: str
    currency: str
    cash: Cash
    """What its points are worth, from which number on and in which steps."""


class Token(NamedTuple):
    """An allowance as a till sends it, taken apart; nothing of it is believed yet."""

    key: str
    signed: bytes
    signature: bytes
    allowance: bytes


def card_mark(allowance: str, card: str) -> str:
    """What an allowance says of its card: enough to know the card by, and not to read it."""
    return base64url(hashlib.sha256(f"{allowance}:{card}".encode()).digest())


def unsigned(key: str, claims: Claims) -> bytes:
    """The part of a token that is signed."""
    parts = (msgspec.json.encode(Header(key)), msgspec.json.encode(claims))
    return ".".join(map(base64url, parts)).encode()


def signed(unsigned: bytes, signature: bytes) -> str:
    """The token."""
    return f"{unsigned.decode()}.{base64url(signature)}"


def read_token(token: str) -> Token:
    """Take a token apart.

    Raises:
        AllowanceInvalid: it is none.
    """
    try:
        head, body, signature = token.split(".")
        header = msgspec.json.decode(_bytes(head), type=Header)
        claims = msgspec.json.decode(_bytes(body), type=Claims)
        allowance = bytes.fromhex(claims.jti)
        return Token(header.kid, f"{head}.{body}".encode("ascii"), _bytes(signature), allowance)
    except (ValueError, RecursionError):  # of base64, of Unicode, of JSON, of its fields alike
        raise AllowanceInvalid("It is no signed allowance.", field="allowance") from None


def base64url(raw: bytes) -> str:
    """Bytes as RFC 7515 writes them: base 64 for URLs, without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
