"""`loyalty spool --once` on folders with everything in them that people drop there."""

import errno
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from threading import Event

import msgspec
import pytest
from eventsourcing.persistence import DatabaseError, DataError, InterfaceError, OperationalError
from shop import receipt
from test_dialects import FILES, OPTIONS, TOTALS, in_ledger
from test_poslog import ARTS, END, SOUP, arts, arts_sale, link
from till import PROGRAMME, Till, correct, head, rejected

from adapters import rejects as rejects_module
from adapters.ingest import feeding
from adapters.ingest.hands import Here, How
from adapters.pos import dialects
from adapters.pos.terms import Reading, Terms
from adapters.spool import Folder, Spool, Taker
from adapters.spool import folder as folder_module
from adapters.spool.folder import locked
from ledger.application import LoyaltyLedger
from ledger.errors import InputInvalid, StoreUnavailable

ON_ONE_STORE = pytest.mark.parametrize("store", ["sqlite"])
"""Of what lies in folders, not in the log."""
EACH_DIALECT = pytest.mark.parametrize("name", FILES)


def ndjson(*receipts):
    return b"".join(msgspec.json.encode(one) + b"\n" for one in receipts)


def sales(*numbers, amount=1_000, **fields):
    return ndjson(*(receipt(number=str(n), card="c1", amount=amount, **fields) for n in numbers))


def spool(till, *arguments, code=0):
    """A run that does not wait for files to settle: what it said of each by its name, and in all."""
    words = [*arguments] if "--settle" in arguments else [*arguments, "--settle", 0]
    said = till("spool", *words, "--once", "--history", "--enrol", "--json", json_=False, code=code)
    *files, totals = map(json.loads, said.splitlines())
    assert totals["files"] == len(files)
    figures = Counter()
    for one in files:
        figures.update({name: one[name] for name in FIGURES})
    assert {name: totals[name] for name in FIGURES} == {name: figures[name] for name in FIGURES}
    return {Path(one["file"]).name: one for one in files}, totals


FIGURES = ("read", "recorded", "repeated", "rejected", "recorded_minor", "repeated_minor")


def lies(drop):
    """What is not hidden in a folder, the day of the archive left out."""
    return sorted(
        str(path.relative_to(drop)).replace(f"done/{path.parent.name}/", "done/")
        for path in drop.rglob("*")
        if not path.is_dir() and not any(p.startswith(".") for p in path.relative_to(drop).parts)
    )


def archived(said):
    return Path(said["archived"]).read_bytes()


# --- what is in a file is in the ledger ------------------------------------------------


@EACH_DIALECT
def test_totals_of_a_dropped_file_are_totals_of_the_ledger(name, till, drop):
    (drop / "file").write_bytes(FILES[name])
    count, amount = TOTALS[name]
    files, _ = spool(till, drop, *OPTIONS.get(name, ()))
    said = files["file"]
    assert (said["format"], said["recorded"], said["recorded_minor"]) == (name, count, amount)
    assert in_ledger(till.db)[:2] == (count, amount)
    assert lies(drop) == ["done/file"]
    assert archived(said) == FILES[name]


def test_several_folders_and_dialects_at_once_by_two_processes(till, tmp_path):
    folders = [tmp_path / name for name in ("north", "south")]
    for number, folder in enumerate(folders):
        folder.mkdir()
        (folder / "journal").write_bytes(sales(*range(number * 40, number * 40 + 40)))
    (folders[1] / "tlog.xml").write_bytes(FILES["poslog"])
    files, totals = spool(till, *folders, "--workers", 2)
    count, amount = 80 + TOTALS["poslog"][0], 80_000 + TOTALS["poslog"][1]
    assert (totals["recorded"], totals["recorded_minor"]) == (count, amount)
    assert in_ledger(till.db)[:2] == (count, amount)
    assert [lies(folder) for folder in folders] == [
        ["done/journal"], ["done/journal", "done/tlog.xml"],
    ]  # fmt: skip
    assert files["tlog.xml"]["format"] == "poslog"


