"""What may be spent without asking, and what was: with what the chain is short of by it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ledger import events as e
from ledger.projections.queries import Reader
from ledger.projections.schema import POSITION, RECORDED, At, Column, Out, Projection, Table
from ledger.store.keys import MEMBER
from ledger.types import Instant, Take

FCT_ALLOWANCE = Table(
    "fct_allowance",
    "One row an allowance: points that a card may spend at tills that are offline",
    2,
    (
        Column("member_id", "id", "the member's stream"),
        Column("version", "int", "version of the event in the member's stream"),
        Column("allowance_id", "id", "the stream of the command that asked for it"),
        Column("points", "int", "that may be spent"),
        Column("store", "text", "where; empty = everywhere"),
        Column("valid_until", "instant", "from when on nothing may be spent"),
        Column("key_id", "text", "the key that signs it"),
        Column("programme", "int", "number of the programme that says what points are worth"),
        Column("captured_at", "instant", "when it was issued"),
        RECORDED,
        POSITION,
    ),
)
FCT_OFFLINE_BURN = Table(
    "fct_offline_burn",
    "One row a redemption that was told afterwards: under an allowance, or of a hold that was over",
    2,
    (
        Column("member_id", "id", "the member's stream"),
        Column("version", "int", "version of the event in the member's stream"),
        Column("under", "text", "allowance, hold"),
        Column("under_id", "id", "the stream of the allowance, or of the hold"),
        Column("store", "text", "where"),
        Column("points", "int", "redeemed in all"),
        Column("short", "int", "of these, what was not there any more and is owed"),
        Column("unexpired", "int", "of these, what had been recorded as expired"),
        Column("value_minor", "int", "money off"),
        Column("programme", "int", "number of the programme it was decided under"),
        Column("captured_at", "instant", "when the till let it pay"),
        RECORDED,
        POSITION,
    ),
)


class OfflineBurn(NamedTuple):
    """A redemption that was told afterwards, as the reports know it."""

    member_id: bytes
    under: str
    store: str
    points: int
    short: int
    value_minor: int
    captured_at: Instant
    recorded_at: Instant


def _issued(at: At, event: e.AllowanceIssued, out: Out) -> None:
    out.rows["fct_allowance"].append(
        (
            at.stream, at.version, event.allowance, event.points, event.store, event.until,
            event.key, event.programme, event.captured_at, at.recorded_at, at.position,
        )
    )  # fmt: skip


def _redeemed(at: At, event: e.PointsRedeemed, out: Out) -> None:
    if event.allowance:
        _burn(at, event, ("allowance", event.allowance), out)


def _settled(at: At, event: e.HoldSettled, out: Out) -> None:
    if event.late:
        _burn(at, event, ("hold", event.hold), out)


def _burn(
    at: At, event: e.PointsRedeemed | e.HoldSettled, under: tuple[str, bytes], out: Out
) -> None:
    again = _sum(event.unexpired)
    out.rows["fct_offline_burn"].append(
        (
            at.stream, at.version, *under, event.store, _sum(event.takes) + again + event.arrears,
            event.arrears, again, event.value_minor, event.programme, event.captured_at,
            at.recorded_at, at.position,
        )
    )  # fmt: skip


def _sum(takes: Sequence[Take]) -> int:
    return sum(take.points for take in takes)


def offline_burns(
    reader: Reader, since: Instant, until: Instant, *, short: bool
) -> list[OfflineBurn]:
    """What was captured in a period (until excluded), in that order; `short`: where some is owed."""
    rows = reader.rows(
        f"SELECT {', '.join(OfflineBurn._fields)} FROM {reader.name(FCT_OFFLINE_BURN)}"
        " WHERE captured_at >= ? AND captured_at < ? AND short >= ?"
        " ORDER BY captured_at, member_id, version",
        (since, until, int(short)),
    )
    return [OfflineBurn(bytes(row[0]), *row[1:]) for row in rows]


OFFLINE = Projection(
    "offline",
    1,
    (FCT_ALLOWANCE, FCT_OFFLINE_BURN),
    {e.AllowanceIssued: _issued, e.PointsRedeemed: _redeemed, e.HoldSettled: _settled},
    MEMBER,
)
