"""`loyalty campaign`: offers on goods, at somebody's expense."""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Sequence
from pathlib import Path

import msgspec

from adapters.cli.campaigns import (
    campaign_data,
    campaign_lines,
    day_text,
    offer_text,
    results_data,
    results_lines,
)
from adapters.cli.render import Speaker, table
from adapters.cli.values import add_command_id, calendar_day, command_id, whole
from ledger.application import LoyaltyLedger
from ledger.application.issuing import IssueRun, Issues
from ledger.calendar import local_day
from ledger.errors import InputInvalid
from ledger.events import ListedOffer
from ledger.projections.offer_results import InvoiceRow

ACTIONS = ("create", "show", "end", "budget", "list", "issue", "invoice", "results")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("action", choices=ACTIONS)
    parser.add_argument(
        "subject",
        nargs="?",
        metavar="FILE|CODE|CARD|FUNDER",
        help="a TOML or JSON file, a campaign's code, a card (to issue), a funder (invoice)",
    )
    parser.add_argument("--author", default="", help="who does it (to create, end, budget)")
    parser.add_argument(
        "--offer",
        type=listed_offer,
        action="append",
        default=[],
        metavar="CODE[:PRODUCT[:AMOUNT]]",
        help="an offer on the list (to issue)",
    )
    parser.add_argument(
        "--from", type=calendar_day, dest="first", help="the first day (to issue, invoice)"
    )
    parser.add_argument(
        "--all", action="store_true", help="to every member whom the campaigns address (issue)"
    )
    parser.add_argument(
        "--as-of",
        type=calendar_day,
        help="the day as whose end members are looked at (issue --all)",
    )
    parser.add_argument("--until", type=calendar_day, help="the last day")
    parser.add_argument(
        "--minor", type=whole, default=0, help="money to put in, or take out (budget)"
    )
    parser.add_argument(
        "--pieces", type=whole, default=0, help="pieces to put in, or take out (budget)"
    )
    parser.add_argument("--csv", action="store_true", help="as CSV (invoice)")
    add_command_id(parser)


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Do what is asked."""
    if (options.action != "list" and not options.all) and not options.subject:
        raise InputInvalid("A file or a code is needed.", field="subject")
    if options.all and (options.action != "issue" or options.subject):
        raise InputInvalid("It is for `issue`, in place of a card.", field="all")
    if options.as_of is not None and not options.all:
        raise InputInvalid("It is for `issue --all`.", field="as_of")
    with LoyaltyLedger.open(options.db) as ledger:
        _RUN[options.action](ledger, options, speaker)
    return 0


def _create(ledger: LoyaltyLedger, options: argparse.Namespace, speaker: Speaker) -> None:
    path = Path(options.subject)
    if not path.is_file():
        raise InputInvalid(f"There is no file `{path}`.", field="subject")
    outcome = ledger.create_campaign(path.read_text(), options.author)
    code = ledger.event(outcome).code
    repeat = " (created before)" if outcome.repeat else ""
    speaker.say({"code": code, "repeat": outcome.repeat}, [f"Campaign {code} created{repeat}."])


def _end(ledger: LoyaltyLedger, options: argparse.Namespace, speaker: Speaker) -> None:
    if options.until is None:
        raise InputInvalid("To end a campaign, its last day is needed.", field="until")
    made = command_id(options, speaker)
    outcome = ledger.end_campaign(options.subject, options.until, options.author, made)
    last = day_text(options.until)
    data = {"code": options.subject, "until": last, "repeat": outcome.repeat, "command_id": made}
    speaker.say(data, [f"Campaign {options.subject} ends after {last}."])


def _budget(ledger: LoyaltyLedger, options: argparse.Namespace, speaker: Speaker) -> None:
    made = command_id(options, speaker)
    ledger.change_budget(
        options.subject, options.author, made, amount_minor=options.minor, pieces=options.pieces
    )
    _show(ledger, options, speaker)


def _issue(ledger: LoyaltyLedger, options: argparse.Namespace, speaker: Speaker) -> None:
    if options.until is None:
        raise InputInvalid("To issue a list, its last day is needed.", field="until")
    now = ledger.clock()
    today = local_day(now, ledger.programme_at(now).programme.time_zone)
    made = command_id(options, speaker)
    first = today if options.first is None else options.first
    if options.all:
        run = ledger.issue_campaigns(
            options.offer, made, from_day=first, until_day=options.until, as_of=options.as_of
        )
        _issued(run, made, speaker)
        return
    outcome = ledger.issue_list(
        options.subject, options.offer, made, from_day=first, until_day=options.until
    )
    event = ledger.event(outcome)
    first_day, last_day = day_text(event.from_day), day_text(event.until_day)
    terms = {
        one.campaign: ledger.campaign(one.campaign).state.terms for one in event.offers
    }  # fmt: skip
    data = {
        "barcode": event.barcode,
        "offers": [
            {**msgspec.structs.asdict(one), "kind": terms[one.campaign].kind,
             "reward": terms[one.campaign].reward}
            for one in event.offers
        ],
        "held_out": event.held_out, "limited": event.limited, "from": first_day,
        "until": last_day, "repeat": outcome.repeat, "command_id": made,
    }  # fmt: skip
    out = f" Held out of {', '.join(event.held_out)}." if event.held_out else ""
    few = f" Enough lately of {', '.join(event.limited)}." if event.limited else ""
    lines = [
        f"List {event.barcode}, {first_day} to {last_day}: {len(event.offers)} offers.{out}{few}"
    ]
    currency = _currency(ledger)
    for one in event.offers:
        kind, reward = terms[one.campaign].kind, terms[one.campaign].reward
        goods = f" ({one.product})" if one.product else ""
        text = offer_text(kind, one.amount, reward, currency)
        lines.append(f"  {one.campaign}{goods}: {text}")
    speaker.say(data, lines)


def _issued(run: IssueRun, made: str, speaker: Speaker) -> None:
    data = {
        "recorded": run.recorded, "before": run.before,
        "campaigns": [one._asdict() for one in run.campaigns], "command_id": made,
    }  # fmt: skip
    head = tuple(name.replace("_", " ") for name in Issues._fields)
    before = f", {run.before} before" if run.before else ""
    speaker.say(data, [f"{run.recorded} lists issued{before}.", "", *table(head, run.campaigns)])


def _invoice(ledger: LoyaltyLedger, options: argparse.Namespace, speaker: Speaker) -> None:
    if options.first is None or options.until is None:
        raise InputInvalid("An invoice needs its first and last day.", field="from")
    rows = ledger.campaign_invoice(options.subject, options.first, options.until)
    data = {
        "funder": options.subject, "from": day_text(options.first), "until": day_text(options.until),
        "currency": _currency(ledger), "off_minor": sum(row.off_minor for row in rows),
        "lines": [row._asdict() for row in rows],
    }  # fmt: skip
    lines = _csv(rows) if options.csv else table(InvoiceRow._fields, rows)
    speaker.say(data, lines if rows or options.csv else ["Nothing was used."])


def _csv(rows: Sequence[InvoiceRow]) -> list[str]:
    text = io.StringIO()
    written = csv.writer(text, lineterminator="\n")
    written.writerow(InvoiceRow._fields)
    written.writerows(rows)
    return text.getvalue().splitlines()


def _results(ledger: LoyaltyLedger, options: argparse.Namespace, speaker: Speaker) -> None:
    told, currency = ledger.campaign_results(options.subject), _currency(ledger)
    speaker.say(results_data(told), results_lines(options.subject, told, currency))


def listed_offer(text: str) -> ListedOffer:
    """An offer from CODE[:PRODUCT[:AMOUNT]]."""
    code, _, rest = text.partition(":")
    product, _, amount = rest.partition(":")
    return ListedOffer(code, product, whole(amount) if amount else 0)


def _show(ledger: LoyaltyLedger, options: argparse.Namespace, speaker: Speaker) -> None:
    view = ledger.campaign(options.subject)
    speaker.say(campaign_data(view), campaign_lines(view, _currency(ledger)))


def _list(ledger: LoyaltyLedger, _: argparse.Namespace, speaker: Speaker) -> None:
    currency = _currency(ledger)
    rows = ledger.campaigns()
    data = [
        {**row._asdict(), "from_day": day_text(row.from_day), "until_day": day_text(row.until_day)}
        for row in rows
    ]
    cells = [
        (row.code, day_text(row.from_day), day_text(row.until_day), row.funder,
         offer_text(row.kind, row.amount, row.reward, currency))
        for row in rows
    ]  # fmt: skip
    head = ("campaign", "from", "until", "funder", "offer")
    speaker.say({"campaigns": data}, table(head, cells) if cells else ["There are no campaigns."])


def _currency(ledger: LoyaltyLedger) -> str:
    return ledger.programme_at(ledger.clock()).programme.currency


_RUN = {
    "create": _create, "show": _show, "end": _end, "budget": _budget, "list": _list,
    "issue": _issue, "invoice": _invoice, "results": _results,
}  # fmt: skip