def test_a_return_finds_the_sale_of_a_file_before_it(till, drop):
    (drop / "b-first.xml").write_bytes(ARTS + arts(arts_sale(1, SOUP, "4.00", TWO), 17) + END)
    (drop / "a-second.xml").write_bytes(arts_back())
    os.utime(drop / "b-first.xml", (1_700_000_000, 1_700_000_000))
    os.utime(drop / "a-second.xml", (1_700_000_001, 1_700_000_001))
    spool(till, drop)
    assert in_ledger(till.db) == (2, 0, 2)


TWO = "<Quantity>2</Quantity>"


def arts_back():
    return ARTS + arts(arts_sale(1, SOUP, "4.00", "<Quantity>-2</Quantity>", link(17)), 18) + END


# --- once ------------------------------------------------------------------------------


def test_the_same_content_under_any_name_is_recognised_and_told(till, drop):
    (drop / "day.ndjson").write_bytes(sales(1, 2))
    spool(till, drop)
    before = head(till.db)
    (drop / "day.ndjson").write_bytes(sales(1, 2))
    (drop / "copy.ndjson").write_bytes(sales(1, 2))
    files, totals = spool(till, drop)
    for said in files.values():
        assert said["same_as"].endswith("drop/day.ndjson")
        assert (said["recorded"], said["repeated"], said["repeated_minor"]) == (0, 2, 2_000)
        assert archived(said) == sales(1, 2)
    assert (totals["recorded"], head(till.db)) == (0, before)
    assert len({said["archived"] for said in files.values()}) == 2
    (drop / "copy.ndjson").write_bytes(sales(1, 2))
    told = till("spool", drop, "--once", "--settle", 0, "--history", "--enrol", json_=False)
    assert f"The same as {drop}/day.ndjson, taken in at 20" in told


def test_names_that_meet_in_the_archive_do_not_overwrite_each_other(till, drop):
    contents = [sales(number) for number in range(3)]
    for content in contents:
        (drop / "tlog.ndjson").write_bytes(content)
        files, _ = spool(till, drop)
        assert files["tlog.ndjson"]["recorded"] == 1
    kept = [path.read_bytes() for path in (drop / "done").rglob("tlog*.ndjson")]
    assert sorted(kept) == sorted(contents)


@ON_ONE_STORE
def test_an_edited_file_of_the_same_receipts_is_all_repeats(till, drop):
    (drop / "day").write_bytes(sales(1, 2))
    spool(till, drop)
    (drop / "day").write_bytes(sales(2, 1) + b"\n")
    files, _ = spool(till, drop)
    assert (files["day"]["same_as"], files["day"]["repeated"]) == (None, 2)


def test_the_same_file_read_another_way_is_taken(till, drop):
    for store, code in (("S1", 0), ("S2", 0), ("S1", 0)):
        (drop / "orders.json").write_bytes(FILES["odoo"])
        files, _ = spool(till, drop, "--store", store, "--store", f"3={store}", code=code)
    assert files["orders.json"]["same_as"], "the first way again"
    assert in_ledger(till.db)[0] == 2 * TOTALS["odoo"][0]


def test_files_sent_again_are_silent_though_a_return_would_now_find_its_sale(till, drop):
    sent = {
        "back.xml": arts_back(),
        "sale.xml": ARTS + arts(arts_sale(1, SOUP, "4.00", TWO), 17) + END,
    }
    for name in [*sent, *sent]:
        (drop / name).write_bytes(sent[name])
        files, totals = spool(till, drop)
        assert totals["rejected"] == 0
    assert files["sale.xml"]["same_as"]
    assert in_ledger(till.db)[:2] == (2, 0)


# --- what is refused -------------------------------------------------------------------


def test_what_is_refused_is_beside_and_the_corrected_file_is_taken(till, drop):
    content = sales(1) + b"not json\n" + sales(2, currency="XAU") + sales(3)
    (drop / "day.ndjson").write_bytes(content)
    files, _ = spool(till, drop, code=4)
    said = files["day.ndjson"]
    assert (said["recorded"], said["rejected"]) == (2, 2)
    assert said["reasons"] == {"currency-unknown": 1, "not a receipt": 1}
    assert lies(drop) == ["done/day.ndjson", "rejected/day.ndjson.rejects.ndjson"]
    found = rejected(said["rejects"])
    assert [(one["rejected"]["file"], one["rejected"]["line"]) for one in found] == [
        (str(drop / "day.ndjson"), 2), (str(drop / "day.ndjson"), 3),
    ]  # fmt: skip
    mended = correct(said["rejects"], {3: lambda r: r.update(currency="EUR")})
    mended.rename(drop / "mended")
    assert spool(till, drop)[0]["mended"]["recorded"] == 1


