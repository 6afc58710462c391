"""`loyalty simulate-programme`: what a draft programme would have come to."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import msgspec

from adapters.cli.files import programme_text
from adapters.cli.render import Speaker, money, table
from adapters.cli.values import positive
from ledger.application import LoyaltyLedger
from ledger.dryrun.report import Report, Under


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("programme", type=Path, help="the draft (TOML)")
    parser.add_argument(
        "--over", required=True, metavar="PERIOD", help="2026-01-01..2026-03-31, 90d, 12m or all"
    )
    parser.add_argument("--sample", type=positive, help="so many members instead of all")
    parser.add_argument(
        "--top", type=positive, default=10, help="so many of the most changed members (10)"
    )


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Replay, and tell what differs."""
    draft = programme_text(options.programme)
    with LoyaltyLedger.open(options.db) as ledger, ExitStack() as bars:

        def phase(name: str, events: int) -> Callable[[int], None] | None:
            bars.pop_all().close()
            return bars.enter_context(speaker.progress(name, events, "ev" if events else "member"))

        report = ledger.simulate_programme(
            draft, options.over, sample=options.sample or 0, top=options.top, phase=phase
        )
    speaker.say(msgspec.to_builtins(report), lines(report))
    return 0


def lines(report: Report) -> list[str]:
    """The report for a person."""
    told = [_about(report), "", *table(("", "in force", "draft", "difference"), _sides(report))]
    told += ["", *table(("points by rule", "in force", "draft"), _rules(report))]
    moved = [(m.current or "-", m.draft or "-", m.members) for m in report.movements]
    told += ["", *table(("tier in force", "tier under the draft", "members"), moved)]
    if report.changed:
        head = ("member", "points", "draft", "tier", "draft")
        changed = [
            (c.member_id, c.points, c.draft_points, c.tier or "-", c.draft_tier or "-")
            for c in report.changed
        ]
        told += ["", "Members most changed:", *table(head, changed)]
    told += _refused("The draft", report.draft) + _refused("The programme in force", report.current)
    return [*told, "", *_checked(report)]


def _about(report: Report) -> str:
    some = "a sample of " if report.sample else ""
    return (
        f"{report.first} to {report.last}: {report.receipts} receipts, {some}{report.members}"
        f" members; `{report.draft.programme}` instead of `{report.current.programme}`."
    )


def _sides(report: Report) -> list[tuple[object, ...]]:
    """Each figure under both, and by how much they differ; none that is zero under both."""
    currency = report.currency
    rows: list[tuple[object, ...]] = []

    def row(what: str, name: str, show: Callable[[int], str] = str) -> None:
        values = [getattr(side, name) for side in (report.current, report.draft)]
        if None in values:
            rows.append((what, *("no cash" if v is None else show(v) for v in values), ""))
        elif any(values):
            change = values[1] - values[0]
            rows.append((what, *map(show, values), f"{'+' if change > 0 else ''}{show(change)}"))

    def in_money(minor: int) -> str:
        return money(minor, currency)

    row("members' receipts", "receipts")
    row("members' spend", "spend_minor", in_money)
    row("points earned", "earned")
    row("  worth", "cost_minor", in_money)
    row("  of the spend", "cost_bp", _percent)
    row("points redeemed", "redeemed")
    row("  money off", "redeemed_minor", in_money)
    row("points given by hand", "adjusted_in")
    row("points taken by hand", "adjusted_out")
    row("points returned", "reversed")
    row("points expired", "expired")
    row("available at the end", "available")
    row("pending at the end", "pending")
    row("held or in review", "kept")
    row("owed by members", "arrears")
    row("liability", "liability_minor", in_money)
    return rows


def _percent(basis_points: int) -> str:
    whole, part = divmod(abs(basis_points), 100)
    return f"{'-' if basis_points < 0 else ''}{whole}.{part:02d} %"


def _rules(report: Report) -> list[tuple[object, ...]]:
    current, draft = report.current.rules, report.draft.rules
    return [
        (rule, current.get(rule, 0), draft.get(rule, 0)) for rule in sorted({*current, *draft})
    ]  # fmt: skip


def _refused(who: str, side: Under) -> list[str]:
    if not side.refused:
        return []
    rows = [(r.act, r.why, r.acts, r.points) for r in side.refused]
    return ["", f"{who} would have refused:", *table(("act", "why", "times", "points"), rows)]


def _checked(report: Report) -> list[str]:
    told = [
        "The replay of the programme in force gives every award as it was recorded."
        if not report.differing
        else f"{report.differing} receipts earn otherwise in the replay of the programme in force"
        " than was recorded."
    ]
    if report.not_replayed:
        events = ", ".join(f"{count} {topic}" for topic, count in report.not_replayed.items())
        told.append(f"Not replayed: {events}.")
    return told
