"""`loyalty tier grant|revoke|review|next`: a member's tier."""

from __future__ import annotations

import argparse

from adapters.cli.render import Speaker, money, when
from adapters.cli.values import add_command_id, command_id, instant
from ledger.aggregates.member.standing import NextTier
from ledger.application import LoyaltyLedger
from ledger.errors import InputInvalid


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("action", choices=("grant", "revoke", "review", "next"))
    parser.add_argument("card", help="a card's number; to review or ask, the member's id will do")
    parser.add_argument("tier", nargs="?", help="the tier to grant, or to revoke")
    parser.add_argument("--until", type=instant, help="up to when it is granted; needed to grant")
    parser.add_argument("--reason", default="")
    parser.add_argument("--author", default="")
    add_command_id(parser)


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Grant, revoke, review or ask."""
    gives = options.action in {"grant", "revoke"}
    if (options.tier is not None) != gives:
        raise InputInvalid("Granting and revoking need a tier, the others none.", field="tier")
    if (options.until is not None) != (options.action == "grant"):
        raise InputInvalid("A grant needs its end, nothing else does.", field="until")
    made = command_id(options, speaker) if gives else ""
    with LoyaltyLedger.open(options.db) as ledger:
        repeat = False
        if gives:
            repeat = ledger.grant_tier(
                options.card, options.tier, options.until or 0, options.reason, options.author, made
            ).repeat
        elif options.action == "review":
            repeat = ledger.review_tier(options.card).repeat
        at = ledger.clock()
        view = ledger.member(options.card, at)
        currency = ledger.programme_at(at).programme.currency
    data = {
        "member_id": view.member_id, "done": options.action, "repeat": repeat, "tier": view.tier,
        "next": view.next and needs_data(view.next),
    }  # fmt: skip
    if gives:
        data["command_id"] = made
    again = " (nothing new)" if repeat else ""
    speaker.say(data, [f"Tier {view.tier or '-'}{again}; {needs_text(view.next, currency)}."])
    return 0


def needs_data(needs: NextTier) -> dict[str, object]:
    """What the next tier needs, for programs."""
    return {**needs._asdict(), "by": when(needs.by)}


def needs_text(needs: NextTier | None, currency: str) -> str:
    """What the next tier needs, for people."""
    if needs is None or not needs.next:
        return "no tier above"
    lacks = money(needs.needed, currency) if needs.measure == "spend" else f"{needs.needed} points"
    by = f" before {when(needs.by)}" if needs.by is not None else ""
    return f"{lacks} to {needs.next}{by}"
