"""Offline burns in any order among everything else: no point is lost, and no job changes an answer."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.errors import LedgerError
from ledger.projections.offline import FCT_OFFLINE_BURN
from tests.conftest import PROGRAMME, Clock
from tests.shop import DAY, NOW, conserved, key, receipt

HOUR = 3_600
CARDS = ("c1", "c2")
MONTH = PROGRAMME.replace('after = 12\nround_to = "month"', "after = 1")
"""Points last a month, so that they expire while tills are offline."""
TEXT = (
    MONTH
    + """
[lots]
pending_days = 1
[redeem.offline]
most_points = 60
hours = 48
[transfer]
"""
)
CARD, PICK, POINTS = st.sampled_from(CARDS), st.integers(0, 7), st.integers(1, 40)
STEPS = st.one_of(
    st.tuples(st.just("buy"), CARD, POINTS),
    st.tuples(st.just("buy"), CARD, POINTS),
    st.tuples(st.just("allow"), CARD, POINTS, st.integers(1, 48)),
    st.tuples(st.just("allow"), CARD, POINTS, st.integers(24, 48)),
    st.tuples(st.just("burn"), PICK, POINTS, st.integers(0, 48)),
    st.tuples(st.just("burn"), PICK, POINTS, st.integers(0, 24)),
    st.tuples(st.just("burn"), PICK, POINTS, st.integers(0, 24)),
    st.tuples(st.just("redeem"), CARD, POINTS),
    st.tuples(st.just("drain"), CARD),
    st.tuples(st.just("hold"), CARD, POINTS),
    st.tuples(st.just("settle"), PICK),
    st.tuples(st.just("undo"), PICK),
    st.tuples(st.just("back"), PICK),
    st.tuples(st.just("transfer"), CARD, POINTS),
    st.tuples(st.just("merge"), CARD),
    st.tuples(st.just("unmerge")),
    st.tuples(st.just("again"), PICK),
    st.tuples(st.just("block"), CARD),
    st.tuples(st.just("job"), st.integers(0, 2)),
    st.tuples(st.just("job"), st.just(1)),
    st.tuples(st.just("wait"), st.sampled_from([1, 12, 30 * 24, 29 * 24])),
    st.tuples(st.just("wait"), st.sampled_from([1, 3, 24, 20 * 24])),
)


class Chain:
    """The same commands to a ledger whose jobs run and to one where none ever does."""

    def __init__(self, clock, with_jobs, without):
        self.clock, self.both, self.jobs_run = clock, (with_jobs, without), 0
        self.allowed, self.bought, self.paid, self.holds, self.merges = [], [], [], [], []
        self.sent, self.short, self.refused = [], 0, set()
        self.members = []
        for card in CARDS:
            said = [ledger.enrol(card).stream for ledger in self.both]
            assert said[0] == said[1]
            self.members.append(said[0])

    def do(self, number, step):
        kind, *rest = step
        command = getattr(self, kind)(f"n{number}", *rest)
        if command is None:
            return
        self.sent.append(command)
        self.tell(command)

    def tell(self, command):
        """Both answer alike, and afterwards both have what they should."""
        said = [self.answer(command, ledger, place) for place, ledger in enumerate(self.both)]
        assert said[0] == said[1]
        self.alike()

    def answer(self, command, ledger, place):
        try:
            event = ledger.event(command(ledger, place))
        except LedgerError as refusal:
            self.refused.add(refusal.code)
            return refusal.code, refusal.detail
        owed = getattr(event, "arrears", 0)
        self.short += owed
        return type(event), owed, getattr(event, "value_minor", 0)

    def alike(self):
        """The same balances at any instant, and no point made or lost."""
        now = self.clock.now
        instants = (now - 30 * DAY, now - DAY, now, now + DAY, now + 40 * DAY)
        said = []
        for ledger in self.both:
            for member in self.members:
                sound(ledger._state(member))
            with ledger.reading() as reader:
                said.append([reader.balance(m, at) for m in self.members for at in instants])
        assert said[0] == said[1]

    # what can happen

    def buy(self, name, card, points):
        made = receipt(card=card, amount=points * 100, at=self.clock.now, number=name)
        self.bought.append(made)
        return lambda ledger, _: ledger.record(made)

    def allow(self, name, card, points, hours):
        tokens, at = [None, None], self.clock.now

        def command(ledger, place):
            made = ledger.issue_allowance(card, points, name, hours=hours)
            if tokens[0] is None and place == 0:
                self.allowed.append((card, tokens, at))
            tokens[place] = made.token
            return made.outcome

        return command

    def burn(self, name, index, points, hours):
        """Captured some hours after the issue, told whenever it comes to it."""
        if not self.allowed:
            return None
        card, tokens, at = self.allowed[-1 - index % len(self.allowed)]
        self.paid.append(name)
        captured = min(at + hours * HOUR, self.clock.now)
        return lambda ledger, place: ledger.redeem_offline(
            card, points, name, tokens[place], captured
        )

    def redeem(self, name, card, points):
        self.paid.append(name)
        return lambda ledger, _: ledger.redeem(card, name, points=points)

    def drain(self, name, card):
        """Spend online all that is there."""
        return self.redeem(name, card, self.both[0].balance(card).available)

    def hold(self, name, card, points):
        self.holds.append((name, self.clock.now))
        self.paid.append(name)
        return lambda ledger, _: ledger.hold(card, points, name)

    def settle(self, _, index):
        if not self.holds:
            return None
        name, at = self.holds[index % len(self.holds)]
        return lambda ledger, _: ledger.settle(name, captured_at=at)

    def undo(self, _, index):
        if not self.paid:
            return None
        name = self.paid[-1 - index % len(self.paid)]
        return lambda ledger, _: ledger.undo_redemption(name, "mistake", "Ada")

    def back(self, name, index):
        if not self.bought:
            return None
        of = key(self.bought[index % len(self.bought)])
        return lambda ledger, _: ledger.return_goods(of, name)

    def transfer(self, name, card, points):
        return lambda ledger, _: ledger.transfer(card, other(card), points, name)

    def merge(self, name, card):
        self.merges.append(name)
        return lambda ledger, _: ledger.merge(card, other(card), "test", "Ada", name)

    def unmerge(self, name):
        made = self.merges.pop() if self.merges else name
        return lambda ledger, _: ledger.unmerge(made, "Ada", name)

    def block(self, _, card):
        return lambda ledger, _: ledger.block_card(card, "lost")

    def again(self, _, index):
        return self.sent[-1 - index % len(self.sent)] if self.sent else None

    def wait(self, _, hours):
        self.clock.now += hours * HOUR
        self.alike()

    def job(self, _, which):
        ledger, now = self.both[0], self.clock.now
        for member in self.members:
            if which == 0:
                ledger.expire_holds(member)
            elif which == 1:
                self.jobs_run += not ledger.record_expiry(member, now).repeat
            else:
                ledger.record_activation(member, now)
        self.alike()


def sound(m):
    """Law 3 in a member's state, where `lapsed` is what expired and is in no lot any more."""
    came = m.earned + m.adjusted_in + m.transferred_in + m.restored + m.reinstated + m.arrears
    kept = sum(lot.points for lot in m.lots) + sum(t.points for h in m.holds for t in h.takes)
    went = m.redeemed + m.reversed + m.adjusted_out + m.transferred_out + m.lapsed + m.in_review
    assert came == kept + went
    assert min(m.arrears, m.lapsed, m.expired) >= 0
    assert all(lot.points > 0 for lot in (*m.lots, *m.written))


