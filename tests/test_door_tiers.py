"""The door, tiers: reached, held, reviewed, granted, and never lowered by redeeming."""

import datetime as dt
import random

import pytest

from ledger.application import LoyaltyLedger
from ledger.calendar import midnight
from ledger.errors import (
    CardUnknown,
    InputInvalid,
    KeyConflict,
    MemberUnknown,
    ProgrammeInvalid,
    TierUnknown,
)
from ledger.types import Tender, day_of
from tests.conftest import PROGRAMME, SECRET
from tests.shop import DAY, NOW, back, cash, conserved, key, line, receipt

SHORT = PROGRAMME.replace("window_days = 365\nkeep_days = 30", "window_days = 30\nkeep_days = 60")


@pytest.mark.parametrize(("amount", "tier"), [(9900, "basic"), (10_000, "gold"), (10_100, "gold")])
def test_a_tier_begins_at_its_threshold(ledger, amount, tier):
    ledger.enrol("c1")
    ledger.record(receipt(card="c1", amount=amount))
    assert ledger.member("c1").tier == tier


def test_a_receipt_earns_at_the_tier_before_it(ledger):
    ledger.enrol("c1")
    first = ledger.record(receipt(card="c1", amount=10_000))
    second = ledger.record(receipt(card="c1", amount=10_000))
    assert [sum(ledger.event(o).award.points) for o in (first, second)] == [100, 200]


def test_a_receipt_may_earn_at_the_tier_it_leads_to(db, clock):
    text = PROGRAMME.replace("[tiers]", '[tiers]\ntaken = "after"')
    with LoyaltyLedger.create(db, text, clock=clock) as ledger:
        ledger.enrol("c1")
        outcome = ledger.record(receipt(line(10_000), card="c1"))
        assert sum(ledger.event(outcome).award.points) == 200


def test_a_tier_falls_by_itself_when_the_window_has_passed(ledger):
    ledger.enrol("c1")
    ledger.record(receipt(card="c1", amount=10_000))
    last = midnight(20_454 + 365, "Europe/Berlin")
    assert ledger.member("c1", last - 1).tier == "gold"
    assert ledger.member("c1", last).tier == "basic"


def test_a_late_receipt_never_lowers_the_tier(ledger):
    ledger.enrol("c1")
    ledger.record(receipt(card="c1", amount=10_000))
    ledger.record(receipt(card="c1", amount=100, at=NOW - 10 * DAY))
    assert ledger.member("c1").tier == "gold"


def test_a_late_receipt_earns_at_the_tier_of_its_own_day(ledger):
    ledger.enrol("c1")
    ledger.record(receipt(card="c1", amount=10_000))
    late = ledger.record(receipt(card="c1", amount=1000, at=NOW - 10 * DAY))
    assert ledger.member("c1", NOW - 10 * DAY).tier == "basic"
    assert sum(ledger.event(late).award.points) == 10


def test_a_tier_that_is_reached_again_is_kept_again(db, clock):
    with LoyaltyLedger.create(db, SHORT, clock=clock) as ledger:
        ledger.enrol("c1")
        ledger.record(receipt(card="c1", amount=10_000))
        clock.now = NOW + 70 * DAY
        assert ledger.member("c1").tier == "basic"
        ledger.record(receipt(card="c1", amount=10_000, at=clock.now))
        assert ledger.member("c1", NOW + 129 * DAY).tier == "gold"


# --- reviews -----------------------------------------------------------------------------

WINDOW = "window_days = 365\nkeep_days = 30"
YEARLY = PROGRAMME.replace(WINDOW, 'window = "year"\ngrace_days = 31')
BERLIN = "Europe/Berlin"
END_OF_GRACE = midnight(20_454 + 365 + 365 + 31, BERLIN)
"""Of a tier reached on 1 January 2026: 1 February 2028."""


@pytest.fixture
def under(new_db, clock):
    """Makes ledgers under a programme."""
    made = []

    def make(text, **rest):
        made.append(LoyaltyLedger.create(new_db(), text, secret=SECRET, clock=clock, **rest))
        made[-1].enrol("c1")
        return made[-1]

    yield make
    for ledger in made:
        ledger.close()


