"""Files decided in several processes, and gone on with at the byte after a kill."""

import json
import os
import signal
import time

import pytest
from shop import back, line, receipt
from test_ingest_kills import fresh, killed
from till import PROGRAMME, SECRET, Till, digests, head, simulated, write

from adapters.ingest import Mark, feeding, hands, ingest, marks
from adapters.ingest.sorting import Sorter
from adapters.pos import ndjson
from adapters.rejects import Rejects
from ledger.application import LoyaltyLedger

BAD = b'{"store": 1}\n'


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """A chain's receipts, and every hundredth line is none."""
    path = tmp_path_factory.mktemp("workers") / "chain.ndjson"
    simulated(path, members=110, weeks=20)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(BAD * (i % 100 == 0) + line for i, line in enumerate(lines)))
    return path


@pytest.fixture(scope="module")
def alone(chain, tmp_path_factory):
    """Head, digests, what was said and refused, of one process that nobody disturbed."""
    db = str(tmp_path_factory.mktemp("alone") / "l.db")
    fresh(db)
    with LoyaltyLedger.open(db) as ledger, Rejects(chain.with_name("alone")) as rejects:
        tally = ingest(ledger, ndjson.read(chain), rejects, history=True, enrol=True)
        ledger.catch_up()
    return head(db), digests(db), tally, chain.with_name("alone").read_bytes()


def fed(db, chain, rejects, mark=None, **options):
    with LoyaltyLedger.open(db) as ledger, Rejects(rejects) as out:
        start = ndjson.BEGINNING if mark is None else mark.start
        found = ndjson.lines(chain, start=start)
        tally = ingest(ledger, found, out, history=True, enrol=True, mark=mark, **options)
        ledger.catch_up()
    return tally


@pytest.mark.parametrize(("workers", "batch"), [(2, 100), (3, 37)])
def test_several_processes_end_where_one_does(db, chain, alone, tmp_path, workers, batch):
    fresh(db)
    tally = fed(db, chain, tmp_path / "r", workers=workers, batch=batch)
    assert (head(db), digests(db), tally) == alone[:3]
    assert (tmp_path / "r").read_bytes() == alone[3], "in the order of the file"


def test_by_the_command_line(capsys, db, chain, alone, tmp_path):
    till = Till(capsys, db)
    till("init", PROGRAMME, "--secret", SECRET)
    told = till(
        "ingest", chain, "--history", "--enrol", "--workers", 2, "--rejects", tmp_path / "r", code=4
    )
    assert (told["recorded"], told["rejected"]) == (alone[2].recorded, alone[2].rejected)
    assert (head(db), digests(db)) == alone[:2]
    for option, wrong in (("workers", 0), ("workers", 65), ("batch", 0), ("batch", 2_501)):
        said = till("ingest", chain, f"--{option}", wrong, code=1)
        assert (said["error"], said["field"]) == ("input-invalid", option)


def test_a_folder_of_tables_by_several_processes(capsys, new_db, tmp_path):
    from test_ingest import LGSR, LGSR_DAY, lgsr_folder, pounds

    folder = tmp_path / "retail"
    folder.mkdir()
    rows = [(LGSR_DAY, 8, n, f"CUST{n % 7}", "S1", "PRD1", 1, 2.5 * n) for n in range(1, 60)]
    lgsr_folder(folder, [*rows, (LGSR_DAY, 9, 99, "", "S2", "PRD9", 0, 5.0)], LGSR)
    ends = []
    for workers in (1, 2):
        till = Till(capsys, new_db())
        till("init", pounds(tmp_path), "--secret", SECRET)
        told = till("ingest", folder, "--history", "--enrol", "--workers", workers, code=4)
        assert (told["recorded"], told["rejected"]) == (59, 1)
        ends.append(digests(till.db))
    assert ends[0] == ends[1]


def test_killed_it_goes_on_at_the_byte_and_its_processes_end(capsys, db, chain, alone, tmp_path):
    fresh(db)
    rejects = tmp_path / "r"
    options = ("ingest", chain, "--history", "--enrol", "--rejects", rejects, "--batch", 100)
    assert killed(*options, "--workers", 2, db=db, when=lambda: marked(db))
    settled = still(db)
    told = Till(capsys, db)
    said = told(*options, "--workers", 2, code=4)
    assert "goes on at byte" in told.notes
    assert said["read"] == alone[2].read, "what was settled before the kill is counted"
    assert said["repeated"] < settled, "and not looked at again"
    assert (head(db), digests(db)) == alone[:2]
    assert set(places(rejects)) == set(places(chain.with_name("alone")))
    assert not marked(db)


