"""Merging two members, and parting them: every lot is conserved, and goes back to where it was."""

import datetime as dt
import json
import subprocess
import sys
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from ledger import events as e
from ledger.application import LoyaltyLedger
from ledger.commands.common import card_index, owner_of, resolve_member
from ledger.errors import (
    CardLimitReached,
    CardUnknown,
    InputInvalid,
    KeyConflict,
    MemberConflict,
    MergeRefused,
    MergeUnknown,
    PointsShort,
    UnmergeRefused,
)
from ledger.projections.membership import FCT_MERGE
from ledger.store.working import Cache, Entry, Torn, Working
from tests.shop import DAY, NOW, back, conserved, key, line, points_of, receipt, tally
from tests.test_concurrency import ROOT, at_once

TOTALS = dict.fromkeys(("earned", "adjusted_in", "transferred_in", "restored", "reinstated", "adjusted_out", "transferred_out", "redeemed", "reversed", "expired"), 0)  # fmt: skip


def merge(ledger, source="a1", into="b1", name="m1"):
    return ledger.merge(source, into, "twins", "Ada", name)


def unmerge(ledger, merged="m1", name="u1"):
    return ledger.unmerge(merged, "Ada", name)


def state(ledger, stream):
    """A member's state without the totals and the count of numbers given, which only grow."""
    found = ledger._state(stream)
    return replace(found, **TOTALS, moved=0, once=())


@pytest.fixture
def two(ledger):
    """a1 (and a2): 10 earned, 7 given; b1: 20 earned; all of them unspent."""
    ledger.enrol("a1")
    ledger.link_card("a1", "a2")
    ledger.enrol("b1")
    ledger.record(receipt(card="a1", amount=1000))
    ledger.adjust("a1", 7, "start", "Ada", "s1")
    ledger.record(receipt(card="b1", amount=2000))
    ledger.a, ledger.b = ledger.member_of("a1"), ledger.member_of("b1")
    return ledger


def both_conserved(ledger, *cards):
    for card in cards or (ledger.a.hex(), "b1"):
        conserved(ledger, card)


# --- merging -----------------------------------------------------------------------------


def test_a_merge_conserves_every_lot(two):
    outcome = merge(two)
    assert not outcome.repeat
    assert points_of(two, "b1") == 10 + 7 + 20
    assert points_of(two, two.a.hex()) == 0
    assert two.member_of("a1") == two.member_of("a2") == two.b
    assert [lot[3] for lot in tally(two, "b1").lots] == [20, 10, 7]
    assert tally(two, "b1").transferred_in == tally(two, two.a.hex()).transferred_out == 17
    both_conserved(two)


def test_lots_keep_their_dates_and_stay_apart_from_the_own(two):
    own = two._state(two.b).lots
    there = two._state(two.a).lots
    merge(two)
    lots = two._state(two.b).lots
    dates = sorted((lot.expires_at, lot.activates_at, lot.points) for lot in lots)
    before = sorted((lot.expires_at, lot.activates_at, lot.points) for lot in own + there)
    assert dates == before
    assert {lot.origin for lot in lots} == {0, 1001, 1002}


def test_merging_twice_under_one_id_is_once(two):
    first = merge(two)
    assert merge(two) == first._replace(repeat=True)
    assert points_of(two, "b1") == 37


@pytest.mark.parametrize("changed", [0, 1, 2, 3])
def test_one_command_id_for_another_merge_is_a_conflict(two, changed):
    two.enrol("c1")
    merge(two)
    content = ["a1", "b1", "twins", "Ada"]
    content[changed] = "c1" if changed < 2 else "other"
    with pytest.raises(KeyConflict):
        two.merge(*content, "m1")


@pytest.mark.parametrize("cards", [("a1", "a2"), ("a1", "a1")])
def test_a_member_is_not_merged_into_itself(two, cards):
    with pytest.raises(MergeRefused):
        merge(two, *cards)


@pytest.mark.parametrize("cards", [("zz", "b1"), ("a1", "zz")])
def test_a_card_that_nobody_holds_merges_nothing(two, cards):
    with pytest.raises(CardUnknown):
        merge(two, *cards)