def test_a_tier_of_a_year_is_held_over_the_next_and_its_grace(under):
    ledger = under(YEARLY)
    ledger.record(receipt(card="c1", amount=10_000))
    assert ledger.member("c1", END_OF_GRACE - 1).tier == "gold"
    assert ledger.member("c1", END_OF_GRACE).tier == "basic"


def test_a_year_ends_at_midnight_in_the_programmes_zone_by_the_stores_day(under, clock):
    ledger = under(YEARLY)
    clock.now = END_OF_GRACE - 1
    assert ledger.next_tier("c1").by == midnight(day_of_text("2029-01-01"), BERLIN)
    ledger.record(receipt(card="c1", amount=9_900, at=midnight(day_of_text("2028-01-01"), BERLIN)))
    assert ledger.next_tier("c1").needed == 100  # 23:00 in UTC, where the store is: 31 December
    ledger.record(receipt(card="c1", amount=9_900, at=midnight(day_of_text("2028-01-02"), BERLIN)))
    assert ledger.next_tier("c1").needed == 1


def day_of_text(text):
    return day_of(dt.date.fromisoformat(text))


def test_a_year_of_membership_begins_on_the_day_of_enrolment(under, clock):
    ledger = under(PROGRAMME.replace(WINDOW, 'window = "anniversary"'))
    clock.now = NOW + 100 * DAY
    ledger.record(receipt(card="c1", amount=100, at=clock.now))
    assert ledger.next_tier("c1")[1:] == (
        "gold", 99, "points", midnight(day_of_text("2027-01-01"), BERLIN),
    )  # fmt: skip


def test_a_review_is_recorded_once(under, clock):
    ledger = under(YEARLY)
    ledger.record(receipt(card="c1", amount=10_000))
    clock.now = END_OF_GRACE + 5
    outcome = ledger.review_tier("c1")
    told = ledger.event(outcome)
    assert not outcome.repeat
    assert (told.tier, told.captured_at, told.until, told.qualifying) == (
        "basic", END_OF_GRACE, 0, 0,
    )  # fmt: skip
    head = ledger.log.head()
    assert ledger.review_tier("c1") == outcome._replace(repeat=True)
    assert ledger.log.head() == head
    conserved(ledger, "c1")


def test_a_review_before_its_time_records_nothing(under, clock):
    ledger = under(YEARLY)
    ledger.record(receipt(card="c1", amount=10_000))
    clock.now, head = END_OF_GRACE - 1, ledger.log.head()
    assert ledger.review_tier("c1").repeat
    assert ledger.log.head() == head


def test_a_review_that_confirms_is_recorded(under, clock):
    ledger = under(YEARLY)
    ledger.record(receipt(card="c1", amount=10_000))
    clock.now = NOW + 400 * DAY
    ledger.record(receipt(card="c1", amount=10_000, at=clock.now))
    clock.now = END_OF_GRACE
    told = ledger.event(ledger.review_tier("c1"))
    assert (told.tier, told.qualifying) == ("gold", 200)
    assert told.until == midnight(day_of_text("2029-02-01"), BERLIN)


def test_nobody_unknown_is_reviewed(ledger):
    with pytest.raises(MemberUnknown):
        ledger.review_tier("c9")


def test_what_changes_what_counts_records_the_reviews_before_it(under, clock):
    ledger = under(YEARLY)
    ledger.record(receipt(card="c1", amount=10_000))
    clock.now = END_OF_GRACE + DAY
    ledger.record(receipt(card="c1", amount=4_900, at=END_OF_GRACE - DAY))
    assert ledger.member("c1").tier == "basic"
    with ledger.reading() as reader:
        changes = reader.tiers(ledger.member_of("c1"), clock.now)
    assert [(tier, since) for tier, _, since in changes] == [("gold", NOW), ("basic", END_OF_GRACE)]


def test_a_receipt_of_before_a_review_earns_at_the_tier_of_its_day(under, clock):
    ledger = under(YEARLY)
    ledger.record(receipt(card="c1", amount=10_000))
    clock.now = END_OF_GRACE + DAY
    before = ledger.record(receipt(card="c1", amount=1000, at=END_OF_GRACE - 1))
    after = ledger.record(receipt(card="c1", amount=1000, at=END_OF_GRACE))
    assert [sum(ledger.event(o).award.points) for o in (before, after)] == [20, 10]


