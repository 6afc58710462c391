"""`loyalty member`: one member."""

from __future__ import annotations

import argparse

from adapters.cli.commands.tier import needs_data, needs_text
from adapters.cli.render import Speaker, money, when
from adapters.cli.values import instant
from ledger.application import LoyaltyLedger, MemberView
from ledger.application.reads import HolderView
from ledger.projections.consent import Consent


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("member", help="a card's number, or the member's id")
    parser.add_argument("--at", type=instant, help="an instant (default: now)")
    parser.add_argument("--known-at", type=instant, help="only what was recorded by then")


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Show the member."""
    with LoyaltyLedger.open(options.db) as ledger:
        at = ledger.clock() if options.at is None else options.at
        view = ledger.member(options.member, at)
        currency = ledger.programme_at(at).programme.currency
        balance = view.balance
        if options.known_at is not None:
            balance = ledger.balance(options.member, at, options.known_at)
    row, personal = view.row, view.personal
    data = {
        "member_id": view.member_id, "tier": view.tier, "next_tier": view.next and needs_data(view.next), "at": when(at),
        "balance": balance._asdict(), "cards": view.cards, "receipts": row.receipts,
        "spend_minor": row.spend_minor, "currency": currency,
        "enrolled_at": when(row.enrolled_at), "last_receipt_at": when(row.last_receipt_at),
        "personal": personal, "kind": view.kind, "standing": view.standing,
        "merged_into": view.merged_into or None,
        "consent": _consent(view.consent),
        "holders": [holder._asdict() for holder in view.holders],
    }  # fmt: skip
    name = f" ({personal.name})" if personal and personal.name else ""
    lines = [
        f"Member {view.member_id}{name}",
        *_unusual(view),
        f"  tier       {view.tier or '-'}",
        f"  next tier  {needs_text(view.next, currency)}",
        f"  available  {balance.available}",
        f"  pending    {balance.pending}",
        f"  expired    {balance.expired}",
        f"  arrears    {balance.arrears}",
        f"  held       {balance.held}",
        f"  in review  {balance.in_review}",
        f"  receipts   {row.receipts}, {money(row.spend_minor, currency)}",
        f"  cards      {view.cards}",
        f"  enrolled   {when(row.enrolled_at)}, last receipt {when(row.last_receipt_at) or '-'}",
    ]
    lines += [f"  offers     {_offers(view.consent)}"] if view.consent else []
    lines += [
        f"  card {held.card}     {held.holder or '-'}, {_limit(held)}" for held in view.holders
    ]
    speaker.say(data, lines)
    return 0


def _consent(said: Consent | None) -> dict[str, object] | None:
    return said and {"given": said.given, "at": when(said.captured_at), "author": said.author}


def _offers(said: Consent) -> str:
    word = "consents" if said.given else "does not consent"
    return f"{word}, since {when(said.captured_at)} ({said.author})"


def _limit(held: HolderView) -> str:
    if not held.may_redeem:
        return "may not spend"
    limit = held.redeem_limit_day
    return f"spends up to {limit} a day" if limit >= 0 else "no limit"


def _unusual(view: MemberView) -> list[str]:
    """What is only worth a line where it is not as with most members."""
    into = f" into {view.merged_into}" if view.standing == "merged" else ""
    lines = [f"  standing   {view.standing}{into}"] if view.standing != "active" else []
    return lines + ([f"  kind       {view.kind}"] if view.kind != "person" else [])
