"""A draft programme is tried on real history: what it would have come to, and nothing written."""

import datetime as dt
import itertools

import pytest
from conftest import NOW, PROGRAMME, SECRET
from shop import DAY, back, key, line, receipt
from till import counts

from adapters.simulate import simulate
from ledger import events
from ledger.application import LoyaltyLedger
from ledger.dryrun.replays import REPLAYS
from ledger.dryrun.report import Changed, Movement, Refusal
from ledger.errors import InputInvalid, ProgrammeInvalid
from ledger.policies.basket import Award
from ledger.types import Personal, day_of

JANUARY = "2026-01-01..2026-01-31"


def draft(*changes):
    """The test programme with parts of its text changed."""
    text = PROGRAMME
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


DOUBLE = draft(("points = 1\nper_minor = 100", "points = 2\nper_minor = 100"))
SAME = PROGRAMME


@pytest.fixture
def shop(ledger):
    """Two members in the test shop."""
    ledger.enrol("c1")
    ledger.enrol("c2")
    return ledger


def by_hand(ledger, clock, acts):
    """Do things on later days of January; day 0 is the first."""
    for day, act in acts:
        clock.now = NOW + day * DAY
        act(ledger)


# --- figures ---------------------------------------------------------------------------


def test_points_cost_and_liability_are_told_under_both_programmes(shop):
    shop.record(receipt(card="c1", amount=5_000))  # 50 points, or 100
    shop.record(receipt(card="c2", amount=1_999))  # 19 points, or 38
    shop.record(receipt(amount=700))  # nobody's
    report = shop.simulate_programme(DOUBLE, JANUARY)
    assert (report.first, report.last) == ("2026-01-01", "2026-01-31")
    assert (report.members, report.receipts, report.differing) == (2, 3, 0)
    current, drafted = report.current, report.draft
    assert (current.earned, drafted.earned) == (50 + 19, 100 + 38)
    assert (current.receipts, drafted.receipts) == (2, 2)
    assert current.spend_minor == drafted.spend_minor == 6_999
    assert (current.cost_minor, drafted.cost_minor) == (690, 1_380)  # a point is worth 10
    assert (current.cost_bp, drafted.cost_bp) == (985, 1_971)  # 690 / 6,999 and 1,380 / 6,999
    assert (current.available, drafted.available) == (69, 138)
    assert (current.liability_minor, drafted.liability_minor) == (690, 1_380)
    assert current.rules == {"base": 69}
    assert drafted.rules == {"base": 138}


def test_tiers_move_and_the_most_changed_are_named(shop):
    for _ in range(2):
        shop.record(receipt(card="c1", amount=5_000))
    shop.record(receipt(card="c2", amount=1_000))
    report = shop.simulate_programme(DOUBLE, JANUARY)
    # 100 points make gold: c1 has 50 + 50 in force; in the draft 100, then 100 more at gold x 2
    first, second = (shop.member_of(card).hex() for card in ("c1", "c2"))
    assert report.changed == (
        Changed(first, 100, 100 + 200, "gold", "gold"),
        Changed(second, 10, 20, "basic", "basic"),
    )
    assert report.movements == (Movement("basic", "basic", 1), Movement("gold", "gold", 1))
    assert report.draft.rules == {"base": 100 + 100 + 20, "tier": 100}
    higher = draft(("from_points = 100", "from_points = 101"))
    report = shop.simulate_programme(higher, JANUARY)
    assert report.movements == (Movement("basic", "basic", 1), Movement("gold", "basic", 1))
    assert report.changed == (Changed(first, 100, 100, "gold", "basic"),)
    assert report.current.tiers == {"basic": 1, "gold": 1}
    assert report.draft.tiers == {"basic": 2}


def test_only_so_many_of_the_most_changed_are_named(shop):
    shop.record(receipt(card="c1", amount=1_000))
    shop.record(receipt(card="c2", amount=2_000))
    report = shop.simulate_programme(DOUBLE, JANUARY, top=1)
    assert [c.member_id for c in report.changed] == [shop.member_of("c2").hex()]
    shop.record(receipt(card="c1", amount=1_000))  # now both changed alike: the smaller id
    report = shop.simulate_programme(DOUBLE, JANUARY, top=1)
    assert [c.member_id for c in report.changed] == [
        min(shop.member_of("c1"), shop.member_of("c2")).hex()
    ]


