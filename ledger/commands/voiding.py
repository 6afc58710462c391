"""Voiding a return: the goods stay sold, and their points are there again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, cast

from msgspec.structs import replace

from ledger import events as e
from ledger.aggregates import receipt as receipts
from ledger.aggregates.member.merging import here, origin_here
from ledger.aggregates.member.reversal import reinstate
from ledger.aggregates.receipt import ReceiptState
from ledger.commands.common import Outcome, claim, member_of, resolve_member, rules_at
from ledger.commands.goods import scan_in
from ledger.commands.restoring import restore_share
from ledger.commands.returns import Taking, awarded_by, points_back, waits
from ledger.commands.settling import settle_tier, uncounted
from ledger.errors import ReturnUnknown
from ledger.store.keys import PROGRAMME_STREAM
from ledger.store.working import Working
from ledger.types import ReceiptKey


class VoidReturn(NamedTuple):
    """Take a return of a receipt back: `by` is the receipt that brought it, or the command id."""

    receipt: ReceiptKey
    by: ReceiptKey | str
    command_id: str

    def streams(self, working: Working) -> Iterable[bytes]:
        """The programme, the command's claim, the receipt and its member."""
        keys = working.keys
        receipt = keys.receipt(self.receipt)
        known = cast("ReceiptState | None", working.known(receipt))
        member = (known.member,) if known and known.member else ()
        return (PROGRAMME_STREAM, keys.command("void-return", self.command_id), receipt, *member)

    def decide(self, working: Working) -> Outcome:
        """Record that the return is void.

        Raises:
            KeyConflict: the command id was used to void another return.
            ReturnUnknown: nothing came back by that, or it was voided already.
        """
        content = (tuple(self.receipt), tuple(self.by) if isinstance(self.by, tuple) else self.by)
        claimed = claim(working, "void-return", self.command_id, content)
        if earlier := claimed.earlier(working):
            return earlier
        receipt = working.keys.receipt(self.receipt)
        known = cast("ReceiptState | None", working.state(receipt))
        by = self._by(working)
        # Before the receipt is recorded a return of it waits, and nothing is taken off yet.
        backs = () if known is None else known.backs if known.fingerprint else known.waiting
        came = next((back for back in backs if back.by == by), None)
        if known is None or came is None:
            raise ReturnUnknown(f"`{self.receipt}`", field="by")
        stream, version = receipt, 0
        if came.version:
            stream, version = _give_back(working, receipt, known, came)
        kept = e.LinesKept(
            by, came.lines, came.quantities, came.amounts_minor, not known.fingerprint
        )
        own = working.emit(receipt, kept)
        if known.fingerprint:
            restore_share(working, receipt, None)
        return claimed.record(working, stream, version or own)

    def _by(self, working: Working) -> bytes:
        if isinstance(self.by, str):
            return working.keys.command("return", self.by)
        return working.keys.receipt(self.by)


def _give_back(
    working: Working, receipt: bytes, known: ReceiptState, came: receipts.Back
) -> tuple[bytes, int]:
    stream = resolve_member(working, known.member)
    settle_tier(working, stream)
    award, day = awarded_by(working, known)
    left = dict(known.returned)
    for line, quantity in zip(came.lines, came.quantities, strict=True):
        left[line] -= quantity
    taking = Taking(stream, award, day, scan_in(working, receipt).goods, left)
    points = points_back(taking, came)
    source = came.member or known.member
    took = cast("e.GoodsReturned", working.event(source, came.version))
    member = member_of(working, stream)
    if source != stream:  # taken before a merge: the lots are known under other numbers here
        took = replace(took, takes=here(member, source, took.takes))
    # What waited for review waits again; where it was denied meanwhile it stays gone.
    waiting = min(sum(points), took.from_review) if waits(award, known) else 0
    origin = origin_here(member, known.member, e.ORIGIN_SCAN)
    to_review = waiting if known.decision == e.DECISION_NONE else 0
    if to_review:
        working.emit(receipt, e.ReviewReduced(came.by, -to_review))
    again = reinstate(member, took, award, sum(points) - waiting, origin)
    counted = 0 if waits(award, known) else uncounted(working, receipt, award, came, left)
    event = e.ReturnVoided(
        receipt, came.by, working.now, came.lines, came.amounts_minor, points, again.puts,
        again.arrears, again.reinstated + to_review, day, rules_at(working, working.now).number,
        counted, to_review,
    )  # fmt: skip
    return stream, working.emit(stream, event)
