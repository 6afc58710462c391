"""The door, earning: what a rule must remember of a member, and what members share."""

import datetime as dt
import threading

import pytest

from ledger import events as e
from ledger.aggregates.member.folds.counting import KEPT_DAYS, counted
from ledger.aggregates.member.state import Counter
from ledger.application import LoyaltyLedger
from ledger.errors import (
    BirthdayNotDue,
    BonusNotOffered,
    LineUnknown,
    MemberUnknown,
    ProgrammeInvalid,
)
from ledger.projections.points import FCT_POINTS_MOVEMENT
from ledger.projections.receipt import FCT_RECEIPT_LINE
from ledger.types import Personal
from tests.conftest import PROGRAMME
from tests.shop import DAY, NOW, back, conserved, key, line, points_of, receipt, tally
from tests.till import Till

BONUS = '[[earn.bonus]]\nname = "five"\neverything = true\npoints = 5\n'


def award(ledger, outcome):
    return ledger.event(outcome).award


def bought(ledger, card="c1", **fields):
    """The points that a receipt of 10 base points earns beyond them, by rule."""
    return dict(award(ledger, ledger.record(receipt(card=card, **fields))).rules)


# --- goods -------------------------------------------------------------------------------


def test_the_brand_of_a_line_is_recorded_and_reported(ledger):
    ledger.enrol("c1")
    sale = receipt(line(brand="own"), line(), card="c1")
    scan = ledger.event(ledger.record(sale)).scan
    assert scan.goods.brands == ("own", "")
    with ledger.reading() as reader:
        rows = reader._rows("SELECT line, brand FROM {t} ORDER BY line", FCT_RECEIPT_LINE, ())
    assert [(int(n), brand) for n, brand in rows] == [(1, "own"), (2, "")]


def test_lines_without_a_brand_leave_the_column_empty(ledger):
    ledger.enrol("c1")
    assert ledger.event(ledger.record(receipt(card="c1"))).scan.goods.brands == ()


def test_a_line_without_a_brand_has_the_fingerprint_it_always_had(ledger):
    with_none, without = receipt(line(brand=""), number="n"), receipt(line(), number="n")
    assert ledger.keys.fingerprint(with_none.lines) == ledger.keys.fingerprint(without.lines)
    other = receipt(line(brand="own"), number="n")
    assert ledger.keys.fingerprint(other.lines) != ledger.keys.fingerprint(without.lines)


def test_a_receipt_given_later_earns_by_brand_store_and_hour_as_it_was_scanned(ledger_under):
    ledger = ledger_under(
        '[[earn.bonus]]\nname = "own"\nbrands = ["own"]\nstores = ["s1"]\nfrom_hour = 14\n'
        "until_hour = 15\npoints = 5\n"
    )
    zone = dt.timezone(dt.timedelta(hours=2))
    captured = dt.datetime(2025, 12, 31, 14, 59, tzinfo=zone)
    sale = receipt(line(brand="own"), card="c1", captured_at=captured)
    ledger.record(sale)
    ledger.enrol("c1")
    assert tally(ledger, "c1").earned == 10 + 5


def test_what_came_back_before_takes_its_share_of_the_discount(db, clock):
    text = PROGRAMME.replace("per_minor = 100", 'per_minor = 100\namounts = "gross"')
    with LoyaltyLedger.create(db, text, clock=clock) as ledger:
        sale = receipt(line(600, quantity=3, discount_minor=300), card="c1")
        ledger.record(sale)
        ledger.return_goods(key(sale), "r1", {1: 1})
        ledger.enrol("c1")
        assert tally(ledger, "c1").earned == (600 + 300) // 100
        assert tally(ledger, "c1").reversed == 9 * 1 // 3


# --- first purchase ----------------------------------------------------------------------

FIRST = '[[earn.bonus]]\nname = "first"\nfirst_purchase = true\npoints = 50\n'


def test_only_the_first_recorded_receipt_is_a_first_purchase(ledger_under):
    ledger = ledger_under(FIRST)
    ledger.enrol("c1")
    assert bought(ledger) == {"bonus:first": 50}
    assert bought(ledger) == {}


def test_an_earlier_receipt_that_comes_later_is_no_first_purchase(ledger_under):
    ledger = ledger_under(FIRST)
    ledger.enrol("c1")
    bought(ledger)
    assert bought(ledger, at=NOW - DAY) == {}


def test_a_receipt_that_earned_nothing_was_a_purchase(ledger_under):
    ledger = ledger_under(FIRST)
    ledger.enrol("c1")
    assert bought(ledger, amount=0) == {}
    assert bought(ledger) == {}