def test_a_draft_without_cash_has_no_cost_in_money(shop):
    shop.record(receipt(card="c1", amount=1_000))
    report = shop.simulate_programme(
        draft(("[redeem.cash]\npoints = 1\nvalue_minor = 10\n", "")), JANUARY
    )
    drafted = report.draft
    assert (drafted.earned, drafted.cost_minor, drafted.cost_bp) == (10, None, None)
    assert drafted.liability_minor is None
    assert report.current.liability_minor == 100


def test_points_wait_as_the_draft_says(shop):
    shop.record(receipt(card="c1", amount=1_000))
    waiting = draft(("[lots.expiry]", "[lots]\npending_days = 40\n[lots.expiry]"))
    report = shop.simulate_programme(waiting, JANUARY)
    assert (report.current.available, report.current.pending) == (10, 0)
    assert (report.draft.available, report.draft.pending) == (0, 10)
    assert report.draft.liability_minor == 100


def test_points_expire_as_the_draft_says(shop):
    shop.record(receipt(card="c1", amount=1_000))
    short = draft(('after = 12\nround_to = "month"', 'after = 5\nunit = "days"'))
    report = shop.simulate_programme(short, JANUARY)
    assert (report.current.expired, report.current.available) == (0, 10)
    assert (report.draft.expired, report.draft.available) == (10, 0)
    assert report.draft.liability_minor == 0


# --- the period ------------------------------------------------------------------------


def test_the_draft_holds_in_the_period_only(shop, clock):
    by_hand(shop, clock, [
        (day, lambda s: s.record(receipt(card="c1", amount=1_000, at=s.clock())))
        for day in (0, 9, 10, 19, 20)
    ])  # fmt: skip
    report = shop.simulate_programme(DOUBLE, "2026-01-11..2026-01-20")
    assert (report.receipts, report.current.earned, report.draft.earned) == (2, 20, 40)
    # 20 points were there when it began, and what comes after it is not looked at
    assert (report.current.available, report.draft.available) == (40, 60)
    assert report.differing == 0


def test_a_receipt_counts_by_its_business_date(shop):
    yesterday = dt.date(2025, 12, 31)
    shop.record(receipt(card="c1", amount=1_000, business_date=yesterday))
    shop.record(receipt(card="c1", amount=1_000))
    report = shop.simulate_programme(DOUBLE, JANUARY)
    assert (report.receipts, report.draft.earned, report.draft.available) == (1, 20, 30)
    report = shop.simulate_programme(DOUBLE, "2025-12-01..2025-12-31")
    assert (report.receipts, report.draft.earned, report.draft.available) == (1, 20, 20)
    assert report.members == 1  # both joined later, and one has points of the period


def test_an_older_receipt_that_comes_late_earns_under_its_own_programme(shop, clock):
    clock.now = NOW + 12 * DAY
    shop.record(receipt(card="c1", amount=1_000, at=NOW + 11 * DAY))
    shop.record(receipt(card="c1", amount=1_000, at=NOW + 2 * DAY))
    report = shop.simulate_programme(DOUBLE, "2026-01-11..2026-01-20")
    assert (report.receipts, report.draft.earned, report.draft.available) == (1, 20, 30)
    assert report.current.available == 20
    assert (report.draft.receipts, report.draft.spend_minor) == (1, 1_000)
    assert report.draft.rules == {"base": 20}
    assert report.differing == 0


@pytest.mark.parametrize(
    ("over", "receipts"), [("all", 3), ("12m", 3), ("2d", 1), ("10d", 1), ("11d", 2), ("1m", 3)]
)
def test_a_period_is_counted_back_from_the_newest_receipt(shop, clock, over, receipts):
    by_hand(shop, clock, [
        (day, lambda s: s.record(receipt(card="c1", at=s.clock()))) for day in (0, 10, 20)
    ])  # fmt: skip
    assert shop.simulate_programme(SAME, over).receipts == receipts


