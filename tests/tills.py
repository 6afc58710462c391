"""What tests of the tills' dialects share: reading bytes, and what always holds of the items."""

import json
import os
import tracemalloc
from pathlib import Path

import msgspec

from adapters.pos.terms import Reading, Terms
from adapters.records import Bad, Good
from ledger.types import Receipt

BERLIN = Terms(zone="Europe/Berlin", currency="EUR")
CHICAGO = Terms(zone="America/Chicago", currency="USD")
ROOT = Path(__file__).parent.parent
DATA = Path(os.environ.get("LOYALTY_DATA") or ROOT.parent / "shared" / "data")
PUBLIC_SAMPLES = DATA / "pos"
MOST_MEMORY = 100_000_000


def read(dialect, path, data, terms=BERLIN, **options):
    """The items of a file with this content, and the way it was read."""
    path.write_bytes(data)
    reading = Reading(terms, **options)
    return list(dialect.read(path, reading)), reading


def receipts(dialect, path, data, terms=BERLIN, **options):
    """The receipts of a file in which nothing is wrong."""
    items, _ = read(dialect, path, data, terms, **options)
    assert [type(item) for item in items] == [Good] * len(items), items
    return [item.receipt for item in items]


def bad(dialect, path, data, terms=BERLIN, **options):
    """The only item of a file, which is refused."""
    (item,), _ = read(dialect, path, data, terms, **options)
    assert isinstance(item, Bad), item
    return item


def plain(receipt):
    """A receipt as a dict of what is not usual, to be compared."""
    return json.loads(msgspec.json.encode(receipt))


def amount(receipt):
    return sum(line.amount_minor for line in receipt.lines if not line.voided)


def total(items):
    return sum(amount(item.receipt) for item in items if isinstance(item, Good))


def holds(dialect, path, data, terms=BERLIN):
    """Whatever the bytes are: receipts that the door would take, or reasons; bounded memory."""
    tracemalloc.start()
    try:
        items, _ = read(dialect, path, data, terms)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MOST_MEMORY
    for item in items:
        if isinstance(item, Good):
            again = msgspec.json.decode(msgspec.json.encode(item.receipt), type=Receipt)
            assert again == item.receipt, "the door would refuse or change it"
        else:
            assert item.error
            assert isinstance(item.raw, bytes | None)
    return items