def other(card):
    return CARDS[1 - CARDS.index(card)]


def play(clock, ledgers, steps):
    clock.now = NOW
    chain = Chain(clock, *ledgers)
    for number, step in enumerate(steps):
        chain.do(number, step)
    for ledger in ledgers:
        for member in chain.members:
            conserved(ledger, member.hex())
        assert ledger.verify().findings == []
    return chain


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(STEPS, min_size=8, max_size=30))
def test_no_order_loses_a_point_and_no_job_changes_an_answer(fresh_ledger, steps):
    clock = Clock()
    with (
        fresh_ledger("sqlite", clock, TEXT) as one,
        fresh_ledger("sqlite", clock, TEXT) as two,
    ):
        play(clock, (one, two), steps)


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_some_long_orders_on_both_stores(fresh_ledger, store, seed):
    """Each comes across shortfalls, expiries that were recorded and undone, and most refusals."""
    clock = Clock()
    with (
        fresh_ledger(store, clock, TEXT) as one,
        fresh_ledger(store, clock, TEXT) as two,
    ):
        chain = play(clock, (one, two), shuffled(seed))
        assert chain.short
        assert chain.jobs_run
        assert {"allowance-spent", "allowance-over", "allowance-limit"} <= chain.refused
        with one.reading() as reader:
            table = reader.name(FCT_OFFLINE_BURN)
            ((undone,),) = reader.rows(f"SELECT sum(unexpired) FROM {table}", ())
        assert undone


def shuffled(seed):
    """Stories of offline tills, with anything else between their steps."""
    rng = random.Random(seed)
    between = [
        ("buy", "c", "p"), ("allow", "c", "p", "h"), ("burn", "i", "p", "h"), ("redeem", "c", "p"),
        ("hold", "c", "p"), ("settle", "i"), ("undo", "i"), ("back", "i"), ("again", "i"),
        ("transfer", "c", "p"), ("merge", "c"), ("unmerge",), ("job", "j"), ("wait", "w"),
    ]  # fmt: skip
    draw = {
        "c": lambda: rng.choice(CARDS), "p": lambda: rng.randint(1, 40),
        "h": lambda: rng.randint(1, 48), "i": lambda: rng.randrange(8),
        "w": lambda: rng.choice([1, 6, 24]), "j": lambda: rng.randrange(4),
    }  # fmt: skip
    for story in [SPENT_TWICE, EXPIRED, SPENT_TWICE, EXPIRED]:
        card = rng.choice(CARDS)
        for kind, *rest in story:
            yield (kind, *(card if one == "c" else one for one in rest))
            for _ in range(rng.randrange(4)):
                other_kind, *asked = rng.choice(between)
                yield (other_kind, *(draw[one]() for one in asked))


SPENT_TWICE = [
    ("buy", "c", 40), ("wait", 48), ("allow", "c", 20, 2), ("wait", 1), ("drain", "c"),
    ("wait", 24), ("burn", 0, 15, 1), ("burn", 0, 15, 1), ("burn", 0, 1, 2), ("buy", "c", 10),
]  # fmt: skip
EXPIRED = [
    ("buy", "c", 30), ("wait", 29 * 24), ("buy", "c", 30), ("wait", 36), ("allow", "c", 38, 48),
    ("wait", 4 * 24), ("job", 1), ("burn", 0, 35, 1), ("job", 1), ("burn", 0, 3, 2),
    ("burn", 0, 1, 2), ("allow", "c", 60, 1), ("allow", "c", 1, 1),
]  # fmt: skip
