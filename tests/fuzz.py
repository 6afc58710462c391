"""Bytes that look for new paths through a parser: `make fuzz`. The corpus is kept in `.fuzz/`.

A run ends at the first crash, at an input that takes longer than a second or more memory than a
gibibyte, and leaves that input behind.
"""

import argparse
import sys
from contextlib import suppress
from pathlib import Path

import atheris
import msgspec

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))
with atheris.instrument_imports(include=["adapters.pos", "adapters.delimited", "adapters.records"]):
    from adapters.pos import gs1, ndjson, signatures
    from adapters.pos.dialects import DIALECTS, dialect
    from adapters.pos.terms import Reading, Terms
    from adapters.records import Good, Place

    READERS = {name: dialect(name) for name in DIALECTS}
from ledger.errors import InputInvalid
from ledger.types import Receipt

TERMS = Terms("Europe/Berlin", "EUR", "S1", scales=(gs1.scale("28IIIIIWWWWWC"),))
PLACE = Place("fuzz", 1, 0, 0)
SECONDS, MEBIBYTES, MOST_BYTES = 1, 1024, 8192
_decode = msgspec.json.Decoder(Receipt).decode
KEPT = ROOT / ".fuzz"


def checked(items):
    """A receipt is one that the door would take as it is; all else has a reason."""
    for item in items:
        if isinstance(item, Good):
            assert _decode(msgspec.json.encode(item.receipt)) == item.receipt
        else:
            assert item.error


def by_file(name):
    file = KEPT / f"{name}.input"

    def one(data):
        file.write_bytes(data)
        with suppress(InputInvalid):
            checked(READERS[name].read(file, Reading(TERMS)))

    return one


def by_body(name):
    return lambda data: checked(READERS[name].parse(data, Reading(TERMS), place=PLACE))


def lines(data):
    file = KEPT / "ndjson.input"
    file.write_bytes(data)
    checked(ndjson.read(file))


def codes(data):
    found = gs1.scanned(data.decode("utf-8", "replace"), TERMS.scales)
    assert found.grams is None or found.grams > 0


def signed(data):
    headers = {"x-shopify-hmac-sha256": data[:44].decode("latin-1"),
               "x-shopify-triggered-at": data[44:80].decode("latin-1")}  # fmt: skip
    for who in ("shopify", "erpnext"):
        with suppress(signatures.Unsigned):
            options = {"now": 1_767_225_600} if who == "shopify" else {}
            signatures.VERIFIERS[who](headers, data, "secret", **options)


TARGETS = {
    "ndjson": lines,
    "gs1": codes,
    "signatures": signed,
    **{name: by_file(name) for name in ("poslog", "dsfinvk", "csv")},
    **{name: by_body(name) for name in ("odoo", "square", "shopify", "erpnext")},
}


def seeds(name):
    """What a corpus begins with: the fixtures of the tests."""
    from test_dialects import FILES
    from test_dsfinvk import HOSTILE as ARCHIVES
    from test_gs1 import COUPON
    from test_poslog import HOSTILE, NCR, SALE

    more = {
        "poslog": [*HOSTILE.values(), NCR + SALE + b"</POSLog>"],
        "dsfinvk": [one for one in ARCHIVES.values() if len(one) < MOST_BYTES],
        "gs1": [COUPON.encode(), b"(01)04006381333931(3103)001234", b"2812345012345"],
        "ndjson": [b'{"rejected":{"file":"f","line":1,"offset":0,"length":1},"text":"x"}'],
    }
    return [*more.get(name, []), *([FILES[name]] if name in FILES else [])]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--runs", type=int, default=100_000)
    options = parser.parse_args()
    corpus = KEPT / options.target
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds(options.target)):
        (corpus / f"seed-{number}").write_bytes(seed)
        TARGETS[options.target](seed)  # what is imported late is not in the time of an input
    words = [
        sys.argv[0], str(corpus), f"-runs={options.runs}", f"-timeout={SECONDS}",
        f"-rss_limit_mb={MEBIBYTES}", f"-max_len={MOST_BYTES}", f"-artifact_prefix={corpus}-",
        "-print_final_stats=1", "-verbosity=0",
    ]  # fmt: skip
    atheris.Setup(words, TARGETS[options.target])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