@pytest.mark.parametrize(("reason", "author"), [("", "Ada"), ("twins", "")])
def test_a_merge_says_why_and_who(two, reason, author):
    with pytest.raises(InputInvalid):
        two.merge("a1", "b1", reason, author, "m1")


def test_who_was_merged_cannot_be_merged_again_under_another_id(two):
    merge(two)
    with pytest.raises(MergeRefused):
        merge(two, name="m2")


def test_every_card_of_both_leads_to_the_one_member_and_pays(two):
    merge(two)
    two.record(receipt(card="a2", amount=300))
    two.redeem("a1", "r1", points=40)
    assert points_of(two, "a2") == 0
    with pytest.raises(PointsShort):
        two.redeem("b1", "r2", points=1)
    both_conserved(two)


def test_a_blocked_card_stays_blocked_when_its_member_is_merged(two):
    two.block_card("a2", "lost")
    merge(two)
    two.record(receipt(card="a2"))
    assert points_of(two, "b1") == 37


def test_expired_points_stay_with_whom_they_expired(two, clock):
    clock.now = NOW + 800 * DAY
    two.adjust("a1", 3, "late", "Ada", "s2")
    merge(two)
    assert tally(two, two.a.hex()).transferred_out == 3
    assert two.balance(two.a.hex()).expired == 17
    both_conserved(two)


def test_pending_points_move_too(ledger_under, clock):
    ledger = ledger_under("[lots]\npending_days = 5\n")
    ledger.enrol("a1")
    ledger.enrol("b1")
    ledger.record(receipt(card="a1"))
    merge(ledger)
    assert ledger.balance("b1").pending == 10
    clock.now = NOW + 6 * DAY
    assert points_of(ledger, "b1") == 10


def test_debts_move_and_are_repaid_by_what_the_one_member_earns(two):
    bought = receipt(card="a1", amount=500)
    two.record(bought)
    two.redeem("a1", "r1", points=22)
    two.return_goods(key(bought), "b1")
    assert two.balance("a1").arrears == 5
    merge(two)
    assert (two.balance("b1").arrears, points_of(two, "b1")) == (5, 20)
    assert two.balance(two.a.hex()).arrears == 0
    both_conserved(two)
    two.record(receipt(card="b1", amount=800))
    assert (two.balance("b1").arrears, points_of(two, "b1")) == (0, 23)
    both_conserved(two)


def test_what_both_collected_counts_for_the_tier(two):
    two.record(receipt(card="a1", amount=4000))
    two.record(receipt(card="b1", amount=3000))
    assert two.member("b1").tier == "basic"
    merge(two)  # 50 + 50 qualifying: exactly the threshold of gold
    assert two.member("b1").tier == "gold"
    assert two._state(two.b).tier == "gold"


def test_a_tier_that_one_of_both_keeps_is_kept(two, clock):
    two.record(receipt(card="a1", amount=10_000))
    until = two._state(two.a).tier_until
    clock.now = NOW + 5 * DAY
    merge(two)
    assert two.member("b1").tier == "gold"
    assert two._state(two.b).tier_until >= until


def test_a_tier_that_is_only_kept_is_kept_no_longer_than_before(two, clock):
    bought = receipt(card="a1", amount=10_000)
    two.record(bought)
    two.return_goods(key(bought), "x1")
    until = two._state(two.a).tier_until
    clock.now = NOW + 5 * DAY
    merge(two)
    assert (two._state(two.b).tier, two._state(two.b).tier_until) == ("gold", until)
    clock.now = until
    assert two.member("b1").tier == "basic"


