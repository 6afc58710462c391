"""Receipts worked out by hand: `golden/*.toml` hold a programme, a story and what it must come to.

Each step does one thing and may say what holds after it: `points` by line, `rules` beyond the base,
`tier`, `lots` as [points, origin, the day they are gone], `available`, or that it is `refused`.
`why` has the arithmetic.
"""

import datetime as dt
import tomllib
from pathlib import Path

import pytest

from ledger import errors
from ledger import events as e
from ledger.application import LoyaltyLedger
from ledger.policies.expiry import NEVER
from ledger.types import Line, Personal, Tender
from tests.conftest import Clock
from tests.shop import conserved, key, receipt

FILES = sorted((Path(__file__).parent / "golden").glob("*.toml"))
HEAD = 'name = "golden"\ncurrency = "EUR"\n'
EXPECTED = {"points", "rules", "tier", "lots", "available", "refused"}


class Story:
    """Does the steps of a file, one after another."""

    def __init__(self, ledger, clock):
        self.ledger, self.clock = ledger, clock
        self.receipts = {}
        self.done = 0

    def take(self, step):
        self.done += 1
        said = {k: v for k, v in step.items() if k not in EXPECTED and k != "do"}
        card = said.pop("card", "c1")
        act = getattr(self, step["do"])
        if "refused" in step:
            with pytest.raises(getattr(errors, step["refused"])):
                act(card, **said)
            return None
        return act(card, **said)

    def enrol(self, card, born=None):
        return self.ledger.enrol(card, Personal(birthday=born))

    def receipt(self, card, lines, number=None, at=None, tenders=(), **fields):
        number = number or f"r{self.done}"
        made = [
            Line(one.pop("product", "1"), one.pop("quantity", 1), one.pop("minor"), **one)
            for one in map(dict, lines)
        ]
        when = {"captured_at": at} if at else {"at": self.clock.now}
        paid = tuple(Tender(kind, amount) for kind, amount in tenders)
        if at:
            fields["business_date"] = at.date()
        sale = receipt(*made, card=card, number=number, tenders=paid, **when, **fields)
        self.receipts[number] = sale
        return self.ledger.record(sale)

    def back(self, _, receipt, lines=None):
        quantities = {int(line): quantity for line, quantity in (lines or {}).items()}
        return self.ledger.return_goods(key(self.receipts[receipt]), f"b{self.done}", quantities)

    def redeem(self, card, burn=0, gift=""):
        return self.ledger.redeem(card, f"d{self.done}", points=burn, gift=gift)

    def adjust(self, card, by):
        return self.ledger.adjust(card, by, "golden", "Ada", f"a{self.done}")

    def birthday(self, card, year):
        return self.ledger.grant_birthday(self.ledger.member_of(card).hex(), year)

    def clock_to(self, _, to):
        self.clock.now = int(to.timestamp())

    def seen(self, step, outcome):
        """What the ledger says of what the step expects."""
        card = step.get("card", "c1")
        seen = {}
        if {"points", "rules"} & set(step):
            award = self.ledger.event(outcome).award
            seen["points"] = list(award.points) or [0] * len(step.get("lines", ()))
            seen["rules"] = dict(award.rules)
        if {"tier", "available", "lots"} & set(step):
            view = self.ledger.member(card)
            state = self.ledger._state(self.ledger.member_of(card))
            seen["tier"] = view.tier
            seen["available"] = view.balance.available
            seen["lots"] = [[lot.points, e.ORIGINS[lot.origin], gone(lot)] for lot in state.lots]
        return {name: seen[name] for name in told(step)}


def told(step):
    """What a step expects to be seen after it."""
    return (EXPECTED - {"refused"}) & set(step)


def gone(lot):
    if lot.expires_at == NEVER:
        return "never"
    return dt.datetime.fromtimestamp(lot.expires_at, dt.UTC).date()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_story_comes_to_what_was_worked_out_by_hand(new_db, path):
    file = tomllib.loads(path.read_text())
    clock = Clock()
    with LoyaltyLedger.create(new_db(), HEAD + file["programme"], clock=clock) as ledger:
        story = Story(ledger, clock)
        cards = set()
        for number, step in enumerate(file["step"], 1):
            outcome = story.take(step)
            expected = {name: step[name] for name in told(step)}
            assert story.seen(step, outcome) == expected, f"{path.name}, step {number}"
            cards |= {step.get("card", "c1")} if step["do"] == "enrol" else set()
        for card in cards:
            conserved(ledger, card)


def test_every_story_says_why_and_expects_something():
    assert len(FILES) >= 40
    for path in FILES:
        file = tomllib.loads(path.read_text())
        assert set(file) == {"why", "programme", "step"}, path.name
        assert len(file["why"]) > 20, path.name
        assert any(EXPECTED & set(step) for step in file["step"]), path.name
