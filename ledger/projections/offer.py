"""Offers that members were issued, used, and gave back with their goods."""

from __future__ import annotations

from ledger import events as e
from ledger.projections.schema import At, Column, Out, Projection, Table
from ledger.store import keys

FCT_OFFER_ISSUE = Table(
    "fct_offer_issue",
    "One row an offer on a member's list, or that the member is held out of",
    4,
    (
        Column("member_id", "id", "the member's stream"),
        Column("barcode", "text", "of the list"),
        Column("campaign", "text", "code of the campaign"),
        Column("product", "text", "the only product it is for; empty: all the campaign's goods"),
        Column("amount", "int", "how much, for a piece"),
        Column("cell", "text", "where the member stood in the campaign's category, if it looks"),
        Column("held_out", "int", "1 where the member is held out of the campaign"),
        Column("from_day", "day", "first day of the list"),
        Column("until_day", "day", "last day of the list"),
        Column("captured_at", "instant", "when it was issued", digest=False),
        Column("position", "int", "position of the event in the log", digest=False),
    ),
)
FCT_OFFER_USE = Table(
    "fct_offer_use",
    "One row a line that used an offer, and one more for each return that gave of it back",
    4,
    (
        Column("receipt_id", "id", "the receipt's stream"),
        Column("line", "int", "counted from 1"),
        Column("campaign", "text", "code of the campaign"),
        Column("by_id", "id", "the receipt itself; for what came back, the return's stream"),
        Column("member_id", "id", "the member's stream"),
        Column("day", "day", "day of capture at the store; of a return, in the programme's zone"),
        Column("product", "text", "product code"),
        Column("pieces", "int", "pieces; below zero: given back"),
        Column("off_minor", "int", "money taken off; below zero: given back"),
        Column("points", "int", "points it gave; what returns took of them is in fct_receipt"),
        Column("position", "int", "position of the event in the log", digest=False),
    ),
)

FCT_LIST_ACCEPTED = Table(
    "fct_list_accepted",
    "One row a receipt on which a member's list was shown in time, whether an offer was used or not",
    3,
    (
        Column("member_id", "id", "the member's stream"),
        Column("barcode", "text", "of the list"),
        Column("receipt_id", "id", "the receipt's stream"),
        Column("day", "day", "day of capture at the store"),
        Column("position", "int", "position of the event in the log", digest=False),
    ),
)


def _issued(at: At, event: e.ListIssued, out: Out) -> None:
    days = (event.from_day, event.until_day, event.captured_at, at.position)
    rows = out.rows[FCT_OFFER_ISSUE.name]
    for one in event.offers:
        rows.append(
            (at.stream, event.barcode, one.campaign, one.product, one.amount, one.cell, 0, *days)
        )
    cells = event.held_out_cells or [""] * len(event.held_out)
    for code, cell in zip(event.held_out, cells, strict=True):
        rows.append((at.stream, event.barcode, code, "", 0, cell, 1, *days))


def _scanned(at: At, event: e.ReceiptScanned, out: Out) -> None:
    accepted = event.award.accepted
    if not (accepted or event.award.offers):
        return
    scan, receipt = event.scan, out.receipt_id(event.scan)
    out.rows[FCT_LIST_ACCEPTED.name].extend(
        (at.stream, barcode, receipt, scan.day, at.position) for barcode in accepted
    )
    products = scan.goods.product_codes
    out.rows[FCT_OFFER_USE.name].extend(
        (
            receipt, use.line + 1, use.campaign, receipt, at.stream, scan.day,
            products[use.line], use.pieces, use.off_minor, use.points, at.position,
        )
        for use in event.award.offers
    )  # fmt: skip


def _returned(at: At, event: e.GoodsReturned, out: Out) -> None:
    out.rows[FCT_OFFER_USE.name].extend(
        (
            event.receipt, one.line + 1, one.campaign, event.by, at.stream, one.day, one.product,
            -one.pieces, -one.off_minor, 0, at.position,
        )
        for one in event.offers
    )  # fmt: skip


OFFER = Projection(
    "offer",
    2,
    (FCT_OFFER_ISSUE, FCT_OFFER_USE, FCT_LIST_ACCEPTED),
    {e.ListIssued: _issued, e.ReceiptScanned: _scanned, e.GoodsReturned: _returned},
    keys.MEMBER,
)
