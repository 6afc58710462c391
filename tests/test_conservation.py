"""Law 3 and law 9 under any sequence of commands: no point is lost, and a rebuild equals live."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.application import LoyaltyLedger
from ledger.errors import LedgerError
from tests.conftest import PROGRAMME, SECRET, Clock
from tests.shop import DAY, NOW, back, conserved, key, line, receipt

CARDS = ("c1", "c2")
WHEN_SPENT = ("arrears", "take", "refuse")
AMOUNT, QUANTITY = st.integers(0, 6000), st.integers(1, 4)
LINES = st.lists(st.tuples(AMOUNT, QUANTITY), min_size=1, max_size=3)
CARD, PICK = st.sampled_from(CARDS), st.integers(0, 9)
STEPS = st.one_of(
    st.tuples(st.just("buy"), CARD, LINES, st.integers(0, 35), st.booleans()),
    st.tuples(st.just("back"), PICK, st.integers(1, 3), QUANTITY),
    st.tuples(st.just("all back"), PICK),
    st.tuples(st.just("exchange"), CARD, PICK, AMOUNT),
    st.tuples(st.just("redeem"), CARD, st.integers(1, 60)),
    st.tuples(st.just("gift"), CARD),
    st.tuples(st.just("adjust"), CARD, st.integers(-40, 40)),
    st.tuples(st.just("complain"), CARD, PICK, st.integers(0, 30)),
    st.tuples(st.just("give"), CARD, PICK),
    st.tuples(st.just("decide"), PICK, st.booleans()),
    st.tuples(st.just("wait"), st.sampled_from([1, 20, 200, 900])),
    st.tuples(st.just("again"), PICK),
    st.tuples(st.just("merge"), CARD),
    st.tuples(st.just("unmerge")),
    st.tuples(st.just("transfer"), CARD, st.integers(1, 40)),
)


class Shopping:
    """Sends what a sequence of steps says, each under an id of its own."""

    def __init__(self, ledger, clock):
        self.ledger, self.clock = ledger, clock
        self.bought, self.sent, self.merged = [], [], []

    def send(self, number, step):
        kind, *rest = step
        do = getattr(self, kind.replace(" ", "_"))(f"n{number}", *rest)
        if do is not None:
            self.sent.append(do)
            try:
                do()
            except LedgerError:
                return

    def pick(self, index):
        return self.bought[index % len(self.bought)] if self.bought else None

    def buy(self, name, card, lines, days_ago, anonymous):
        made = receipt(
            *(line(amount, quantity=quantity) for amount, quantity in lines),
            card=None if anonymous else card,
            at=self.clock.now - days_ago * DAY,
            number=name,
        )
        self.bought.append(made)
        return lambda: self.ledger.record(made)

    def back(self, name, index, number, quantity):
        of = self.pick(index)
        return of and (lambda: self.ledger.return_goods(key(of), name, {number: quantity}))

    def all_back(self, name, index):
        of = self.pick(index)
        return of and (lambda: self.ledger.return_goods(key(of), name))

    def exchange(self, name, card, index, amount):
        of = self.pick(index)
        if of is None or of.lines[0].return_of:
            return None
        made = receipt(back(of), line(amount, "2"), card=card, at=self.clock.now, number=name)
        return lambda: self.ledger.record(made)

    def redeem(self, name, card, points):
        return lambda: self.ledger.redeem(card, name, points=points)

    def gift(self, name, card):
        return lambda: self.ledger.redeem(card, name, gift="mug")

    def adjust(self, name, card, points):
        return lambda: self.ledger.adjust(card, points, "test", "Ada", name)

    def complain(self, name, card, index, points):
        of = self.pick(index)
        return of and (lambda: self._complain(name, card, of, points))

    def _complain(self, name, card, of, points):
        self.ledger.open_complaint(card, key(of), 1, "sour", "Ada", name)
        complaint = self.ledger.complaint_id(name)
        self.ledger.resolve_complaint(card, complaint, "sorry", points, "Ada", name)

    def give(self, _, card, index):
        of = self.pick(index)
        return of and (lambda: self.ledger.attribute(key(of), card))

    def decide(self, name, index, approve):
        of = self.pick(index)
        return of and (
            lambda: self.ledger.decide_review(key(of), "seen", "Ada", name, approve=approve)
        )

    def merge(self, name, card):
        self.merged.append(name)
        other = CARDS[1 - CARDS.index(card)]
        return lambda: self.ledger.merge(card, other, "test", "Ada", name)

    def unmerge(self, name):
        made = self.merged.pop() if self.merged else name
        return lambda: self.ledger.unmerge(made, "Ada", name)

    def transfer(self, name, card, points):
        other = CARDS[1 - CARDS.index(card)]
        return lambda: self.ledger.transfer(card, other, points, name)

    def wait(self, _, days):
        self.clock.now += days * DAY

    def again(self, _, index):
        return self.sent[index % len(self.sent)] if self.sent else None


def shop(db, when_spent, steps):
    clock = Clock(NOW)
    text = PROGRAMME + f'[returns]\nwhen_spent = "{when_spent}"\n[lots]\npending_days = 2\n'
    text += '[fraud.receipts_per_card_day]\nlimit = 1\naction = "review"\n'
    text = (
        PROGRAMME
        + f'[returns]\nwhen_spent = "{when_spent}"\n[lots]\npending_days = 2\n[transfer]\n'
    )
    with LoyaltyLedger.create(db, text, secret=SECRET, clock=clock) as ledger:
        for card in CARDS:
            ledger.enrol(card)
        shopping = Shopping(ledger, clock)
        for number, step in enumerate(steps):
            shopping.send(number, step)
            for card in CARDS:
                conserved(ledger, ledger.keys.member(card).hex())
        assert ledger.verify().findings == []
        live = ledger.digests()
        ledger.rebuild()
        assert ledger.digests() == live
        return live


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(WHEN_SPENT), st.lists(STEPS, min_size=5, max_size=25))
def test_no_sequence_of_commands_loses_or_makes_a_point(when_spent, steps):
    with tempfile.TemporaryDirectory() as folder:
        shop(str(Path(folder) / "ledger.db"), when_spent, steps)


STORY = [
    ("buy", "c1", [(6000, 1), (1099, 3)], 0, False), ("buy", "c2", [(5000, 2)], 3, False),
    ("buy", "c1", [(2500, 2)], 1, True), ("wait", 20), ("redeem", "c1", 60), ("back", 0, 2, 2),
    ("all back", 0), ("exchange", "c2", 1, 3000), ("give", "c1", 2), ("adjust", "c1", 30),
    ("complain", "c1", 2, 10), ("all back", 2), ("again", 3), ("adjust", "c2", -20),
    ("buy", "c1", [(7000, 2)], 0, False), ("buy", "c1", [(9000, 3)], 0, False), ("back", 5, 1, 1),
    ("buy", "c1", [(1234, 1)], 0, False), ("decide", 5, True), ("back", 5, 1, 1),
    ("decide", 6, False), ("back", 6, 1, 1), ("wait", 200), ("gift", "c2"), ("wait", 900), ("buy", "c1", [(6000, 1)], 0, False),
    ("buy", "c2", [(6000, 1)], 35, False), ("all back", 1), ("redeem", "c1", 40),
    ("adjust", "c1", 40), ("transfer", "c1", 15), ("merge", "c1"), ("redeem", "c2", 20),
    ("back", 4, 1, 1), ("buy", "c1", [(2000, 1)], 0, False), ("unmerge",), ("redeem", "c1", 5),
    ("merge", "c2"), ("redeem", "c2", 9), ("all back", 5), ("unmerge",),
]  # fmt: skip


@pytest.mark.parametrize("when_spent", WHEN_SPENT)
def test_one_long_story_is_conserved_and_the_same_on_both_stores(
    new_postgres, tmp_path, when_spent
):
    on_sqlite = shop(str(tmp_path / "ledger.db"), when_spent, STORY)
    assert shop(new_postgres(), when_spent, STORY) == on_sqlite