def test_a_programme_published_in_the_period_holds_in_the_replay_of_those_in_force(shop, clock):
    shop.record(receipt(card="c1", amount=1_000))
    triple = draft(("points = 1\nper_minor = 100", "points = 3\nper_minor = 100"))
    shop.publish(triple, NOW + 5 * DAY)
    clock.now = NOW + 6 * DAY
    shop.record(receipt(card="c1", amount=1_000, at=clock.now))
    report = shop.simulate_programme(DOUBLE, JANUARY)
    assert (report.current.earned, report.draft.earned) == (10 + 30, 20 + 20)
    assert report.differing == 0


def test_what_was_recorded_before_the_period_stands(shop, clock, monkeypatch):
    shop.record(receipt(card="c1", amount=1_000))
    clock.now = NOW + 15 * DAY
    shop.record(receipt(card="c1", amount=1_000, at=clock.now))
    monkeypatch.setattr(
        "ledger.policies.earn.base_points", lambda basket: [Award("", [1 for _ in basket.lines])]
    )
    report = shop.simulate_programme(DOUBLE, "2026-01-11..2026-01-20")
    assert (report.current.earned, report.current.available) == (1, 10 + 1)
    assert report.differing == 1
    clock.now += 1 * DAY
    shop.record(receipt(card="c1", amount=1_000, at=NOW + 2 * DAY))  # decided in the new way
    monkeypatch.undo()
    assert shop.simulate_programme(DOUBLE, "2026-01-11..2026-01-20").differing == 0


@pytest.mark.parametrize("enrolled", ["in the period", "with the first receipt"])
def test_what_expired_before_the_period_is_none_of_its_breakage(ledger, enrolled):
    if enrolled == "in the period":
        ledger.enrol("c1")
    for days, amount in ((1_000, 700), (500, 1_000), (350, 3_000), (100, 200)):
        bought = receipt(card="c1", amount=amount, at=NOW - days * DAY)
        ledger.record(bought, history=True, enrol=True)
    ledger.record(receipt(card="c1", amount=500))
    report = ledger.simulate_programme(DOUBLE, JANUARY)
    # 7 points expired in 2024 and are let go since, 10 expired in 2025, 30 in January 2026
    assert (report.current.expired, report.draft.expired) == (30, 30)
    assert (report.current.available, report.draft.available) == (2 + 5, 2 + 10)


@pytest.mark.parametrize(("last", "tier"), [("03", "gold"), ("08", "gold"), ("09", "basic")])
def test_a_tier_is_that_of_the_last_day(shop, last, tier):
    """Of a window of one day, and kept for seven more."""
    shop.record(receipt(card="c1", amount=10_000))
    brief = draft(("window_days = 365\nkeep_days = 30", "window_days = 1\nkeep_days = 7"))
    report = shop.simulate_programme(brief, f"2026-01-01..2026-01-{last}")
    assert report.draft.tiers.get(tier) == (1 if tier == "gold" else 2)


def test_a_receipt_given_to_a_member_in_the_period_earns_under_its_own_day(shop, clock):
    nameless = receipt(amount=1_000, number="1", at=NOW + 2 * DAY)
    clock.now = NOW + 12 * DAY
    shop.record(nameless)
    shop.record(receipt(card="c2", amount=100, at=clock.now))
    shop.attribute(key(nameless), "c1")
    report = shop.simulate_programme(DOUBLE, "2026-01-11..2026-01-20")
    assert (report.current.earned, report.draft.earned) == (1, 2)
    assert (report.current.available, report.draft.available) == (11, 12)


# --- what people did -------------------------------------------------------------------