def test_a_tier_of_both_goes_by_the_years_of_the_one_member_that_stays(ledger_under, clock):
    """b1 joined on 11 April 2026: the year in which both reach gold ends on 10 April 2027."""
    ledger = ledger_under("", window_days='window = "anniversary"', keep_days="grace_days = 10")
    ledger.enrol("a1")
    clock.now = NOW + 100 * DAY
    ledger.enrol("b1")
    clock.now = NOW + 120 * DAY
    for card in ("a1", "b1"):
        ledger.record(receipt(card=card, amount=5_000, at=clock.now))
    ledger.merge("a1", "b1", "twins", "Ada", "m1")
    stood = ledger._state(ledger.member_of("b1"))
    kept = dt.datetime(2028, 4, 21, tzinfo=ZoneInfo("Europe/Berlin"))
    assert (stood.tier, stood.tier_until) == ("gold", int(kept.timestamp()))
    clock.now += 200 * DAY  # another calendar year, the same year of membership
    assert ledger.member("b1").tier == "gold"


def test_an_open_complaint_comes_along_and_is_resolved_by_the_one_member(two):
    bought = receipt(card="a1")
    two.record(bought)
    two.open_complaint("a1", key(bought), 1, "sour", "Ada", "k1")
    merge(two)
    two.resolve_complaint("b1", two.complaint_id("k1"), "sorry", 5, "Ada", "k2")
    assert points_of(two, "b1") == 37 + 10 + 5
    both_conserved(two)


def test_a_complaint_on_an_earlier_receipt_is_taken_from_the_one_member(two):
    bought = receipt(card="a1")
    two.record(bought)
    merge(two)
    assert not two.open_complaint("b1", key(bought), 1, "sour", "Ada", "k1").repeat


# --- what was recorded before, sent again -------------------------------------------------


def test_a_receipt_sent_again_after_the_merge_is_a_repeat(two):
    bought = receipt(card="a1")
    first = two.record(bought)
    merge(two)
    assert two.record(bought) == first._replace(repeat=True)
    assert two.record(replace(bought, card="b1")) == first._replace(repeat=True)
    unmerge(two)
    assert two.record(bought) == first._replace(repeat=True)
    with pytest.raises(MemberConflict):
        two.record(replace(bought, card="zz"))


def test_a_receipt_of_the_time_between_sent_again_after_parting_is_a_repeat(two):
    merge(two)
    bought = receipt(card="a1")
    first = two.record(bought)
    unmerge(two)
    assert two.record(bought) == first._replace(repeat=True)


def test_a_redemption_sent_again_after_merging_and_parting_is_a_repeat(two):
    first = two.redeem("a1", "r1", points=3)
    merge(two)
    assert two.redeem("a1", "r1", points=3) == first._replace(repeat=True)
    with pytest.raises(KeyConflict):
        two.redeem("a1", "r1", points=4)
    between = two.redeem("a1", "r2", points=5)
    unmerge(two)
    assert two.redeem("a1", "r2", points=5) == between._replace(repeat=True)
    assert two.redeem("a1", "r1", points=3) == first._replace(repeat=True)


def test_a_redemption_of_somebody_else_is_no_repeat(two):
    two.redeem("b1", "r1", points=3)
    with pytest.raises(KeyConflict):
        two.redeem("a1", "r1", points=3)


# --- goods that come back ------------------------------------------------------------------


def test_goods_bought_before_take_their_points_from_the_moved_lot_first(two):
    bought = receipt(card="a2", amount=300)
    two.record(bought)
    merge(two)
    two.return_goods(key(bought), "x1")
    lots = {lot.origin: lot.points for lot in two._state(two.b).lots}
    assert lots == {0: 20, 1001: 10, 1002: 7}
    assert two.balance(two.a.hex()).arrears == 0
    both_conserved(two)


def test_goods_bought_before_come_back_on_a_receipt_of_the_one_member(two):
    bought = receipt(card="a1", amount=300)
    two.record(bought)
    merge(two)
    two.record(receipt(back(bought), line(100), card="b1"))
    assert points_of(two, "b1") == 37 + 1
    both_conserved(two)


def test_goods_come_back_after_parting_from_whom_they_belong_to(two):
    bought = receipt(card="a1", amount=300)
    two.record(bought)
    merge(two)
    unmerge(two)
    two.return_goods(key(bought), "x1")
    assert (points_of(two, "a1"), points_of(two, "b1")) == (17, 20)
    both_conserved(two, "a1", "b1")