# --- limits ------------------------------------------------------------------------------


def test_a_limit_by_day_goes_by_the_day_of_capture(ledger_under):
    ledger = ledger_under(BONUS + "max_points_day = 7\n")
    ledger.enrol("c1")
    yesterday = NOW - DAY
    given = [
        bought(ledger, at=at).get("bonus:five", 0) for at in (NOW, yesterday, NOW, yesterday, NOW)
    ]
    assert given == [5, 5, 2, 2, 0]
    conserved(ledger, "c1")


def test_a_limit_by_member_holds_for_ever_and_for_each_member(ledger_under, clock):
    ledger = ledger_under(BONUS + "max_points_member = 7\n")
    ledger.enrol("c1")
    ledger.enrol("c2")
    assert bought(ledger) == {"bonus:five": 5}
    clock.now += 3000 * DAY
    assert bought(ledger, at=clock.now) == {"bonus:five": 2}
    assert bought(ledger, at=clock.now) == {}
    assert bought(ledger, "c2", at=clock.now) == {"bonus:five": 5}


def test_a_return_makes_no_room_under_a_limit(ledger_under):
    ledger = ledger_under(BONUS + "max_points_member = 5\n")
    ledger.enrol("c1")
    sale = receipt(card="c1")
    ledger.record(sale)
    ledger.return_goods(key(sale), "r1")
    assert bought(ledger) == {}


def test_what_a_cap_cut_from_a_bonus_is_left_under_its_limit(ledger_under):
    ledger = ledger_under(BONUS + "max_points_member = 7\n[earn.caps]\nreceipt = 12\n")
    ledger.enrol("c1")
    assert bought(ledger) == {"bonus:five": 2, "cap:receipt": 0}
    assert bought(ledger, amount=0) == {}
    assert bought(ledger, amount=100) == {"bonus:five": 5}


def test_a_bonus_without_a_limit_is_not_counted(ledger_under):
    ledger = ledger_under(BONUS)
    ledger.enrol("c1")
    bought(ledger)
    assert ledger._state(ledger.member_of("c1")).counters == ()


def test_the_cap_of_a_day_counts_all_receipts_captured_on_it(ledger_under):
    ledger = ledger_under("[earn.caps]\nday = 25\n")
    ledger.enrol("c1")
    totals = [
        sum(award(ledger, ledger.record(receipt(card="c1", at=at))).points)
        for at in (NOW, NOW - DAY, NOW, NOW, NOW, NOW - DAY)
    ]
    assert totals == [10, 10, 10, 5, 0, 10]
    conserved(ledger, "c1")


def test_the_cap_of_a_member_counts_all_that_was_ever_earned(ledger_under):
    ledger = ledger_under("[earn.caps]\nmember = 25\n[earn.enrolment]\npoints = 8\n")
    ledger.enrol("c1")
    totals = [sum(award(ledger, ledger.record(receipt(card="c1"))).points) for _ in range(3)]
    assert totals == [10, 25 - 8 - 10, 0]
    assert tally(ledger, "c1").earned == 25


def test_a_capped_receipt_gives_back_what_its_lines_earned(ledger_under):
    ledger = ledger_under("[earn.caps]\nreceipt = 7\n")
    ledger.enrol("c1")
    sale = receipt(line(600), line(400), card="c1")
    assert award(ledger, ledger.record(sale)).points == (4, 3)
    ledger.return_goods(key(sale), "r1", {2: 1})
    assert points_of(ledger, "c1") == 4
    conserved(ledger, "c1")


# --- counters stay small -----------------------------------------------------------------


def test_a_counter_keeps_no_day_that_no_receipt_can_reach():
    counters = ()
    for day in range(1000, 1000 + 3 * KEPT_DAYS):
        counters = counted(counters, (e.Counted("r", 1, daily=True),), day)
    (counter,) = counters
    assert counter.points == 3 * KEPT_DAYS
    assert counter.days == tuple(range(1000 + 2 * KEPT_DAYS - 1, 1000 + 3 * KEPT_DAYS))


def test_a_late_day_finds_its_place_in_a_counter():
    counters = ()
    for day, points in ((20, 1), (10, 2), (15, 3), (10, 4)):
        counters = counted(counters, (e.Counted("r", points, daily=True),), day)
    assert counters == (Counter("r", 10, 0, (10, 15, 20), (6, 3, 1)),)