def marked(db):
    from ledger.store.opening import open_log

    log = open_log(db)
    try:
        query = "SELECT count(*) FROM {}log_marks".format("loyalty." if log.is_postgres else "")
        with log.transaction(commit=False) as cursor:
            return cursor.execute(query).fetchone()[0]
    finally:
        log.close()


def still(db):
    """The head, once the processes that were left have ended."""
    deadline = time.monotonic() + 20
    last = -1
    while time.monotonic() < deadline and (now := head(db)) != last:
        last = now
        time.sleep(0.5)
    return last


def places(path):
    lines = [json.loads(line) for line in path.read_bytes().splitlines()]
    return [(one["rejected"]["line"], one["rejected"]["offset"]) for one in lines]


def test_a_process_that_ends_is_replaced(db, chain, alone, tmp_path, monkeypatch):
    fresh(db)
    made = []
    begin = hands.Away.__init__

    def noted(self, *arguments):
        begin(self, *arguments)
        made.append(self)

    monkeypatch.setattr(hands.Away, "__init__", noted)
    with LoyaltyLedger.open(db) as ledger, Rejects(tmp_path / "r") as out:
        found = kills(ndjson.lines(chain), made, after=1_500)
        tally = ingest(ledger, found, out, history=True, enrol=True, workers=2, batch=50)
        ledger.catch_up()
    assert (tally.read, tally.rejected) == (alone[2].read, alone[2].rejected)
    assert (head(db), digests(db)) == alone[:2]


def kills(found, made, after):
    """The same, and every hand's process is killed on the way."""
    for number, one in enumerate(found):
        if number == after:
            for hand in made:
                os.kill(hand.process.pid, signal.SIGKILL)
        yield one


def test_processes_that_end_again_and_again_end_the_import(new_db, chain, tmp_path, monkeypatch):
    db = new_db()
    fresh(db)
    monkeypatch.setattr(hands, "DEATHS_BORNE", 0)
    made = []
    start = hands.Away._start
    monkeypatch.setattr(hands.Away, "_start", lambda self: made.append(self) or start(self))
    with LoyaltyLedger.open(db) as ledger, Rejects(tmp_path / "r") as out:
        found = kills(ndjson.lines(chain), made, after=1_000)
        with pytest.raises(hands.StoreUnavailable, match="feed the same again"):
            ingest(ledger, found, out, history=True, enrol=True, workers=2, batch=50)


class Stop(Exception):
    """The import was stopped."""


def stopping(found, after):
    for number, one in enumerate(found):
        if number == after:
            raise Stop
        yield one


@pytest.mark.parametrize("workers", [1, 2])
def test_a_mark_lets_the_same_file_be_gone_on_with(new_db, chain, alone, tmp_path, workers):
    db = new_db()
    fresh(db)
    how = {"history": True, "enrol": True, "workers": workers, "batch": 100}
    with LoyaltyLedger.open(db) as ledger, Rejects(tmp_path / "r") as out:
        mark = Mark(ledger.log, chain, "x")
        with pytest.raises(Stop):
            ingest(ledger, stopping(ndjson.lines(chain), 2_200), out, mark=mark, **how)
        assert not Mark(ledger.log, chain, "y").start.offset, "another way of taking it in"
        mark = Mark(ledger.log, chain, "x")
        before, rest = (
            chain.read_bytes()[: mark.start.offset],
            ndjson.lines(chain, start=mark.start),
        )
        assert before.endswith(b"\n")
        assert before.count(b"\n") == mark.start.lines == mark.tally.read > 1_000
        ingest(ledger, rest, out, mark=mark, **how)
        assert mark.tally.read == alone[2].read
        assert not Mark(ledger.log, chain, "x").start.offset, "all of it is in"
        ledger.catch_up()
    assert places(tmp_path / "r") == places(chain.with_name("alone"))
    assert (head(db), digests(db)) == alone[:2]