def test_a_file_of_which_something_was_refused_is_looked_at_again(till, drop):
    """Who was refused may be welcome later, so this one is not remembered as taken."""
    for _ in range(2):
        (drop / "day").write_bytes(sales(1) + b"nothing\n")
        files, _ = spool(till, drop, code=4)
        assert (files["day"]["same_as"], files["day"]["rejected"]) == (None, 1)
        assert len(rejected(files["day"]["rejects"])) == 1
    assert (files["day"]["recorded"], files["day"]["repeated"]) == (0, 1)
    assert len(list((drop / "rejected").glob("day*"))) == 2


NO_DIALECT = {
    "picture": b"\xff\xd8\xff\xe0" + bytes(range(256)) * 300,
    "prose": b"Dear colleagues,\nthe till is broken.\n",
    "page.html": b"<html><body>404</body></html>",
    "archive.zip": b"PK\x03\x04 but no archive",
    "list.json": b"[1, 2]",
    "utf16": ndjson(receipt()).decode().encode("utf-16"),
}


@ON_ONE_STORE
def test_what_is_of_no_dialect_is_rejected_whole_with_the_reason(till, drop):
    for name, content in NO_DIALECT.items():
        (drop / name).write_bytes(content)
    (drop / "good").write_bytes(sales(1))
    files, _ = spool(till, drop, code=4)
    for name, content in NO_DIALECT.items():
        said = files[name]
        assert (said["format"], said["recorded"], said["rejected"]) == (None, 0, 1)
        assert archived(said) == content
        assert Path(said["archived"]).parent == drop / "rejected"
        (why,) = rejected(said["rejects"])
        assert why["rejected"]["file"] == str(drop / name)
        assert "dialect" in why["rejected"]["error"] or "--format" in why["rejected"]["error"]
        assert ".spool" not in why["rejected"]["error"], "the name it was dropped under"
    assert files["good"]["recorded"] == 1


def test_a_file_that_breaks_off_is_kept_beside_its_reason_and_what_came_before_is_taken(till, drop):
    whole = FILES["poslog"]
    (drop / "torn.xml").write_bytes(whole[: whole.rindex(b"<Transaction") + 200])
    (drop / "long").write_bytes(sales(1) + b'{"x":"' + b"y" * (1 << 20) + b'"}\n' + sales(2))
    (drop / "bad.csv").write_bytes(FILES["csv"].replace(b"store,", b"shop,", 1))
    files, _ = spool(till, drop, code=4)
    assert (files["torn.xml"]["recorded"], files["torn.xml"]["rejected"]) == (2, 1)
    assert (files["long"]["recorded"], files["long"]["rejected"]) == (2, 1)
    assert (files["bad.csv"]["recorded"], files["bad.csv"]["rejected"]) == (0, 1)
    assert (
        "There is no column `store`"
        in rejected(files["bad.csv"]["rejects"])[0]["rejected"]["error"]
    )
    assert {Path(said["archived"]).parent for said in files.values()} == {drop / "rejected"}
    assert {len(rejected(said["rejects"])) for said in files.values()} == {1}


@ON_ONE_STORE
def test_a_fault_of_a_reader_rejects_the_rest_of_its_file_and_ends_nothing(till, drop, monkeypatch):
    reader = dialects.dialect("poslog")

    def read(path, reading):
        yield next(reader.read(path, reading))
        raise KeyError("nobody thought of this")

    monkeypatch.setattr(dialects, "dialect", lambda _: type("Broken", (), {"read": read}))
    (drop / "a.xml").write_bytes(FILES["poslog"])
    (drop / "b").write_bytes(sales(1))
    files, _ = spool(till, drop, code=4)
    assert (files["a.xml"]["recorded"], files["a.xml"]["rejected"]) == (1, 1)
    assert "KeyError" in rejected(files["a.xml"]["rejects"])[0]["rejected"]["error"]
    assert files["b"]["recorded"] == 1