def test_no_answer_depends_on_whether_reviews_were_recorded(under, clock):
    chance = random.Random(7)
    short = PROGRAMME.replace(WINDOW, 'window = "month"\ngrace_days = 5')
    without, recorded, reviewed = under(short), under(short), 0
    for number in range(60):
        clock.now += chance.randrange(20 * DAY)
        if chance.random() < 0.5:
            reviewed += not recorded.review_tier("c1").repeat
        else:
            amount, late = chance.choice([500, 6_000, 12_000]), chance.randrange(25 * DAY)
            for ledger in (without, recorded):
                ledger.record(
                    receipt(card="c1", amount=amount, at=clock.now - late, number=f"r{number}")
                )
        for at in (clock.now, clock.now + chance.randrange(90 * DAY)):
            assert without.next_tier("c1", at) == recorded.next_tier("c1", at)
    assert reviewed > 3
    assert without.balance("c1") == recorded.balance("c1")
    assert recorded.verify().clean


def test_what_is_told_from_reports_is_what_is_decided(under, clock):
    ledger = under(YEARLY)
    ledger.record(receipt(card="c1", amount=10_000))
    for at in (NOW, END_OF_GRACE - 1, END_OF_GRACE):
        clock.now = at
        assert ledger.quote(receipt(card="c1", at=at)).tier == ledger.member("c1").tier


def test_neither_staff_nor_expiry_lowers_a_tier(under, clock):
    ledger = under(YEARLY)
    ledger.record(receipt(card="c1", amount=10_000))
    ledger.adjust("c1", -60, "moved", "Ada", "a1")
    ledger.redeem("c1", "r1", points=40)
    assert ledger.member("c1").tier == "gold"
    ledger.record(receipt(card="c1", amount=10_000, at=clock.now))
    clock.now = END_OF_GRACE - 1
    assert (ledger.balance("c1").available, ledger.member("c1").tier) == (0, "gold")


STEPS = YEARLY.replace("[tiers]", '[tiers]\ndowngrade = "one_step"').replace(
    '[[tiers.level]]\nname = "gold"',
    '[[tiers.level]]\nname = "silver"\nfrom_points = 50\n[[tiers.level]]\nname = "gold"',
)


def test_a_quote_after_a_review_that_nobody_recorded_is_of_the_tier_after_it(under, clock):
    ledger = under(STEPS)
    ledger.record(receipt(card="c1", amount=10_000))
    clock.now = END_OF_GRACE
    head = ledger.log.head()
    assert ledger.quote(receipt(card="c1", at=clock.now)).tier == "silver"
    assert ledger.log.head() == head


def test_a_return_after_a_review_leaves_what_it_decided(under, clock):
    ledger = under(YEARLY)
    ledger.record(receipt(card="c1", amount=10_000))
    second = receipt(card="c1", amount=10_000, at=NOW + 400 * DAY)
    clock.now = NOW + 400 * DAY
    ledger.record(second)
    clock.now = END_OF_GRACE + DAY
    ledger.return_goods(key(second), "r1")
    assert ledger.member("c1").tier == "gold"  # confirmed by the points of 2027 on 1 February


def test_a_receipt_attributed_after_a_review_leaves_what_it_decided(under, clock):
    ledger = under("late_scan_days = 60\n" + YEARLY)
    ledger.record(receipt(card="c1", amount=10_000))
    of_2027 = END_OF_GRACE - 32 * DAY
    clock.now = of_2027
    nameless = receipt(amount=6_000, at=of_2027)  # 120 points at gold
    ledger.record(nameless)
    clock.now = END_OF_GRACE + DAY
    given = ledger.event(ledger.attribute(key(nameless), "c1"))
    assert sum(given.award.points) == 120
    with ledger.reading() as reader:
        changes = reader.tiers(ledger.member_of("c1"), clock.now)
    assert [tier for tier, _, _ in changes] == ["gold", "basic", "gold"]  # reached by it, later


# --- spend -------------------------------------------------------------------------------