def test_a_redemption_is_repeated_where_the_draft_lets_it(shop):
    shop.record(receipt(card="c1", amount=5_000))
    shop.redeem("c1", "r1", points=30)
    dear = draft(("value_minor = 10", "value_minor = 25"))
    report = shop.simulate_programme(dear, JANUARY)
    assert (report.current.redeemed, report.current.redeemed_minor) == (30, 300)
    assert (report.draft.redeemed, report.draft.redeemed_minor) == (30, 750)
    assert report.draft.available == 20
    assert report.draft.liability_minor == 20 * 25


def test_redemptions_that_the_draft_refuses_are_counted_with_their_points(shop):
    shop.record(receipt(card="c1", amount=9_000))
    shop.redeem("c1", "r1", points=30)
    shop.redeem("c1", "r2", points=10)
    shop.redeem("c1", "r3", points=40)
    strict = draft(("value_minor = 10", "value_minor = 10\nminimum_points = 40"))
    report = shop.simulate_programme(strict, JANUARY)
    assert report.draft.refused == (Refusal("redeemed", "redeem-step", 2, 40),)
    assert report.current.refused == ()
    assert (report.draft.redeemed, report.draft.available) == (40, 50)


def test_points_that_the_draft_never_gave_cannot_be_redeemed(shop):
    shop.record(receipt(card="c1", amount=5_000))
    shop.redeem("c1", "r1", points=30)
    poor = draft(("per_minor = 100", "per_minor = 200"))
    report = shop.simulate_programme(poor, JANUARY)
    assert report.draft.refused == (Refusal("redeemed", "points-short", 1, 30),)
    assert report.draft.available == 25


def test_a_gift_costs_what_the_draft_asks(shop):
    shop.record(receipt(card="c1", amount=9_000))
    shop.redeem("c1", "r1", gift="mug")
    report = shop.simulate_programme(draft(("points = 50", "points = 70")), JANUARY)
    assert (report.current.redeemed, report.draft.redeemed) == (50, 70)
    assert report.draft.available == 20


def test_a_redemption_of_a_replaced_card_is_repeated(shop):
    shop.record(receipt(card="c1", amount=5_000))
    shop.redeem("c1", "r1", points=10)
    shop.replace_card("c1", "c9")
    shop.redeem("c9", "r2", points=10)
    report = shop.simulate_programme(DOUBLE, JANUARY)
    assert (report.draft.redeemed, report.draft.refused) == (20, ())


def test_adjustments_and_compensation_are_repeated_within_the_limits_of_the_draft(shop):
    bought = receipt(card="c1", amount=1_000)
    shop.record(bought)
    shop.adjust("c1", 7, "hello", "Bob", "a1")
    shop.adjust("c1", -2, "oops", "Bob", "a2")
    shop.open_complaint("c1", key(bought), 1, "mould", "Bob", "k1")
    shop.answer_complaint("c1", shop.complaint_id("k1"), "wait", "Bob", "k2")
    shop.resolve_complaint("c1", shop.complaint_id("k1"), "sorry", 20, "Bob", "k3")
    report = shop.simulate_programme(draft(("max_points = 500", "max_points = 19")), JANUARY)
    assert (report.current.adjusted_in, report.current.adjusted_out) == (27, 2)
    assert (report.draft.adjusted_in, report.draft.adjusted_out) == (7, 2)
    assert report.draft.refused == (Refusal("complaint-resolved", "compensation-too-large", 1, 20),)
    report = shop.simulate_programme(draft(("max_points = 500", "max_points = 20")), JANUARY)
    assert (report.draft.adjusted_in, report.draft.refused) == (27, ())


def test_a_return_takes_back_what_the_draft_gave(shop):
    bought = receipt(line(3_000, "p1", 3), card="c1", number="1")
    shop.record(bought)
    shop.record(receipt(line(500), back(bought), card="c1", number="2"))
    shop.return_goods(key(bought), "k1", {1: 1})
    report = shop.simulate_programme(DOUBLE, JANUARY)
    assert (report.current.earned, report.current.reversed) == (35, 20)
    assert (report.draft.earned, report.draft.reversed) == (70, 40)
    assert report.draft.spend_minor == 3_500  # what came back is told by its points
    assert report.differing == 0