@ON_ONE_STORE
def test_a_library_that_is_missing_rejects_nothing(till, drop, monkeypatch):
    (drop / "a.xml").write_bytes(FILES["poslog"])
    (drop / "b").write_bytes(sales(1))
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "lxml.etree", None)
        without.delitem(sys.modules, "lxml", raising=False)
        files, totals = spool(till, drop, code=1)
    assert (list(files), totals["left"]) == (["b"], 1)
    assert "a.xml` is not taken" in till.notes
    assert "lxml" in till.notes
    assert spool(till, drop)[0]["a.xml"]["recorded"] == 3


@ON_ONE_STORE
def test_the_format_of_what_does_not_tell_it_can_be_said(till, drop):
    (drop / "receipts").write_bytes(
        b"\n\n" + FILES["csv"].replace(b"business_date", b"business_day")
    )
    (drop / "journal").write_bytes(sales(1))
    files, _ = spool(till, drop, "--format", "csv", code=4)
    assert (
        "There is no column `business_date`"
        in (rejected(files["receipts"]["rejects"])[0]["rejected"]["error"])
    )
    assert (files["receipts"]["format"], files["journal"]["format"]) == ("csv", "ndjson")


# --- what is no complete file ----------------------------------------------------------


@ON_ONE_STORE
def test_hidden_and_temporary_names_are_left_without_a_word(till, drop):
    names = [".x", ".hidden.xml", "day.tmp", "day.PART", "day.ndjson.filepart"]
    for name in names:
        (drop / name).write_bytes(sales(1))
    files, totals = spool(till, drop)
    assert (files, totals["left"], till.notes) == ({}, 0, "")
    (drop / "day.tmp").rename(drop / "day.ndjson")
    assert spool(till, drop)[0]["day.ndjson"]["recorded"] == 1
    assert sorted(path.name for path in drop.iterdir() if path.name in names) == sorted(
        set(names) - {"day.tmp"}
    )


def test_what_is_no_file_is_told_by_its_name_and_left_and_the_rest_taken(till, drop, tmp_path):
    (tmp_path / "secret").write_bytes(sales(9))
    (drop / "link").symlink_to(tmp_path / "secret")
    (drop / "nowhere").symlink_to(tmp_path / "nothing")
    (drop / "folder").mkdir()
    (drop / "folder" / "inner").write_bytes(sales(8))
    os.mkfifo(drop / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(Path(os.path.relpath(drop)) / "socket"))
    (drop / "empty").touch()
    (drop / "good").write_bytes(sales(1))
    files, totals = spool(till, drop, code=1)
    assert (list(files), totals["recorded"], totals["left"]) == (["good"], 1, 6)
    for name, why in (
        ("link", "a link is not followed"), ("nowhere", "a link is not followed"),
        ("folder", "a folder is not looked into"), ("pipe", "no ordinary file"),
        ("socket", "no ordinary file"), ("empty", "it is empty"),
    ):  # fmt: skip
        assert any(f"drop/{name}`" in said and why in said for said in till.notes.splitlines())
        assert os.path.lexists(drop / name)
    (drop / "empty").write_bytes(sales(2))
    assert spool(till, drop, code=1)[0]["empty"]["recorded"] == 1


def test_a_file_that_may_not_be_read_is_told_and_left(capsys, tmp_path, drop):
    db = str(tmp_path / "l.db")
    Till(capsys, db)("init", PROGRAMME)
    (drop / "mine").write_bytes(sales(1))
    (drop / "mine").chmod(0)
    (drop / "good").write_bytes(sales(2))
    words = [sys.executable, "-m", "adapters.cli.main", "spool", str(drop), "--once",
             "--settle", "0", "--history", "--enrol", "--db", db]  # fmt: skip
    if os.geteuid() == 0:  # who may read everything must not be
        if not (setpriv := shutil.which("setpriv")):
            pytest.skip("root reads every file, and there is no setpriv to be less than root")
        words = [setpriv, "--bounding-set=-dac_override,-dac_read_search", *words]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ran.returncode == 1, ran.stderr
    assert "drop/mine` is not taken: Permission denied" in ran.stderr
    assert "good: ndjson, 1 read: 1 recorded (1000)" in ran.stdout
    assert (drop / "mine").exists()


