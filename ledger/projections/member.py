"""Members, without anything personal."""

from __future__ import annotations

from ledger import events as e
from ledger.projections.schema import At, Column, Out, Projection, Table
from ledger.store import keys

DIM_MEMBER = Table(
    "dim_member",
    "One row a member",
    1,
    (
        Column("member_id", "id", "the member's stream"),
        Column("enrolled_at", "instant", "when the member joined"),
        Column("enrolled_store", "text", "where"),
        Column("cards", "int", "cards ever given", "add"),
        Column("cards_stopped", "int", "of those blocked or replaced", "add"),
        Column("receipts", "int", "receipts of the member", "add"),
        Column("spend_minor", "int", "what they bought, less what came back", "add"),
        Column("last_receipt_at", "instant", "when the latest was captured", "max"),
        Column("position", "int", "position of the last event", "max", digest=False),
    ),
    merged=True,
)


def _member(
    out: Out, at: At, enrolled_at: int | None = None, store: str | None = None, cards: int = 0,
    stopped: int = 0, receipts: int = 0, spend_minor: int = 0, last: int | None = None,
) -> None:  # fmt: skip
    out.merge(
        DIM_MEMBER, (at.stream,), enrolled_at, store, cards, stopped, receipts, spend_minor, last,
        at.position,
    )  # fmt: skip


def _enrolled(at: At, event: e.MemberEnrolled, out: Out) -> None:
    _member(out, at, event.captured_at, event.store)


def _linked(at: At, event: e.CardLinked, out: Out) -> None:
    _member(out, at, cards=1, stopped=int(event.replaces >= 0))


def _stopped(at: At, _: e.CardStopped, out: Out) -> None:
    _member(out, at, stopped=1)


def _scanned(at: At, event: e.ReceiptScanned, out: Out) -> None:
    _member(out, at, receipts=1, spend_minor=event.scan.bought_minor, last=event.scan.captured_at)


def _attributed(at: At, event: e.ReceiptAttributed, out: Out) -> None:
    _member(out, at, receipts=1, spend_minor=event.amount_minor, last=event.captured_at)


def _returned(at: At, event: e.GoodsReturned, out: Out) -> None:
    _member(out, at, spend_minor=-sum(event.amounts_minor))


def _kept(at: At, event: e.ReturnVoided, out: Out) -> None:
    _member(out, at, spend_minor=sum(event.amounts_minor))


def _loose(at: At, event: e.GoodsReturnedLoose, out: Out) -> None:
    _member(out, at, spend_minor=-event.amount_minor)


MEMBER = Projection(
    "member",
    2,
    (DIM_MEMBER,),
    {
        e.MemberEnrolled: _enrolled,
        e.CardLinked: _linked,
        e.CardStopped: _stopped,
        e.ReceiptScanned: _scanned,
        e.ReceiptAttributed: _attributed,
        e.GoodsReturned: _returned,
        e.ReturnVoided: _kept,
        e.GoodsReturnedLoose: _loose,
    },
    keys.MEMBER,
)