def test_the_counter_of_a_rule_long_over_is_let_go_at_the_next_count():
    known = (Counter("old", 5, until=100), Counter("open", 5))
    new = (e.Counted("new", 1),)
    assert [c.rule for c in counted(known, new, 100 + KEPT_DAYS)] == ["old", "open", "new"]
    assert [c.rule for c in counted(known, new, 101 + KEPT_DAYS)] == ["open", "new"]
    assert counted(known, (), 10_000) == known


def test_the_last_day_of_a_limited_bonus_is_kept_with_its_count(ledger_under):
    ledger = ledger_under(BONUS + "max_points_member = 7\nuntil = 2026-01-31\n")
    ledger.enrol("c1")
    bought(ledger)
    until = (dt.date(2026, 1, 31) - dt.date(1970, 1, 1)).days
    assert ledger._state(ledger.member_of("c1")).counters == (Counter("bonus:five", 5, until),)


# --- budgets -----------------------------------------------------------------------------

CAMPAIGN = BONUS + "budget_points = 12\n"


def test_a_campaign_gives_what_is_left_and_then_nothing(ledger_under):
    ledger = ledger_under(CAMPAIGN)
    ledger.enrol("c1")
    ledger.enrol("c2")
    given = [bought(ledger, card).get("bonus:five", 0) for card in ("c1", "c2", "c1", "c2")]
    assert given == [5, 5, 2, 0]
    assert ledger.budgets() == [("five", 12, 12)]
    for card in ("c1", "c2"):
        conserved(ledger, card)


def test_receipts_of_one_batch_share_a_budget_and_draw_once(ledger_under):
    ledger = ledger_under(CAMPAIGN)
    ledger.enrol("c1")
    outcomes = ledger.record_all([receipt(card="c1") for _ in range(4)])
    given = [dict(award(ledger, outcome).rules).get("bonus:five", 0) for outcome in outcomes]
    assert given == [5, 5, 2, 0]
    assert [r[3] for r in ledger.log.page(0, 100)].count("drawn") == 1


def test_a_repeat_draws_nothing(ledger_under):
    ledger = ledger_under(CAMPAIGN)
    ledger.enrol("c1")
    sale = receipt(card="c1")
    ledger.record(sale)
    assert ledger.record(sale).repeat
    assert ledger.budgets()[0].drawn == 5


def test_a_refused_receipt_draws_nothing(ledger_under):
    ledger = ledger_under(CAMPAIGN)
    ledger.enrol("c1")
    sale = receipt(card="c1")
    ledger.record(sale)
    bad = receipt(line(), back(sale), card="c1")
    ref = bad.lines[1].return_of
    lost = type(ref)(ref.store, ref.lane, ref.business_date, ref.number, 9)
    wrong = receipt(line(), type(bad.lines[1])("1", -1, 0, return_of=lost), card="c1")
    with pytest.raises(LineUnknown):
        ledger.record(wrong)
    assert ledger.budgets()[0].drawn == 5


def test_a_quote_shows_what_a_campaign_would_give_and_draws_nothing(ledger_under):
    ledger = ledger_under(CAMPAIGN)
    ledger.enrol("c1")
    for _ in range(2):
        bought(ledger)
    for _ in range(2):
        assert ledger.quote(receipt(card="c1")).points == (10 + 2,)
    assert ledger.budgets()[0].drawn == 10


@pytest.mark.parametrize(
    "more",
    [
        BONUS + "max_points_day = 7\n", BONUS + "max_points_member = 7\n", CAMPAIGN, FIRST,
        "[earn.caps]\nday = 12\n", "[[earn.expression]]\nname = 'x'\npoints = 'hour + earned_today'\n",
        BONUS + 'stores = ["s1"]\nweekdays = [4]\n',
    ],
)  # fmt: skip
def test_a_quote_is_what_the_receipt_then_earns(ledger_under, more):
    ledger = ledger_under(more)
    ledger.enrol("c1")
    for _ in range(3):
        sale = receipt(card="c1", at=NOW)
        quoted = ledger.quote(sale).points
        assert quoted == (award(ledger, ledger.record(sale)).points or (0,))


def test_a_receipt_given_later_draws_from_the_budget(ledger_under):
    ledger = ledger_under(CAMPAIGN)
    ledger.record(receipt(card="c1"))
    assert ledger.budgets()[0].drawn == 0
    ledger.enrol("c1")
    assert ledger.budgets()[0].drawn == 5


