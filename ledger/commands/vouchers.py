"""Using a voucher that was bought with points."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, cast

from ledger import events as e
from ledger.aggregates.voucher import VoucherState
from ledger.commands.common import Outcome, storable
from ledger.errors import InputInvalid, VoucherExpired, VoucherSpent, VoucherUnknown
from ledger.store.working import Working


class UseVoucher(NamedTuple):
    """Let a voucher pay; its code is the key, so it pays once."""

    code: str
    command_id: str
    store: str = ""

    def streams(self, working: Working) -> Iterable[bytes]:
        """The voucher."""
        return (working.keys.voucher(self.code),)

    def decide(self, working: Working) -> Outcome:
        """Record the use; the same command again is answered with the first outcome.

        Raises:
            VoucherUnknown: there is no such voucher.
            VoucherSpent: it was used by another command, or cancelled.
            VoucherExpired: its last day is over.
            InputInvalid: there is no command id.
        """
        storable(store=self.store, command_id=self.command_id)
        if not self.command_id:
            msg = "Using a voucher needs a command id."
            raise InputInvalid(msg, field="command_id")
        stream = working.keys.voucher(self.code)
        known = cast("VoucherState | None", working.state(stream))
        if known is None:
            raise VoucherUnknown(field="code")
        if known.used == self.command_id:
            return Outcome(stream, working.version(stream), repeat=True)
        if known.used or known.cancelled:
            raise VoucherSpent(field="code")
        if working.now >= known.valid_until:
            raise VoucherExpired(field="code")
        event = e.VoucherUsed(working.now, self.store, self.command_id)
        return Outcome(stream, working.emit(stream, event))