@ON_ONE_STORE
def test_once_waits_until_files_are_complete_and_leaves_those_that_grow(till, drop, monkeypatch):
    (drop / "still").write_bytes(sales(1))
    (drop / "grows").write_bytes(sales(2))
    seen = Spool.look

    def look(self, *arguments):
        with (drop / "grows").open("ab") as file:
            file.write(sales(3))
        seen(self, *arguments)

    monkeypatch.setattr(Spool, "look", look)
    files, totals = spool(till, drop, "--settle", 1)
    assert (list(files), totals["left"]) == (["still"], 0)
    assert "drop/grows` may still be written to" in till.notes
    assert (drop / "grows").exists()


class Looks:
    """A spool in this process, whose looks and clock are in the test's hands."""

    def __init__(self, ledger, drop, settle_s=10):
        self.now = 0
        self.told, self.complaints = [], []
        self.folder = Folder(drop, "done", "rejected")
        self.folder.prepare()
        self._ledger = ledger
        self.taker = Taker(
            ledger, [Here(ledger, How(history=True, enrol=True, batch=100))],
            lambda: Reading(Terms()), "", "",
        )  # fmt: skip
        self.spool = Spool(
            [self.folder], settle_s, self.told.append, self.complaints.append, lambda: self.now
        )

    def __call__(self, after_s=0):
        """Look; what was recorded and repeated of each file that was taken."""
        self.now += after_s
        self.told.clear()
        self.complaints.clear()
        self.spool.look(self.taker, lambda: False)
        return [(p.taken.tally.recorded, p.taken.tally.repeated) for p in self.told]


@ON_ONE_STORE
def test_a_file_is_taken_when_it_has_not_changed_for_long_enough(ledger, drop):
    look = Looks(ledger, drop)
    path = drop / "day"
    path.write_bytes(sales(1))
    assert look() == look(9) == []
    with path.open("ab") as file:
        file.write(sales(2))
    assert look(1) == look(9) == []
    os.utime(path, ns=(1, 1))
    assert look(1) == look(9) == [], "as long, at another time"
    assert look(1) == [(2, 0)]
    assert look.complaints == []


@ON_ONE_STORE
def test_what_is_put_in_its_place_meanwhile_is_another_file(ledger, drop, monkeypatch):
    look = Looks(ledger, drop)
    (drop / "day").write_bytes(sales(1))
    look()
    take_out = Folder.take_out

    def overtaken(self, path):
        (drop / "new").write_bytes(sales(2, 3))
        (drop / "new").rename(path)
        return take_out(self, path)

    monkeypatch.setattr(Folder, "take_out", overtaken)
    assert look(10) == [], "nothing is known of this one yet"
    assert look(9) == []
    monkeypatch.undo()
    assert look(1) == [(2, 0)]


@ON_ONE_STORE
@pytest.mark.parametrize("settle_s", [0, 10])
def test_what_is_written_while_it_is_read_is_read_again(settle_s, ledger, drop, monkeypatch):
    look = Looks(ledger, drop, settle_s)
    first = sales(1) + b"torn"
    (drop / "day").write_bytes(first)
    writer = (drop / "day").open("ab")
    if settle_s:
        look()
    take = Taker.take

    def while_read(self, *arguments):
        told = take(self, *arguments)
        writer.write(b" off\n" + sales(2))
        writer.flush()
        return told

    monkeypatch.setattr(Taker, "take", while_read)
    assert look(10) == []
    assert "drop/day` is not taken: it was written to while it was read" in look.complaints[0]
    assert look.spool.left == 1
    monkeypatch.undo()
    assert not settle_s or look(9) == []
    assert look(1) == [(1, 1)]
    assert look.told[0].archived.read_bytes() == first + b" off\n" + sales(2)
    (refused,) = rejected(look.told[0].rejects)
    assert refused["text"] == "torn off", "and not the half of it"
    writer.close()


