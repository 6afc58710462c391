"""Whole files through `loyalty ingest`: once, again, in any batches, on either store."""

import datetime as dt
import itertools
import os
from threading import Thread

import pytest
from shop import back, key, line, receipt
from test_retail import LGSR, lgsr_folder, real
from till import PROGRAMME, SECRET, TEXT, Till, correct, digests, head, simulated, write

from adapters import ingest as ingesting
from adapters.pos import ndjson
from adapters.records import Bad
from adapters.rejects import Rejects
from adapters.retail import lgsr
from ledger.application import LoyaltyLedger

LGSR_DAY = dt.date(2006, 7, 3)
LGSR_RECEIPTS = 1_500


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    path = tmp_path_factory.mktemp("chain") / "chain.ndjson"
    simulated(path)
    return path


def full_story(db, path, batch=ingesting.BATCH):
    """A chain with everything in it: returns, redemptions, complaints, attribution."""
    clock = itertools.repeat(1_767_225_600).__next__
    with LoyaltyLedger.open(db, clock=clock) as ledger:
        with Rejects(path.with_name("rejects")) as rejects:
            items = ndjson.read(path)
            tally = ingesting.ingest(
                ledger, items, rejects, history=True, enrol=True, batch=batch
            )  # fmt: skip
        cards = [f"later{i}" for i in range(3)]
        for i, card in enumerate(cards):
            bought = receipt(line(9_000 + i), card=card, number=f"u{i}", at=1_767_200_000)
            nameless = receipt(line(4_000), number=f"a{i}", at=1_767_210_000)
            ledger.record_all([bought, nameless])
            ledger.enrol(card)
            ledger.attribute(key(nameless), card)
            ledger.record(receipt(back(bought), card=card, number=f"b{i}", at=1_767_220_000))
            ledger.adjust(card, 100, "hello", "Bob", f"in{i}")
            ledger.redeem(card, f"re{i}", points=20)
            ledger.return_goods(key(nameless), f"rt{i}")
            ledger.adjust(card, -3, "oops", "Bob", f"out{i}")
            ledger.open_complaint(card, key(bought), 1, "mould", "Bob", f"co{i}")
            complaint = ledger.complaint_id(f"co{i}")
            ledger.answer_complaint(card, complaint, "wait", "Bob", f"an{i}")
            ledger.resolve_complaint(card, complaint, "sorry", 0, "Bob", f"rs{i}")
            ledger.replace_card(card, f"{card}x")
            ledger.block_card(f"{card}x", "lost")
    return tally


def test_the_same_file_again_is_all_repeats_and_says_that_nothing_changed(till, chain):
    first = till("ingest", chain, "--history", "--enrol")
    before = head(till.db), digests(till.db)
    assert first["rejected"] == 0
    again = till("ingest", chain, "--history", "--enrol")
    assert (again["recorded"], again["repeated"]) == (0, first["recorded"])
    assert "nothing changed" in till("ingest", chain, "--history", "--enrol", json_=False)
    assert (head(till.db), digests(till.db)) == before
    assert not chain.with_name(f"{chain.name}.rejects.ndjson").exists()


def test_an_empty_file_is_taken_in_without_a_word_of_change(till, tmp_path):
    (tmp_path / "none.ndjson").write_bytes(b"\n\n")
    said = till("ingest", tmp_path / "none.ndjson")
    assert (said["read"], said["rejects"]) == (0, None)


def test_without_enrol_cards_wait_until_they_are_somebodys(till, tmp_path):
    write(tmp_path / "r", [receipt(card="c1", amount=5_000, at=1_700_000_000)])
    assert till("ingest", tmp_path / "r", "--history")["recorded"] == 1
    till("member", "c1", code=1)
    till("enrol", "c1")
    assert till("member", "c1", "--at", "2023-12-01")["balance"]["available"] == 5


@pytest.mark.parametrize("batch", [1, 7, 1_000])
def test_any_batch_size_and_either_store_give_the_same_digests(
    capsys, tmp_path, new_db, new_postgres, batch
):
    path = tmp_path / "r.ndjson"
    simulated(path, members=12, weeks=4)
    told = []
    for db, size in ((new_db(), batch), (str(tmp_path / "one.db"), 50)):
        till = Till(capsys, db)
        till("init", PROGRAMME, "--secret", SECRET)
        tally = full_story(db, path, size)
        assert tally.recorded > 50
        told.append((digests(db), head(db)))
    assert told[0] == told[1]