def test_two_processes_never_give_more_than_a_budget(db, clock):
    with (
        LoyaltyLedger.create(db, PROGRAMME + BONUS + "budget_points = 33\n", clock=clock) as one,
        LoyaltyLedger.open(db, clock=clock) as other,
    ):
        doors = {"c1": one, "c2": other}
        for card in doors:
            one.enrol(card)
        shoppers = [
            threading.Thread(
                target=lambda c=c, d=d: [
                    d.record(receipt(card=c, number=f"{c}-{n}")) for n in range(8)
                ]
            )
            for c, d in doors.items()
        ]
        for shopper in shoppers:
            shopper.start()
        for shopper in shoppers:
            shopper.join()
        assert one.budgets() == [("five", 33, 33)]
        earned = sum(tally(one, card).earned for card in doors)
        assert earned == 16 * 10 + 33 + sum(
            dict(e_.award.rules).get("tier", 0) for e_ in scans(one)
        )


def scans(ledger):
    rows = ledger.log.page(0, 10_000)
    return [ledger.codec.decode[r[3]](r[4]) for r in rows if r[3] == "scan"]


# --- joining -----------------------------------------------------------------------------

WELCOME = "[earn.enrolment]\npoints = 40\n"


def test_joining_gives_points_once(ledger_under):
    ledger = ledger_under(WELCOME)
    ledger.enrol("c1")
    assert ledger.enrol("c1").repeat
    assert points_of(ledger, "c1") == 40
    assert tally(ledger, "c1").earned == 40
    conserved(ledger, "c1")


def test_points_for_joining_do_not_count_towards_a_tier(ledger_under):
    ledger = ledger_under("[earn.enrolment]\npoints = 100\n")
    ledger.enrol("c1")
    ledger.record(receipt(card="c1", amount=9900))
    assert ledger.member("c1").tier == "basic"


def test_points_for_joining_are_explained(ledger_under):
    ledger = ledger_under(WELCOME)
    ledger.enrol("c1")
    with ledger.reading() as reader:
        rows = reader._rows(
            "SELECT kind, points, origin, reason, programme FROM {t}", FCT_POINTS_MOVEMENT, ()
        )
    assert [tuple(row) for row in rows] == [("earn", 40, "bonus", "enrolment", 1)]


def test_a_second_card_is_no_second_joining(ledger_under):
    ledger = ledger_under(WELCOME)
    ledger.enrol("c1")
    ledger.link_card("c1", "c2")
    ledger.replace_card("c2", "c3")
    assert points_of(ledger, "c1") == 40


def test_who_joins_by_a_receipt_of_the_past_gets_the_points_of_that_day(ledger_under):
    ledger = ledger_under(WELCOME)
    ledger.record(receipt(card="c1", at=NOW - 400 * DAY), history=True, enrol=True)
    sums = tally(ledger, "c1")
    assert sums.earned == 40 + 10
    assert points_of(ledger, "c1") == 0  # both lots have expired since
    conserved(ledger, "c1")


# --- birthdays ---------------------------------------------------------------------------

GIFT = "[earn.birthday]\ngift_points = 30\n"
BORN = Personal(birthday=dt.date(1990, 1, 10))
BIRTHDAY = int(dt.datetime(2026, 1, 9, 23, tzinfo=dt.UTC).timestamp())
"""Midnight of 2026-01-10 in Berlin."""


def member(ledger, personal=BORN):
    return ledger.enrol("c1", personal).stream.hex()


def test_a_birthday_gives_its_points_once_a_year(ledger_under, clock):
    ledger = ledger_under(GIFT)
    who = member(ledger)
    clock.now = BIRTHDAY
    event = ledger.event(ledger.grant_birthday(who, 2026))
    assert (event.points, event.year, event.captured_at) == (30, 2026, BIRTHDAY)
    assert ledger.grant_birthday(who, 2026).repeat
    clock.now += 365 * DAY
    assert not ledger.grant_birthday(who, 2027).repeat
    assert tally(ledger, "c1").earned == 60
    conserved(ledger, "c1")


def test_a_birthday_that_has_not_come_gives_nothing(ledger_under, clock):
    ledger = ledger_under(GIFT)
    who = member(ledger)
    clock.now = BIRTHDAY - 1
    with pytest.raises(BirthdayNotDue):
        ledger.grant_birthday(who, 2026)
    clock.now = BIRTHDAY
    assert not ledger.grant_birthday(who, 2026).repeat


def test_a_job_that_comes_late_gives_the_points_of_the_day(ledger_under, clock):
    on_time, late = ledger_under(GIFT), ledger_under(GIFT)
    for ledger, delay in ((on_time, 0), (late, 100 * DAY)):
        clock.now = NOW
        who = member(ledger)
        clock.now = BIRTHDAY + delay
        ledger.grant_birthday(who, 2026)
    assert tally(on_time, "c1").lots == tally(late, "c1").lots