@ON_ONE_STORE
def test_a_link_or_folder_put_in_its_place_is_not_read(ledger, drop, tmp_path, monkeypatch):
    look = Looks(ledger, drop, settle_s=0)
    (tmp_path / "secret").write_bytes(sales(9))
    take_out = Folder.take_out

    def exchanged(self, path):
        taken = take_out(self, path)
        taken.path.unlink()
        if path.name == "link":
            taken.path.symlink_to(tmp_path / "secret")
        else:
            taken.path.mkdir()
        return taken

    monkeypatch.setattr(Folder, "take_out", exchanged)
    for name in ("link", "folder"):
        (drop / name).write_bytes(sales(1))
    assert look() == []
    assert sum("it is no ordinary file" in said for said in look.complaints) == 2


@ON_ONE_STORE
def test_a_file_that_vanishes_is_told_and_the_next_taken(ledger, drop, monkeypatch):
    look = Looks(ledger, drop, settle_s=0)
    for name in ("a", "b"):
        (drop / name).write_bytes(sales(name))
    take_out = Folder.take_out

    def gone(self, path):
        if path.name == "a":
            path.unlink()
        return take_out(self, path)

    monkeypatch.setattr(Folder, "take_out", gone)
    assert look() == [(1, 0)]
    assert look.complaints == [f"`{drop}/a` is gone; somebody else took it away."]
    assert look.spool.left == 0
    (drop / "c").write_bytes(sales("c"))
    monkeypatch.undo()
    take = Taker.take

    def gone_later(self, taken, *arguments):
        taken.path.unlink()
        return take(self, taken, *arguments)

    monkeypatch.setattr(Taker, "take", gone_later)
    assert look() == []
    assert "drop/c` is gone" in look.complaints[0]
    monkeypatch.undo()
    assert (look(), look.complaints) == ([], [])


# --- disks -----------------------------------------------------------------------------


def full(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "somewhere")


def test_a_full_disk_is_told_once_and_nothing_is_lost(ledger, drop, monkeypatch):
    monkeypatch.setattr(feeding, "CHUNKS_A_MARK", 1)
    monkeypatch.setattr("adapters.spool.taking.BATCH", 2)
    look = Looks(ledger, drop, settle_s=0)
    lines = [sales(n) if n % 3 else f"bad {n}\n".encode() for n in range(20)]
    (drop / "day").write_bytes(b"".join(lines))
    append, room = rejects_module._append, iter(range(4))
    monkeypatch.setattr(
        rejects_module, "_append", lambda *a: full() if next(room, None) is None else append(*a)
    )
    assert look() == []
    assert "drop/day` is not taken: No space left on device (somewhere)" in look.complaints[0]
    (drop / "other").write_bytes(sales(100))
    assert look(1) == [(1, 0)], "the others are taken"
    assert (look(31), look.complaints) == ([], []), "the same is not said again"
    monkeypatch.setattr(rejects_module, "_append", append)
    assert look(1) == [], "it rests"
    assert sum(look(30)[0]) == 13
    assert [one["text"] for one in rejected(look.told[0].rejects)] == [
        f"bad {n}" for n in range(0, 20, 3)
    ], "each once, though some had been written before"
    assert ledger.verify().clean


@ON_ONE_STORE
def test_a_folder_that_cannot_be_written_to_leaves_the_file_and_says_so_once(
    ledger, drop, monkeypatch
):
    look = Looks(ledger, drop, settle_s=0)
    (drop / "day").write_bytes(sales(1) + b"bad\n")
    move = folder_module._move

    def read_only(source, target):
        if "done" in target.parts:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(target))
        move(source, target)

    monkeypatch.setattr(folder_module, "_move", read_only)
    assert look() == [(1, 0)], "it is told before it is away"
    assert "Read-only file system" in look.complaints[0]
    assert (look(31), look.complaints) == ([], [])
    monkeypatch.undo()
    assert look(31) == [], "it was told"
    assert lies(drop) == ["done/day", "rejected/day.rejects.ndjson"]
    assert len(rejected(drop / "rejected" / "day.rejects.ndjson")) == 1
    monkeypatch.setattr(Path, "rename", full)
    (drop / "next").write_bytes(sales(2))
    assert look() == []
    assert "drop/next` is not taken: No space left" in look.complaints[0]
    monkeypatch.undo()
    assert look() == [(1, 0)]


