"""`loyalty programme check|publish`: programme files."""

from __future__ import annotations

import argparse
from pathlib import Path

from adapters.cli.render import Speaker, when
from adapters.cli.values import instant
from ledger.application import LoyaltyLedger
from ledger.programme import Programme, digest, load


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("action", choices=("check", "publish"))
    parser.add_argument("programme", type=Path, help="the programme file (TOML)")
    parser.add_argument(
        "--from", dest="from_", type=instant, help="the future instant from which it holds"
    )


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Check the file; publish it if that is asked."""
    from adapters.cli.files import programme_text
    from ledger.errors import InputInvalid

    text = programme_text(options.programme)
    programme = load(text)
    data: dict[str, object] = {"name": programme.name, "sha256": digest(text).hex()}
    lines = [f"`{programme.name}` is a programme.", *_summary(programme)]
    if options.action == "publish":
        if options.from_ is None:
            raise InputInvalid("Say from when it holds.", field="from")
        with LoyaltyLedger.open(options.db) as ledger:
            outcome = ledger.publish(text, options.from_)
        data |= {"number": outcome.version, "from": when(options.from_), "repeat": outcome.repeat}
        lines = [f"Programme {outcome.version} holds from {when(options.from_)}."]
    speaker.say(data, lines)
    return 0


def _summary(programme: Programme) -> list[str]:
    earn, tiers = programme.earn, programme.tiers
    lines = [f"  earns {earn.points} for each {earn.per_minor} {programme.currency} minor units"]
    lines += [f"  bonus {bonus.name}" for bonus in earn.bonus]
    if tiers:
        lines.append(f"  tiers {', '.join(f'{t.name} from {t.from_points}' for t in tiers.level)}")
    if programme.redeem.cash:
        cash = programme.redeem.cash
        lines.append(f"  {cash.points} points pay {cash.value_minor} minor units")
    lines += [f"  gift {gift.code}: {gift.points} points" for gift in programme.redeem.gift]
    return lines
