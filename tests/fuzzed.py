"""What is fuzzed: each parser as a function of bytes, and inputs that once led to new paths.

`make fuzz` looks for more of them; `tests/test_corpus.py` tries those that are kept in `corpus.tar.xz`.
"""

import hashlib
import io
import tarfile
from contextlib import suppress
from pathlib import Path

import msgspec

from adapters.pos import gs1, ndjson, signatures
from adapters.pos.dialects import DIALECTS, dialect
from adapters.pos.terms import Reading, Terms
from adapters.records import Good, Place
from ledger.errors import InputInvalid
from ledger.types import Receipt

CORPUS = Path(__file__).parent / "corpus.tar.xz"
"""All in one piece, since most inputs differ little from another."""
MOST_BYTES = 8192
_TERMS = Terms("Europe/Berlin", "EUR", "S1", scales=(gs1.scale("28IIIIIWWWWWC"),))
_PLACE = Place("fuzz", 1, 0, 0)
_READERS = {name: dialect(name) for name in DIALECTS}
_decode = msgspec.json.Decoder(Receipt).decode


def targets(folder):
    """Each parser by name; what is read from a file lies in the folder meanwhile."""
    return {
        "ndjson": _lines(folder / "ndjson.input"),
        "gs1": _codes,
        "signatures": _signed,
        **{n: _by_file(n, folder / f"{n}.input") for n in ("poslog", "dsfinvk", "csv")},
        **{n: _by_body(n) for n in ("odoo", "square", "shopify", "erpnext")},
    }


def kept():
    """The inputs of each target."""
    found = {name: [] for name in NAMES}
    with tarfile.open(CORPUS) as archive:
        for member in archive:
            found[member.name.split("/")[0]].append(archive.extractfile(member).read())
    return found


def keep(folder):
    """Add the inputs that lie in the targets' folders to those kept; the seeds are there anyway."""
    found = kept()
    for name, inputs in found.items():
        inputs += [
            file.read_bytes()
            for file in (folder / name).glob("*")
            if not file.name.startswith("seed-")
        ]
    with tarfile.open(CORPUS, "w:xz", preset=9) as archive:
        for name, inputs in found.items():
            for data in sorted(set(inputs)):
                about = tarfile.TarInfo(f"{name}/{called(data)}")
                about.size = len(data)
                archive.addfile(about, io.BytesIO(data))


def called(data):
    """The name of an input, as the fuzzer gives it."""
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


def _checked(items):
    """A receipt is one that the door would take as it is; all else has a reason."""
    for item in items:
        if isinstance(item, Good):
            assert _decode(msgspec.json.encode(item.receipt)) == item.receipt
        else:
            assert item.error


def _by_file(name, file):
    def one(data):
        file.write_bytes(data)
        with suppress(InputInvalid):
            _checked(_READERS[name].read(file, Reading(_TERMS)))

    return one


def _by_body(name):
    return lambda data: _checked(_READERS[name].parse(data, Reading(_TERMS), place=_PLACE))


def _lines(file):
    def one(data):
        file.write_bytes(data)
        _checked(ndjson.read(file))

    return one


def _codes(data):
    found = gs1.scanned(data.decode("utf-8", "replace"), _TERMS.scales)
    assert found.grams is None or found.grams > 0


def _signed(data):
    headers = {"x-shopify-hmac-sha256": data[:44].decode("latin-1"),
               "x-shopify-triggered-at": data[44:80].decode("latin-1")}  # fmt: skip
    for who in ("shopify", "erpnext"):
        with suppress(signatures.Unsigned):
            options = {"now": 1_767_225_600} if who == "shopify" else {}
            signatures.VERIFIERS[who](headers, data, "secret", **options)


NAMES = tuple(targets(Path()))