def test_a_return_of_what_was_bought_before_takes_back_what_was_recorded(shop, clock):
    bought = receipt(line(3_000, "p1", 3), card="c1", number="1")
    shop.record(bought)
    clock.now = NOW + 15 * DAY
    shop.record(receipt(back(bought), card="c1", number="2", at=clock.now))
    report = shop.simulate_programme(DOUBLE, "2026-01-11..2026-01-20")
    assert (report.current.reversed, report.draft.reversed) == (10, 10)
    assert report.draft.available == 20


def test_a_return_that_the_draft_refuses_leaves_nothing_behind(shop):
    bought = receipt(line(1_000, "p1", 3), card="c1")  # 10 points for 3 pieces
    shop.record(bought)
    shop.redeem("c1", "r1", points=10)
    shop.return_goods(key(bought), "k1", {1: 1})
    shop.record(receipt(card="c1", amount=5_000))
    shop.return_goods(key(bought), "k2", {1: 2})
    strict = SAME + '[returns]\nwhen_spent = "refuse"\n'
    report = shop.simulate_programme(strict, JANUARY)
    assert report.draft.refused == (Refusal("lines-returned", "points-spent", 1, 0),)
    # in force 3 and 7 of the 10 points; in the draft those of two pieces, as the first ones
    assert (report.current.reversed, report.draft.reversed) == (10, 6)


def test_a_return_at_the_desk_counts_to_the_day_it_came(shop, clock):
    bought = receipt(card="c1", amount=1_000)
    shop.record(bought)
    clock.now = NOW + 15 * DAY
    shop.return_goods(key(bought), "k1")
    assert shop.simulate_programme(DOUBLE, "2026-01-01..2026-01-10").current.reversed == 0
    assert shop.simulate_programme(DOUBLE, "2026-01-01..2026-01-20").current.reversed == 10


def test_a_receipt_given_to_a_member_later_earns_under_the_draft(shop):
    nameless = receipt(amount=1_000, number="1")
    shop.record(nameless)
    shop.attribute(key(nameless), "c1")
    report = shop.simulate_programme(DOUBLE, JANUARY)
    assert (report.current.earned, report.draft.earned) == (10, 20)
    assert (report.receipts, report.draft.receipts) == (1, 1)
    assert report.draft.spend_minor == 1_000
    assert report.differing == 0


def test_a_receipt_that_waited_for_its_card_earns_under_the_draft(shop):
    shop.record(receipt(amount=1_000, card="new"))
    shop.enrol("new")
    report = shop.simulate_programme(DOUBLE, JANUARY)
    assert (report.current.earned, report.draft.earned) == (10, 20)
    assert report.differing == 0


def test_late_receipts_earn_where_the_draft_waits_longer(shop, clock):
    clock.now = NOW + 40 * DAY
    shop.record(receipt(card="c1", amount=1_000))
    shop.record(receipt(card="new", amount=1_000))
    shop.record(receipt(card="c2", amount=1_000, at=clock.now))
    clock.now += 1 * DAY
    shop.enrol("new")
    longer = draft(('time_zone = "Europe/Berlin"', 'time_zone = "UTC"\nlate_scan_days = 60'))
    report = shop.simulate_programme(longer, "all")
    assert (report.receipts, report.current.receipts, report.draft.receipts) == (3, 1, 3)
    assert (report.current.earned, report.draft.earned) == (10, 30)
    assert report.differing == 0
    shorter = longer.replace("= 60", "= 0")
    shop.record(receipt(card="c1", amount=1_000, at=clock.now - 2 * DAY))
    report = shop.simulate_programme(shorter, "all")
    assert (report.current.receipts, report.draft.receipts) == (2, 1)


def test_a_stopped_card_earns_nothing_under_the_draft_either(shop):
    shop.block_card("c1", "lost")
    shop.record(receipt(card="c1", amount=1_000))
    report = shop.simulate_programme(DOUBLE, JANUARY)
    assert (report.receipts, report.draft.receipts, report.draft.earned) == (1, 0, 0)
    assert report.differing == 0


