"""The receipt stream: that the key was used, by whom, and what came back since."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from ledger import events as e
from ledger.store.keys import Keys


class Back(NamedTuple):
    """What one return brought back of a receipt; lines count from 0, numbers are positive."""

    by: bytes
    lines: tuple[int, ...]
    quantities: tuple[int, ...]
    amounts_minor: tuple[int, ...]
    version: int
    """Of the event in the member's stream that took the points; 0 for none."""
    captured_at: int = 0
    member: bytes = b""
    """Whose stream that is, where it is not the receipt's member."""


class ReceiptState(Struct, frozen=True, array_like=True, gc=False):
    """A recorded receipt. `member` is empty while it belongs to nobody.

    `version` is that of the event in the member's stream which holds the award. A receipt of
    which goods came back before it was recorded has no fingerprint yet.
    """

    fingerprint: bytes = b""
    member: bytes = b""
    version: int = 0
    why: int = -1
    """Why it was recorded without a member; -1 where it was recorded with one."""
    card: bytes = b""
    backs: tuple[Back, ...] = ()
    """Returns that were not voided."""
    waiting: tuple[Back, ...] = ()
    """Returns that came before the receipt."""
    length: int = 0
    scan_at: int = 0
    """Version of the event that carries the lines, where this stream does."""
    decision: int = e.DECISION_NONE
    """What a person decided on it, where it waited."""
    reduced: int = 0
    """Points that waited for review until their goods came back."""
    most_back: tuple[tuple[int, int], ...] = ()
    """The most that ever was back of a line, where a return was voided since."""

    @property
    def returned(self) -> dict[int, int]:
        """Line to the quantity that is back."""
        return _sums((back.lines, back.quantities) for back in self.backs)

    @property
    def returned_minor(self) -> dict[int, int]:
        """Line to the money given back."""
        return _sums((back.lines, back.amounts_minor) for back in self.backs)


def _sums(pairs: Iterable[tuple[tuple[int, ...], tuple[int, ...]]]) -> dict[int, int]:
    sums: dict[int, int] = {}
    for lines, numbers in pairs:
        for line, number in zip(lines, numbers, strict=True):
            sums[line] = sums.get(line, 0) + number
    return sums


def claimed(member: bytes, version: int, scanned: e.ReceiptScanned) -> e.ReceiptClaimed:
    """What the stream of a receipt begins with where it begins with the member's scan."""
    return e.ReceiptClaimed(member, version, scanned.fingerprint)


def claim_of(event: e.Event, keys: Keys) -> bytes:
    """The stream of a receipt that begins with an event of another stream; empty: none does."""
    if isinstance(event, e.ReceiptScanned) and event.fingerprint:
        return keys.receipt(event.scan.key)
    return b""


def evolve(state: ReceiptState | None, event: e.Event) -> ReceiptState:
    """The state after an event."""
    if state is None and isinstance(event, e.ReceiptClaimed):  # as nearly every receipt begins
        return ReceiptState(event.fingerprint, event.member, event.version, length=1)
    known = state or ReceiptState()
    known = replace(known, length=known.length + 1)
    match event:
        case e.ReceiptClaimed():
            return replace(
                known, fingerprint=event.fingerprint, member=event.member, version=event.version
            )
        case e.ReceiptUnclaimed():
            return replace(
                known, fingerprint=event.fingerprint, why=event.why, card=event.card,
                scan_at=known.length,
            )  # fmt: skip
        case e.ReceiptGiven():
            backs = tuple(
                back._replace(version=version)
                for back, version in zip(known.backs, event.returns, strict=False)
            )
            backs += known.backs[len(backs) :]
            return replace(known, member=event.member, version=event.version, backs=backs)
        case e.LinesReturned():
            came = _back(event, event.version)._replace(member=event.member)
            return replace(known, backs=(*known.backs, came))
        case e.ReturnWaits():
            waits = _back(event, 0)._replace(captured_at=event.captured_at)
            return replace(known, waiting=(*known.waiting, waits))
        case e.LinesKept():
            return replace(
                known,
                backs=tuple(b for b in known.backs if b.by != event.by),
                waiting=tuple(b for b in known.waiting if b.by != event.by),
                most_back=tuple(_most(known).items()),
            )
        case e.ReceiptReviewed():
            return replace(known, decision=event.decision)
        case e.ReviewReduced():
            return replace(known, reduced=known.reduced + event.points)
        case _:
            return known


def _most(known: ReceiptState) -> dict[int, int]:
    most = dict(known.most_back)
    for line, quantity in known.returned.items():
        most[line] = max(most.get(line, 0), quantity)
    return most


def _back(event: e.LinesReturned | e.ReturnWaits, version: int) -> Back:
    return Back(event.by, event.lines, event.quantities, event.amounts_minor, version)
