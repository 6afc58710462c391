"""`loyalty offers fit|schedule|lists|evaluate`: what members are about to need."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapters.cli.evaluating import evaluate
from adapters.cli.render import Speaker, table
from adapters.cli.values import add_command_id, calendar_day, command_id, positive, whole
from adapters.offers import COLUMNS
from ledger.application import LoyaltyLedger
from ledger.errors import InputInvalid
from ledger.types import Day, date_of

if TYPE_CHECKING:
    from adapters.offers.page import Words
    from ledger.application.lists import Issued
    from ledger.offers.plan import MadeList, Plan

REFUSED = 1
_LIST = (
    "product",
    "chance_ppm",
    "quantity",
    "paid_minor",
    "times",
    "every_days",
    "last_day",
    "price_minor",
    "reason",
)
_PAPERS = ("A4", "A5")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("action", choices=("fit", "schedule", "lists", "evaluate"))
    parser.add_argument(
        "data", type=Path, nargs="?",
        help="to evaluate: a folder with history.json and future.json, or a Parquet file of lines"
        " (default: the log)",
    )  # fmt: skip
    parser.add_argument(
        "--as-of", type=calendar_day, metavar="DATE",
        help="the day at whose end it is asked (today; yesterday for lists that are issued)",
    )  # fmt: skip
    parser.add_argument("--author", default="", help="who fits the model")
    add_command_id(parser)
    _about_lists(parser)
    parser.add_argument(
        "--keys", type=Path, help="who is fitted on and who is tested (JSON; baskets)"
    )
    parser.add_argument(
        "--splits", type=positive, default=10, help="by seeds from 1 on (10; baskets)"
    )
    parser.add_argument(
        "--columns", type=_named, default={}, metavar="member=NAME,...",
        help="names of the columns member, date, basket, item (lines)",
    )  # fmt: skip


def _about_lists(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=Path, help="a new file for the lists: .ndjson, .csv, .html or .pdf"
    )
    parser.add_argument("--card", default="", help="the list of this card's member only")
    parser.add_argument(
        "--issue", action="store_true", help="record the lists, with barcodes that tills accept"
    )
    parser.add_argument("--lines", type=positive, help="of a list (the programme's; 20)")
    parser.add_argument(
        "--from-minor", type=whole,
        help="only who spent so much in the last 56 days (the programme's; 0)",
    )  # fmt: skip
    parser.add_argument("--days", type=positive, help="that a list holds (the programme's; 14)")
    parser.add_argument("--workers", type=positive, default=1, help="processes (1)")
    parser.add_argument("--paper", choices=_PAPERS, default="A5", help="of pages (A5)")
    parser.add_argument("--font", type=Path, help="a TrueType font for a PDF")


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Fit, list, issue or evaluate."""
    act = {"fit": _fit, "schedule": _schedule, "lists": _lists, "evaluate": evaluate}
    return act[options.action](options, speaker)


def _fit(options: argparse.Namespace, speaker: Speaker) -> int:
    made = command_id(options, speaker)
    with LoyaltyLedger.open(options.db) as ledger:
        outcome = ledger.fit_offers(options.author, made, as_of=options.as_of)
        fitted = ledger.event(outcome)
    again = " (done before)" if outcome.repeat else ""
    day = date_of(fitted.as_of).isoformat()
    data = {"command_id": made, "model": fitted.digest, "as_of": day, "members": fitted.members,
            "upto": fitted.upto, "repeat": outcome.repeat}  # fmt: skip
    told = f"Model {fitted.digest[:16]} learned from {fitted.members} members up to {day}{again}."
    speaker.say(data, [told])
    return 0


# --- lists -----------------------------------------------------------------------------


def _schedule(options: argparse.Namespace, speaker: Speaker) -> int:
    if not options.out and not options.card and not options.issue:
        msg = "Say --out FILE for all lists, --card for one, or --issue to record them."
        raise InputInvalid(msg, field="out")
    _new_file(options)
    with LoyaltyLedger.open(options.db) as ledger:
        as_of = _yesterday(options, ledger) if options.issue else options.as_of
        plan = ledger.plan_lists(
            as_of=as_of, lines=options.lines, from_minor=options.from_minor, days=options.days,
            to_issue=options.issue,
        )  # fmt: skip
        if options.issue:
            return _issue(ledger, plan, options, speaker)
        about = {"as_of": date_of(plan.ask.as_of).isoformat(), "model": plan.digest}
        lists = _made(ledger, plan, options)
        return _tell(ledger, lists, about, options, speaker)


def _made(ledger: LoyaltyLedger, plan: Plan, options: argparse.Namespace) -> Iterable[MadeList]:
    from adapters.offers.crew import each
    from adapters.offers.issuing import made
    from ledger.offers.plan import parts

    if options.card:
        return ledger.made_lists(plan, ledger.holder_part(options.card))
    return chain.from_iterable(
        each(ledger, plan, parts(ledger.count_members()), made, options.workers)
    )