def test_birthdays_count_and_nothing_personal_is_told(shop):
    born = dt.date(1980, 1, 1)
    shop.enrol("c3", Personal(name="Ada Byron", birthday=born))
    shop.record(receipt(card="c3", amount=1_000))
    shop.record(receipt(card="c1", amount=1_000))
    feast = draft(("[lots.expiry]", "[earn.birthday]\npoints = 100\n[lots.expiry]"))
    report = shop.simulate_programme(feast, JANUARY)
    assert report.draft.rules == {"base": 20, "birthday": 100}
    told = str(report)
    assert not [word for word in ("Ada", "Byron", "1980", "c3") if word in told]


# --- the replay itself -----------------------------------------------------------------


def test_every_event_says_how_it_is_replayed():
    assert set(REPLAYS) == set(events.EVENTS)


def test_an_event_nobody_knows_how_to_replay_is_told(shop, monkeypatch):
    shop.record(receipt(card="c1", amount=1_000))
    shop.adjust("c1", 7, "hello", "Bob", "a1")
    monkeypatch.setattr(
        "ledger.dryrun.run.REPLAYS",
        {event: how for event, how in REPLAYS.items() if event is not events.PointsAdjusted},
    )
    report = shop.simulate_programme(SAME, JANUARY)
    assert report.not_replayed == {"adjusted": 1}
    assert report.draft.available == 10


def test_receipts_that_earn_otherwise_than_recorded_are_counted(shop, monkeypatch):
    shop.record(receipt(card="c1", amount=1_000))
    assert shop.simulate_programme(SAME, JANUARY).differing == 0
    monkeypatch.setattr("ledger.policies.earn.RULES", ())
    shop.record(receipt(card="c1", amount=20_000))  # gold, at once 1 x without the tier's rule
    shop.record(receipt(card="c1", amount=1_000))
    monkeypatch.undo()
    assert shop.simulate_programme(SAME, JANUARY).differing == 1


def a_chain(ledger):
    """Half a year of a made-up chain, with redemptions and adjustments in between."""
    made = simulate(members=25, weeks=26, seed=3, currency="EUR", returns_bp=800,
                    start=dt.date(2025, 7, 1))  # fmt: skip
    clock = ledger.clock
    for number, bought in enumerate(itertools.islice(made, 400)):
        clock.now = max(clock.now, int(bought.captured_at.timestamp()))
        ledger.record(bought, enrol=True)
        if number % 9 == 0 and bought.card and ledger.balance(bought.card).available >= 20:
            ledger.redeem(bought.card, f"r{number}", points=20)
        if number % 31 == 0 and bought.card:
            ledger.adjust(bought.card, 5, "sorry", "Bob", f"a{number}")


@pytest.mark.parametrize("over", ["all", "60d"])
def test_the_programme_in_force_gives_what_was_recorded(db, clock, over):
    clock.now = 1_751_000_000  # June 2025
    text = PROGRAMME + '[[earn.bonus]]\nname = "dairy"\ncategories = ["milk"]\npoints_each = 2\n'
    with LoyaltyLedger.create(db, text, secret=SECRET, clock=clock) as ledger:
        a_chain(ledger)
        report = ledger.simulate_programme(text, over)
        with ledger.reading() as reader:
            end = NOW * 2  # nothing of it has expired at the end, so any later instant shows it
            totals = reader.totals(end)
    assert report.differing == 0
    assert report.current == report.draft
    assert report.changed == ()
    assert report.current.refused == ()
    assert report.current.redeemed > 0
    assert report.current.reversed > 0
    assert report.current.available == totals["expired"]
    if over == "all":
        assert report.current.receipts == totals["member_receipts"]
    assert report.members == totals["members"]


def test_what_does_not_fit_into_memory_is_read_again(shop, monkeypatch):
    monkeypatch.setattr("ledger.dryrun.world.CACHED_STREAMS", 1)
    monkeypatch.setattr("ledger.dryrun.world.ROWS_AT_ONCE", 10)
    bought = [receipt(card=card, amount=100) for _ in range(130) for card in ("c1", "c2")]
    assert not [o for o in shop.record_all(bought) if isinstance(o, Exception)]
    report = shop.simulate_programme(SAME, JANUARY)
    assert (report.differing, report.current) == (0, report.draft)
    # gold from 100 points on, and 30 receipts at 2 x
    assert report.current.available == 2 * (100 + 30 * 2)


