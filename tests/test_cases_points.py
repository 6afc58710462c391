"""Cases from the field, points: what users of other systems reported must not happen here."""

import ast
import contextlib
import datetime as dt
import inspect
import itertools
import random
from pathlib import Path

import msgspec
import pytest

from ledger.application import LoyaltyLedger
from ledger.calendar import midnight
from ledger.errors import HoldOver, KeyConflict, LedgerError, PointsShort
from ledger.events import ListedOffer
from ledger.store.keys import MEMBER, POOL, RECEIPT
from ledger.types import Personal, Price, Product, Promotion, Tender, date_of
from tests.campaigns import SOUP, terms
from tests.conftest import PROGRAMME, SECRET
from tests.shop import DAY, NOW, back, conserved, key, line, points_of, receipt, tally

LEDGER = Path(__file__).parent.parent / "ledger"
BERLIN = "Europe/Berlin"
EXPIRY = midnight(20_850, BERLIN)
"""2027-02-01: a year after January, on to the end of the month."""


@pytest.fixture
def reopened(db, clock, request):
    """Closes a ledger and opens it again, as a new process would."""
    opened = []

    def again(ledger):
        ledger.close()
        opened.append(LoyaltyLedger.open(db, clock=clock))
        return opened[-1]

    yield again
    for ledger in opened:
        ledger.close()


def rich(ledger, points=100, card="c1"):
    ledger.enrol(card)
    ledger.adjust(card, points, "start", "Ada", f"start {card}")
    return ledger


# --- 1: any command, any number of times -------------------------------------------------

MORE = """
[[redeem.voucher]]
code = "five"
name = "5 off"
points = 50
value_minor = 500
valid_days = 7
[transfer]
[fraud.receipts_per_card_day]
limit = 8
action = "review"
[[rebate.level]]
share_bp = 1000
tier = "basic"
[rebate]
minor_per_point = 1
[earn.birthday]
gift_points = 30
[redeem.offline]
most_points = 50
"""
BORN = Personal(name="Ada", birthday=dt.date(1990, 1, 10))
INEXACT = {"expire_holds", "record_expiry", "record_activation", "review_tier", "grant_rebate"}
"""What time does has no command id: done again it says where the member stands. Every other repeat
names its first event, however much later it is sent; a receipt that got a member since, its award."""


