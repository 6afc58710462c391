"""The voucher stream: bought, and used or cancelled once."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from ledger import events as e
from ledger.types import Instant


class VoucherState(Struct, frozen=True, array_like=True, gc=False):
    """A voucher; `used` is the command that used it."""

    member: bytes
    value_minor: int
    valid_until: Instant
    used: str = ""
    cancelled: bool = False


def evolve(state: VoucherState | None, event: e.Event) -> VoucherState | None:
    """The state after an event."""
    match event:
        case e.VoucherIssued():
            return VoucherState(event.member, event.value_minor, event.valid_until)
        case e.VoucherUsed() if state:
            return replace(state, used=event.command)
        case e.VoucherCancelled() if state:
            return replace(state, cancelled=True)
        case _:
            return state