# --- parting ------------------------------------------------------------------------------


def test_if_nothing_happened_both_are_exactly_as_they_were(two, clock):
    bought = receipt(card="a1", amount=500)
    two.record(bought)
    two.redeem("a1", "r1", points=22)
    two.return_goods(key(bought), "b1")
    two.adjust("a1", 30, "start", "Ada", "s2")
    two.block_card("a2", "lost")
    two.record(receipt(card="a1", amount=6000))
    two.record(receipt(card="b1", amount=4000))
    complained = receipt(card="a1")
    two.record(complained)
    two.open_complaint("a1", key(complained), 1, "sour", "Ada", "k1")
    before = state(two, two.a), state(two, two.b)
    merge(two)
    assert two._state(two.b).tier == "gold"
    clock.now += DAY
    unmerge(two)
    assert (state(two, two.a), state(two, two.b)) == before
    assert (two.member_of("a1"), two.member_of("a2")) == (two.a, two.a)
    assert two.member("b1").tier == "basic"
    both_conserved(two, "a1", "b1")


def test_what_was_spent_is_missing_from_the_lots_it_came_from(two):
    merge(two)
    two.redeem("b1", "r1", points=25)  # own 20 first, then 5 of the 10 that a earned
    outcome = unmerge(two)
    assert (points_of(two, "a1"), points_of(two, "b1")) == (12, 0)
    assert [(lot.origin, lot.points) for lot in two._state(two.a).lots] == [(0, 5), (1, 7)]
    assert sum(t.points for t in two.event(outcome).takes) == 12
    both_conserved(two, "a1", "b1")


def test_receipts_of_the_time_between_stay_and_the_event_says_so(two):
    merge(two)
    two.record(receipt(card="a1", amount=400))
    two.record(receipt(card="a2", amount=200))
    two.record(receipt(card="b1", amount=100))
    event = two.event(unmerge(two))
    assert (event.receipts, event.points) == (2, 6)
    assert (points_of(two, "a1"), points_of(two, "b1")) == (17, 20 + 7)
    with two.reading() as reader:
        rows = reader._rows(
            "SELECT points, points_back, receipts_between, points_between, undone_by FROM {t}",
            FCT_MERGE,
        )
    assert [tuple(row) for row in rows] == [(17, 17, 2, 6, "Ada")]


def test_debts_that_are_left_go_back(two):
    bought = receipt(card="a1", amount=2000)
    two.record(bought)
    two.redeem("a1", "r1", points=37)
    two.return_goods(key(bought), "b1")
    merge(two)
    two.record(receipt(card="b1", amount=800))
    unmerge(two)
    assert (two.balance("a1").arrears, two.balance("b1").arrears) == (12, 0)
    both_conserved(two, "a1", "b1")


def test_a_card_that_was_blocked_or_replaced_in_between_is_so_afterwards(two):
    merge(two)
    two.block_card("a1", "lost")
    two.replace_card("a2", "a3")
    two.link_card("b1", "b2")
    unmerge(two)
    cards = {c.id: c.stopped for c in two._state(two.a).cards}
    assert [cards[two.keys.card(c)] for c in ("a1", "a2", "a3")] == [True, True, False]
    assert (two.member_of("a3"), two.member_of("b2")) == (two.a, two.b)
    assert len(two._state(two.b).cards) == 2


def test_a_tier_reached_by_later_receipts_is_kept(two):
    merge(two)
    two.record(receipt(card="b1", amount=9000))
    assert two._state(two.b).tier == "gold"
    unmerge(two)
    assert two._state(two.b).tier == "gold"


def test_parting_twice_under_one_id_is_once(two):
    merge(two)
    first = unmerge(two)
    assert unmerge(two) == first._replace(repeat=True)


def test_parting_again_under_another_id_is_refused(two):
    merge(two)
    unmerge(two)
    with pytest.raises(UnmergeRefused, match="undone already"):
        unmerge(two, name="u2")


