"""What each member bought, receipt by receipt: what segments are counted from."""

from __future__ import annotations

from ledger import events as e
from ledger.projections.schema import At, Column, Out, Projection, Table
from ledger.store import keys

FCT_PURCHASE = Table(
    "fct_purchase",
    "One row a member's receipt: what was bought on it, and what of that came back",
    3,
    (
        Column("member_id", "id", "the member's stream"),
        Column("day", "day", "the day it was captured, at the store"),
        Column("receipt_id", "id", "the receipt; of goods brought back without one, what did"),
        Column("bought_minor", "int", "what its goods cost; 0: only what came back is here", "add"),
        Column("returned_minor", "int", "what of it came back", "add"),
        Column("position", "int", "position of the last event", "max", digest=False),
    ),
    merged=True,
)
_NAME = FCT_PURCHASE.name


def _say(out: Out, at: At, day: int, receipt: bytes, bought: int, returned: int) -> None:
    row = out.merged[_NAME][at.stream, day, receipt]
    row[0] += bought
    row[1] += returned
    row[2] = at.position


def _scanned(at: At, event: e.ReceiptScanned, out: Out) -> None:
    scan = event.scan
    if bought := scan.bought_minor:
        _say(out, at, scan.day, out.receipt_id(scan), bought, 0)


def _attributed(at: At, event: e.ReceiptAttributed, out: Out) -> None:
    if event.amount_minor:
        _say(out, at, event.day, event.receipt, event.amount_minor, 0)


def _returned(at: At, event: e.GoodsReturned, out: Out) -> None:
    _say(out, at, event.qualifying_day, event.receipt, 0, sum(event.amounts_minor))


def _kept(at: At, event: e.ReturnVoided, out: Out) -> None:
    _say(out, at, event.qualifying_day, event.receipt, 0, -sum(event.amounts_minor))


def _loose(at: At, event: e.GoodsReturnedLoose, out: Out) -> None:
    _say(out, at, event.day, event.by, 0, event.amount_minor)


PURCHASE = Projection(
    "purchase",
    1,
    (FCT_PURCHASE,),
    {
        e.ReceiptScanned: _scanned,
        e.ReceiptAttributed: _attributed,
        e.GoodsReturned: _returned,
        e.ReturnVoided: _kept,
        e.GoodsReturnedLoose: _loose,
    },
    keys.MEMBER,
)