def every_command(clock):
    """Name, and the act on a ledger, in an order in which each of them succeeds."""
    later, flagged = NOW + 10 * DAY, [receipt(card="c6", amount=100, at=NOW) for _ in range(9)]
    bought, free, sold = (receipt(amount=5_000, card=card) for card in ("c1", None, "c1"))
    leaving = [receipt(card=card, number=card) for card in ("c8", "c9")]
    complained, first = receipt(card="c1", number="sour"), receipt(card="c2", number="first")

    def one(name, *words, **more):
        return name, lambda ledger: getattr(ledger, name)(*words, **more)

    def of(name, card, *words):
        return name, lambda ledger: getattr(ledger, name)(ledger.member_of(card), *words)

    def complaint(name, *words):
        return name, lambda ledger: getattr(ledger, name)("c1", ledger.complaint_id("o1"), *words)

    def wait(seconds):
        def act(_):
            clock.now = max(clock.now, seconds)

        return "", act

    year_end = midnight(20_820, BERLIN)
    return [
        one("enrol", "c1", Personal(name="Bo"), identity="bo@example.org"),
        one("record", first, enrol=True), one("enrol", "c3"), one("enrol", "c6"), one("enrol", "c7"),
        *(one("record", each, enrol=True) for each in leaving),
        one("complete", "c2", BORN),
        one("change_personal", "c2", BORN, "Ada", "p1"),
        one("link_card", "c1", "c4"), one("replace_card", "c4", "c5"),
        one("set_card_limits", "c5", "Ada", "l1", redeem_limit_day=50),
        one("block_card", "c5", "lost"),
        one("mark_staff_card", "c7", "cashier 7", "Ada"),
        one("publish", PROGRAMME + MORE + "\n", NOW + 1),
        one("record", bought), one("record", sold), one("record", free), one("record", complained),
        one("attribute", key(free), "c2"),
        one("return_goods", key(bought), "b1"), one("void_return", key(bought), "b1", "v1"),
        one("return_without_receipt", "c1", 200, "Ada", "w1"),
        one("adjust", "c1", 200, "start", "Ada", "a1"),
        one("adjust", "c1", -3, "typing error", "Ada", "a2"),
        one("redeem", "c1", "r1", points=10), one("redeem", "c1", "r2", voucher="five"),
        one("stock_gift", "mug", 5, "Ada", "s1"), one("redeem", "c1", "r3", gift="mug"),
        one("undo_redemption", "r1", "cancelled", "Ada"),
        ("use_voucher", lambda ledger: ledger.use_voucher(ledger.voucher_code("r2"), "u1")),
        one("hold", "c1", 10, "h1"), one("settle", "h1", 6),
        one("hold", "c1", 10, "h2"), one("release", "h2"), one("hold", "c1", 10, "h3"),
        ("", lambda ledger: ledger.issue_allowance("c1", 9, "h4").outcome),
        ("redeem_offline", lambda ledger: ledger.redeem_offline("c1", 7, "h5", _token(ledger), NOW)),
        one("open_complaint", "c1", key(complained), 1, "sour", "Ada", "o1"),
        complaint("answer_complaint", "we ask", "Ada", "n1"),
        complaint("resolve_complaint", "sorry", 9, "Ada", "z1"),
        one("grant_tier", "c1", "gold", NOW + 99 * DAY, "loyal", "Ada", "t1"),
        one("transfer", "c1", "c2", 5, "x1"),
        one("describe_product", Product(SOUP, "soup")),
        one("set_price", Price(SOUP, date_of(20_454), 199)),
        one("set_promotion", Promotion(SOUP, "SPRING", date_of(20_454))),
        one("create_campaign", terms(), "Ada"),
        one("change_budget", "soup-24", "Ada", "g1", amount_minor=500),
        one("issue_list", "c1", [ListedOffer("soup-24")], "g2", from_day=20_454, until_day=20_460),
        one("end_campaign", "soup-24", 20_470, "Ada", "g3"),
        one("set_consent", "c1", "Ada", "g4", given=True),
        ("", lambda ledger: ledger.issue_key("Till 1", "till", "Ada", "y1", stores=("s1",)).outcome),
        ("revoke_key", lambda ledger: ledger.revoke_key(_key_id(ledger), "lost", "Ada", "y2")),
        *(one("record", each) for each in flagged),
        one("decide_review", key(flagged[-1]), "a party", "Ada", "d1", approve=True),
        one("merge", "c3", "c1", "twins", "Ada", "m1"), one("unmerge", "m1", "Ada", "m2"),
        wait(later), of("expire_holds", "c1"),
        ("grant_birthday", lambda ledger: ledger.grant_birthday(ledger.member_of("c2").hex(), 2026)),
        wait(year_end), of("grant_rebate", "c1", 2026), one("review_tier", "c1"),
        wait(EXPIRY), of("record_expiry", "c1", EXPIRY), of("record_activation", "c1", EXPIRY),
        one("close_member", "c8", "moved", "Ada", "q1"),
        one("erase_member", "c9", "asked", "Ada", "q2"),
    ]  # fmt: skip


def _token(ledger):
    return ledger.issue_allowance("c1", 9, "h4").token


def _key_id(ledger):
    return ledger.issue_key("Till 1", "till", "Ada", "y1", stores=("s1",)).id


