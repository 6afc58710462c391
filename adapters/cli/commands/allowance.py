"""`loyalty allowance issue|keys|rotate|burns`: points that tills may let pay without asking."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping

from adapters.cli.render import Speaker, money, table, when
from adapters.cli.values import add_command_id, command_id, instant, whole
from ledger.application import LoyaltyLedger
from ledger.errors import InputInvalid

_END = 2**40


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("action", choices=tuple(_ACTIONS))
    parser.add_argument("card", nargs="?", help="the card's number (to issue)")
    parser.add_argument("points", nargs="?", type=whole, help="that it may spend (to issue)")
    parser.add_argument("--hours", type=whole, default=0, help="for so long (to issue)")
    parser.add_argument("--store", default="", help="where; none: everywhere (to issue)")
    parser.add_argument("--author", default="", help="who makes the new key (to rotate)")
    parser.add_argument("--since", type=instant, default=0, help="captured from then on (burns)")
    parser.add_argument("--until", type=instant, default=_END, help="captured before then (burns)")
    parser.add_argument("--short", action="store_true", help="only where some is owed (burns)")
    add_command_id(parser)


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Do it."""
    if options.action == "issue" and (options.card is None or options.points is None):
        field = "card" if options.card is None else "points"
        raise InputInvalid("A card and points are needed.", field=field)
    with LoyaltyLedger.open(options.db) as ledger:
        return _ACTIONS[options.action](ledger, options, speaker)


def _issue(ledger: LoyaltyLedger, options: argparse.Namespace, speaker: Speaker) -> int:
    made = command_id(options, speaker)
    allowed = ledger.issue_allowance(
        options.card, options.points, made, hours=options.hours, store=options.store
    )
    data = {
        "command_id": made, "token": allowed.token, "allowance": allowed.issued.allowance.hex(),
        "points": allowed.issued.points, "until": when(allowed.issued.until),
        "repeat": allowed.outcome.repeat,
    }  # fmt: skip
    speaker.say(data, [allowed.token])
    return 0


def _keys(ledger: LoyaltyLedger, _: argparse.Namespace, speaker: Speaker) -> int:
    keys = [
        {
            "id": key.id, "public": key.public.hex(), "made_at": when(key.made_at),
            "until": when(key.until) if key.until else None,
        }
        for key in ledger.allowance_keys()
    ]  # fmt: skip
    lines = [f"{key['id']}  {key['public']}  {_standing(key['until'])}" for key in keys]
    speaker.say({"keys": keys}, lines or ["No allowance was ever issued."])
    return 0


def _standing(until: str | None) -> str:
    return f"needed until {until}" if until else "signs"


def _rotate(ledger: LoyaltyLedger, options: argparse.Namespace, speaker: Speaker) -> int:
    made = command_id(options, speaker)
    key = ledger.rotate_allowance_key(options.author, made)
    data = {"id": key.id, "public": key.public.hex()}
    speaker.say(data, [f"{key.id}  {key.public.hex()}  signs"])
    return 0


def _burns(ledger: LoyaltyLedger, options: argparse.Namespace, speaker: Speaker) -> int:
    rows = ledger.offline_burns(options.since, options.until, short=options.short)
    currency = ledger.programme_at(ledger.clock()).programme.currency
    burns = [
        {
            "member_id": row.member_id.hex(), "under": row.under, "store": row.store,
            "points": row.points, "short": row.short, "value_minor": row.value_minor,
            "captured_at": when(row.captured_at), "recorded_at": when(row.recorded_at),
        }
        for row in rows
    ]  # fmt: skip
    head = ("captured", "store", "member", "points", "short", "for")
    cells = [
        (when(row.captured_at), row.store, row.member_id.hex(), row.points, row.short,
         money(row.value_minor, currency))
        for row in rows
    ]  # fmt: skip
    short = sum(row.short for row in rows)
    lines = [*table(head, cells), f"{len(rows)} in all, {short} points short."]
    speaker.say({"burns": burns, "short": short}, lines)
    return 0


_ACTIONS: Mapping[str, Callable[[LoyaltyLedger, argparse.Namespace, Speaker], int]] = {
    "issue": _issue,
    "keys": _keys,
    "rotate": _rotate,
    "burns": _burns,
}