def test_an_earlier_birthday_is_not_given_after_a_later_one(ledger_under, clock):
    ledger = ledger_under(GIFT)
    who = member(ledger)
    clock.now = BIRTHDAY + 400 * DAY
    ledger.grant_birthday(who, 2027)
    with pytest.raises(BirthdayNotDue):
        ledger.grant_birthday(who, 2026)


@pytest.mark.parametrize(
    ("joined", "given"), [(BIRTHDAY - 1, True), (BIRTHDAY + DAY - 1, True), (BIRTHDAY + DAY, False)]
)
def test_a_birthday_before_the_day_of_joining_gives_nothing(ledger_under, clock, joined, given):
    ledger = ledger_under(GIFT)
    clock.now = joined
    who = member(ledger)
    clock.now = BIRTHDAY + 2 * DAY
    if given:
        assert ledger.event(ledger.grant_birthday(who, 2026)).points == 30
    else:
        with pytest.raises(BirthdayNotDue):
            ledger.grant_birthday(who, 2026)


@pytest.mark.parametrize("year", [1989, 0, -5, 9999, 2**70])
def test_a_year_without_a_birthday_gives_nothing(ledger_under, year):
    ledger = ledger_under(GIFT)
    who = member(ledger)
    with pytest.raises(BirthdayNotDue):
        ledger.grant_birthday(who, year)


def test_a_member_without_a_known_birthday_gets_nothing(ledger_under):
    ledger = ledger_under(GIFT)
    with pytest.raises(BirthdayNotDue):
        ledger.grant_birthday(member(ledger, Personal()), 2026)


def test_a_programme_without_birthday_points_gives_none(ledger, clock):
    who = member(ledger)
    clock.now = BIRTHDAY
    with pytest.raises(BonusNotOffered):
        ledger.grant_birthday(who, 2026)


@pytest.mark.parametrize("who", ["", "nobody", "01" * 16, "02" * 16, "01"])
def test_only_a_member_has_a_birthday(ledger, who):
    with pytest.raises(MemberUnknown):
        ledger.grant_birthday(who, 2026)


def test_birthday_points_repay_what_is_owed_first(ledger_under, clock):
    ledger = ledger_under(GIFT)
    who = member(ledger)
    sale = receipt(card="c1")
    ledger.record(sale)
    ledger.redeem("c1", "r1", points=10)
    ledger.return_goods(key(sale), "r2")
    clock.now = BIRTHDAY
    assert ledger.event(ledger.grant_birthday(who, 2026)).repaid == 10
    assert points_of(ledger, "c1") == 20
    conserved(ledger, "c1")


# --- the reports -------------------------------------------------------------------------


def test_a_rebuild_and_an_audit_agree_with_all_of_it(ledger_under, clock):
    ledger = ledger_under(
        WELCOME + GIFT + CAMPAIGN + "max_points_day = 7\n[earn.caps]\nday = 60\n"
        "[[earn.expression]]\nname = 'x'\npoints = 'weekday'\n"
    )
    who = member(ledger)
    for n in range(5):
        ledger.record(receipt(line(brand="own"), card="c1", at=NOW - n % 2 * DAY))
    clock.now = BIRTHDAY
    ledger.grant_birthday(who, 2026)
    live = ledger.digests()
    ledger.rebuild()
    assert ledger.digests() == live
    assert ledger.verify().clean
    conserved(ledger, "c1")


def test_an_expression_is_refused_at_publication_and_nothing_is_recorded(ledger):
    head = ledger.log.head()
    with pytest.raises(ProgrammeInvalid):
        ledger.publish(PROGRAMME + "[[earn.expression]]\nname = 'x'\npoints = 'spent'\n", NOW + 1)
    assert ledger.log.head() == head


def test_the_command_line_shows_what_campaigns_have_left(capsys, db, clock):
    till = Till(capsys, db)
    with LoyaltyLedger.create(db, PROGRAMME + CAMPAIGN, clock=clock) as ledger:
        ledger.enrol("c1")
        bought(ledger)
    assert till("budget")["budgets"] == [{"campaign": "five", "points": 12, "drawn": 5, "left": 7}]
    assert "five" in till("budget", json_=False)


def test_the_command_line_says_that_there_are_no_campaigns(capsys, db, clock):
    LoyaltyLedger.create(db, PROGRAMME, clock=clock).close()
    till = Till(capsys, db)
    assert till("budget")["budgets"] == []
    assert till("budget", json_=False) == "The programme has no campaigns.\n"