def test_case_01_every_command_any_number_of_times_and_after_a_restart_is_once(new_db, clock):
    db, commands = new_db(), every_command(clock)
    commands_of_the_door = {
        name
        for name, method in inspect.getmembers(LoyaltyLedger, inspect.isfunction)
        if not name.startswith("_")
        and method.__annotations__.get("return") == "Outcome"
        and not inspect.iscoroutinefunction(method)
    }
    commands_of_the_door -= {"fit_offers"}  # it needs a past to learn from: `test_offer_lists`
    assert {name for name, _ in commands} - {""} == commands_of_the_door
    firsts = []
    with LoyaltyLedger.create(db, PROGRAMME + MORE, secret=SECRET, clock=clock) as ledger:
        for name, act in commands:
            first = act(ledger)
            firsts.append(first)
            if not name:
                continue
            head = ledger.log.head()
            for _ in range(2):
                again = act(ledger)
                assert (name, again) == (name, first._replace(repeat=True))
            assert ledger.log.head() == head
        digests = ledger.digests()
    for _ in range(2):
        with LoyaltyLedger.open(db, clock=clock) as ledger:
            for (name, act), first in zip(commands, firsts, strict=True):
                if name:
                    again = act(ledger)
                    assert again.repeat, name
                    given_since = name == "record" and first.stream[0] == RECEIPT != again.stream[0]
                    assert again[:2] == first[:2] or given_since or name in INEXACT, name
            assert (ledger.log.head(), ledger.digests()) == (head, digests)
            assert ledger.verify().clean
            for card in ("c1", "c2", "c3"):
                conserved(ledger, card)


# --- 2: answers that were lost -----------------------------------------------------------


def test_case_02_a_receipt_sent_again_by_another_request_awards_once(ledger, db, clock):
    """A request has no id here: the receipt's own key counts, whoever sends it by whatever way."""
    ledger.enrol("c1")
    bought = receipt(card="c1", amount=4_000)
    first = ledger.record(bought)
    copy = msgspec.json.decode(msgspec.json.encode(bought), type=type(bought))
    assert ledger.record(copy) == first._replace(repeat=True)
    with LoyaltyLedger.open(db, clock=clock) as other:
        assert other.record(copy, enrol=True) == first._replace(repeat=True)
        assert other.record_all([copy, copy], history=True) == [first._replace(repeat=True)] * 2
    with pytest.raises(KeyConflict):
        ledger.record(msgspec.structs.replace(bought, lines=(line(4_100),)))
    assert points_of(ledger, "c1") == 40
    conserved(ledger, "c1")


def test_case_02_a_burn_whose_answer_was_lost_is_found_and_undone(ledger, reopened):
    rich(ledger)
    lost = ledger.redeem("c1", "r1", points=40)
    ledger = reopened(ledger)
    found = ledger.redeem("c1", "r1", points=40)
    assert found == lost._replace(repeat=True)
    assert (ledger.event(found).points, ledger.event(found).value_minor) == (40, 400)
    undone = ledger.undo_redemption("r1", "the answer was lost", "Ada")
    assert not undone.repeat
    ledger = reopened(ledger)
    assert ledger.undo_redemption("r1", "the answer was lost", "Ada").repeat
    assert ledger.redeem("c1", "r1", points=40).repeat  # and burns nothing anew
    assert points_of(ledger, "c1") == 100
    conserved(ledger, "c1")


def test_case_02_a_return_sent_again_under_its_id_is_once(ledger, reopened):
    ledger.enrol("c1")
    bought = receipt(line(1_000, quantity=2), card="c1")
    ledger.record(bought)
    first = ledger.return_goods(key(bought), "b1", {1: 1})
    ledger = reopened(ledger)
    assert ledger.return_goods(key(bought), "b1", {1: 1}) == first._replace(repeat=True)
    assert points_of(ledger, "c1") == 5


# --- 3: returns take back what was awarded -----------------------------------------------


def test_case_03_buy_then_return_a_thousand_times_changes_nothing(ledger):
    rich(ledger)
    before = ledger.balance("c1"), tally(ledger, "c1").lots
    made = []
    for n in range(1_000):
        bought = receipt(line(1_999, quantity=3), line(777, "2"), card="c1", number=f"b{n}")
        made += [bought, receipt(back(bought, quantity=3), back(bought, 2), number=f"r{n}")]
    answers = ledger.record_all(made)
    assert [a for a in answers if isinstance(a, Exception) or a.repeat] == []
    assert tally(ledger, "c1").earned == tally(ledger, "c1").reversed == 27_000
    assert (ledger.balance("c1"), tally(ledger, "c1").lots) == before
    conserved(ledger, "c1")