SPEND = PROGRAMME.replace("[tiers]", '[tiers]\nmeasure = "spend"').replace(
    "from_points = 100", "from_points = 10000"
).replace("[earn]", '[earn]\nexcluded_categories = ["books"]\nexcluded_tenders = ["voucher"]')  # fmt: skip


@pytest.mark.parametrize(("amount", "tier"), [(9_999, "basic"), (10_000, "gold"), (10_001, "gold")])
def test_spend_reaches_a_tier_at_its_threshold(under, amount, tier):
    ledger = under(SPEND)
    ledger.record(receipt(card="c1", amount=amount))
    assert ledger.member("c1").tier == tier
    conserved(ledger, "c1")


def test_what_does_not_earn_is_not_spend(under):
    ledger = under(SPEND)
    lines = (line(8_000), line(2_000, "2", category="books"))
    ledger.record(receipt(*lines, card="c1"))
    assert ledger.next_tier("c1")[2:4] == (2_000, "spend")


def test_goods_that_come_back_take_their_spend_back(under):
    ledger = under(SPEND)
    bought = receipt(
        line(3_000, quantity=3), line(6_000, "2"), card="c1",
        tenders=(cash(6_000), Tender("voucher", 3_000)),
    )  # fmt: skip
    ledger.record(bought)
    assert ledger.next_tier("c1").needed == 10_000 - 6_000  # a third was paid by voucher
    ledger.record(receipt(back(bought), card="c1"))
    assert ledger.next_tier("c1").needed == 10_000 - 6_000 + 666  # a third of 2,000, floor
    ledger.return_goods(key(bought), "r1")
    assert ledger.next_tier("c1").needed == 10_000
    assert ledger._state(ledger.member_of("c1")).qualifying == (0,)
    conserved(ledger, "c1")
    assert ledger.verify().clean


def test_a_receipt_attributed_after_a_part_came_back_takes_back_the_rest(under):
    ledger = under(SPEND)
    bought = receipt(line(3_000, quantity=3), tenders=(Tender("voucher", 1_500),))
    ledger.record(bought)
    ledger.return_goods(key(bought), "r1", {1: 1})
    ledger.attribute(key(bought), "c1")
    assert (
        ledger.next_tier("c1").needed == 10_000 - 1_000
    )  # a voucher paid half of 3,000; a third came back
    ledger.return_goods(key(bought), "r2", {1: 1})
    assert ledger.next_tier("c1").needed == 10_000 - 500
    ledger.return_goods(key(bought), "r3")
    assert ledger.next_tier("c1").needed == 10_000


def test_a_receipt_may_earn_at_the_tier_that_its_spend_leads_to(under):
    ledger = under(SPEND.replace("[tiers]", '[tiers]\ntaken = "after"'))
    outcome = ledger.record(receipt(card="c1", amount=10_000))
    assert sum(ledger.event(outcome).award.points) == 200


def test_the_measure_stays(under, clock):
    ledger = under(SPEND)
    without = PROGRAMME[: PROGRAMME.index("[tiers]")]
    for text in (PROGRAMME, without):
        with pytest.raises(ProgrammeInvalid, match="This log counts spend") as refusal:
            ledger.publish(text, NOW + 1)
        assert refusal.value.field == "tiers.measure"
    ledger.publish(SPEND.replace("10000", "9000"), NOW + 1)


# --- grants ------------------------------------------------------------------------------


def test_a_granted_tier_counts_until_its_end(ledger):
    ledger.enrol("c1")
    outcome = ledger.grant_tier("c1", "gold", NOW + DAY, "gold elsewhere", "Ada", "g1")
    told = ledger.event(outcome)
    assert (told.tier, told.until, told.reason, told.author, told.command) == (
        "gold", NOW + DAY, "gold elsewhere", "Ada", "g1",
    )  # fmt: skip
    at = (NOW, NOW + DAY - 1, NOW + DAY)
    assert [ledger.member("c1", t).tier for t in at] == ["gold", "gold", "basic"]
    earned = ledger.record(receipt(card="c1", amount=1000))
    assert sum(ledger.event(earned).award.points) == 20
    assert ledger.verify().clean


