"""Points that paid for goods follow the goods: back on a return, spent again when it is voided."""

from __future__ import annotations

from typing import cast

from ledger import events as e
from ledger.aggregates.claim import Claimed
from ledger.aggregates.member.reversal import give_back, paid_here, retake
from ledger.aggregates.receipt import ReceiptState
from ledger.commands.common import member_of, present, resolve_member, rules_at
from ledger.commands.goods import scan_in
from ledger.commands.redeem import Paid, paid_by
from ledger.policies.returns import share
from ledger.store.working import Working
from ledger.types import Instant


def restore_share(working: Working, receipt: bytes, recorded_at: Instant | None) -> None:
    """Bring what is restored of a receipt's redemptions to the share of it that is back."""
    scan = scan_in(working, receipt)
    now = working.now if recorded_at is None else recorded_at
    if not scan.refs or rules_at(working, now).programme.returns.paid_with_points != "restore":
        return
    known = cast("ReceiptState", working.state(receipt))
    back_minor = sum(known.returned_minor.values())
    for ref in dict.fromkeys(filter(None, scan.refs)):
        paid = paid_by(working, ref)
        if paid and paid.points and not paid.by_hand and _bound_to(working, paid, receipt):
            target = share(paid.points, back_minor, scan.bought_minor)
            _bring_to(working, paid, target, receipt, (now, recorded_at))


def _bound_to(working: Working, paid: Paid, receipt: bytes) -> bool:
    """Whether it is this receipt that the redemption paid: the first that restored of it."""
    return cast("Claimed", working.state(paid.claim)).receipt in (b"", receipt)


def _bring_to(
    working: Working, paid: Paid, target: int, receipt: bytes,
    times: tuple[Instant, Instant | None],
) -> None:  # fmt: skip
    if target == paid.undone:
        return
    now, recorded_at = times
    number = rules_at(working, now).number
    value = paid.value_minor * target // paid.points - paid.value_minor * paid.undone // paid.points
    member = resolve_member(working, paid.member)
    event: e.Event
    if target > paid.undone:
        state = member_of(working, member)
        payment = paid_here(state, paid.member, paid.payment)
        takes, off = give_back(state, payment, paid.undone, target)
        event = e.PointsRestored(now, paid.claim, takes, value, receipt, "return", "", number, off)
    else:
        state = present(working, member)
        payment = paid_here(state, paid.member, paid.payment)
        again = retake(state, payment, paid.undone, target, now)
        event = e.PointsRetaken(
            now, paid.claim, paid.undone - target, again.takes, again.arrears, -value, receipt,
            number, again.gone,
        )  # fmt: skip
    working.emit(member, event, recorded_at)
    undone = e.RedemptionUndone(target, by_hand=False, receipt=receipt)
    working.emit(paid.claim, undone, recorded_at)