@ON_ONE_STORE
def test_a_folder_that_is_away_is_told_once_and_looked_for_again(ledger, drop):
    look = Looks(ledger, drop, settle_s=0)
    drop.rename(drop.with_name("away"))
    assert look() == []
    assert "drop` is not taken: No such file or directory" in look.complaints[0]
    assert (look(), look.complaints) == ([], [])
    drop.with_name("away").rename(drop)
    for path in (drop / "done", drop / "rejected", drop / ".spool"):
        shutil.rmtree(path)
    (drop / "day").write_bytes(sales(1))
    assert look() == [(1, 0)]
    assert lies(drop) == ["done/day"]


# --- names -----------------------------------------------------------------------------


@ON_ONE_STORE
def test_any_name_a_file_can_have_is_taken_and_told_on_one_line(till, drop):
    names = [
        b"caf\xe9.ndjson",
        b"two\nlines",
        "ü\u2028".encode(),
        b"n" * 255,
        b"a." + b"n" * 253,
        b"-",
        b"a b;$(x)",
    ]
    for number, name in enumerate(names):
        path = os.path.join(os.fsencode(drop), name)  # noqa: PTH118  bytes
        for _ in range(2):
            with open(path, "wb") as file:  # noqa: PTH123
                file.write(sales(number) + b"bad\n")
            _, totals = spool(till, drop, code=4)
            assert totals["files"] == 1
    kept = [os.fsencode(path.name) for path in next((drop / "done").glob("2*")).iterdir()]
    assert set(names) < set(kept)
    assert len(kept) == 2 * len(names)
    assert len(list((drop / "rejected").glob("*.rejects.ndjson"))) == 2 * len(names)
    (drop / os.fsdecode(names[0])).write_bytes(sales(99))
    told = till("spool", drop, "--once", "--settle", 0, "--history", json_=False)
    assert "caf\\xe9.ndjson: ndjson, 1 read" in told


# --- two of them, and folders in each other's way --------------------------------------


@ON_ONE_STORE
def test_a_second_spool_on_a_folder_is_refused(till, drop, tmp_path):
    (drop / "day").write_bytes(sales(1))
    others = tmp_path / "others"
    others.mkdir()
    with locked([Folder(drop, "done", "rejected")]):
        for words in ([drop], [others, drop], [others, "--done", drop / "done"]):
            told = till("spool", *words, "--once", code=1)
            assert "Another spool is at work on" in told["message"]
    assert lies(drop) == ["day"]
    assert spool(till, drop)[1]["recorded"] == 1, "the lock is gone with its holder"


@ON_ONE_STORE
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "is no folder"),
        (["drop", "--done", "."], "cannot be watched"),
        (["drop", "--rejected", ".."], "cannot be watched"),
        (["drop", "drop/done"], "cannot be watched"),
        (["drop", "--settle", "-1"], "below zero"),
        (["drop", "--workers", "65"], "From 1 to 64"),
        (["drop", "--zone", "Mars/Base"], "no time zone"),
        (["drop", "--done", "/proc/self"], "another file system"),
    ],
)
def test_folders_and_options_that_cannot_be_meant_are_refused(
    words, said, till, drop, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (drop / "done").mkdir()
    (drop / "day").write_bytes(sales(1))
    assert said in till("spool", *words, "--once", code=1)["message"]
    assert (drop / "day").exists()


@ON_ONE_STORE
def test_the_archive_may_be_elsewhere_and_a_watched_folder_inside_another(till, drop, tmp_path):
    (drop / "inner").mkdir()
    (drop / "day").write_bytes(sales(1))
    (drop / "inner" / "day").write_bytes(sales(2))
    _, totals = spool(till, drop, drop / "inner", "--done", tmp_path / "kept", "--rejected", "a/b")
    assert (totals["recorded"], totals["left"]) == (2, 0)
    assert len([path for path in (tmp_path / "kept").rglob("day*") if path.is_file()]) == 2


def test_a_ledger_that_is_not_there_is_told_at_once(capsys, new_db, drop):
    (drop / "day").write_bytes(sales(1))
    told = Till(capsys, new_db())("spool", drop, "--once", code=1)
    assert told["error"] == "log-missing"


def test_once_without_a_store_ends_with_the_code_to_try_again(till, drop, monkeypatch):
    (drop / "day").write_bytes(sales(1))

    def away(*_, **__):
        raise StoreUnavailable("nobody there")

    for place in ("adapters.spool.taking.feed", "adapters.cli.commands.spool.LoyaltyLedger.open"):
        with monkeypatch.context() as without:
            without.setattr(place, away)
            said = till("spool", drop, "--once", "--settle", 0, "--json", json_=False, code=5)
        totals, error = map(json.loads, said.splitlines())
        assert (totals["files"], error["retryable"]) == (0, True)
    assert spool(till, drop)[0]["day"]["recorded"] == 1


def test_what_was_taken_is_in_the_reports(till, drop):
    (drop / "day").write_bytes(sales(1, 2))
    spool(till, drop)
    with LoyaltyLedger.open(till.db) as ledger:
        assert max(status.lag for status in ledger.status()) == 0


@ON_ONE_STORE
def test_stopping_ends_after_the_file_it_is_at(ledger, drop):
    look = Looks(ledger, drop, settle_s=0)
    for name in ("a", "b"):
        (drop / name).write_bytes(sales(name))
    stop = Event()
    look.spool._tell = lambda _: stop.set()
    watching = threading.Thread(target=lambda: look.spool.watch(look.taker, stop, 600, once=False))
    watching.start()
    watching.join(60)
    assert not watching.is_alive()
    assert lies(drop) == ["b", "done/a"]


@ON_ONE_STORE
def test_something_else_that_is_not_there_is_not_called_the_file(ledger, drop, monkeypatch):
    look = Looks(ledger, drop, settle_s=0)
    (drop / "day").write_bytes(sales(1))

    def no_place(*_):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "elsewhere")

    monkeypatch.setattr(Folder, "take_out", no_place)
    look()
    assert look.complaints == [f"`{drop}/day` is not taken: No such file or directory (elsewhere)."]