def test_case_03_a_partial_return_takes_exactly_the_points_of_its_lines(ledger):
    """29.85 earn 29 (floor of the whole): by largest remainder 10, 10 and 9 on the lines."""
    ledger.enrol("c1")
    bought = receipt(line(1_000, "a"), line(995, "b"), line(990, "c"), card="c1")
    award = ledger.event(ledger.record(bought)).award.points
    assert sum(award) == 29
    for number, points in enumerate(award, 1):
        before = points_of(ledger, "c1")
        ledger.return_goods(key(bought), f"b{number}", {number: 1})
        assert before - points_of(ledger, "c1") == points
    assert points_of(ledger, "c1") == 0


@pytest.mark.parametrize("split", [(7,), (1, 6), (6, 1), (2, 3, 2), (1,) * 7])
def test_case_03_any_split_of_returns_sums_to_the_award(ledger, split):
    ledger.enrol("c1")
    bought = receipt(line(1_099, quantity=7), card="c1")
    ledger.record(bought)
    taken = [
        sum(ledger.event(ledger.return_goods(key(bought), f"b{n}", {1: part})).points)
        for n, part in enumerate(split)
    ]
    assert sum(taken) == 10
    assert points_of(ledger, "c1") == 0
    conserved(ledger, "c1")


# --- 4: a return restores, and never burns -----------------------------------------------


def test_case_04_a_return_restores_points_to_their_own_lots_and_never_burns(ledger, clock):
    ledger.enrol("c1")
    ledger.record(receipt(card="c1", amount=3_000))
    clock.now = NOW + 40 * DAY
    ledger.record(receipt(card="c1", amount=3_000, at=clock.now))
    before = tally(ledger, "c1").lots
    assert [lot[3] for lot in before] == [30, 30]
    ledger.redeem("c1", "pay", points=45)
    paid = (Tender("points", 450, "pay"), Tender("cash", 550))
    bought = receipt(line(1_000), card="c1", at=clock.now, tenders=paid)
    earned = sum(ledger.event(ledger.record(bought)).award.points)
    ledger.record(receipt(back(bought), card="c1", at=clock.now))
    sums = tally(ledger, "c1")
    assert sums.lots == before
    assert (sums.redeemed, sums.restored, sums.reversed) == (45, 45, earned)
    topics = [row[3] for row in ledger.log.page(0, 100)]
    assert topics.count("redeemed") + topics.count("redeem") == 1
    conserved(ledger, "c1")
    assert ledger.verify().clean


# --- 5: discounts are burns --------------------------------------------------------------


def test_case_05_the_sum_of_discounts_is_the_sum_of_burns_times_the_rate(ledger):
    chosen, given, burnt = random.Random(5), 0, 0
    rich(ledger, 2_000)
    for n in range(120):
        points = chosen.randint(1, 60)
        before = points_of(ledger, "c1")
        try:
            if n % 3:
                event = ledger.event(ledger.redeem("c1", f"r{n}", points=points))
                taken = points
            else:
                ledger.hold("c1", points, f"h{n}")
                taken = chosen.randint(1, points)
                event = ledger.event(ledger.settle(f"h{n}", taken))
        except PointsShort:
            assert points_of(ledger, "c1") == before
            continue
        given, burnt = given + event.value_minor, burnt + taken
        assert sum(take.points for take in event.takes) == taken
    assert given == 10 * burnt == 10 * tally(ledger, "c1").redeemed
    assert points_of(ledger, "c1") == 2_000 - burnt
    conserved(ledger, "c1")


# --- 6, 7, 8: tiers ----------------------------------------------------------------------