def test_a_grant_sent_again_is_one_grant(ledger):
    ledger.enrol("c1")
    once = ledger.grant_tier("c1", "gold", NOW + DAY, "why", "Ada", "g1")
    head = ledger.log.head()
    again = ledger.grant_tier("c1", "gold", NOW + DAY, "why", "Ada", "g1")
    assert again == once._replace(repeat=True)
    assert ledger.log.head() == head


def test_a_grant_sent_with_other_content_is_a_conflict(ledger):
    ledger.enrol("c1")
    ledger.enrol("c2")
    ledger.grant_tier("c1", "gold", NOW + DAY, "why", "Ada", "g1")
    for other in [
        ("c2", "gold", NOW + DAY, "why", "Ada"),
        ("c1", "basic", NOW + DAY, "why", "Ada"),
        ("c1", "gold", NOW, "why", "Ada"),
        ("c1", "gold", NOW + DAY, "so", "Ada"),
        ("c1", "gold", NOW + DAY, "why", "Bob"),
    ]:
        with pytest.raises(KeyConflict):
            ledger.grant_tier(*other, "g1")


def test_a_grant_is_refused_without_card_tier_reason_or_author(ledger):
    ledger.enrol("c1")
    head = ledger.log.head()
    for refusal, field, grant in [
        (CardUnknown, "card", ("c9", "gold", NOW + DAY, "why", "Ada")),
        (TierUnknown, "tier", ("c1", "golf", NOW + DAY, "why", "Ada")),
        (InputInvalid, "reason", ("c1", "gold", NOW + DAY, "", "Ada")),
        (InputInvalid, "author", ("c1", "gold", NOW + DAY, "why", "")),
        (InputInvalid, "reason", ("c1", "gold", NOW + DAY, "a\0b", "Ada")),
    ]:
        with pytest.raises(refusal) as refused:
            ledger.grant_tier(*grant, "g1")
        assert refused.value.field == field
    assert ledger.log.head() == head


def test_a_grant_is_revoked_by_one_that_has_ended(ledger, clock):
    ledger.enrol("c1")
    ledger.grant_tier("c1", "gold", NOW + 10 * DAY, "why", "Ada", "g1")
    clock.now = NOW + DAY
    outcome = ledger.grant_tier("c1", "gold", 0, "a mistake", "Ada", "g2")
    assert ledger.event(outcome).until == NOW + DAY
    assert [ledger.member("c1", t).tier for t in (NOW + DAY - 1, NOW + DAY)] == ["gold", "basic"]


def test_a_programme_without_tiers_grants_none(under):
    ledger = under(PROGRAMME[: PROGRAMME.index("[tiers]")])
    with pytest.raises(TierUnknown):
        ledger.grant_tier("c1", "gold", NOW + DAY, "why", "Ada", "g1")
    assert ledger.next_tier("c1") is None
    assert ledger.member("c1")[1] == ""


# --- the next tier -------------------------------------------------------------------------


def test_the_next_tier_is_told_to_the_desk_and_in_a_quote(ledger):
    ledger.enrol("c1")
    ledger.record(receipt(card="c1", amount=9_900))
    needs = ledger.next_tier("c1")
    assert needs == ("basic", "gold", 1, "points", midnight(20_454 + 365, BERLIN))
    assert ledger.member("c1").next == needs
    assert ledger.quote(receipt(card="c1")).next_tier == needs
    ledger.record(receipt(card="c1", amount=100))
    assert ledger.next_tier("c1") == ("gold", "", 0, "points", None)


# --- another programme ---------------------------------------------------------------------


def test_a_tier_that_is_no_more_counts_as_the_first_until_the_window_says_more(ledger, clock):
    ledger.enrol("c1")
    ledger.record(receipt(card="c1", amount=10_000))
    ledger.publish(PROGRAMME.replace('"gold"', '"vip"').replace("= 100\nm", "= 101\nm"), NOW + 9)
    assert ledger.member("c1", NOW + 8).tier == "gold"
    assert ledger.member("c1", NOW + 9).tier == "basic"
    clock.now = NOW + 9
    ledger.record(receipt(card="c1", amount=100, at=clock.now))
    assert ledger.member("c1").tier == "vip"
    assert ledger.verify().clean