def test_another_secret_gives_other_ids_and_so_other_digests(capsys, new_db, tmp_path):
    simulated(tmp_path / "r", members=3, weeks=2)
    told = set()
    for secret in (SECRET, "0" * 64):
        till = Till(capsys, new_db())
        till("init", PROGRAMME, "--secret", secret)
        till("ingest", tmp_path / "r", "--history", "--enrol")
        told.add(digests(till.db)["points"])
    assert len(told) == 2


def test_a_folder_of_retail_data_is_known_by_what_is_there(till, new_db, tmp_path):
    folder = tmp_path / "retail"
    folder.mkdir()
    day = LGSR_DAY
    rows = [
        (day, 8, 130, "CUST1", "S1", "PRD1", 3, 24.30),
        (day, 8, 130, "CUST1", "S1", "PRD2", 1, 11.50),
        (day, 9, 61, "", "S2", "PRD9", 2, 5.0),
        (day, 9, 62, "CUST2", "S2", "PRD9", 0, 5.0),
    ]
    lgsr_folder(folder, rows, LGSR)
    told = till("ingest", folder, "--rejects", tmp_path / "eur", "--history", "--enrol", code=4)
    assert (told["recorded"], told["reasons"]) == (0, {"currency-unknown": 2, "not a receipt": 1})
    till.db = new_db()
    till("init", pounds(tmp_path), "--secret", SECRET)
    told = till("ingest", folder, "--history", "--enrol", code=4)
    assert (told["recorded"], told["rejected"]) == (2, 1)
    assert till("member", "CUST1", "--at", "2006-08-01")["balance"]["available"] == 3
    corrected = correct(told["rejects"], {4: lambda r: r["lines"][0].update(quantity=1)})
    told = till("ingest", corrected, "--history", "--enrol")
    assert (told["recorded"], told["rejected"]) == (1, 0)


def pounds(tmp_path):
    """The programme in the currency of the retail data."""
    path = tmp_path / "pounds.toml"
    path.write_text(TEXT.replace('"EUR"', '"GBP"'))
    return path


def test_a_folder_that_holds_no_known_data_is_refused(till, tmp_path):
    (tmp_path / "empty").mkdir()
    assert till("ingest", tmp_path / "empty", code=1)["error"] == "input-invalid"
    assert till("ingest", tmp_path / "absent", code=1)["field"] == "source"
    assert (
        till("ingest", tmp_path / "empty", "--format", "lgsr", code=1)["error"] == "input-invalid"
    )


def test_the_reject_file_cannot_be_the_source(till, tmp_path):
    (tmp_path / "r").write_bytes(b"{}\n")
    told = till("ingest", tmp_path / "r", "--rejects", tmp_path / "r", code=1)
    assert told["field"] == "rejects"
    assert (tmp_path / "r").read_bytes() == b"{}\n"


def test_the_first_receipts_of_the_real_data_are_recorded_and_verified(capsys, db, tmp_path):
    items = list(itertools.islice(lgsr.read(real("lgsr")), LGSR_RECEIPTS))
    bad = sum(isinstance(item, Bad) for item in items)
    write(tmp_path / "r", [item.receipt for item in items if not isinstance(item, Bad)])
    till = Till(capsys, db)
    till("init", pounds(tmp_path))
    told = till("ingest", tmp_path / "r", "--history", "--enrol")
    assert told["recorded"] == LGSR_RECEIPTS - bad
    assert till("verify")["clean"]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_pipe_is_taken_in_too(till, chain, tmp_path, workers):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writing = Thread(target=lambda: pipe.write_bytes(chain.read_bytes()), daemon=True)
    writing.start()
    told = till("ingest", pipe, "--history", "--enrol", "--workers", workers, "--batch", 50)
    assert told["recorded"] == chain.read_bytes().count(b"\n") > 50
    assert till("ingest", chain, "--history", "--enrol")["repeated"] == told["recorded"]