def test_case_06_redeeming_never_lowers_a_tier(ledger, clock):
    ledger.enrol("c1")
    ledger.record(receipt(card="c1", amount=10_000))
    assert ledger.member("c1").tier == "gold"
    for n, points in enumerate((1, 49, 50)):
        clock.now += DAY
        ledger.redeem("c1", f"r{n}", points=points)
        assert ledger.member("c1").tier == "gold"
    assert points_of(ledger, "c1") == 0
    later = receipt(card="c1", amount=1_000, at=clock.now)
    assert sum(ledger.event(ledger.record(later)).award.points) == 20  # gold earns double


@pytest.mark.parametrize(
    ("points", "tier"), [(0, "basic"), (99, "basic"), (100, "gold"), (101, "gold")]
)
def test_case_07_a_tier_begins_exactly_at_its_threshold(ledger, points, tier):
    ledger.enrol("c1")
    if points:
        ledger.record(receipt(card="c1", amount=points * 100 + 99))
    assert ledger.member("c1").tier == tier


def test_case_07_more_spend_never_means_a_lower_tier(ledger_under):
    ledger = ledger_under(
        '[[tiers.level]]\nname = "ruby"\nfrom_points = 250\n'
        '[[tiers.level]]\nname = "pearl"\nfrom_points = 251\n'
    )
    names, seen = ["basic", "gold", "ruby", "pearl"], []
    for points in (0, 1, 50, 99, 100, 101, 249, 250, 251, 252, 1_000):
        ledger.enrol(f"c{points}")
        ledger.record(receipt(card=f"c{points}", amount=points * 100))
        seen.append(names.index(ledger.member(f"c{points}").tier))
    assert seen == [0, 0, 0, 0, 1, 1, 1, 2, 3, 3, 3]


@pytest.mark.parametrize(("taken", "points"), [("before", 196), ("after", 217)])
def test_case_08_a_spend_of_196000_earns_196_or_217_as_the_programme_says(
    ledger_under, taken, points
):
    """A point for each 1,000, and for gold, from 100 points on, for each 900: 217.7 of them."""
    ledger = ledger_under(
        '[[earn.rate]]\nname = "gold"\ntiers = ["gold"]\npoints = 1\nper_minor = 90000\n',
        per_minor="per_minor = 100000", multiplier_bp="multiplier_bp = 10000",
        window_days=f'window_days = 365\ntaken = "{taken}"',
    )  # fmt: skip
    ledger.enrol("c1")
    event = ledger.event(ledger.record(receipt(card="c1", amount=196_000_00)))
    assert sum(event.award.points) == points
    assert ledger.member("c1").tier == "gold"


# --- 9, 10: whole numbers ----------------------------------------------------------------


def values(thing):
    """Every value within a thing."""
    if isinstance(thing, msgspec.Struct):
        thing = msgspec.structs.astuple(thing)
    if isinstance(thing, dict):
        thing = [*thing, *thing.values()]
    if isinstance(thing, list | tuple | set | frozenset):
        for part in thing:
            yield from values(part)
    else:
        yield thing


def test_case_09_no_float_and_no_true_division_is_written_anywhere_in_the_ledger():
    for path in LEDGER.rglob("*.py"):
        if "forecast" in path.parts:  # chances have fractions, and only there
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            assert not (isinstance(node, ast.Name) and node.id in {"float", "Decimal"}), path
            assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), path
            if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
                assert "store" in path.parts or "Path(" in ast.unparse(node), (path, node.lineno)


def at_random(ledger, clock, steps):
    """A shop in which anything may be asked for, and much of it is refused."""
    chosen, bought = random.Random(9), [receipt(card="d1", at=clock.now)]
    for card in ("d1", "d2"):
        ledger.enrol(card)
    ledger.record(bought[0])
    for n in range(steps):
        clock.now += chosen.randint(0, DAY)
        card, points, of = chosen.choice(["d1", "d2"]), chosen.randint(1, 40), chosen.choice(bought)
        made = receipt(
            line(chosen.randint(0, 9_999), quantity=chosen.randint(1, 7)), card=card, at=clock.now
        )
        acts = [
            lambda made=made: (ledger.record(made), bought.append(made)),
            lambda of=of, n=n: ledger.return_goods(key(of), f"b{n}", {1: 1}),
            lambda card=card, n=n, points=points: ledger.redeem(card, f"r{n}", points=points),
            lambda card=card, n=n, points=points: ledger.hold(card, points, f"h{n}"),
            lambda n=n: ledger.settle(f"h{n - 1}"),
            lambda card=card, n=n: ledger.adjust(card, chosen.randint(-9, 9), "so", "Ada", f"a{n}"),
            lambda card=card: ledger.record_expiry(ledger.member_of(card), clock.now),
        ]
        with contextlib.suppress(LedgerError):
            chosen.choice(acts)()