@ON_ONE_STORE
@pytest.mark.parametrize("where", ["Folder.take_out", "Taker.take"])
def test_what_was_complained_about_and_is_taken_at_last_is_not_left(
    where, ledger, drop, monkeypatch
):
    look = Looks(ledger, drop, settle_s=0)
    (drop / "day").write_bytes(sales(1))
    monkeypatch.setattr(f"adapters.spool.{where}", full)
    assert (look(), look.spool.left) == ([], 1)
    monkeypatch.undo()
    look.now += 60
    look.spool.look(look.taker, lambda: True)
    assert (len(look.told), look.spool.left) == (1, 0)


@ON_ONE_STORE
@pytest.mark.parametrize(
    "error", [DatabaseError, OperationalError, InterfaceError, StoreUnavailable]
)
def test_a_store_that_is_away_is_no_fault_of_the_file(error, ledger, drop, monkeypatch):
    look = Looks(ledger, drop, settle_s=0)
    (drop / "day").write_bytes(sales(1, 2, 3))

    def away(*_, **__):
        raise error("server closed the connection unexpectedly")
        yield

    for place in ("adapters.pos.ndjson.lines", "adapters.spool.Taker.remember"):
        with monkeypatch.context() as without:
            without.setattr(place, away if "lines" in place else lambda *_: next(away()))
            with pytest.raises(error):
                look()
    assert look.complaints == []
    assert sum(look()[0]) == 3


@ON_ONE_STORE
def test_what_a_store_says_of_one_file_alone_does_not_keep_the_others(ledger, drop, monkeypatch):
    look = Looks(ledger, drop, settle_s=0)
    (drop / "a").write_bytes(sales(1))
    (drop / "b").write_bytes(sales(2))
    put_mark = ledger.log.put_mark

    def wrong(name, value):
        if value and "drop/a" in value:
            raise DataError("no\nway")
        put_mark(name, value)

    monkeypatch.setattr(ledger.log, "put_mark", wrong)
    assert look() == [(1, 0)]
    assert look.complaints == [f"`{drop}/a` is not taken: DataError: no way."]


def test_forms_are_those_of_ingest(tmp_path):
    from adapters.spool.taking import form_of

    path = tmp_path / "file"
    for name, content in FILES.items():
        path.write_bytes(content)
        assert form_of(path) == dialects.detect(path) == name
    path.write_bytes(b"torn}\n" + sales(1))
    assert form_of(path) == "ndjson", "a journal of which the first line is torn"
    path.write_bytes(b"torn}\n")
    with pytest.raises(InputInvalid):
        form_of(path)