def test_a_sample_is_as_many_members_and_the_same_each_time(shop):
    for number in range(9):
        shop.enrol(f"d{number}")
        shop.record(receipt(card=f"d{number}", amount=1_000))
    shop.record(receipt(amount=1_000))
    shop.record(receipt(card="new", amount=1_000))
    shop.link_card("d0", "new")
    report = shop.simulate_programme(DOUBLE, JANUARY, sample=4)
    chosen = sorted(shop.member_of(c) for c in ["c1", "c2", *(f"d{n}" for n in range(9))])[:4]
    expected = [m for m in chosen if m not in {shop.member_of("c1"), shop.member_of("c2")}]
    assert (report.sample, report.members) == (True, 4)
    linked = shop.member_of("d0") in expected
    assert report.receipts == len(expected) + linked
    assert report.draft.earned == 20 * report.receipts
    assert {c.member_id for c in report.changed} == {m.hex() for m in expected}
    assert shop.simulate_programme(DOUBLE, JANUARY, sample=4) == report
    everybody = shop.simulate_programme(DOUBLE, JANUARY, sample=100)
    assert (everybody.members, everybody.draft.earned) == (11, 200)


# --- refusals, and what is left --------------------------------------------------------


def test_nothing_is_written_to_the_ledger(shop):
    bought = receipt(card="c1", amount=5_000)
    shop.record(bought)
    shop.redeem("c1", "r1", points=30)
    shop.record(receipt(back(bought), card="c1"))
    shop.catch_up()

    def left():
        return shop.log.head(), counts(shop), shop.digests(), shop.log.read(0, 1_000)

    before = left()
    shop.simulate_programme(DOUBLE, JANUARY)
    assert left() == before
    assert shop.verify().clean


@pytest.mark.parametrize(
    "over",
    ["", "soon", "0d", "90", "d", "-3d", "2026-01-31..2026-01-01", "2026-01-01..", "2026-01-01",
     "2026-02-30..2026-03-01", "2025-01-01..2025-12-31", "2026-01-02..2026-12-31"],
)  # fmt: skip
def test_what_is_no_period_with_receipts_is_refused(shop, over):
    shop.record(receipt(card="c1"))
    with pytest.raises(InputInvalid) as refusal:
        shop.simulate_programme(SAME, over)
    assert refusal.value.field == "over"


def test_a_period_without_receipts_says_when_there_are_some(shop):
    shop.record(receipt(card="c1"))
    with pytest.raises(InputInvalid, match=r"2026-01-01\.\.2026-01-01"):
        shop.simulate_programme(SAME, "2025-01-01..2025-12-31")


def test_a_ledger_without_receipts_has_no_history(shop):
    with pytest.raises(InputInvalid, match="No receipt was recorded yet"):
        shop.simulate_programme(SAME, "all")


@pytest.mark.parametrize(
    ("text", "field"),
    [(draft(("EUR", "GBP")), "currency"), (draft(("per_minor = 100", "per_minor = 0")), "earn.per_minor")],
)  # fmt: skip
def test_a_draft_that_cannot_be_is_refused(shop, text, field):
    shop.record(receipt(card="c1"))
    with pytest.raises(ProgrammeInvalid) as refusal:
        shop.simulate_programme(text, JANUARY)
    assert refusal.value.field == field


def test_business_dates_are_found_whatever_they_are(shop):
    days = [dt.date(1971, 2, 3), dt.date(2025, 3, 1), dt.date(2025, 12, 31)]
    for date in days:
        shop.record(receipt(card="c1", business_date=date))
    report = shop.simulate_programme(SAME, "all")
    assert (report.first, report.last) == ("1971-02-03", "2025-12-31")
    assert day_of(days[0]) == 398