def test_case_09_no_event_state_or_table_of_a_long_history_holds_a_float(new_db, clock):
    with LoyaltyLedger.create(new_db(), PROGRAMME + MORE, secret=SECRET, clock=clock) as ledger:
        for _, act in every_command(clock):
            act(ledger)
        at_random(ledger, clock, 800)
        assert ledger.log.head() > 800
        seen = set()
        for _, stream, _, topic, state, _ in ledger.log.page(0, 100_000):
            seen |= {type(v) for v in values(ledger.codec.decode[topic](state))}
            seen |= {type(v) for v in values(msgspec.msgpack.decode(state))}
            if stream[0] in {MEMBER, POOL}:
                seen |= {type(v) for v in values(ledger._state(stream))}
        assert seen <= {int, str, bytes, bool, type(None)}
        ledger.catch_up()
        with ledger.log.transaction(commit=False) as cursor:
            for projection in ledger.engine.projections:
                for table in projection.tables:
                    cursor.execute(f"SELECT * FROM {ledger.engine.reports.name(table, 'a')}")
                    assert float not in {type(v) for row in cursor.fetchall() for v in row}


@pytest.mark.parametrize("currency", ["EUR", "JPY", "KWD"])
def test_case_10_one_point_stays_one_point_whatever_the_currency_rounds_to(ledger_under, currency):
    """A till that rounds what it asks to 10 does not round points: 1 is 1, and 11 are 11."""
    ledger = ledger_under("", currency=f'currency = "{currency}"')
    ledger.enrol("c1")
    for amount, points in ((100, 1), (99, 0), (1_110, 11), (104, 1), (9, 0)):
        event = ledger.event(ledger.record(receipt(card="c1", amount=amount, currency=currency)))
        assert sum(event.award.points) == points
    assert points_of(ledger, "c1") == 13
    ledger.redeem("c1", "r1", points=1)
    assert points_of(ledger, "c1") == 12


# --- 11: the store's captured time -------------------------------------------------------

OFFER = """
[[earn.bonus]]
name = "late"
everything = true
from_hour = 23
until_hour = 24
points = 7
[[earn.bonus]]
name = "days"
everything = true
from = 2026-03-28
until = 2026-03-28
points = 100
"""


@pytest.mark.parametrize(
    ("captured", "points"),
    [
        ("2026-03-28T22:59:59+01:00", 100), ("2026-03-28T23:00:00+01:00", 107),
        ("2026-03-28T23:59:59+01:00", 107), ("2026-03-29T00:00:00+01:00", 0),
        ("2026-03-29T03:00:00+02:00", 0), ("2026-03-29T22:59:59+02:00", 0),
        ("2026-03-29T23:00:00+02:00", 7), ("2026-03-27T23:59:59+01:00", 7),
        ("2026-03-28T00:00:00+01:00", 100), ("2026-10-25T23:30:00+01:00", 7),
    ],
)  # fmt: skip
def test_case_11_an_offer_counts_by_the_stores_own_time_however_late_the_receipt_comes(
    ledger_under, clock, captured, points
):
    """In UTC the offer of 28 March would begin an hour earlier, and of summer two."""
    moment = dt.datetime.fromisoformat(captured)
    ledger = ledger_under(OFFER, currency='currency = "EUR"\nlate_scan_days = 30')
    clock.now = int(moment.timestamp()) + 3 * DAY + 5 * 3_600
    ledger.enrol("c1")
    bought = receipt(
        line(50), card="c1", business_date=moment.date(), captured_at=moment, number="n"
    )
    first = ledger.record(bought)
    assert sum(ledger.event(first).award.points) == points
    clock.now += 5 * DAY
    assert ledger.record(bought) == first._replace(repeat=True)


