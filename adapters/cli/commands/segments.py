"""`loyalty segments`: members in groups by what they bought, and who moved."""

from __future__ import annotations

import argparse
from typing import Any

from adapters.cli.render import Speaker, money, table
from adapters.cli.values import calendar_day, positive
from ledger.application import LoyaltyLedger
from ledger.application.segments import SegmentQuery, SegmentReport
from ledger.policies.segments import SEGMENTATIONS
from ledger.projections.buying import Window
from ledger.types import date_of

CRITERIA = ("last", "amount", "frequency", "quantity")
NONE = "-"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--by", required=True, choices=[way.name for way in SEGMENTATIONS])
    parser.add_argument("--as-of", type=calendar_day, metavar="DATE", help="last day (today)")
    parser.add_argument("--window", default="12m", help="12m or 90d (default: 12m)")
    parser.add_argument("--against", type=calendar_day, metavar="DATE", help="who moved since then")
    parser.add_argument("--product", default="", help="of this product")
    parser.add_argument("--category", default="", help="of this category")
    parser.add_argument(
        "--criterion", action="append", choices=CRITERIA, help="of rank; several count together"
    )
    parser.add_argument("--segment", default="", help="list members of this segment only")
    parser.add_argument("--limit", type=positive, default=10, help="members listed (default: 10)")


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Show the groups, their first members, and who moved."""
    query = SegmentQuery(
        options.by, options.as_of, options.window, options.against, options.product,
        options.category, tuple(options.criterion or ("amount",)),
    )  # fmt: skip
    with LoyaltyLedger.open(options.db) as ledger:
        report = ledger.segments(query)
    data = _data(report, options.segment, options.limit)
    speaker.say({"by": options.by, **data}, _lines(report, data))
    return 0


def _data(report: SegmentReport, segment: str, limit: int) -> dict[str, Any]:
    moved = [one for one in report.moved if not segment or segment in (one.before, one.now)]
    listed = [one for one in report.of.items() if not segment or one[1] == segment]
    return {
        **_window("", report.window),
        **(_window("against_", report.before) if report.before else {}),
        "segments": [count._asdict() for count in report.counts],
        "members": [_member(report, member, name) for member, name in listed[:limit]],
        "movement": [
            {"before": old, "now": new, "members": count} for old, new, count in report.moves
        ],
        "moved": [one._asdict() | {"member_id": one.member_id.hex()} for one in moved[:limit]],
    }


def _window(prefix: str, window: Window) -> dict[str, str]:
    return {
        f"{prefix}first": str(date_of(window.first)),
        f"{prefix}last": str(date_of(window.last)),
    }


def _member(report: SegmentReport, member: bytes, segment: str) -> dict[str, Any]:
    known = report.profiles[member]
    return {
        "member_id": member.hex(),
        "segment": segment,
        "last_day": str(date_of(known.last_day)) if known.receipts else None,
        "receipts": known.receipts,
        "spend_minor": known.spend_minor,
        "one_off_minor": known.one_off_minor,
        "goods_receipts": known.goods.receipts,
        "goods_quantity": known.goods.quantity,
        "goods_minor": known.goods.spend_minor,
    }


def _lines(report: SegmentReport, data: dict[str, Any]) -> list[str]:
    told = [f"{data['first']} to {data['last']}: {len(report.of)} members.", ""]
    told += _counts(report)
    if data["members"]:
        told += ["", *_members(report, data)]
    if report.before:
        told += ["", *_movement(data)]
    return told


def _counts(report: SegmentReport) -> list[str]:
    """One-offs and what is due are shown only where there are any."""
    one_off = any(count.one_off_minor for count in report.counts)
    due = any(count.due for count in report.counts)
    head = ["segment", "members", "spend", *["one-off"] * one_off, *["due"] * due]
    rows = [
        [
            count.segment, count.members, money(count.spend_minor, report.currency),
            *[money(count.one_off_minor, report.currency)] * one_off, *[count.due] * due,
        ]
        for count in report.counts
    ]  # fmt: skip
    return table(head, rows)


def _members(report: SegmentReport, data: dict[str, Any]) -> list[str]:
    """Of goods, the column is shown only where they were looked at."""
    goods = any(one["goods_receipts"] for one in data["members"])
    head = ["member", "segment", "last", "receipts", "spend", *["on", "quantity"] * goods]
    rows = [
        [
            one["member_id"], one["segment"], one["last_day"] or NONE, one["receipts"],
            money(one["spend_minor"], report.currency),
            *[one["goods_receipts"], one["goods_quantity"]] * goods,
        ]
        for one in data["members"]
    ]  # fmt: skip
    return table(head, rows)


def _movement(data: dict[str, Any]) -> list[str]:
    since = f"Against {data['against_first']} to {data['against_last']}:"
    moves = [(m["before"] or NONE, m["now"] or NONE, m["members"]) for m in data["movement"]]
    told = [since, *table(("before", "now", "members"), moves)]
    if data["moved"]:
        rows = [(m["member_id"], m["before"] or NONE, m["now"] or NONE) for m in data["moved"]]
        told += ["", *table(("moved", "before", "now"), rows)]
    return told