def test_one_command_id_for_another_parting_is_a_conflict(two):
    merge(two)
    unmerge(two)
    with pytest.raises(KeyConflict):
        two.unmerge("m1", "Eve", "u1")


def test_a_merge_that_never_was_cannot_be_undone(two):
    with pytest.raises(MergeUnknown):
        unmerge(two)


def test_parting_says_who(two):
    merge(two)
    with pytest.raises(InputInvalid):
        two.unmerge("m1", "", "u1")


def test_after_parting_they_can_be_merged_again(two):
    merge(two)
    unmerge(two)
    merge(two, name="m2")
    assert points_of(two, "b1") == 37
    assert {lot.origin for lot in two._state(two.b).lots} == {0, 1004, 1005}
    unmerge(two, "m2", "u2")
    assert (points_of(two, "a1"), points_of(two, "b1")) == (17, 20)
    both_conserved(two, "a1", "b1")


# --- merges on merges ----------------------------------------------------------------------


def test_of_two_merged_in_the_last_goes_first(two):
    two.enrol("c1")
    two.adjust("c1", 9, "start", "Ada", "s9")
    merge(two)
    merge(two, "c1", "b1", "m2")
    with pytest.raises(UnmergeRefused, match="undo that first"):
        unmerge(two)
    unmerge(two, "m2", "u2")
    unmerge(two, "m1", "u1")
    assert [points_of(two, card) for card in ("a1", "b1", "c1")] == [17, 20, 9]
    both_conserved(two, "a1", "b1", "c1")


def test_a_merge_into_one_who_was_merged_on_waits_for_that_one(two):
    bought = receipt(card="a1", amount=300)
    two.record(bought)
    two.enrol("c1")
    before = [state(two, two.member_of(card)) for card in ("a1", "b1", "c1")]
    merge(two)
    merge(two, "b1", "c1", "m2")
    assert (points_of(two, "c1"), two.member_of("a2")) == (40, two.member_of("c1"))
    assert two.record(bought).repeat
    both_conserved(two, two.a.hex(), two.b.hex(), "c1")
    with pytest.raises(UnmergeRefused, match="merged into another"):
        unmerge(two)
    unmerge(two, "m2", "u2")
    unmerge(two)
    assert [state(two, two.member_of(card)) for card in ("a1", "b1", "c1")] == before
    both_conserved(two, "a1", "b1", "c1")


def test_goods_of_one_merged_twice_on_come_back_from_the_last(two):
    bought = receipt(card="a1", amount=300)
    two.record(bought)
    two.enrol("c1")
    merge(two)
    merge(two, "b1", "c1", "m2")
    two.return_goods(key(bought), "x1")
    assert points_of(two, "c1") == 37
    assert two.balance("c1").arrears == 0
    both_conserved(two, two.a.hex(), two.b.hex(), "c1")


def test_a_member_takes_in_no_more_than_the_state_can_hold(ledger):
    ledger.enrol("b1")
    for n in range(33):
        ledger.enrol(f"a{n}")
    for n in range(32):
        merge(ledger, f"a{n}", "b1", f"m{n}")
    with pytest.raises(MergeRefused):
        merge(ledger, "a32", "b1", "m32")


@pytest.mark.parametrize("end", ["release", "settle", "over"])
def test_a_hold_of_a_card_that_went_back_ends_like_any_other(two, clock, end):
    merge(two)
    two.adjust("b1", 100, "more", "Ada", "s2")
    two.link_card("b1", "b9", redeem_limit_day=20)  # behind the card that goes back
    two.hold("a1", 5, "h1")
    two.hold("b9", 15, "h2")
    unmerge(two)
    with pytest.raises(CardLimitReached, match="6 asked, 5 left"):
        two.redeem("b9", "r1", points=6)
    for hold in ("h1", "h2"):
        if end == "over":
            clock.now += 15 * 60
            two.expire_holds(two.b)
        else:
            getattr(two, end)(hold)
    left = 5 if end == "settle" else 20
    with pytest.raises(CardLimitReached, match=f"21 asked, {left} left"):
        two.redeem("b9", "r1", points=21)
    both_conserved(two, "a1", "b1")
    assert two.verify().clean


