"""`loyalty demo`: receipts in, balances, tiers, a statement and a verified history out."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from adapters.cli.commands.ingest import detect, feed, follow, read
from adapters.cli.commands.simulate import arguments as simulate_arguments
from adapters.cli.commands.simulate import write
from adapters.cli.commands.statement import statement_lines
from adapters.cli.commands.verify import UNVERIFIED, checked, verdict_lines
from adapters.cli.files import programme_text
from adapters.cli.render import Speaker, day, money, table, when
from adapters.records import Good
from adapters.rejects import Rejects
from ledger.application import LoyaltyLedger
from ledger.errors import InputInvalid
from ledger.types import Instant

DATABASE = False
SHOWN = 8
MONTH_SECONDS = 31 * 86_400


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--data", type=Path, help="a folder of retail data, or an NDJSON file")
    parser.add_argument("--folder", type=Path, default=Path(".demo"), help="where it works")


def run(options: argparse.Namespace, speaker: Speaker) -> int:
    """Show the main job from end to end, on a fresh SQLite file."""
    folder: Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    db = folder / "ledger.db"
    for old in [*folder.glob("ledger.db*"), folder / "rejects.ndjson"]:
        old.unlink(missing_ok=True)
    source = options.data or _simulated(folder, speaker)
    form = detect(source)
    currency = currency_of(source)
    text = in_currency(programme_text(Path("points_as_cash")), currency)
    with (
        LoyaltyLedger.create(str(db), text) as ledger,
        Rejects(folder / "rejects.ndjson") as rejects,
    ):
        tally = feed(ledger, source, form, rejects, speaker, history=True, enrol=True)
        follow(ledger, speaker)
        speaker.note("")
        story = _Story(speaker)
        counts = [f"{tally.recorded} receipts recorded, {tally.rejected} rejected."]
        story.tell({"recorded": tally.recorded, "rejected": tally.rejected}, counts)
        member, at = _tour(ledger, story, currency)
        verdict = checked(ledger, speaker)
        story.tell({"clean": verdict.clean, "digests": verdict.digests}, verdict_lines(verdict))
    story.tell({"next": str(db)}, _next(db, member, at))
    story.end()
    return 0 if verdict.clean else UNVERIFIED


def currency_of(source: Path) -> str:
    """The currency of a source's first receipt.

    Raises:
        InputInvalid: it holds none.
    """
    for item in read(source, detect(source), None):
        if isinstance(item, Good):
            return item.receipt.currency
    raise InputInvalid(f"There is no receipt in `{source}`.", field="data")


def in_currency(programme: str, currency: str) -> str:
    """A programme's text, counting in another currency."""
    return re.sub(r'^currency = ".*"', f'currency = "{currency}"', programme, flags=re.MULTILINE)


def _simulated(folder: Path, speaker: Speaker) -> Path:
    source = folder / "receipts.ndjson"
    parser = argparse.ArgumentParser()
    simulate_arguments(parser)
    with source.open("wb") as file:
        count = write(parser.parse_args([]), file)
    speaker.note(f"{count} receipts of a made-up chain are in {source}")
    return source


class _Story:
    """Text as it comes; in JSON one object at the end."""

    def __init__(self, speaker: Speaker) -> None:
        self._speaker = speaker
        self._data: dict[str, Any] = {}

    def tell(self, data: Mapping[str, Any], lines: Sequence[str]) -> None:
        self._data.update(data)
        if not self._speaker.json:
            self._speaker.say({}, lines)

    def end(self) -> None:
        if self._speaker.json:
            self._speaker.say(self._data, ())


def _tour(ledger: LoyaltyLedger, story: _Story, currency: str) -> tuple[str, Instant]:
    """Totals, the best members, one statement; returns that member's id and the instant."""
    with ledger.reading() as reader:
        at = reader.last_captured() + 1
        totals = reader.totals(at)
        best = reader.best(SHOWN)
        rows = []
        for row in best:
            balance = reader.balance(row.member_id, at)
            tier = ledger.tier(reader, row.member_id, at)
            spent = money(row.spend_minor, currency)
            rows.append((row.member_id.hex(), tier, row.receipts, spent, balance.available))
        story.tell({"at": at, **totals}, _totals(totals, at, currency))
        if not best:
            return "", at
        head = ("member", "tier", "receipts", "spent", "points")
        story.tell({"best": rows}, ["", "Best members:", *table(head, rows)])
        movements = reader.statement(best[0].member_id, at - MONTH_SECONDS, at)
        lines = ["", "The best member's last month:", *statement_lines(movements, currency), ""]
        story.tell({"statement": [m._asdict() for m in movements]}, lines)
        return best[0].member_id.hex(), at


def _totals(totals: dict[str, int], at: Instant, currency: str) -> list[str]:
    return [
        f"On {day(at)}: {totals['members']} members with {totals['member_receipts']} of"
        f" {totals['receipts']} receipts spent {money(totals['spend_minor'], currency)};",
        f"{totals['available']} points are available, {totals['pending']} pending,"
        f" {totals['expired']} expired.",
    ]


def _next(db: Path, member: str, at: Instant) -> list[str]:
    loyalty = ".venv/bin/loyalty" if Path(".venv/bin/loyalty").exists() else "loyalty"
    shown = [
        f"  {loyalty} member {member} --at {when(at)} --db {db}",
        f"  {loyalty} statement {member} --db {db} --json",
    ]
    return [
        "",
        "Next, try:",
        *(shown if member else ()),
        f"  {loyalty} rebuild --db {db}",
        f"  {loyalty} verify --db {db}",
        f"  {loyalty} --help",
    ]
