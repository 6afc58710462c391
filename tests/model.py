"""A shop that does at random what members, tills, desks and jobs do, and looks after each step.

Every command goes to the ledger and to an oracle, and both must say the same: done, a repeat,
or which refusal. What is random comes from a chooser, so Hypothesis and the soak share this.
`MODELS` says which acts and programmes go with which oracle.
"""

import datetime as dt
import hashlib
from collections import Counter
from typing import NamedTuple

from ledger.application import LoyaltyLedger
from ledger.audit.members import Live, check_conservation
from ledger.commands.common import Outcome
from ledger.errors import LedgerError
from ledger.types import Line, LineRef, Personal, Receipt, ReceiptKey, Tender, day_of
from tests.oracle import Oracle
from tests.oracle_more import FullOracle
from tests.shop import conserved

DAY, MINUTE, PAGE = 86_400, 60, 1_000
CARDS = [f"c{n}" for n in range(6)]
PRODUCTS = ("milk", "milk", "bread", "wine", "stamps")


class Chosen:
    """Choices by a seeded generator; Hypothesis has its own in `test_model`."""

    def __init__(self, random):
        self.random = random

    def pick(self, things):
        return self.random.choice(things)

    def number(self, low, high):
        return self.random.randint(low, high)


class Shop:
    """One ledger, one oracle, and everything that happened between them."""

    def __init__(self, ledger, clock, programme, oracle):
        self.ledger, self.clock = ledger, clock
        self.oracle = oracle(programme)
        self.full = oracle is FullOracle
        self.history = []  # (name, args, kwargs, outcome) of what was done
        self.receipts, self.unsold, self.backs = [], [], []
        self.redemptions, self.vouchers, self.holds, self.complaints = [], [], [], []
        self.count, self.loud = 0, False
        self.tally = {"done": 0, "repeat": 0, "refused": 0}
        self.said = Counter()
        self.head, self.stored = 0, hashlib.sha256()
        self.balances, self.looked = {}, None
        self._remember()
        for n in range(2):
            self.do("enrol", CARDS[n], "" if self.full else "Ann")
            self.do("adjust", CARDS[n], 200, "start", "Ada", self.name("a"))

    # --- one command, both ways -----------------------------------------------------------

    def do(self, name, *args, **kwargs):
        """Give a command to both; what they say."""
        if self.loud:
            print(self.clock(), name, args, kwargs)
        told = self.oracle.do(self.clock(), name, *args, **kwargs)
        try:
            outcome = self._call(name, *args, **kwargs)
            said = "repeat" if outcome.repeat else "done"
        except LedgerError as no:
            outcome, said = None, type(no).__name__
        head = self.ledger.log.head()
        assert said == told, f"{name}: the ledger says {said}, the oracle {told}: {args} {kwargs}"
        assert (head > self.head) == (said == "done"), f"{name} says {said}"
        if said == "done":
            self.history.append((name, args, kwargs, outcome))
            self._remember()
        self.tally[said if said in self.tally else "refused"] += 1
        self.said[name, said] += 1
        return said, outcome

    def _call(self, name, *args, **kwargs):
        ledger = self.ledger
        if name == "enrol":
            return ledger.enrol(args[0], Personal(name=args[1]))
        if name == "link_card" and kwargs.get("replace"):
            return ledger.replace_card(*args)
        if name == "link_card":
            return ledger.link_card(*args)
        if name == "block_card":
            return ledger.block_card(args[0], "lost")
        if name == "use_voucher":
            return ledger.use_voucher(ledger.voucher_code(args[0]), args[1])
        if name == "resolve_complaint":
            return ledger.resolve_complaint(args[0], ledger.complaint_id(args[1]), *args[2:])
        if name == "return_without_receipt":
            return ledger.return_without_receipt(*args[:4], product=args[4].product)
        return getattr(ledger, name)(*args, **kwargs)

    def _remember(self):
        """Take the new rows of the log into the digest of all that is stored."""
        self.head = self._digest(self.stored, self.head)

    def _digest(self, digest, after):
        rows = [()] * PAGE
        while len(rows) == PAGE:
            rows = self.ledger.log.page(after, PAGE)
            for row in rows:
                digest.update(
                    repr(tuple(bytes(v) if isinstance(v, memoryview) else v for v in row)).encode()
                )
            after = rows[-1][0] if rows else after
        return after

    # --- what must always hold ------------------------------------------------------------

    def look(self, choose):
        """Whoever changed now, somebody else later: points and tier; and law 3 for everybody."""
        now = self.clock()
        if (now, self.head) == self.looked:
            return  # nothing was recorded and no time has passed
        self.looked = (now, self.head)
        told = {m: self.oracle.balance(m, now) for m in self.oracle.facts.members}
        other = choose.pick(sorted(told))
        later = now + choose.pick((0, 1, 16 * MINUTE, DAY, 10 * DAY, 40 * DAY, 400 * DAY))
        changed = [m for m, balance in told.items() if balance != self.balances.get(m)]
        for member, at in (*((m, now) for m in changed), (other, later)):
            self.look_before_reports(member, at)
        with self.ledger.reading() as reader:
            for member in told:
                self.conserved(member)
            for member in changed:
                self.look_at(reader, member, now)
            self.look_at(reader, other, later)
            places = Live(reader._reports, reader.cursor, reader._place, 0)
            assert not list(check_conservation(places))
        self.balances = told

    def conserved(self, member):
        """Law 3 in the state that the next decision will see, and its lots."""
        m = self.ledger._writer._working.known(self.ledger.keys.member(member))
        if m is None:
            return
        held = sum(take.points for hold in m.holds for take in hold.takes)
        came = m.earned + m.adjusted_in + m.restored + m.reinstated + m.arrears
        went = m.lapsed + m.redeemed + m.reversed + m.adjusted_out
        assert came == sum(lot.points for lot in m.lots) + held + went
        assert all(lot.points > 0 for lot in m.lots)
        assert m.arrears >= 0
        now = self.clock()
        lots = {(x.expires_at, x.activates_at, x.origin): x.points for x in m.lots}
        lots = {lot: n for lot, n in lots.items() if lot[0] > now}
        told = +self.oracle.facts.members[member].lots
        told = {lot: n for lot, n in told.items() if lot.end > now}
        assert lots == told, f"{member}: {lots}, the oracle {told}"

    def look_before_reports(self, member, at):
        """The reports lack what was done last: the balance is told from them and the log."""
        said = self.ledger.balance(self.ledger.keys.member(member).hex(), at)[:5]
        told = self.oracle.balance(member, at)
        assert said == told, f"{member} in {at - self.clock()} s: {said} by the log, {told}"

    def look_at(self, reader, member, at):
        stream = self.ledger.keys.member(member)
        said = (*reader.balance(stream, at)[:5], self.ledger.tier(reader, stream, at))
        told = (*self.oracle.balance(member, at), self.oracle.tier(member, at))
        assert said == told, f"{member} in {at - self.clock()} s: {said}, the oracle {told}"

    def finish(self):
        """Laws 8 and 9: nothing stored was rewritten, and all that is derived comes out again."""
        again = hashlib.sha256()
        assert self._digest(again, 0) == self.head
        assert again.digest() == self.stored.digest()
        for member in self.oracle.facts.members:
            conserved(self.ledger, member)
        before = self.ledger.digests()
        verdict = self.ledger.verify()
        assert verdict.clean, verdict.findings
        self.ledger.rebuild()
        assert self.ledger.digests() == before
        self.others_see_the_same(LoyaltyLedger(self.ledger.log, self.clock))

    def others_see_the_same(self, other):
        """Another door on the log, as another process has it: nothing is cached there."""
        with other.reading() as reader:
            for member in self.oracle.facts.members:
                self.look_at(reader, member, self.clock())
        for member in self.oracle.facts.members:
            stream = self.ledger.keys.member(member)
            cached = self.ledger._writer._working.known(stream)
            assert cached is None or cached == other._state(stream)

    # --- what is random -------------------------------------------------------------------

    def name(self, kind):
        self.count += 1
        return f"{kind}{self.count}"

    def maybe(self, choose, percent):
        return choose.number(1, 100) > 100 - percent

    def card(self, choose):
        """Mostly a card that somebody holds."""
        cards = self.oracle.facts.cards
        held = [c for c, known in cards.items() if known.owner and not known.stopped]
        return choose.pick(held) if held and not self.maybe(choose, 6) else choose.pick(CARDS)

    def purse(self, choose):
        """A card, and how many points can be used with it."""
        card = self.card(choose)
        known = self.oracle.facts.cards.get(card)
        there = self.oracle.balance(known.owner, self.clock())[0] if known and known.owner else 0
        return card, there

    def basket(self, choose, card, lines=None, ago=None):
        if ago is None:
            ago = choose.pick((0, 0, 0, 0, 60, 3600, DAY, 3 * DAY, 12 * DAY, 40 * DAY))
        captured = dt.datetime.fromtimestamp(
            self.clock() - ago, dt.timezone(dt.timedelta(hours=choose.pick((0, 1, 1, 2))))
        )
        return Receipt(
            store="s1", lane="1", business_date=captured.date(), number=self.name("n"),
            captured_at=captured, currency="EUR", card=card,
            lines=tuple(lines or (self.line(choose) for _ in range(choose.number(1, 3)))),
            tenders=self.tenders(choose),
        )  # fmt: skip

    def line(self, choose):
        return Line(
            choose.pick(PRODUCTS), choose.number(1, 3), choose.number(0, 40) * 77,
            kind=choose.pick(("sale", "sale", "sale", "deposit")), voided=self.maybe(choose, 6),
        )  # fmt: skip

    def tenders(self, choose):
        if not self.full or not self.redemptions or not self.maybe(choose, 40):
            return ()
        return (Tender("points", 100, choose.pick(self.redemptions)),)

    def key(self, receipt):
        return ReceiptKey(
            receipt.store, receipt.lane, day_of(receipt.business_date), receipt.number
        )

    def record(self, receipt, **how):
        said, _ = self.do("record", receipt, **how)
        if said == "done" and receipt not in self.receipts:
            self.receipts.append(receipt)
        return said

    # --- acts -----------------------------------------------------------------------------

    def enrol(self, choose):
        names = ("", "", "Ann") if self.full else ("Ann", "Ann", "Bea")
        self.do("enrol", choose.pick(CARDS), choose.pick(names))

    def buy(self, choose):
        self.record(self.basket(choose, self.card(choose), ago=0))

    def buy_somehow(self, choose):
        card = choose.pick((self.card(choose), choose.pick(CARDS), None))
        receipt = self.basket(choose, card)
        if self.full:
            self.record(receipt, enrol=bool(card) and self.maybe(choose, 10))
        else:
            self.record(receipt)

    def buy_wrongly(self, choose):
        receipt = self.basket(choose, self.card(choose), ago=choose.pick((0, -301, -4000)))
        if self.maybe(choose, 30):
            receipt = _with(receipt, currency="USD")
        self.do("record", receipt) if receipt.currency == "USD" else self.record(receipt)

    def send_again(self, choose):
        """With another card, or with other content."""
        if not self.receipts:
            return
        receipt = choose.pick(self.receipts)
        if self.maybe(choose, 30):
            receipt = (
                _with(receipt, cashier="Eve")
                if self.maybe(choose, 50)
                else _with(receipt, lines=(*receipt.lines, self.line(choose)))
            )
        self.do("record", _with(receipt, card=choose.pick((None, receipt.card, self.card(choose)))))

    def bring_back(self, choose):
        """Goods on a receipt of their own, with or without other goods, known or not yet."""
        if not self.full and not self.receipts:
            return
        first = (self.full and self.maybe(choose, 20)) or not self.receipts
        if first:
            sale = self.basket(choose, self.card(choose))
            self.unsold.append(sale)
        else:
            sale = choose.pick(self.receipts[-8:])
        lines = [self.back(choose, sale) for _ in range(choose.number(1, 2))]
        lines += [self.line(choose) for _ in range(choose.number(0, 1))]
        receipt = self.basket(
            choose, choose.pick((self.card(choose), sale.card, None)), lines, ago=0
        )
        if self.record(receipt) == "done":
            self.backs.append((self.key(sale), self.key(receipt)))

    def back(self, choose, sale):
        index = choose.number(1, len(sale.lines))
        if sale.lines[index - 1].quantity < 0 or sale.lines[index - 1].voided:
            index = 1
        of = sale.lines[index - 1]
        n = choose.number(1, max(1, abs(of.quantity)))
        ref = LineRef(sale.store, sale.lane, sale.business_date, sale.number, index)
        return Line(of.product, -n, -(abs(of.amount_minor) * n // abs(of.quantity)), return_of=ref)

    def sell_what_came_back(self, choose):
        if self.unsold:
            self.record(self.unsold.pop(choose.number(0, len(self.unsold) - 1)))

    def return_goods(self, choose):
        sale = self.some_receipt(choose)
        lines = choose.pick((None, {1: 1}, {choose.number(1, 3): choose.number(1, 3)}))
        name = self.name("b")
        said, _ = self.do("return_goods", self.key(sale), name, lines)
        if said == "done":
            self.backs.append((self.key(sale), name))

    def some_receipt(self, choose):
        known = self.receipts[-5:] + self.unsold[-1:]
        return (
            choose.pick(known) if known and not self.maybe(choose, 4) else self.basket(choose, None)
        )

    def return_without_receipt(self, choose):
        amount = choose.number(0, 30) * 77
        line = Line(choose.pick(PRODUCTS), -1, -amount, kind="return")
        author = "" if self.maybe(choose, 5) else "Ada"
        self.do("return_without_receipt", self.card(choose), amount, author, self.name("l"), line)

    def loose_line(self, choose):
        loose = Line(choose.pick(PRODUCTS), -1, -choose.number(0, 30) * 77, kind="return")
        self.record(self.basket(choose, self.card(choose), [self.line(choose), loose]))

    def void_return(self, choose):
        if self.backs:
            receipt, by = choose.pick(self.backs[-4:])
            by = "unknown" if self.maybe(choose, 5) else by
            self.do("void_return", receipt, by, self.name("v"))

    def redeem(self, choose):
        card, there = self.purse(choose)
        how = {"points": self.some_points(choose, there)}
        if self.maybe(choose, 25):
            odd = ({"points": 3}, {"points": 0})
            gifts = ({"gift": "mug"}, {"gift": "car"})
            how = choose.pick((*gifts, *odd, {"points": 5, "gift": "mug"}) if self.full else odd)
        self.pay(card, how)

    def some_points(self, choose, there):
        """In steps; often all that is there, seldom more."""
        most = there // 5
        return 5 * choose.pick(
            (most, most + 1, choose.number(1, max(1, most)), choose.number(2, 8))
        )

    def spend_all(self, choose):
        """So that what comes back finds nothing to take."""
        card, there = self.purse(choose)
        if there >= 10:
            self.pay(card, {"points": there // 5 * 5})

    def redeem_voucher(self, choose):
        self.pay(self.card(choose), {"voucher": "five"})

    def pay(self, card, how):
        name = self.name("r")
        if self.do("redeem", card, name, **how)[0] == "done":
            self.redemptions.append(name)
            if "voucher" in how:
                self.vouchers.append(name)

    def some_redemption(self, choose):
        known = self.redemptions[-6:] + self.holds[-1:]
        return choose.pick(known) if known and not self.maybe(choose, 5) else "nothing"

    def use_voucher(self, choose):
        if not self.vouchers:
            self.redeem_voucher(choose)
        known = self.vouchers[-3:] if self.vouchers else ["none"]
        self.do(
            "use_voucher",
            choose.pick((*known, *known, self.some_redemption(choose))),
            self.name("u"),
        )

    def undo_redemption(self, choose):
        author = "" if self.maybe(choose, 5) else "Ada"
        self.do("undo_redemption", self.some_redemption(choose), "wrong", author)

    def hold(self, choose):
        name = self.name("h")
        minutes = (
            choose.pick((0, 0, 1, 5, 20, 60)) if self.maybe(choose, 90) else choose.pick((-1, 61))
        )
        card, there = self.purse(choose)
        points = 3 if self.maybe(choose, 5) else self.some_points(choose, there)
        if self.do("hold", card, points, name, minutes=minutes)[0] == "done":
            self.holds.append(name)

    def some_hold(self, choose):
        if not self.holds:
            self.hold(choose)
        return choose.pick(self.holds[-3:]) if self.holds and not self.maybe(choose, 4) else "none"

    def settle(self, choose):
        name = self.some_hold(choose)
        at = choose.pick((None, None, 0, 60, 3600, 5 * DAY, 40 * DAY))
        known = self.oracle.facts.ids.get(("hold", name))
        captured = None if at is None else self.clock() - at
        if known and self.maybe(choose, 40):
            captured = known.ends - choose.pick((1, 0, 30))
        points = choose.pick((0, 0, 0, 10, 15, 20, 10, 50, 3, -5))
        said, _ = self.do("settle", name, points, captured_at=captured)
        if said == "done":
            self.redemptions.append(name)

    def release(self, choose):
        self.do("release", self.some_hold(choose))

    def adjust(self, choose):
        points = choose.pick(
            (50, 100, 5 * choose.number(1, 20), -choose.number(1, 40), -choose.number(1, 40), 0)
        )
        author = "" if self.maybe(choose, 4) else "Ada"
        self.do("adjust", self.card(choose), points, "sorry", author, self.name("a"))

    def link_card(self, choose):
        new = choose.pick(CARDS)
        self.do(
            "link_card",
            self.card(choose),
            new,
            **({"replace": True} if self.maybe(choose, 40) else {}),
        )

    def block_card(self, choose):
        if self.maybe(choose, 30):
            self.do("block_card", self.card(choose))

    def attribute(self, choose):
        self.do("attribute", self.key(self.some_receipt(choose)), self.card(choose))

    def complain(self, choose):
        sale = self.some_receipt(choose)
        card = sale.card if sale.card and self.maybe(choose, 80) else self.card(choose)
        name = self.name("k")
        reason = "" if self.maybe(choose, 4) else "mouldy"
        said, _ = self.do(
            "open_complaint", card, self.key(sale), choose.number(1, 3), reason, "Ada", name
        )
        if said == "done":
            self.complaints.append((card, name))

    def resolve(self, choose):
        if self.complaints:
            card, name = choose.pick(self.complaints)
            card = self.card(choose) if self.maybe(choose, 10) else card
            points = choose.pick((0, 20, 50, 51, -1))
            self.do("resolve_complaint", card, name, "sorry", points, "Ada", self.name("m"))

    def wait(self, choose):
        """Time passes: within a hold, to a midnight, or over an expiry."""
        steps = (
            600,
            3600,
            9 * 3600,
            DAY,
            DAY,
            2 * DAY,
            2 * DAY,
            5 * DAY,
            6 * DAY,
            11 * DAY,
            11 * DAY,
            35 * DAY,
            100 * DAY,
            400 * DAY,
        )
        self.clock.now += choose.pick(steps)

    def wait_until(self, choose):
        """To the second at which points begin or end, or a hold does, or the one before."""
        members = self.oracle.facts.members.values()
        instants = {t for m in members for lot in +m.lots for t in (lot.start, lot.end)}
        instants |= {hold.ends for m in members for hold in m.holds}
        ahead = sorted(t for t in instants if t > self.clock())[:4]
        if ahead:
            self.clock.now = max(self.clock(), choose.pick(ahead) - choose.pick((0, 0, 1)))

    def wait_a_little(self, choose):
        self.clock.now += choose.pick((60, 300, 15 * 60, 3 * 3600))

    def run_jobs(self, choose):
        """All that is due, or one of their acts for one member; no answer changes."""
        ledger, now = self.ledger, self.clock()
        members = sorted(self.oracle.facts.members)
        act = choose.pick(("all", "expiry", "expiry", "activation", "holds"))
        if act == "all" or not members:
            ran = ledger.jobs.run()
            assert not ran.failed, ran.failed
        else:
            stream = ledger.keys.member(choose.pick(members))
            until = now + choose.pick((0, 0, -DAY, 10 * DAY))
            if act == "holds":
                ledger.expire_holds(stream)
            else:
                getattr(ledger, f"record_{act}")(stream, until)
        for name in self.holds:
            state = ledger._state(ledger.keys.command("hold", name))
            told = self.oracle.facts.ids["hold", name]
            if state.hold == 3 and told.how == "open":
                assert told.ends <= now
                self.oracle.do(now, "present", self.oracle.facts.members[told.member])
        self._remember()

    def repeat(self, choose):
        """Anything that was done: the same outcome, nothing recorded."""
        if not self.history:
            return
        name, args, kwargs, first = choose.pick(self.history[-30:])
        said, again = self.do(name, *args, **kwargs)
        if said == "repeat" and name not in LOOSE:
            assert again == Outcome(first.stream, first.version, repeat=True)

    def alter(self, choose):
        """Other content under the id of an earlier command."""
        known = [h for h in self.history[-30:] if h[0] in ALTERED]
        if known:
            name, args, kwargs, _ = choose.pick(known)
            place, other = ALTERED[name]
            args = (*args[:place], other, *args[place + 1 :])
            self.do(name, *args, **kwargs)


ALTERED = {
    "enrol": (1, "Bob"), "adjust": (1, 7), "hold": (1, 15), "return_goods": (2, {2: 2}),
    "return_without_receipt": (1, 1), "void_return": (1, "other"), "resolve_complaint": (3, 7),
    "open_complaint": (3, "stale"),
}  # fmt: skip
LOOSE = {"enrol", "record", "link_card", "block_card", "undo_redemption", "attribute"}
"""A repeat of these says where the outcome lies now; of a card first known by itself, its enrolment."""
ACTS = (
    "enrol", "enrol", "buy", "buy", "buy", "buy_somehow", "buy_wrongly", "send_again", "bring_back",
    "bring_back", "sell_what_came_back", "return_goods", "return_goods", "return_without_receipt",
    "loose_line", "void_return", "void_return", "redeem", "redeem", "redeem_voucher", "use_voucher",
    "undo_redemption", "hold", "settle", "settle", "settle", "release", "adjust", "adjust",
    "link_card", "block_card", "attribute", "complain", "resolve", "spend_all", "spend_all", "wait",
    "wait", "wait_until", "wait_until", "wait_a_little", "run_jobs", "repeat", "repeat", "alter",
)  # fmt: skip
CORE_ACTS = (
    "enrol", "enrol", "buy", "buy", "buy", "buy_somehow", "buy_somehow", "buy_wrongly", "send_again",
    "send_again", "bring_back", "bring_back", "return_goods", "return_goods", "redeem", "redeem",
    "spend_all", "spend_all", "hold", "hold", "settle", "settle", "settle", "release", "adjust",
    "adjust", "link_card", "block_card", "wait", "wait", "wait_until", "wait_until",
    "wait_a_little", "run_jobs", "repeat", "repeat", "alter",
)  # fmt: skip
"""What a shop does every day; the acts themselves leave out what only the full oracle knows."""


def _with(receipt, **fields):
    return Receipt(**{**{f: getattr(receipt, f) for f in receipt.__struct_fields__}, **fields})


def programme(*, when_spent, pending_days, expiry):
    return f"""
name = "model"
currency = "EUR"
time_zone = "Europe/Berlin"
late_scan_days = 10
[earn]
points = 1
per_minor = 100
excluded_products = ["stamps"]
[lots]
pending_days = {pending_days}
[lots.expiry]
{expiry}
[redeem]
hold_minutes = 60
[redeem.cash]
points = 5
value_minor = 50
step_points = 5
minimum_points = 10
[[redeem.gift]]
code = "mug"
name = "A mug"
points = 30
[[redeem.voucher]]
code = "five"
name = "Five off"
points = 20
value_minor = 500
valid_days = 30
[returns]
when_spent = "{when_spent}"
[tiers]
window_days = 90
keep_days = 30
[[tiers.level]]
name = "basic"
from_points = 0
multiplier_bp = 10000
[[tiers.level]]
name = "silver"
from_points = 60
multiplier_bp = 15000
[[tiers.level]]
name = "gold"
from_points = 120
multiplier_bp = 20000
[complaints]
max_points = 50
"""


PROGRAMMES = {
    "refuse": programme(when_spent="refuse", pending_days=0, expiry='after = 30\nunit = "days"'),
    "take": programme(when_spent="take", pending_days=3, expiry='after = 2\nunit = "months"\nround_to = "month"'),
    "arrears": programme(when_spent="arrears", pending_days=2, expiry='after = 12\nunit = "days"'),
    "slides": programme(when_spent="arrears", pending_days=1, expiry='after = 20\nunit = "days"\nslides = true'),
}  # fmt: skip
CORE_PROGRAMMES = {
    "refuse": PROGRAMMES["refuse"],
    "arrears": PROGRAMMES["arrears"],
    "owes": programme(when_spent="arrears", pending_days=0, expiry='after = 30\nunit = "days"'),
    "lets_go": programme(when_spent="take", pending_days=3, expiry='after = 45\nunit = "days"'),
}


class Model(NamedTuple):
    """What is driven together: an oracle, and the acts and programmes that it knows whole."""

    oracle: type
    acts: tuple[str, ...]
    programmes: dict[str, str]


MODELS = {
    "core": Model(Oracle, CORE_ACTS, CORE_PROGRAMMES),
    "full": Model(FullOracle, ACTS, PROGRAMMES),
}
