"""The worked example of the shop: its page is run, command by command, on both stores."""

import io
import os
import re
import shlex
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import msgspec
import pytest

from adapters.cli.main import main
from ledger.application import LoyaltyLedger
from tests.conftest import SECRET, Clock
from tests.remedies import CATALOGUE, Town, issues, lists_of

PAGE = Path(__file__).parent.parent / "docs" / "example-pain-relief.md"
BEGINS, SECOND, OVER = 20_788, 20_802, 20_816
"""2026-12-01, and the first days of the fortnights after."""
DAY = 86_400


class Shop:
    """The shop while its page is run: its clock, its till, and its members."""

    def __init__(self, db, folder, monkeypatch):
        self.db, self.folder, self.clock = db, folder, Clock(BEGINS * DAY - 7_200)
        self.town = Town(BEGINS - 360, BEGINS, OVER)
        made, opened = LoyaltyLedger.create, LoyaltyLedger.open
        monkeypatch.setattr(
            LoyaltyLedger,
            "create",
            lambda db, text, secret=None: made(db, text, secret=secret or SECRET, clock=self.clock),
        )
        monkeypatch.setattr(LoyaltyLedger, "open", lambda db: opened(db, clock=self.clock))
        self.write("products.csv", CATALOGUE)
        self.receipts("year.ndjson", self.town.history())

    def write(self, name, text):
        (self.folder / name).write_text(text)

    def receipts(self, name, receipts):
        self.write(name, "".join(msgspec.json.encode(one).decode() + "\n" for one in receipts))

    def comes(self, words):
        """What happens in the town before a command is typed."""
        for first, name in ((BEGINS, "december-1.ndjson"), (SECOND, "december-2.ndjson")):
            if name in words:
                with LoyaltyLedger.open(self.db) as ledger:
                    cards = [buyer.card for buyer in self.town.buyers]
                    lists = lists_of(ledger, cards, first)
                self.receipts(name, self.town.fortnight(first, first + 13, lists))
                self.clock.now = (first + 14) * DAY - 7_200


def sessions(text):
    """Commands of the page and what they said."""
    for block in re.findall(r"^```console\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, said = part.partition("\n")
            yield command, said


@pytest.fixture
def shop(db, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Shop(db, tmp_path, monkeypatch)


def typed(shop, command):
    """What a command says; `cat` shows a file."""
    words = shlex.split(command)
    if words[0] == "cat":
        return (shop.folder / words[1]).read_text()
    assert words[0] == "loyalty"
    shop.comes(words)
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(io.StringIO()):
        assert main([*words[1:], "--db", shop.db]) == 0
    return said.getvalue()


def page(shop, text):
    """The page with what its commands say now."""
    told = []
    for command, said in sessions(text):
        if command.startswith("cat ") and not (shop.folder / command[4:]).exists():
            shop.write(command[4:], said)  # the page is where it stands
        told.append((command, said, typed(shop, command)))
    return told


def test_the_page_says_what_its_commands_say_and_shows_what_it_is_to_show(shop):
    for command, said, now in page(shop, PAGE.read_text()):
        assert now == said, command
    with LoyaltyLedger.open(shop.db) as ledger:
        lists = issues(ledger)
        cells = {}
        for event in lists:
            for one in event.offers:
                cells.setdefault(one.cell, []).append(one.amount)
        assert set(cells) == {"national heavy", "national medium", "national light"}
        first = {name: amounts[0] for name, amounts in cells.items()}
        assert first["national heavy"] > first["national medium"] > first["national light"]
        kinds = {ledger.member_of(one.card): one for one in shop.town.buyers}
        addressed = ledger.addressed("own-relief", as_of=BEGINS - 1)
        assert {kinds[member].kind for member in addressed} == {"national"}
        for member, cell in addressed.items():
            buyer = kinds[member]
            assert buyer.usage != "heavy" or cell == "national heavy"
            bought = [day for day in shop.town.coming[buyer.card] if day < BEGINS]
            assert bought[-1] + buyer.every + 1 >= BEGINS - 1 - buyer.every // 4
            assert bought[-1] + buyer.every - 1 <= BEGINS - 1 + 14
        told = ledger.campaign_results("own-relief")
        assert told.turned.lift.low_minor > 0
        assert ledger.campaign("own-relief").drawn_minor == told.off_minor > 0
        verdict = ledger.verify()
        assert verdict.clean, verdict.findings


def rewrite():
    """Put into the page what its commands say now."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        os.chdir(folder)
        shop = Shop(str(Path(folder) / "ledger.db"), Path(folder), patched)
        before, after = PAGE.read_text(), ""
        for command, said, now in page(shop, before):
            begun, _, before = before.partition(f"$ {command}\n{said}")
            after += f"{begun}$ {command}\n{now}"
        PAGE.write_text(after + before)


if __name__ == "__main__":
    rewrite()
