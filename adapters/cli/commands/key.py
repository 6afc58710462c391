"""`loyalty key issue|rotate|revoke|list`: who may call the API, and as what."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping

from adapters.cli.render import Speaker, when
from adapters.cli.values import add_command_id, command_id, instant, whole
from ledger.application import LoyaltyLedger
from ledger.application.access import Issued
from ledger.errors import InputInvalid
from ledger.policies.access import ROLES

_TOLD_ONCE = "The key was told when it was issued; rotate it if that is lost."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("action", choices=tuple(_ACTIONS))
    parser.add_argument(
        "subject", nargs="?", metavar="HOLDER|ID",
        help="whose it is, e.g. `Till 3 of S001` (to issue); else what it begins with, behind `ll_`",
    )  # fmt: skip
    parser.add_argument("--role", choices=ROLES, help="what it may do (to issue)")
    parser.add_argument(
        "--store", action="append", default=[], help="where (to issue); repeat it; none: everywhere"
    )
    parser.add_argument(
        "--until", type=instant, default=0, help="when it ends by itself (to issue)"
    )
    parser.add_argument(
        "--grace-minutes", type=whole, default=0, help="how long the old one holds yet (to rotate)"
    )
    parser.add_argument("--reason", default="", help="why it ends (to revoke)")
    parser.add_argument("--author", default="", help="who does it (all but list)")
    add_command_id(parser)


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Do it."""
    if options.action != "list" and not options.subject:
        raise InputInvalid("A holder or a key's id is needed.", field="subject")
    if options.action == "issue" and not options.role:
        raise InputInvalid(f"One of {', '.join(ROLES)}.", field="role")
    with LoyaltyLedger.open(options.db) as ledger:
        return _ACTIONS[options.action](ledger, options, speaker)


def _issue(ledger: LoyaltyLedger, options: argparse.Namespace, speaker: Speaker) -> int:
    made = command_id(options, speaker)
    issued = ledger.issue_key(
        options.subject, options.role, options.author, made, stores=tuple(options.store),
        until=options.until,
    )  # fmt: skip
    return _tell(issued, speaker)


def _rotate(ledger: LoyaltyLedger, options: argparse.Namespace, speaker: Speaker) -> int:
    made = command_id(options, speaker)
    grace = options.grace_minutes * 60
    return _tell(
        ledger.rotate_key(options.subject, options.author, made, grace_seconds=grace), speaker
    )


def _tell(issued: Issued, speaker: Speaker) -> int:
    data = {"id": issued.id, "key": issued.key, "repeat": issued.outcome.repeat}
    speaker.say(data, [issued.key or _TOLD_ONCE])
    return 0


def _revoke(ledger: LoyaltyLedger, options: argparse.Namespace, speaker: Speaker) -> int:
    made = command_id(options, speaker)
    outcome = ledger.revoke_key(options.subject, options.reason, options.author, made)
    again = " already" if outcome.repeat else ""
    speaker.say(
        {"id": options.subject, "repeat": outcome.repeat}, [f"Key {options.subject} ended{again}."]
    )
    return 0


def _list(ledger: LoyaltyLedger, _: argparse.Namespace, speaker: Speaker) -> int:
    rows = ledger.access_keys()
    lines = [
        f"{row.id}  {row.role:12}{row.stores or 'everywhere':20}{row.holder}"
        + (f", until {when(row.until)}" if row.until else "")
        + (f" ({row.reason})" if row.reason else "")
        for row in rows
    ]
    speaker.say({"keys": [row._asdict() for row in rows]}, lines or ["No key was ever given out."])
    return 0


_ACTIONS: Mapping[str, Callable[[LoyaltyLedger, argparse.Namespace, Speaker], int]] = {
    "issue": _issue,
    "rotate": _rotate,
    "revoke": _revoke,
    "list": _list,
}
