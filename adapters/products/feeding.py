"""The way of a catalogue's rows from a file to the door, a batch while the next one is read."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future
from itertools import islice
from typing import Any, NamedTuple

from adapters.ingest.tally import Tally, Told
from adapters.products.rows import Item, Listed
from adapters.records import Bad
from adapters.rejects import Rejects
from ledger.application import LoyaltyLedger
from ledger.errors import LedgerError

BATCH = 1_000
AHEAD = 2
"""Batches that are read and not answered yet."""


class _Sent(NamedTuple):
    """A batch that is under way."""

    good: list[Listed]
    bad: list[Bad]
    answers: Future[list[Any]]


def feed(ledger: LoyaltyLedger, items: Iterable[Item], rejects: Rejects) -> Tally:
    """Feed what a file says to the ledger; what is refused is written in the order of the file.

    Raises:
        StoreUnavailable, Busy, Closed: nothing is lost; feed the same again.
    """
    tally, under_way, source = Tally(), deque[_Sent](), iter(items)
    while batch := list(islice(source, BATCH)):
        good = [one for one in batch if isinstance(one, Listed)]
        bad = [one for one in batch if isinstance(one, Bad)]
        under_way.append(_Sent(good, bad, ledger.list_later([one.listing for one in good])))
        if len(under_way) > AHEAD:
            _settle(under_way.popleft(), rejects, tally)
    while under_way:
        _settle(under_way.popleft(), rejects, tally)
    return tally


def _settle(sent: _Sent, rejects: Rejects, tally: Tally) -> None:
    """Wait for a batch, and count what became of it."""
    recorded = repeated = 0
    refused = [(one, "not a row") for one in sent.bad]
    for one, outcome in zip(sent.good, sent.answers.result(), strict=True):
        if isinstance(outcome, LedgerError):
            bad = Bad(one.place, outcome.field, str(outcome), one.raw)
            refused.append((bad, outcome.code))
        elif isinstance(outcome, BaseException):
            raise outcome
        else:
            recorded += not outcome.repeat
            repeated += outcome.repeat
    refused.sort(key=lambda one: one[0].place.line)
    for bad, _ in refused:
        rejects.write(bad)
    tally.add(Told(recorded, repeated, refused))
