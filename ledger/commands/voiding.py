"""Voiding a return: the goods stay sold, and their points are there again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, cast

from ledger import events as e
from ledger.aggregates import receipt as receipts
from ledger.aggregates.member.reversal import reinstate
from ledger.aggregates.receipt import ReceiptState
from ledger.commands.common import Outcome, claim, member_of, rules_at
from ledger.commands.goods import scan_in
from ledger.commands.redeem import resolved
from ledger.commands.restoring import restore_share
from ledger.commands.returns import Taking, awarded_by, points_back
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
        backs = (*known.backs, *known.waiting) if known else ()
        came = next((back for back in backs if back.by == by), None)
        if known is None or came is None:
            raise ReturnUnknown(f"`{self.receipt}`", field="by")
        stream, version = receipt, 0
        if came.version:
            stream, version = _give_back(working, receipt, known, came)
        kept = e.LinesKept(by, came.lines, came.quantities, came.amounts_minor)
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
    stream = resolved(working, known.member)
    award, day = awarded_by(working, known)
    left = dict(known.returned)
    for line, quantity in zip(came.lines, came.quantities, strict=True):
        left[line] -= quantity
    taking = Taking(stream, award, day, scan_in(working, receipt).goods, left)
    points = points_back(taking, came)
    took = cast("e.GoodsReturned", working.event(came.member or known.member, came.version))
    again = reinstate(member_of(working, stream), took, award, sum(points))
    event = e.ReturnVoided(
        receipt, came.by, working.now, came.lines, came.amounts_minor, points, again.puts,
        again.arrears, again.reinstated, day, rules_at(working, working.now).number,
    )  # fmt: skip
    return stream, working.emit(stream, event)
