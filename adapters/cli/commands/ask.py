"""`loyalty ask`: questions about single members, with what makes the case."""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import Any

from adapters.cli.render import Speaker, day, money, table, when
from adapters.cli.values import calendar_day, positive
from ledger.application import LoyaltyLedger
from ledger.application.questions import Answer, AskQuery, AskReport
from ledger.policies.asking import Figure
from ledger.policies.questions import QUESTIONS
from ledger.projections.sheet import Sheet
from ledger.types import date_of

SHOWN = 10
NONE = "-"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    about = "; ".join(f"{one.name}: {one.about}" for one in QUESTIONS)
    parser.add_argument("question", choices=[one.name for one in QUESTIONS], help=about)
    parser.add_argument("--as-of", type=calendar_day, metavar="DATE", help="last day (today)")
    parser.add_argument("--window", default="12m", help="12m or 90d (default: 12m)")
    parser.add_argument("--product", default="", help="of `notice`: who buys this product")
    parser.add_argument("--category", default="", help="of `notice`: who buys this category")
    parser.add_argument(
        "--limit", type=positive, help=f"members told (default: {SHOWN}; in a file: all)"
    )
    parser.add_argument("--personal", action="store_true", help="of `call`: tell name, telephone")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write them to a file")


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Show who is an answer, or write them to a file."""
    limit = options.limit or (None if options.csv else SHOWN)
    query = AskQuery(
        options.question, options.as_of, options.window, options.product, options.category, limit,
        options.personal,
    )  # fmt: skip
    with LoyaltyLedger.open(options.db) as ledger:
        report = ledger.ask(query)
    data = _data(report, personal=options.personal)
    if options.csv:
        _write(options.csv, report, data)
        head = {key: value for key, value in data.items() if key != "answers"}
        told = [f"{len(report.answers)} of {report.members} members in {options.csv}."]
        speaker.say({**head, "file": str(options.csv), "written": len(report.answers)}, told)
    else:
        speaker.say(data, _lines(report, personal=options.personal))
    return 0


def _data(report: AskReport, *, personal: bool) -> dict[str, Any]:
    data = {
        "question": report.question.name, "first": str(date_of(report.window.first)),
        "last": str(date_of(report.window.last)),
    }  # fmt: skip
    if report.before:
        data["before_first"] = str(date_of(report.before.first))
        data["before_last"] = str(date_of(report.before.last))
    answers = [_answer(one, personal=personal) for one in report.answers]
    return {**data, "members": report.members, "currency": report.currency, "answers": answers}


def _answer(answer: Answer, *, personal: bool) -> dict[str, Any]:
    figures = {name: _value(name, figure) for name, figure in answer.figures.items()}
    named = {"name": answer.name, "phone": answer.phone} if personal else {}
    sheet = {"sheet": _sheet(answer.sheet)} if answer.sheet else {}
    return {"member_id": answer.member_id.hex(), **figures, **named, **sheet}


def _value(name: str, figure: Figure) -> Figure:
    return str(date_of(int(figure))) if name.endswith("_day") else figure


def _sheet(sheet: Sheet) -> dict[str, Any]:
    return {
        "purchases": [one._asdict() | {"day": str(date_of(one.day))} for one in sheet.purchases],
        "usually": [one._asdict() for one in sheet.usually],
        "complaints": [
            one._asdict() | {"opened_at": when(one.opened_at)} for one in sheet.complaints
        ],
        "expiring": [
            one._asdict() | {"expires_at": when(one.expires_at)} for one in sheet.expiring
        ],
    }


def _write(path: Path, report: AskReport, data: dict[str, Any]) -> None:
    """A line of names and one for each member; a sheet has no place in a table."""
    names = ["member_id", *report.question.figures]
    names += [name for name in ("name", "phone") if any(name in one for one in data["answers"])]
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.DictWriter(file, names, extrasaction="ignore", lineterminator="\n")
        rows.writeheader()
        rows.writerows(data["answers"])


def _lines(report: AskReport, *, personal: bool) -> list[str]:
    first, last = date_of(report.window.first), date_of(report.window.last)
    many = "member" if report.members == 1 else "members"
    told = [f"{first} to {last}: {report.members} {many}."]
    if report.before:
        before = [str(date_of(end)) for end in report.before]
        told.append(f"Before: {' to '.join(before)}.")
    if not report.answers:
        return told
    head = [name.removesuffix("_minor").removesuffix("_day") for name in report.question.figures]
    rows = [
        [
            one.member_id.hex(),
            *(_shown(name, figure, report.currency) for name, figure in one.figures.items()),
        ]
        for one in report.answers
    ]
    told += ["", *table(["member", *(name.replace("_", " ") for name in head)], rows)]
    for one in report.answers:
        if one.sheet:
            told += ["", *_called(one, one.sheet, report.currency, personal=personal)]
    return told


def _shown(name: str, figure: Figure, currency: str) -> Figure:
    if name.endswith("_minor"):
        return money(int(figure), currency)
    return _value(name, figure)


def _called(answer: Answer, sheet: Sheet, currency: str, *, personal: bool) -> list[str]:
    """One member's sheet as people read it."""
    who = f" {answer.name or NONE}, {answer.phone or NONE}" if personal else ""
    rows = [
        *(
            ("bought", f"{date_of(p.day)} {money(p.spend_minor, currency)} in {p.store}")
            for p in sheet.purchases
        ),
        *(("usually", f"{u.name or u.product}, on {u.receipts}") for u in sheet.usually),
        *(
            ("complaint", f"{day(c.opened_at)} line {c.line} ({c.product or NONE}): {c.reason}")
            for c in sheet.complaints
        ),
        *(("expiring", f"{s.points} points on {day(s.expires_at)}") for s in sheet.expiring),
    ]
    return [
        f"{answer.member_id.hex()}{who}",
        *(f"  {what.ljust(9)}  {text}" for what, text in rows),
    ]
