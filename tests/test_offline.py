"""Points at tills that are offline: allowed in advance, told later, and never lost."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ledger.errors import (
    AllowanceLimit,
    AllowanceNotOffered,
    AmountInvalid,
    CardBlocked,
    CardLimitReached,
    CardMayNotRedeem,
    CardUnknown,
    InputInvalid,
    KeyConflict,
    ProgrammeInvalid,
)
from ledger.policies.offline import card_mark
from ledger.programme import load
from ledger.types import Tender
from tests.conftest import PROGRAMME
from tests.offline import HOUR, MINUTE, TABLE, allow, claims_of, raw, rich, spend
from tests.shop import DAY, NOW, conserved, key, points_of, receipt, tally


@pytest.fixture
def shop(ledger_copied):
    """A member with 100 points, where offline tills may let cards pay."""
    ledger = ledger_copied(TABLE)
    rich(ledger)
    return ledger


# --- the programme -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "field", "said"),
    [
        ("[redeem.offline]\n", "redeem.offline.most_points", "missing"),
        ("[redeem.offline]\nmost_points = 0\n", "redeem.offline.most_points", ">= 1"),
        (TABLE + "hours = 0\n", "redeem.offline.hours", ">= 1"),
        (TABLE + "hours = 169\n", "redeem.offline.hours", "<= 168"),
        (TABLE + "share_bp = 10001\n", "redeem.offline.share_bp", "<= 10000"),
        (TABLE + "days = 1\n", "redeem.offline.days", "unknown"),
    ],
)
def test_a_wrong_table_is_told_by_its_key(text, field, said):
    with pytest.raises(ProgrammeInvalid, match=said) as wrong:
        load(PROGRAMME + text)
    assert wrong.value.field == field


def test_offline_points_need_a_worth_that_can_be_reached():
    with pytest.raises(ProgrammeInvalid, match=r"needs redeem\.cash") as wrong:
        load(PROGRAMME.replace("[redeem.cash]\npoints = 1\nvalue_minor = 10\n", "") + TABLE)
    assert wrong.value.field == "redeem.offline"
    dear = PROGRAMME.replace("value_minor = 10\n", "value_minor = 10\nminimum_points = 101\n")
    with pytest.raises(ProgrammeInvalid, match=r"below the least .* \(101\)") as wrong:
        load(dear + TABLE)
    assert wrong.value.field == "redeem.offline.most_points"
    load(dear.replace("101", "100") + TABLE)


# --- issued ------------------------------------------------------------------------------


def test_an_allowance_reserves_nothing(shop):
    made = shop.issue_allowance("c1", 60, "a1", store="s1")
    assert (made.issued.points, made.issued.until, made.issued.store) == (60, NOW + DAY, "s1")
    assert shop.balance("c1")[:5] == (100, 0, 0, 0, 0)
    shop.redeem("c1", "r1", points=100)
    conserved(shop, "c1")
    assert shop.verify().clean


def test_a_till_checks_it_with_a_public_key_and_without_the_ledger(shop):
    token = allow(shop, store="s1", hours=2)
    (known,) = shop.allowance_keys()
    head, body, signature = token.split(".")
    assert json.loads(raw(head)) == {"alg": "EdDSA", "kid": known.id, "typ": "allowance+jwt"}
    Ed25519PublicKey.from_public_bytes(known.public).verify(
        raw(signature), f"{head}.{body}".encode()
    )
    claims = claims_of(token)
    assert claims.pop("sub") == card_mark(claims["jti"], "c1") != card_mark(claims["jti"], "c2")
    assert claims == {
        "jti": claims["jti"], "nbf": NOW, "exp": NOW + 2 * HOUR, "points": 60, "store": "s1",
        "currency": "EUR",
        "cash": {"points": 1, "value_minor": 10, "minimum_points": 0, "step_points": 0,
                 "max_share_bp": 10_000},
    }  # fmt: skip


def test_a_token_does_not_show_the_card_nor_that_two_are_of_one_card(ledger_copied):
    ledger = ledger_copied(TABLE)
    rich(ledger, card="2900000000018")
    first, second = (allow(ledger, 10, name, "2900000000018") for name in ("a1", "a2"))
    assert b"2900000000018" not in raw(first.split(".")[1])
    assert claims_of(first)["sub"] != claims_of(second)["sub"]


def test_the_same_issue_again_is_the_same_token(shop, clock):
    first = shop.issue_allowance("c1", 60, "a1")
    clock.now += HOUR
    shop.rotate_allowance_key("Ada", "k1")
    again = shop.issue_allowance("c1", 60, "a1")
    assert again.token == first.token
    assert again.outcome == first.outcome._replace(repeat=True)
    rich(shop, card="c2")
    for change in ({"points": 59}, {"card": "c2"}, {"hours": 1}, {"store": "s1"}):
        asked = {"card": "c1", "points": 60, **change}
        with pytest.raises(KeyConflict):
            shop.issue_allowance(asked.pop("card"), asked.pop("points"), "a1", **asked)


def test_a_programme_without_the_table_issues_none_and_makes_no_key(ledger_under):
    ledger = ledger_under("")
    rich(ledger)
    with pytest.raises(AllowanceNotOffered):
        allow(ledger)
    assert ledger.allowance_keys() == []


@pytest.mark.parametrize("hours", [-1, 25])
def test_an_allowance_holds_no_longer_than_the_programme_lets(shop, hours):
    with pytest.raises(AmountInvalid, match=f"{hours} hours asked, 24 at most") as refused:
        allow(shop, hours=hours)
    assert refused.value.field == "hours"


@pytest.mark.parametrize("points", [0, -1])
def test_an_allowance_is_for_more_than_nothing(shop, points):
    with pytest.raises(AmountInvalid):
        allow(shop, points)


def test_all_that_a_member_may_spend_offline_is_bounded(ledger_copied, clock):
    ledger = ledger_copied(TABLE)
    rich(ledger, 1_000)
    ledger.link_card("c1", "c3")
    allow(ledger, 60, "a1", store="s1")
    allow(ledger, 30, "a2", "c3", hours=1)
    with pytest.raises(AllowanceLimit, match="11 asked, 10 at most now"):
        allow(ledger, 11, "a3", store="s2")
    clock.now = NOW + HOUR - 1
    with pytest.raises(AllowanceLimit, match="10 at most"):
        allow(ledger, 40, "a3")
    clock.now = NOW + HOUR  # the second one is over
    allow(ledger, 40, "a3")
    with pytest.raises(AllowanceLimit, match="0 at most"):
        allow(ledger, 1, "a4")


def test_what_was_told_as_spent_counts_no_more(shop, clock):
    rich(shop, 1_000)
    token = allow(shop, 60)
    clock.now += 2 * HOUR
    with pytest.raises(AllowanceLimit, match="40 at most"):
        allow(shop, 41, "a2")
    spend(shop, token, 50)
    allow(shop, 90, "a2")
    with pytest.raises(AllowanceLimit, match="0 at most"):
        allow(shop, 1, "a3")


def test_only_a_share_of_what_is_there_may_be_spent_offline(ledger_under):
    ledger = ledger_under(TABLE + "share_bp = 3333\n")
    rich(ledger, 100)
    with pytest.raises(AllowanceLimit, match="34 asked, 33 at most"):
        allow(ledger, 34)
    allow(ledger, 20)
    with pytest.raises(AllowanceLimit, match="14 asked, 13 at most"):
        allow(ledger, 14, "a2")


def test_pending_and_held_points_back_no_allowance_and_holds_that_are_over_do(ledger_under, clock):
    ledger = ledger_under("[lots]\npending_days = 2\n" + TABLE)
    rich(ledger, 50)
    with pytest.raises(AllowanceLimit, match="0 at most"):
        allow(ledger, 1)
    clock.now = NOW + 3 * DAY
    ledger.hold("c1", 20, "h1")
    with pytest.raises(AllowanceLimit, match="30 at most"):
        allow(ledger, 31)
    clock.now += 15 * MINUTE
    allow(ledger, 50)


def test_a_card_that_cannot_pay_gets_none(shop):
    with pytest.raises(CardUnknown):
        allow(shop, card="c9")
    with pytest.raises(InputInvalid):
        allow(shop, store="\0")
    shop.link_card("c1", "c3", may_redeem=False)
    with pytest.raises(CardMayNotRedeem):
        allow(shop, card="c3")
    shop.block_card("c1", "lost")
    with pytest.raises(CardBlocked):
        allow(shop)


def test_the_limit_of_a_card_counts_all_its_allowances(shop):
    shop.link_card("c1", "c3", redeem_limit_day=50)
    allow(shop, 40, "a1", "c3")
    with pytest.raises(CardLimitReached, match="51 asked, 50 left"):
        allow(shop, 11, "a2", "c3")
    allow(shop, 20, "a2", "c1")
    shop.redeem("c3", "r1", points=5)
    with pytest.raises(CardLimitReached, match="46 asked, 45 left"):
        allow(shop, 6, "a3", "c3")


def test_a_day_that_a_card_has_spent_after_takes_nothing_from_its_limit_today(shop, clock):
    shop.link_card("c1", "c3", redeem_limit_day=50)
    token = allow(shop, 40, "a1", "c3")
    clock.now = NOW + 2 * DAY
    shop.redeem("c3", "r1", points=30)
    spend(shop, token, 40, card="c3")
    with pytest.raises(CardLimitReached, match="21 asked, 20 left"):
        shop.redeem("c3", "r2", points=21)


# --- told later --------------------------------------------------------------------------


def test_points_spent_offline_are_money_off_as_of_then(shop, clock):
    token = allow(shop, store="s1")
    clock.now = NOW + 3 * DAY
    event = spend(shop, token, store="s1")
    assert (event.captured_at, event.points, event.value_minor) == (NOW + HOUR, 50, 500)
    assert (event.arrears, event.unexpired, event.owed_as, event.store) == (0, (), (), "s1")
    assert shop.balance("c1")[:4] == (50, 0, 0, 0)
    assert shop.balance("c1", NOW + HOUR - 1).available == 100
    assert shop.balance("c1", NOW + HOUR).available == 50
    assert shop.balance("c1", NOW + HOUR, known_at=NOW + DAY).available == 100
    conserved(shop, "c1")
    assert shop.verify().clean


def test_the_same_told_again_is_a_repeat_and_other_content_a_conflict(shop, clock):
    token, other = allow(shop), allow(shop, 40, "a2")
    clock.now = NOW + 3 * DAY
    first = shop.redeem_offline("c1", 30, "x1", token, NOW + HOUR)
    assert shop.redeem_offline("c1", 30, "x1", token, NOW + HOUR) == first._replace(repeat=True)
    assert points_of(shop, "c1") == 70
    for points, sent, at in ((29, token, NOW + HOUR), (30, other, NOW + HOUR), (30, token, NOW)):
        with pytest.raises(KeyConflict):
            shop.redeem_offline("c1", points, "x1", sent, at)
    with pytest.raises(KeyConflict):
        shop.redeem("c1", "x1", points=30)
    conserved(shop, "c1")


@pytest.mark.parametrize("jobs", ["none", "before", "after", "both"])
def test_points_that_expired_since_pay_whether_or_not_it_was_recorded(shop, clock, jobs):
    (lot,) = tally(shop, "c1").lots
    clock.now = lot[0] - HOUR
    token = allow(shop)
    clock.now = lot[0] + DAY
    member = shop.member_of("c1")
    if jobs in {"before", "both"}:
        shop.record_expiry(member, clock.now)
        assert shop.balance("c1")[:3] == (0, 0, 100)
    event = spend(shop, token, 60, at=lot[0] - MINUTE)
    assert bool(event.unexpired) is (jobs in {"before", "both"})
    assert (event.arrears, event.value_minor) == (0, 600)
    if jobs in {"after", "both"}:
        shop.record_expiry(member, clock.now)
    assert shop.balance("c1")[:4] == (0, 0, 40, 0)
    for at, told in (
        (lot[0] - HOUR, (100, 0, 0)),
        (lot[0] - MINUTE, (40, 0, 0)),
        (lot[0], (0, 0, 40)),
    ):
        assert shop.balance("c1", at)[:3] == told
    conserved(shop, "c1")
    assert shop.verify().clean
    shop.undo_redemption("x1", "mistake", "Ada")  # back to a lot that is over
    assert shop.balance("c1")[:4] == (0, 0, 100, 0)
    conserved(shop, "c1")


def test_soonest_expiry_at_that_time_pays_first_however_often_it_was_recorded(ledger_under, clock):
    """A scan that came late lies in a lot that had expired, and may be recorded so once more."""
    said = []
    for recorded in ((), (1,), (2,), (1, 2)):
        clock.now = NOW
        ledger = ledger_under(TABLE, after="after = 1", name='name = "test"\nlate_scan_days = 300')
        rich(ledger, 20)
        (lot,) = tally(ledger, "c1").lots
        clock.now = lot[0] - HOUR
        rich(ledger, 30, at=clock.now)
        token = allow(ledger, 45)
        clock.now = lot[0] + DAY
        member = ledger.member_of("c1")
        if 1 in recorded:
            ledger.record_expiry(member, clock.now)
        ledger.record(receipt(card="c1", amount=1_000, at=NOW + HOUR))
        if 2 in recorded:
            ledger.record_expiry(member, clock.now)
        event = spend(ledger, token, 40, at=lot[0] - MINUTE)
        assert (event.arrears, bool(event.unexpired)) == (0, bool(recorded))
        spend(ledger, token, 5, "x2", at=lot[0] - MINUTE)
        ledger.record_expiry(member, clock.now)
        said.append((tally(ledger, "c1").lots, ledger.balance("c1")))
        conserved(ledger, "c1")
        assert ledger.verify().clean
    assert said == said[:1] * 4
    assert said[0][1][:4] == (15, 0, 0, 0)


def test_what_a_hold_that_is_over_gave_back_pays(shop, clock):
    token = allow(shop)
    shop.hold("c1", 80, "h1")
    clock.now = NOW + 14 * MINUTE
    assert spend(shop, token, 30, at=clock.now).arrears == 10  # held still
    clock.now = NOW + 15 * MINUTE
    assert spend(shop, token, 30, "x2", clock.now).arrears == 0
    conserved(shop, "c1")


def test_what_came_later_pays_before_anything_is_owed(ledger_under, clock):
    ledger = ledger_under("[lots]\npending_days = 2\n" + TABLE)
    rich(ledger, 60)
    clock.now = NOW + 3 * DAY
    token = allow(ledger)
    clock.now += HOUR
    ledger.record(receipt(card="c1", amount=3_000, at=clock.now))  # pending at the burn
    ledger.redeem("c1", "r1", points=60)
    clock.now += 4 * DAY
    event = spend(ledger, token, 50, at=NOW + 3 * DAY + HOUR)
    assert (sum(take.points for take in event.takes), event.arrears) == (30, 20)
    assert ledger.balance("c1")[:4] == (0, 0, 0, 20)
    conserved(ledger, "c1")


def test_an_offline_burn_is_an_activity_that_makes_points_last_longer(ledger_under, clock):
    more = "slides = true\n"
    ledger = ledger_under(TABLE, round_to=f'round_to = "month"\n{more}')
    rich(ledger)
    (lot,) = tally(ledger, "c1").lots
    clock.now = NOW + 60 * DAY
    token = allow(ledger)
    clock.now += 2 * DAY
    spend(ledger, token, at=NOW + 60 * DAY + HOUR)
    ((later, *_, left),) = tally(ledger, "c1").lots
    assert later > lot[0]
    assert left == 50
    conserved(ledger, "c1")


# --- short -------------------------------------------------------------------------------


def short(shop, clock, online=80):
    """30 points are not there any more when they are told."""
    token = allow(shop)
    clock.now = NOW + DAY
    shop.redeem("c1", "r1", points=online)
    clock.now = NOW + 2 * DAY
    return token, spend(shop, token, 50, store="s7")


def test_what_was_spent_elsewhere_is_owed_and_nothing_is_lost(shop, clock):
    _, event = short(shop, clock)
    assert (sum(take.points for take in event.takes), event.arrears) == (20, 30)
    assert (event.points, event.value_minor) == (50, 500)
    assert shop.balance("c1")[:4] == (0, 0, 0, 30)
    assert tally(shop, "c1").redeemed == 130
    conserved(shop, "c1")
    shop.record(receipt(card="c1", amount=4_000, at=clock.now))  # gold: 80 points
    assert shop.balance("c1")[:4] == (50, 0, 0, 0)
    conserved(shop, "c1")
    assert shop.verify().clean


def test_a_shortfall_is_told_with_who_where_and_how_much(shop, clock):
    short(shop, clock)
    member = shop.member_of("c1")
    (row,) = shop.offline_burns(0, clock.now, short=True)
    assert row == (member, "allowance", "s7", 50, 30, 500, NOW + HOUR, clock.now)
    spend(shop, allow_again(shop, clock), 10, "x2", clock.now)
    assert len(shop.offline_burns(0, clock.now + 1, short=False)) == 2
    assert shop.offline_burns(0, clock.now + 1, short=True) == [row]
    assert shop.offline_burns(0, NOW + HOUR, short=False) == []
    assert shop.offline_burns(NOW + HOUR + 1, clock.now, short=False) == []


def allow_again(shop, clock):
    shop.adjust("c1", 100, "more", "Ada", "j1")
    return allow(shop, 10, "a2")


def test_a_hold_that_was_settled_late_is_told_there_too(shop, clock):
    shop.hold("c1", 60, "h1", store="s1")
    clock.now = NOW + DAY
    shop.redeem("c1", "r1", points=70)
    shop.settle("h1", captured_at=NOW, store="s1")
    (row,) = shop.offline_burns(0, clock.now, short=True)
    assert row[1:7] == ("hold", "s1", 60, 30, 600, NOW)
    shop.adjust("c1", 100, "more", "Ada", "j1")
    shop.hold("c1", 10, "h2")
    shop.settle("h2")
    assert len(shop.offline_burns(0, clock.now + 1, short=False)) == 1


def test_undoing_it_cancels_what_is_owed_and_restores_the_rest(shop, clock):
    short(shop, clock)
    shop.undo_redemption("x1", "cancelled", "Ada")
    assert shop.balance("c1")[:4] == (20, 0, 0, 0)
    conserved(shop, "c1")
    assert shop.verify().clean


def test_what_was_repaid_before_it_is_undone_comes_back_as_points(shop, clock):
    short(shop, clock, online=100)  # all of it is owed
    shop.adjust("c1", 40, "sorry", "Ada", "j1")
    assert shop.balance("c1")[:4] == (0, 0, 0, 10)
    shop.undo_redemption("x1", "cancelled", "Ada")
    assert shop.balance("c1")[:4] == (40, 0, 0, 0)
    conserved(shop, "c1")
    assert shop.verify().clean


def test_goods_that_were_paid_offline_give_their_points_back(shop, clock):
    token, _ = short(shop, clock)
    bought = receipt(
        amount=1_000, card="c1", at=NOW + HOUR,
        tenders=(Tender("points", 500, "x1"), Tender("cash", 500)),
    )  # fmt: skip
    shop.record(bought)
    before = shop.balance("c1")
    shop.return_goods(key(bought), "b1")
    assert tally(shop, "c1").restored == 50
    after = shop.balance("c1")
    earned = shop.event(shop.record(bought)).award
    assert after.available - after.arrears == (
        before.available - before.arrears + 50 - sum(earned.points)
    )
    conserved(shop, "c1")
    shop.void_return(key(bought), "b1", "v1")
    assert shop.balance("c1")[:4] == before[:4]
    conserved(shop, "c1")
    assert token
