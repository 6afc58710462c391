"""What tests of the tills' dialects share: reading bytes, and what always holds of the items."""

import json
import os
import tracemalloc
from pathlib import Path

import msgspec
from hypothesis import strategies as st

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


def dump(*documents):
    """Documents, one a line."""
    return "\n".join(map(json.dumps, documents)).encode()


def cut(whole, cuts):
    """Bytes of which pieces are taken out, others put in: each a place, a length, what comes there."""
    for at, length, piece in cuts:
        whole = whole[:at] + piece + whole[at + length :]
    return whole


# Documents that are nearly right.

ODD = st.sampled_from(
    [None, True, False, 0, 1, -1, 10**30, -(10**18), 0.001, 1e300, "", " ", "x" * 300, "\0", "1e9",
     "-0", "0.005", "2026-13-45", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00", [], {},
     [[]], [0, 0], [{}], {"amount": "x"}, "\ud83d", "NaN", "1" * 5000, [[0, 0, {}]]]
)  # fmt: skip


def paths(document, so_far=()):
    """Every place in a document."""
    yield so_far
    if isinstance(document, dict | list):
        for name in document if isinstance(document, dict) else range(len(document)):
            yield from paths(document[name], (*so_far, name))


def put(document, path, value):
    """A document with another value in one place."""
    if not path:
        return value
    copy = document.copy()
    copy[path[0]] = put(copy[path[0]], path[1:], value)
    return copy


def spoiled(document):
    """Documents of which up to three places are wrong, as bytes."""
    places = st.sampled_from(list(paths(document)))

    def spoil(changes):
        found = document
        for path, value in changes:
            try:
                found = put(found, path, value)
            except (TypeError, KeyError, IndexError, AttributeError):
                continue  # an earlier change took the place away
        return json.dumps(found).encode()

    return st.lists(st.tuples(places, ODD), min_size=1, max_size=3).map(spoil)


def noise(document):
    """Bytes of any kind, a document that is nearly right, or whole but cut or encoded wrongly."""
    raw = json.dumps(document).encode()
    begun = st.integers(0, len(raw)).map(lambda at: raw[:at])
    lines = st.lists(st.sampled_from([raw, b"{}", b"[", b"\xff", b"null"]), max_size=4)
    odd = st.sampled_from(
        [raw.decode().encode("utf-16"), b"\xef\xbb\xbf" + raw, b"[" * 100_000, b'{"a":' * 5_000,
         raw.replace(b":", b":\0", 1), b"[" + raw + b"," + raw + b"]"]
    )  # fmt: skip
    return st.binary(max_size=200) | spoiled(document) | begun | lines.map(b"\n".join) | odd
