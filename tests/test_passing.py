"""Time takes effect by itself: whether and when a job records it changes no answer."""

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.errors import LedgerError
from tests.shop import DAY, NOW, conserved, key, receipt

HOUR = 3_600
_names = itertools.count()

amounts, which = st.integers(1, 12), st.integers(0, 3)
waits = st.sampled_from([0, 0, 1, HOUR, 7 * HOUR, DAY, 2 * DAY, 4 * DAY])
holding = st.tuples(st.just("hold"), amounts, st.sampled_from([60, 1_500, 10_080]))
settling = st.tuples(
    st.just("settle"), which, st.sampled_from([0, 0, 1, 5]), st.sampled_from([0, 0, 1, 4])
)
steps = st.one_of(
    st.tuples(st.just("buy"), amounts, st.sampled_from([0, 0, 1, 3])),
    st.tuples(st.just("redeem"), amounts),
    st.tuples(st.just("adjust"), st.integers(-6, 12).filter(bool)),
    holding,
    holding,
    settling,
    settling,
    st.tuples(st.just("release"), which),
    st.tuples(st.just("return"), which),
    st.tuples(st.just("void"), which),
    st.tuples(st.just("undo"), which),
)
jobs = st.lists(st.sampled_from(["expiry", "activation", "holds"]), max_size=3)


class Shopper:
    """One member of one ledger, who does what a history says."""

    def __init__(self, ledger, name):
        self.ledger, self.card = ledger, name
        self.bought, self.holds, self.paid, self.returned = [], [], [], []
        self.count = 0
        ledger.enrol(name)
        self.stream = ledger.member_of(name)

    def job(self, what, now):
        if what == "expiry":
            self.ledger.record_expiry(self.stream, now)
        elif what == "activation":
            self.ledger.record_activation(self.stream, now)
        else:
            self.ledger.expire_holds(self.stream)

    def step(self, what, *arguments, now):
        """What the ledger answered: nothing, or why not."""
        self.count += 1
        try:
            getattr(self, f"_{what}")(f"{self.card} {self.count}", now, *arguments)
        except LedgerError as refusal:
            return str(refusal)
        return "done"

    def _buy(self, _, now, points, days_late):
        made = receipt(
            card=self.card, amount=points * 100, at=now - days_late * DAY,
            number=f"{self.card} {self.count}",
        )  # fmt: skip
        self.bought.append(made)
        self.ledger.record(made)

    def _redeem(self, name, _, points):
        self.paid.append(name)
        self.ledger.redeem(self.card, name, points=points)

    def _adjust(self, name, _, points):
        self.ledger.adjust(self.card, points, "why", "Ada", name)

    def _hold(self, name, now, points, minutes):
        self.ledger.hold(self.card, points, name, minutes=minutes)
        self.holds.append((name, now))

    def _settle(self, _, now, which, points, quarters):
        name, since = self._one(self.holds, which)
        self.ledger.settle(name, points, captured_at=since + (now - since) * quarters // 4)
        self.paid.append(name)

    def _release(self, _, __, which):
        self.ledger.release(self._one(self.holds, which)[0])

    def _return(self, name, _, which):
        of = self._one(self.bought, which)
        self.ledger.return_goods(key(of), name)
        self.returned.append((of, name))

    def _void(self, name, _, which):
        of, by = self._one(self.returned, which)
        self.ledger.void_return(key(of), by, name)

    def _undo(self, _, __, which):
        self.ledger.undo_redemption(self._one(self.paid, which), "why", "Ada")

    def _one(self, things, which):
        if not things:
            raise LedgerError
        return things[which % len(things)]


@pytest.mark.parametrize("slides", ["false", "true"])
@given(data=st.data())
@settings(
    deadline=None, max_examples=40, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
def test_recording_what_time_did_changes_no_answer(pair_of, clock, slides, data):
    lazy, busy = pair_of(slides)
    n = next(_names)
    clock.now = NOW + n % 200 * 100 * DAY
    size = data.draw(st.integers(1, 14), "size")
    history = data.draw(
        st.lists(st.tuples(waits, steps, jobs), min_size=size, max_size=size), "history"
    )
    one, two = (Shopper(ledger, f"card {n}") for ledger in (lazy, busy))
    seen = [clock.now]
    for wait, (what, *arguments), recorded in [(0, ("adjust", 20), []), *history]:
        clock.now += wait
        for job in recorded:
            two.job(job, clock.now)
        answers = [s.step(what, *arguments, now=clock.now) for s in (one, two)]
        assert answers[0] == answers[1]
        asked = receipt(card=one.card, at=clock.now)
        assert lazy.quote(asked) == busy.quote(asked)
        seen.append(clock.now)
    for at in (*seen, clock.now + DAY, clock.now + 9 * DAY):
        assert lazy.balance(one.card, at) == busy.balance(two.card, at), at
    conserved(lazy, one.card)
    conserved(busy, two.card)


@pytest.fixture
def pair_of(ledger_under):
    """Two ledgers alike, made once: points wait a day and last five, holds up to a week."""
    made = {}

    def make(slides):
        if slides not in made:
            more = "[lots]\npending_days = 1\n[redeem]\nhold_minutes = 10080\n"
            unit = f'unit = "days"\nslides = {slides}'
            made[slides] = [ledger_under(more, after="after = 5", round_to=unit) for _ in "ab"]
        return made[slides]

    yield make
    for pair in made.values():
        for ledger in pair:
            assert ledger.verify().clean
