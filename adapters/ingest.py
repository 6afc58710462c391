"""Feeding receipts to the door: in large batches, and each of them ends somewhere.

A receipt is recorded, or was recorded before (a repeat), or is rejected with its place and
the reason. Feeding the same again changes nothing, so an import that was killed is fed again.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from adapters.records import Bad, Good, Item
from adapters.rejects import Rejects, refused
from ledger.application import LoyaltyLedger
from ledger.errors import LedgerError

BATCH = 1_000
_Sent = tuple[list[Good], Future[list[Any]]]


@dataclass
class Tally:
    """What became of what was fed."""

    recorded: int = 0
    repeated: int = 0
    rejected: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def read(self) -> int:
        """Everything that was fed."""
        return self.recorded + self.repeated + self.rejected


def ingest(
    ledger: LoyaltyLedger,
    items: Iterable[Item],
    rejects: Rejects,
    *,
    history: bool = False,
    enrol: bool = False,
    batch: int = BATCH,
) -> Tally:
    """Feed items to the ledger; the next batch is read while one is being decided.

    Raises:
        StoreUnavailable, Busy, Closed: nothing is lost; feed the same again.
    """
    tally = Tally()
    waiting: _Sent | None = None
    source = iter(items)
    while chunk := list(islice(source, batch)):
        good = []
        for item in chunk:
            if isinstance(item, Good):
                good.append(item)
            else:
                _reject(tally, rejects, item, "not a receipt")
        sent = (good, ledger.record_later([g.receipt for g in good], history=history, enrol=enrol))
        if waiting:
            _settle(tally, rejects, waiting)
        waiting = sent
    if waiting:
        _settle(tally, rejects, waiting)
    return tally


def _settle(tally: Tally, rejects: Rejects, sent: _Sent) -> None:
    """Wait for a batch's answers and count them."""
    good, future = sent
    for item, outcome in zip(good, future.result(), strict=True):
        if isinstance(outcome, LedgerError):
            bad = refused(item, str(outcome), outcome.field)
            _reject(tally, rejects, bad, outcome.code)
        elif isinstance(outcome, BaseException):
            raise outcome
        elif outcome.repeat:
            tally.repeated += 1
        else:
            tally.recorded += 1


def _reject(tally: Tally, rejects: Rejects, bad: Bad, reason: str) -> None:
    rejects.write(bad)
    tally.rejected += 1
    tally.reasons[reason] = tally.reasons.get(reason, 0) + 1