def test_case_11_settling_late_is_judged_at_the_time_of_capture(ledger, clock):
    """A hold over midnight and the change of the clocks, settled three days later."""
    clock.now = midnight(20_541, BERLIN) - 60  # 2026-03-29, the day that has 23 hours
    rich(ledger)
    ledger.hold("c1", 60, "h1", minutes=10)
    captured, clock.now = clock.now + 10 * 60 - 1, clock.now + 3 * DAY
    with pytest.raises(HoldOver):
        ledger.settle("h1")
    with pytest.raises(HoldOver):
        ledger.settle("h1", captured_at=captured + 1)
    event = ledger.event(ledger.settle("h1", captured_at=captured))
    assert (event.value_minor, event.captured_at) == (600, captured)
    assert points_of(ledger, "c1") == 40
    conserved(ledger, "c1")


# --- 12, 13: expiry and the fold ---------------------------------------------------------


@pytest.mark.parametrize("what", ["redeem", "hold", "quote", "transfer"])
def test_case_12_at_the_instant_of_expiry_nothing_is_there_though_no_job_has_run(
    ledger_under, clock, what
):
    ledger = ledger_under("[transfer]\n")
    ledger.enrol("c1")
    ledger.enrol("c2")
    ledger.record(receipt(card="c1", amount=9_000))
    acts = {
        "redeem": lambda: ledger.redeem("c1", "r1", points=1),
        "hold": lambda: ledger.hold("c1", 1, "h1"),
        "transfer": lambda: ledger.transfer("c1", "c2", 1, "t1"),
        "quote": lambda: ledger.quote(receipt(card="c1", at=clock.now)).available,
    }
    clock.now = EXPIRY - 1
    assert ledger.balance("c1")[:3] == (90, 0, 0)
    clock.now = EXPIRY
    head = ledger.log.head()
    assert ledger.balance("c1")[:3] == (0, 0, 90)
    if what == "quote":
        assert acts[what]() == 0
    else:
        with pytest.raises(PointsShort):
            acts[what]()
    assert ledger.log.head() == head
    clock.now = EXPIRY - 1
    assert acts[what]() == 90 if what == "quote" else not acts[what]().repeat


def test_case_13_a_balance_is_the_fold_of_the_events(ledger, clock):
    rich(ledger)
    for n in range(30):
        clock.now += DAY
        bought = receipt(line(300 + 70 * n), card="c1", at=clock.now)
        ledger.record(bought)
        if n % 3 == 0:
            ledger.redeem("c1", f"r{n}", points=n + 1)
        if n % 5 == 0:
            ledger.return_goods(key(bought), f"b{n}")
    stream, state = ledger.member_of("c1"), None
    for position, of, _, topic, stored, recorded in ledger.log.page(0, 10_000):
        del position, recorded
        if of == stream:
            state = ledger.codec.kinds[stream[0]].evolve(state, ledger.codec.decode[topic](stored))
    assert state == ledger._state(stream)
    assert sum(lot.points for lot in state.lots) == points_of(ledger, "c1")
    conserved(ledger, "c1")


@pytest.mark.parametrize("recorded", list(itertools.product([False, True], repeat=2)))
def test_case_13_expiry_takes_only_what_is_left_of_a_lot_and_once(ledger, clock, recorded):
    ledger.enrol("c1")
    ledger.record(receipt(card="c1", amount=9_000))
    ledger.redeem("c1", "r1", points=35)
    clock.now = EXPIRY
    for is_recorded in recorded:
        if is_recorded:
            ledger.record_expiry(ledger.member_of("c1"), EXPIRY)
        assert ledger.balance("c1")[:4] == (0, 0, 55, 0)
    assert tally(ledger, "c1").expired == (55 if any(recorded) else 0)
    conserved(ledger, "c1")