# --- the reports, and many at once ----------------------------------------------------------


def test_rebuilt_reports_are_the_live_ones_and_verify_finds_nothing(two):
    merge(two)
    two.record(receipt(card="a1", amount=400))
    two.redeem("b1", "r1", points=25)
    unmerge(two)
    merge(two, name="m2")
    live = two.digests()
    two.rebuild()
    assert two.digests() == live
    assert two.verify().findings == []


def test_many_merges_of_one_member_at_once_follow_one_another(two):
    for n in range(8):
        two.enrol(f"c{n}")
    answers = at_once(8, lambda n: merge(two, "a1", f"c{n}", f"m{n}"))
    # After the first, the holder of the card is another, who is merged on with all points.
    streams = {two.member_of("a1")}
    assert sum(points_of(two, stream.hex()) for stream in streams) == 17
    assert all(isinstance(a, (tuple, MergeRefused)) for a in answers)
    for n in range(8):
        conserved(two, two.keys.member(f"c{n}").hex())


def test_redemptions_and_a_merge_at_once_lose_nothing(two):
    def act(n):
        if n == 10:
            return merge(two)
        return two.redeem("a1" if n % 2 else "b1", f"r{n}", points=1)

    answers = at_once(21, act)
    assert not [a for a in answers if isinstance(a, Exception)]
    assert points_of(two, "a1") == 37 - 20
    both_conserved(two)


TILL = """
import json, sys
from ledger.application import LoyaltyLedger
db, who, now = sys.argv[1], sys.argv[2], int(sys.argv[3])
done = 0
with LoyaltyLedger.open(db, clock=lambda: now) as ledger:
    print("ready", flush=True)
    sys.stdin.readline()
    for n in range(20):
        if who == "desk":
            ledger.merge("a1", "b1", "twins", "Ada", f"m{n}")
            ledger.unmerge(f"m{n}", "Ada", f"u{n}")
        else:
            ledger.redeem("a1", f"{who}{n}", points=1)
        done += 1
print(json.dumps(done))
"""


def test_a_desk_that_merges_and_a_till_that_redeems_in_two_processes_lose_nothing(two, db):
    two.adjust("a1", 100, "start", "Ada", "s2")
    two.close()
    tills = [
        subprocess.Popen(
            [sys.executable, "-c", TILL, db, who, str(NOW)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for who in ("desk", "till")
    ]  # fmt: skip
    for till in tills:
        assert till.stdout.readline() == "ready\n"
    for till in tills:
        till.stdin.write("go\n")
        till.stdin.flush()
    done = [json.loads(till.communicate(timeout=120)[0]) for till in tills]
    assert done == [20, 20]
    with LoyaltyLedger.open(db, clock=two.clock) as ledger:
        assert points_of(ledger, "a1") + points_of(ledger, "b1") == 17 + 100 + 20 - 20
        conserved(ledger, "a1")
        conserved(ledger, "b1")
        assert ledger.verify().findings == []


def test_what_was_read_before_and_after_a_merge_is_not_believed_together(two):
    card, a, b = two.keys.card("a1"), two.a, two.b
    stale = {stream: Entry(1, two._state(stream)) for stream in (card, a, b)}

    def working(*old):
        made = Working(two.log, two.codec, two.keys, Cache(10), two.vault)
        made.begin(NOW)
        made._known.update({stream: stale[stream] for stream in old})
        return made

    merge(two)
    with pytest.raises(Torn):
        owner_of(working(card), "a1")
    with pytest.raises(Torn):
        card_index(owner_of(working(b), "b1")[1], card)
    with pytest.raises(Torn):
        resolve_member(working(b), a)
    assert resolve_member(working(), a) == owner_of(working(), "a1")[0] == b


def test_a_merge_says_in_the_log_what_moved(two):
    event = two.event(merge(two))
    assert isinstance(event, e.MergedIn)
    assert (event.member, event.origins) == (two.a, ((1001, 0), (1002, 1)))
    assert [take.points for take in event.takes] == [10, 7]
