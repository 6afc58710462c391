"""Looking at the fraud limits while a receipt is awarded."""

from __future__ import annotations

from msgspec.structs import replace

from ledger import events as e
from ledger.aggregates.member.earning import Rules
from ledger.aggregates.member.reviews import Judged, Scanned, judge
from ledger.aggregates.member.state import Member
from ledger.store.working import Working


def judged(
    working: Working, member: Member, receipt: bytes, scan: e.Scan, rules: Rules, award: e.Award,
    change: e.TierChanged | None, *, approved: bool = False,
) -> Judged:  # fmt: skip
    """The award as it is recorded: flagged or in review where it is beyond a limit.

    Imported history is exempt, as from the late limit. A receipt that a person has approved
    is counted and not judged again.
    """
    if scan.historical or not rules.programme.fraud.watches:
        return Judged(award, change)
    if approved:
        return Judged(replace(award, watched=True), change)
    cashier = cashier_key(working, scan.cashier) if member.cashiers else b""
    scanned = Scanned(receipt, scan.store, scan.day, scan.captured_at, working.now, cashier)
    return judge(member, award, change, scanned, rules)


def cashier_key(working: Working, cashier: str) -> bytes:
    """What stands for a cashier in events; empty for none."""
    return working.keys.fingerprint(("cashier", cashier)) if cashier else b""
