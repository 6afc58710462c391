"""Stories worked out by hand: `golden/*.toml` hold a programme, a story and what it must come to.

Each step does one thing and may say what holds after it: `points` by line, `rules` beyond the base,
`value` that points paid, `tier`, `lots` as [points, origin, the day they are gone], `available`,
`pending`, `held`, `arrears`, or that it is `refused`. `why` has the arithmetic.
A redemption, hold, return or merge that a later step speaks of is `called` something.
"""

import datetime as dt
import tomllib
from pathlib import Path

import pytest

from ledger import errors
from ledger.application import LoyaltyLedger
from ledger.events.parts import origin_name
from ledger.policies.expiry import NEVER
from ledger.types import Line, LineRef, Personal, Tender
from tests.conftest import Clock
from tests.shop import conserved, key, receipt

FILES = sorted((Path(__file__).parent / "golden").glob("*.toml"))
HEAD = 'name = "golden"\ncurrency = "EUR"\n'
BALANCE = {"available", "pending", "held", "arrears"}
EXPECTED = {"points", "rules", "value", "tier", "lots", "refused"} | BALANCE


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
        made = [self.line(**one) for one in lines]
        when = {"captured_at": at} if at else {"at": self.clock.now}
        paid = tuple(Tender(*one) for one in tenders)
        if at:
            fields["business_date"] = at.date()
        sale = receipt(*made, card=card, number=number, tenders=paid, **when, **fields)
        self.receipts[number] = sale
        return self.ledger.record(sale)

    def line(self, minor, product="1", quantity=1, back="", line=1, **fields):
        """A line of a receipt; one that brings `back` goods bought the same day, even unseen."""
        if back:
            day = dt.datetime.fromtimestamp(self.clock.now, dt.UTC).date()
            fields["return_of"] = LineRef("s1", "1", day, back, line)
        return Line(product, quantity, minor, **fields)

    def back(self, _, receipt, lines=None, called=""):
        quantities = {int(line): quantity for line, quantity in (lines or {}).items()}
        sold = key(self.receipts[receipt])
        return self.ledger.return_goods(sold, called or f"b{self.done}", quantities)

    def loose(self, card, minor):
        return self.ledger.return_without_receipt(card, minor, "Ada", f"l{self.done}")

    def void(self, _, receipt, called):
        return self.ledger.void_return(key(self.receipts[receipt]), called, f"v{self.done}")

    def redeem(self, card, burn=0, gift="", basket=0, called=""):
        command = called or f"d{self.done}"
        return self.ledger.redeem(card, command, points=burn, gift=gift, basket_minor=basket)

    def undo(self, _, called):
        return self.ledger.undo_redemption(called, "golden", "Ada")

    def hold(self, card, burn, called, minutes=0):
        return self.ledger.hold(card, burn, called, minutes=minutes)

    def settle(self, _, called, burn=0, at=None):
        captured_at = int(at.timestamp()) if at else None
        return self.ledger.settle(called, burn, captured_at=captured_at)

    def release(self, _, called):
        return self.ledger.release(called)

    def expire_holds(self, card):
        return self.ledger.expire_holds(self.ledger.member_of(card))

    def record_expiry(self, card):
        return self.ledger.record_expiry(self.ledger.member_of(card), self.clock.now)

    def adjust(self, card, by):
        return self.ledger.adjust(card, by, "golden", "Ada", f"a{self.done}")

    def transfer(self, card, to, give):
        return self.ledger.transfer(card, to, give, f"t{self.done}")

    def merge(self, card, into, called):
        return self.ledger.merge(card, into, "golden", "Ada", called)

    def unmerge(self, _, called):
        return self.ledger.unmerge(called, "Ada", f"u{self.done}")

    def rebate(self, card, year):
        return self.ledger.grant_rebate(self.ledger.member_of(card), year)

    def grant(self, card, level, until):
        end = int(until.timestamp())
        return self.ledger.grant_tier(card, level, end, "golden", "Ada", f"g{self.done}")

    def review(self, card):
        return self.ledger.review_tier(card)

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
        if "value" in step:
            seen["value"] = self.ledger.event(outcome).value_minor
        if {"tier", "lots", *BALANCE} & set(step):
            view = self.ledger.member(card)
            state = self.ledger._state(self.ledger.member_of(card))
            seen["tier"] = view.tier
            seen |= {name: getattr(view.balance, name) for name in BALANCE}
            lots = state.lots
            seen["lots"] = [[lot.points, origin_name(lot.origin), gone(lot)] for lot in lots]
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
    assert len(FILES) >= 66
    for path in FILES:
        file = tomllib.loads(path.read_text())
        assert set(file) == {"why", "programme", "step"}, path.name
        assert len(file["why"]) > 20, path.name
        assert any(EXPECTED & set(step) for step in file["step"]), path.name
