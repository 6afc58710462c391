"""`loyalty campaign`: offers on goods, at somebody's expense."""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from adapters.cli.render import Speaker, money, table
from adapters.cli.values import add_command_id, calendar_day, command_id, whole
from ledger.application import LoyaltyLedger
from ledger.application.campaigns import CampaignView
from ledger.calendar import local_day
from ledger.errors import InputInvalid
from ledger.events import ListedOffer
from ledger.policies.lift import Lift
from ledger.projections.offer_results import InvoiceRow
from ledger.types import Day, date_of

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
    if options.action != "list" and not options.subject:
        raise InputInvalid("A file or a code is needed.", field="subject")
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
    last = _date(options.until)
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
    outcome = ledger.issue_list(
        options.subject,
        options.offer,
        made,
        until_day=options.until,
        from_day=today if options.first is None else options.first,
    )
    event = ledger.event(outcome)
    data = {
        "barcode": event.barcode, "offers": [msgspec.structs.asdict(one) for one in event.offers],
        "held_out": event.held_out, "from": _date(event.from_day), "until": _date(event.until_day),
        "repeat": outcome.repeat, "command_id": made,
    }  # fmt: skip
    out = f" Held out of {', '.join(event.held_out)}." if event.held_out else ""
    days = f"{_date(event.from_day)} to {_date(event.until_day)}"
    speaker.say(data, [f"List {event.barcode}, {days}: {len(event.offers)} offers.{out}"])


def _invoice(ledger: LoyaltyLedger, options: argparse.Namespace, speaker: Speaker) -> None:
    if options.first is None or options.until is None:
        raise InputInvalid("An invoice needs its first and last day.", field="from")
    rows = ledger.campaign_invoice(options.subject, options.first, options.until)
    data = {
        "funder": options.subject, "from": _date(options.first), "until": _date(options.until),
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
    data = told._asdict() | {
        name: one._asdict() if one else None
        for name, one in (("lift", told.lift), ("lift_issued", told.lift_issued))
    }
    lines = [
        f"Campaign {options.subject}",
        f"  issued     {told.issued} members",
        f"  used       {told.used} members, {told.pieces} pieces,"
        f" {money(told.off_minor, currency)}",
        f"  held out   {told.held_out} members",
        *_lift_lines("used", told.lift, currency),
        *_lift_lines("issued", told.lift_issued, currency),
    ]
    speaker.say(data, lines)


def _lift_lines(name: str, one: Lift | None, currency: str) -> list[str]:
    if one is None:
        return [f"  lift       {name}: nobody to compare"]
    means = f"{money(one.mean_minor, currency)} against {money(one.held_out_mean_minor, currency)}"
    sure = "too few to say how sure"
    if one.low_minor is not None and one.high_minor is not None:
        sure = f"95 %: {money(one.low_minor, currency)} to {money(one.high_minor, currency)}"
    return [f"  lift       {name}: {means}, {money(one.difference_minor, currency)} more ({sure})"]


def listed_offer(text: str) -> ListedOffer:
    """An offer from CODE[:PRODUCT[:AMOUNT]]."""
    code, _, rest = text.partition(":")
    product, _, amount = rest.partition(":")
    return ListedOffer(code, product, whole(amount) if amount else 0)


def _show(ledger: LoyaltyLedger, options: argparse.Namespace, speaker: Speaker) -> None:
    view = ledger.campaign(options.subject)
    speaker.say(_data(view), _lines(view, _currency(ledger)))


def _data(view: CampaignView) -> dict[str, Any]:
    terms, state = view.state.terms, view.state
    return {
        "code": terms.code, "name": terms.name, "from": _date(terms.from_day),
        "until": _date(state.until_day), "products": terms.products,
        "categories": terms.categories, "funder": terms.funder, "kind": terms.kind,
        "amount": terms.amount, "reward": terms.reward,
        "budget_minor": None if state.budget_minor < 0 else state.budget_minor,
        "budget_pieces": None if state.budget_pieces < 0 else state.budget_pieces,
        "drawn_minor": view.drawn_minor, "drawn_pieces": view.drawn_pieces,
        "per_member": terms.per_member or None, "per_day": terms.per_day or None,
        "may_combine": terms.may_combine, "holdout_bp": terms.holdout_bp,
    }  # fmt: skip


def _lines(view: CampaignView, currency: str) -> list[str]:
    terms, state = view.state.terms, view.state
    minor, pieces = view.left
    spent = f"{money(view.drawn_minor, currency)} taken off"
    sold = f"{view.drawn_pieces} sold"
    facts = [
        ("days", f"{_date(terms.from_day)} to {_date(state.until_day)}"),
        ("products", ", ".join(terms.products)),
        ("categories", ", ".join(terms.categories)),
        ("funder", terms.funder),
        ("offer", offer_text(terms.kind, terms.amount, terms.reward, currency)),
        ("money", spent if minor is None else f"{spent}, {money(minor, currency)} left"),
        ("pieces", sold if pieces is None else f"{sold}, {pieces} left"),
        ("a member", f"{terms.per_member} pieces" if terms.per_member else ""),
        ("a day", f"{terms.per_day} pieces" if terms.per_day else ""),
        ("combines", "yes" if terms.may_combine else ""),
        ("held out", f"{terms.holdout_bp} of 10000" if terms.holdout_bp else ""),
    ]
    return [
        f"Campaign {terms.code}: {terms.name}",
        *[f"  {name:<11}{text}" for name, text in facts if text],
    ]


def offer_text(kind: str, amount: int, reward: str, currency: str) -> str:
    """What an offer gives for a piece."""
    return {
        "off_minor": f"{money(amount, currency)} off",
        "off_bp": f"{amount} of 10000 off",
        "price_minor": f"for {money(amount, currency)}",
        "points": f"{amount} points",
        "reward": reward,
    }[kind]


def _list(ledger: LoyaltyLedger, _: argparse.Namespace, speaker: Speaker) -> None:
    currency = _currency(ledger)
    rows = ledger.campaigns()
    data = [
        {**row._asdict(), "from_day": _date(row.from_day), "until_day": _date(row.until_day)}
        for row in rows
    ]
    cells = [
        (row.code, _date(row.from_day), _date(row.until_day), row.funder,
         offer_text(row.kind, row.amount, row.reward, currency))
        for row in rows
    ]  # fmt: skip
    head = ("campaign", "from", "until", "funder", "offer")
    speaker.say({"campaigns": data}, table(head, cells) if cells else ["There are no campaigns."])


def _currency(ledger: LoyaltyLedger) -> str:
    return ledger.programme_at(ledger.clock()).programme.currency


def _date(day: Day) -> str:
    return date_of(day).isoformat()


_RUN = {
    "create": _create, "show": _show, "end": _end, "budget": _budget, "list": _list,
    "issue": _issue, "invoice": _invoice, "results": _results,
}  # fmt: skip
