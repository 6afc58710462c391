"""Bad input through `loyalty ingest`: each piece refused with its place, the rest taken."""

import datetime as dt
import json
import time

import msgspec
import pytest
from shop import back, line, receipt
from till import correct, counts, digests, head, rejected, write

from adapters.pos import ndjson
from ledger.application import LoyaltyLedger

AT = 1_767_225_600
FUTURE = "2090-01-01T00:00:00Z"


def raw(**changes):
    """A receipt as bytes, with members replaced, put in, or (None) left out."""
    fields = json.loads(msgspec.json.encode(receipt(number="x", at=AT, card="c1")))
    fields |= changes
    return json.dumps({k: v for k, v in fields.items() if v is not None}).encode()


def row(**changes):
    return {"product": "1", "quantity": 1, "amount_minor": 100} | changes


ORIGINAL = {"store": "s1", "lane": "1", "business_date": "2026-01-01", "number": "good", "line": 9}

WRONG = {
    "truncated line": (raw()[:80], None),
    "no JSON": (b"hello", None),
    "not an object": (b"[1, 2]", None),
    "binary noise": (bytes(range(128, 256)) + b"\x00\xff\xfe", None),
    "half a character": (b'{"store": "\xc3"}', None),
    "a lone surrogate": (raw().replace(b'"s1"', b'"\\ud800"'), None),
    "a NUL character": (raw(store="s\x001"), "store"),
    "a NUL in a line": (raw(lines=[row(product="\x00")]), "lines[0].product"),
    "unknown currency": (raw(currency="XTS"), "currency"),
    "currency in small letters": (raw(currency="eur"), "currency"),
    "negative quantity": (raw(lines=[row(quantity=-1)]), "lines[0].quantity"),
    "negative amount": (raw(lines=[row(), row(amount_minor=-1)]), "lines[1].amount_minor"),
    "zero quantity": (raw(lines=[row(quantity=0)]), "lines[0].quantity"),
    "no whole number": (raw(lines=[row(amount_minor=1.5)]), "lines[0].amount_minor"),
    "too large a number": (raw(lines=[row(amount_minor=10**30)]), "lines[0].amount_minor"),
    "future date": (raw(captured_at=FUTURE), "captured_at"),
    "no date": (raw(captured_at="yesterday"), "captured_at"),
    "a date without a zone": (raw(captured_at="2026-01-01T00:00:00"), "captured_at"),
    "a date at the end of time": (raw(captured_at="9999-12-31T23:59:59-12:00"), "captured_at"),
    "a date before time": (raw(captured_at="0001-01-01T00:00:00+14:00"), "captured_at"),
    "no lines": (raw(lines=[]), "lines"),
    "no store": (raw(store=None), "store"),
    "an unknown field": (raw(colour="red"), "colour"),
    "unknown line of a return": (
        raw(lines=[row(quantity=-1, amount_minor=-100, return_of=ORIGINAL)]), "line",
    ),
    "deep nesting": (b'{"store":' + b"[" * 5_000, None),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_refused_with_its_place_and_nothing_of_it_recorded(
    what, till, tmp_path
):  # fmt: skip
    wrong, field = WRONG[what]
    path = tmp_path / "r.ndjson"
    ended = b"" if what == "truncated line" else b"\n"
    path.write_bytes(msgspec.json.encode(receipt(number="good", at=AT)) + b"\n" + wrong + ended)
    told = till("ingest", path, "--history", "--enrol", code=4)
    assert (told["recorded"], told["rejected"]) == (1, 1)
    (envelope,) = rejected(told["rejects"])
    found = envelope["rejected"]
    assert (found["file"], found["line"], found["length"]) == (str(path), 2, len(wrong))
    assert found["offset"] == path.read_bytes().index(wrong)
    assert found["field"] == field
    assert found["error"]
    assert head(till.db) == 2, "the programme and the good receipt"
    assert digests(till.db)


def test_a_line_over_the_limit_is_refused_and_the_next_one_taken(till, tmp_path):
    path = tmp_path / "r.ndjson"
    good = msgspec.json.encode(receipt(number="good", at=AT))
    path.write_bytes(b"x" * (2 << 20) + b"\n" + good + b"\n")
    told = till("ingest", path, "--history", code=4)
    assert (told["recorded"], told["rejected"]) == (1, 1)
    (envelope,) = rejected(told["rejects"])
    assert envelope["rejected"]["line"] == 1
    assert "longer than" in envelope["rejected"]["error"]
    assert (tmp_path / "r.ndjson.rejects.ndjson").stat().st_size < 1_000, "it is not kept"


def test_the_same_key_with_other_content_is_a_loud_conflict(till, tmp_path):
    path = tmp_path / "r.ndjson"
    first = receipt(number="1", at=AT, amount=5_000, card="c1")
    write(path, [first, receipt(number="1", at=AT, amount=6_000, card="c1"), first])
    told = till("ingest", path, "--history", "--enrol", code=4)
    assert (told["recorded"], told["repeated"], told["reasons"]) == (1, 1, {"key-conflict": 1})
    (envelope,) = rejected(told["rejects"])
    assert envelope["rejected"]["line"] == 2
    assert "s1/1/2026-01-01/1" in envelope["rejected"]["error"]
    assert till("member", "c1", "--at", "2026-01-02")["spend_minor"] == 5_000


def test_a_refused_receipt_leaves_no_half_of_itself(till, tmp_path):
    """It enrols, earns and brings back; the last part is refused, so nothing of it stays."""
    bought = receipt(number="1", at=AT, amount=5_000, card="c1")
    too_much = receipt(back(bought, quantity=1), line(9_000), card="c2", number="2", at=AT)
    wrong = json.loads(msgspec.json.encode(too_much))
    wrong["lines"][0]["quantity"] = -2
    path = tmp_path / "r.ndjson"
    write(path, [bought])
    path.write_bytes(path.read_bytes() + json.dumps(wrong).encode() + b"\n")
    told = till("ingest", path, "--history", "--enrol", code=4)
    assert told["reasons"] == {"return-too-large": 1}
    with LoyaltyLedger.open(till.db) as ledger:
        clean = counts(ledger)
    till("member", "c2", code=1)
    again = till("ingest", path, "--history", "--enrol", code=4)
    assert (again["repeated"], again["rejected"]) == (1, 1)
    with LoyaltyLedger.open(till.db) as ledger:
        assert counts(ledger) == clean
    assert digests(till.db)


def test_corrected_rejects_are_fed_again_and_accepted(till, tmp_path):
    path = tmp_path / "r.ndjson"
    lines = [
        raw(number="1", currency="XTS"),
        raw(number="2", lines=[row(quantity=-1)]),
        raw(number="3")[:60],
        b"\xff\xfe",
    ]
    path.write_bytes(b"\n".join(lines) + b"\n")
    told = till("ingest", path, "--history", "--enrol", code=4)
    assert (told["recorded"], told["rejected"]) == (0, 4)
    assert {e["rejected"]["line"] for e in rejected(told["rejects"])} == {1, 2, 3, 4}

    again = till("ingest", told["rejects"], "--history", "--enrol", code=4)
    assert (again["recorded"], again["rejected"]) == (0, 4), "uncorrected, they stay refused"
    assert {e["rejected"]["line"] for e in rejected(again["rejects"])} == {1, 2, 3, 4}
    assert {e["rejected"]["file"] for e in rejected(again["rejects"])} == {str(path)}

    corrected = correct(
        told["rejects"],
        {
            1: lambda r: r.update(currency="EUR"),
            2: lambda r: r["lines"][0].update(quantity=1),
            3: lambda r: r.update(json.loads(raw(number="3"))),
            4: lambda r: r.update(json.loads(raw(number="4"))),
        },
    )
    done = till("ingest", corrected, "--history", "--enrol")
    assert (done["recorded"], done["rejected"]) == (4, 0)
    done = till("ingest", corrected, "--history", "--enrol")
    assert (done["recorded"], done["repeated"]) == (0, 4)
    assert digests(till.db)


def test_text_says_how_to_go_on(till, tmp_path):
    (tmp_path / "r").write_bytes(b"hello\n")
    text = till("ingest", tmp_path / "r", json_=False, code=4)
    assert "1 x not a receipt" in text
    assert f"Correct them in {tmp_path / 'r'}.rejects.ndjson" in text


def test_rejects_can_be_kept_elsewhere(till, tmp_path):
    (tmp_path / "r").write_bytes(b"hello\n")
    told = till("ingest", tmp_path / "r", "--rejects", tmp_path / "elsewhere", code=4)
    assert told["rejects"] == str(tmp_path / "elsewhere")
    assert len(rejected(tmp_path / "elsewhere")) == 1


def test_noise_between_good_lines_costs_no_good_line(till, tmp_path, monkeypatch):
    import random

    rng = random.Random(7)
    good = [msgspec.json.encode(receipt(number=f"{i}", at=AT + i, card="c1")) for i in range(40)]
    noise = [rng.randbytes(rng.randrange(1, 400)).replace(b"\n", b"?") for _ in range(40)]
    noise = [n for n in noise if n.strip()]
    mixed = good + noise
    rng.shuffle(mixed)
    (tmp_path / "r").write_bytes(b"\n".join(mixed) + b"\n")
    told = till("ingest", tmp_path / "r", "--history", "--enrol", code=4)
    assert (told["recorded"], told["rejected"]) == (40, len(noise))
    assert digests(till.db)


def test_a_small_limit_is_kept_to_whatever_the_line(tmp_path):
    (tmp_path / "r").write_bytes(b"x" * 500 + b"\n" + raw() + b"\n" + b"y" * 300)
    first, second, third = ndjson.read(tmp_path / "r", max_line_bytes=290)
    assert (first.raw, third.raw) == (None, None)
    assert second.receipt.number == "x"


def test_a_till_whose_clock_is_a_little_ahead_is_borne(till, tmp_path):
    soon = dt.datetime.fromtimestamp(int(time.time()) + 120, dt.UTC).isoformat()
    late = dt.datetime.fromtimestamp(int(time.time()) + 3_600, dt.UTC).isoformat()
    path = tmp_path / "r"
    path.write_bytes(raw(number="1", captured_at=soon) + b"\n" + raw(captured_at=late) + b"\n")
    told = till("ingest", path, code=4)
    assert told["reasons"] == {"captured-in-future": 1}
    assert told["recorded"] == 1