@pytest.mark.parametrize("change", ["edited", "shorter", "longer"])
def test_a_mark_holds_for_the_same_bytes_alone(new_db, tmp_path, change, monkeypatch):
    monkeypatch.setattr(marks, "_PIECE_BYTES", 100)
    db, path = new_db(), tmp_path / "f"
    fresh(db)
    write(path, [receipt(number=str(n), amount=100, card="c") for n in range(50)])
    whole = path.read_bytes()
    with LoyaltyLedger.open(db) as ledger:
        offset = whole.index(b"\n", 3_000) + 1
        Mark(ledger.log, path, "x").keep(ndjson.Start(offset, 7), marks.Tally(recorded=7))
        assert Mark(ledger.log, path, "x").start == (offset, 7)
        path.write_bytes({
            "edited": whole.replace(b"100", b"101", 1), "shorter": whole[:2_000],
            "longer": whole + whole,
        }[change])  # fmt: skip
        mark = Mark(ledger.log, path, "x")
        expected = ((offset, 7), 7) if change == "longer" else ((0, 0), 0)
        assert (mark.start, mark.tally.read) == expected
        mark.keep(ndjson.Start(500, 1), mark.tally) if change == "edited" else None
        assert Mark(ledger.log, path, "x").start.offset == (
            500 if change == "edited" else expected[0][0]
        )


def test_a_household_goes_to_one_hand_and_goods_go_where_they_were_bought(new_db, tmp_path):
    db = new_db()
    fresh(db)
    with LoyaltyLedger.open(db) as ledger:
        cards = [f"c{n}" for n in range(40)]
        ledger.enrol("first")
        for card in cards:
            ledger.link_card("first", card)
        sold = [receipt(line(500), number=f"n{n}") for n in range(40)]
        came = [receipt(back(one), number=f"b{n}") for n, one in enumerate(sold)]
        one_each = [receipt(number=card, amount=100, card=card) for card in cards]
        write(tmp_path / "f", [*one_each, *sold, *came])
        found = list(ndjson.lines(tmp_path / "f"))
        portions = Sorter(ledger, 4).sort(found)
    way = {id(one): number for number, portion in enumerate(portions) for one in portion}
    assert len({way[id(one)] for one in found[:40]}) == 1
    assert [way[id(one)] for one in found[40:80]] == [way[id(one)] for one in found[80:]]
    assert len({way[id(one)] for one in found[40:80]}) == 4


HOSTILE = [
    b"\xff\xfe", b"{", b"[]", b"null", b'"\\ud800"', b'{"card": "\\ud800"}', b'{"card": 5}', b'{"card": ""}',
    b'{"card": "a\\u0000b", "lines": [{"return_of": 3}]}', b'{"lines": 7}', b'{"lines": [[]]}',
    b"[" * 5_000, b'{"card":' * 5_000, b'{"rejected": {}, "receipt": {}}', b'{"store": "\xc3("}', b"\x00" * 40,
    b'{"card": "' + b"x" * 3_000_000 + b'"}', b'{"number": 1e400}', b'{"card": 123456789012345678901234567890}',
]  # fmt: skip


def test_whatever_the_bytes_are_several_processes_say_the_same(new_db, tmp_path):
    good = [receipt(number=f"g{n}", card=f"c{n % 3}", amount=500) for n in range(30)]
    lines = [hands.msgspec.json.encode(one) for one in good] + HOSTILE * 2
    lines[::2], lines[1::2] = lines[: (len(lines) + 1) // 2], lines[(len(lines) + 1) // 2 :]
    path = tmp_path / "hostile"
    path.write_bytes(b"\n".join(lines))
    told = []
    for workers in (1, 2):
        db = new_db()
        fresh(db)
        rejects = tmp_path / f"rejects{workers}"
        tally = fed(db, path, rejects, workers=workers, batch=5)
        told.append((tally, rejects.read_bytes(), digests(db)))
    assert told[0] == told[1]
    assert (told[0][0].recorded, told[0][0].rejected) == (30, 2 * len(HOSTILE))


def test_long_lines_are_fed_in_shorter_chunks(new_db, tmp_path, monkeypatch):
    db, path, taken = new_db(), tmp_path / "f", []
    fresh(db)
    write(path, [receipt(number=str(n), amount=100, card="c") for n in range(40)])
    monkeypatch.setattr(feeding, "CHUNK_BYTES", 1_000)
    take = hands.Here.take
    monkeypatch.setattr(
        hands.Here, "take", lambda self, some: taken.append(some) or take(self, some)
    )
    assert fed(db, path, tmp_path / "r").recorded == 40
    sizes = [sum(one.place.length for one in some) for some in taken]
    assert max(sizes) < 1_500
    assert len(sizes) > 5
