"""Receipts and their lines, whoever they belong to."""

from __future__ import annotations

from collections.abc import Sequence

from ledger import events as e
from ledger.projections.schema import POSITION, RECORDED, At, Column, Out, Projection, Table

FCT_RECEIPT = Table(
    "fct_receipt",
    "One row a receipt",
    1,
    (
        Column("receipt_id", "id", "the receipt's stream"),
        Column("store", "text", "store"),
        Column("lane", "text", "till; empty where the till's dialect has none"),
        Column("business_day", "day", "business day"),
        Column("number", "text", "number on the receipt"),
        Column("captured_at", "instant", "the till's time"),
        Column("offset_minutes", "int", "the store's offset from UTC"),
        Column("member_id", "id", "the member it belongs to, if any"),
        Column("state", "text", "member, anonymous, unknown_card, review_..., attributed"),
        Column("cashier", "text", "cashier"),
        Column("lines", "int", "number of lines"),
        Column("amount_minor", "int", "sum of the lines, voided ones left out"),
        Column("points", "int", "points it earned"),
        Column("returned_minor", "int", "what of it came back on other receipts"),
        Column("returned_points", "int", "points that went back with it"),
        Column("programme", "int", "number of the programme it was judged under; 0 = none"),
        Column("historical", "int", "1 for imported history"),
        RECORDED,
        POSITION,
    ),
)
FCT_RECEIPT_LINE = Table(
    "fct_receipt_line",
    "One row a line of a receipt",
    2,
    (
        Column("receipt_id", "id", "the receipt's stream"),
        Column("line", "int", "counted from 1"),
        Column("product", "text", "product code"),
        Column("category", "text", "category as the till said it"),
        Column("brand", "text", "brand as the till said it"),
        Column("kind", "text", "sale, gift_card, deposit, reward, return"),
        Column("unit", "text", "piece, gram, millilitre"),
        Column("quantity", "int", "in the unit; negative for goods brought back"),
        Column("amount_minor", "int", "paid for the line"),
        Column("discount_minor", "int", "discount in it"),
        Column("voided", "int", "1 for a voided line"),
        Column("points", "int", "points it earned"),
        Column("returned_quantity", "int", "what of it came back"),
        Column("position", "int", "position of the event in the log", digest=False),
    ),
)


def _scanned(at: At, event: e.ReceiptScanned, out: Out) -> None:
    _write(out, at, out.receipt_id(event.scan), event.scan, at.stream, "member", event.award)


def _unclaimed(at: At, event: e.ReceiptUnclaimed, out: Out) -> None:
    _write(out, at, at.stream, event.scan, None, e.UNATTRIBUTED[event.why], None)


def _write(
    out: Out, at: At, receipt: bytes, scan: e.Scan, member: bytes | None, state: str,
    award: e.Award | None,
) -> None:  # fmt: skip
    goods = scan.goods
    amount = sum(goods.amounts_minor) - sum(goods.amounts_minor[i] for i in goods.voided)
    points = award.points if award else ()
    out.rows["fct_receipt"].append(
        (
            receipt, scan.store, scan.lane, scan.business_day, scan.number, scan.captured_at,
            scan.offset_minutes, member, state, scan.cashier, len(goods.quantities), amount,
            sum(points), 0, 0, award.programme if award else 0, int(scan.historical),
            at.recorded_at, at.position,
        )
    )  # fmt: skip
    _write_lines(out, at, receipt, goods, points)


def _write_lines(out: Out, at: At, receipt: bytes, goods: e.Goods, points: Sequence[int]) -> None:
    count = len(goods.quantities)
    voided = [0] * count
    for index in goods.voided:
        voided[index] = 1
    out.rows["fct_receipt_line"].extend(
        zip(
            [receipt] * count,
            range(1, count + 1),
            goods.product_codes,
            goods.category_codes or [""] * count,
            goods.brands or [""] * count,
            goods.kind_names or ["sale"] * count,
            goods.unit_names or ["piece"] * count,
            goods.quantities,
            goods.amounts_minor,
            goods.discounts_minor or [0] * count,
            voided,
            points or [0] * count,
            [0] * count,
            [at.position] * count,
            strict=True,
        )
    )


def _attributed(at: At, event: e.ReceiptAttributed, out: Out) -> None:
    award = event.award
    out.patch(
        FCT_RECEIPT, (event.receipt,), member_id=at.stream, state="attributed",
        points=sum(award.points), programme=award.programme,
    )  # fmt: skip
    for index, points in enumerate(award.points):
        if points:
            out.patch(FCT_RECEIPT_LINE, (event.receipt, index + 1), points=points)


def _came_back(at: At, event: e.LinesReturned, out: Out) -> None:
    adds = {"returned_minor": sum(event.amounts_minor)}
    out.patch(FCT_RECEIPT, (at.stream,), adds)
    for line, quantity in zip(event.lines, event.quantities, strict=True):
        out.patch(FCT_RECEIPT_LINE, (at.stream, line + 1), {"returned_quantity": quantity})


def _kept(at: At, event: e.LinesKept, out: Out) -> None:
    if event.waited:
        return  # it never came to be counted
    out.patch(FCT_RECEIPT, (at.stream,), {"returned_minor": -sum(event.amounts_minor)})
    for line, quantity in zip(event.lines, event.quantities, strict=True):
        out.patch(FCT_RECEIPT_LINE, (at.stream, line + 1), {"returned_quantity": -quantity})


def _points_kept(_: At, event: e.ReturnVoided, out: Out) -> None:
    out.patch(FCT_RECEIPT, (event.receipt,), {"returned_points": -sum(event.points)})


def _points_back(_: At, event: e.GoodsReturned, out: Out) -> None:
    out.patch(FCT_RECEIPT, (event.receipt,), {"returned_points": sum(event.points)})


RECEIPT = Projection(
    "receipt",
    3,
    (FCT_RECEIPT, FCT_RECEIPT_LINE),
    {
        e.ReceiptScanned: _scanned,
        e.ReceiptUnclaimed: _unclaimed,
        e.ReceiptAttributed: _attributed,
        e.LinesReturned: _came_back,
        e.LinesKept: _kept,
        e.GoodsReturned: _points_back,
        e.ReturnVoided: _points_kept,
    },
)