def _issue(
    ledger: LoyaltyLedger, plan: Plan, options: argparse.Namespace, speaker: Speaker
) -> int:  # fmt: skip
    from adapters.offers.issuing import issue

    with speaker.progress("issuing", 0, "member") as update:
        told, before = issue(ledger, plan, options.card, workers=options.workers, progress=update)
    day = date_of(plan.ask.as_of).isoformat()
    data: dict[str, Any] = {
        "as_of": day, "model": plan.digest, "from": date_of(plan.ask.from_day).isoformat(),
        "until": date_of(plan.ask.until_day).isoformat(), "issued": told.issued,
        "repeated": told.repeated, "refused": told.refusals, "done_before": before,
        "refusals": [{"member": m.hex(), "error": why} for m, why in told.refused],
    }  # fmt: skip
    lines = _issued_lines(told, before, data)
    if options.out:
        lists = ledger.issued_lists(plan.ask.as_of, options.card)
        data |= _written(ledger, lists, options, speaker)
        lines.append(f"{data['members']} lists of {data['lines']} lines in {data['file']}.")
    speaker.say(data, lines)
    return REFUSED if told.refusals else 0


def _issued_lines(told: Issued, before: int, data: Mapping[str, Any]) -> list[str]:
    gone_on = f" An earlier run had done {before} of them." if before else ""
    lines = [
        f"{told.issued} lists issued for {data['from']} to {data['until']}, {told.repeated} were"
        f" before, {told.refusals} refused; {_by(data['model'])}.{gone_on}"
    ]
    return lines + [f"  {member.hex()} {why}" for member, why in told.refused]


def _lists(options: argparse.Namespace, speaker: Speaker) -> int:
    """What was issued for a day."""
    _new_file(options)
    with LoyaltyLedger.open(options.db) as ledger:
        as_of = _yesterday(options, ledger)
        about = {"as_of": date_of(as_of).isoformat()}
        lists = ledger.issued_lists(as_of, options.card)
        return _tell(ledger, lists, about, options, speaker)


def _tell(
    ledger: LoyaltyLedger, lists: Iterable[MadeList], about: Mapping[str, Any],
    options: argparse.Namespace, speaker: Speaker,
) -> int:  # fmt: skip
    """Write lists into a file; without one, show them."""
    from adapters.offers.lists import one_list
    from adapters.offers.page import words

    if options.out:
        data = {**about, **_written(ledger, lists, options, speaker)}
        by = f", {_by(data['model'])}" if "model" in data else ""
        speaker.say(
            data, [f"{data['members']} lists of {data['lines']} lines in {data['file']}{by}."]
        )
        return 0
    said = words(ledger)
    one = next(iter(lists), None) if options.card else None
    if one is None:
        nothing = (
            "There is no list for this card's member." if options.card
            else f"{sum(1 for _ in lists)} lists; say --out FILE for all, or --card for one."
        )  # fmt: skip
        speaker.say({**about, "lines": []}, [nothing])
        return 0
    speaker.say(one_list(one, said), _shown_list(one, said))
    return 0


def _written(
    ledger: LoyaltyLedger, lists: Iterable[MadeList], options: argparse.Namespace, speaker: Speaker
) -> dict[str, Any]:
    from adapters.offers.lists import How, write
    from adapters.offers.page import words

    how = How(options.paper, options.font)
    with speaker.progress("lists", 0, "member") as update:
        members, lines = write(options.out, lists, words(ledger), how, update)
    return {"members": members, "lines": lines, "file": str(options.out)}


def _new_file(options: argparse.Namespace) -> None:
    """Find out before the work whether its result can be written."""
    from adapters.offers.lists import form_of

    if options.out:
        form_of(options.out)


def _yesterday(options: argparse.Namespace, ledger: LoyaltyLedger) -> Day:
    return ledger.current_day() - 1 if options.as_of is None else int(options.as_of)


def _by(model: str) -> str:
    return f"by model {model[:16]}" if model else "by the untuned table"


def _shown_list(one: MadeList, said: Words) -> list[str]:
    from adapters.offers.lists import one_list

    shopping, data = one.shopping, one_list(one, said)
    about = (
        f"Member {one.member.hex()} on {data['as_of']}: {shopping.visits} visits,"
        f" {shopping.rhythm}, {_by(shopping.model)}."
    )
    issued = [f"List {one.barcode}, {data['from']} to {data['until']}."] if one.barcode else []
    rows = [
        (*(line[name] for name in _LIST), "; ".join(offer["text"] for offer in line["offers"]))
        for line in data["lines"]
    ]
    return [about, *issued, "", *table((*_LIST, "offers"), rows)]


def _named(text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(",")]
    named = {name: column for name, _, column in pairs}
    if not all(named.values()) or not named.keys() <= set(COLUMNS):
        msg = f"say NAME=COLUMN for any of {', '.join(COLUMNS)}"
        raise argparse.ArgumentTypeError(msg)
    return named
