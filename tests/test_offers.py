"""Offers: issued to members, used at the till, given back with the goods."""

import pytest

from ledger import events as e
from ledger.application import LoyaltyLedger
from ledger.commands.offers import IssueList
from ledger.errors import (
    CampaignOver,
    CampaignUnknown,
    CardUnknown,
    InputInvalid,
    KeyConflict,
    MemberClosed,
    MemberUnknown,
)
from ledger.policies.offers import ean13, held_out
from tests.campaigns import PASTA, RICE, SOUP, begun, described, drawn, issued, soup, uses_on
from tests.shop import DAY, NOW, back, conserved, key, line, points_of, receipt

TODAY = 20_454


@pytest.fixture
def shop(ledger):
    """A ledger whose catalogue knows three products, with two members."""
    ledger.enrol("C1")
    ledger.enrol("C2")
    return described(ledger)


def bought(ledger, listed, *lines, card="C1", **fields):
    return ledger.record(receipt(*lines, card=card, offers=(listed.barcode,), **fields))


# --- lists -----------------------------------------------------------------------------


def test_a_list_is_one_event_with_a_barcode_that_scanners_accept(shop):
    code = begun(shop)
    event = issued(shop, "C1", code)
    assert event.offers == (e.ListedOffer(code, "", 50),)
    assert (event.from_day, event.until_day, event.held_out) == (TODAY, TODAY + 6, ())
    assert len(event.barcode) == 13
    assert event.barcode.startswith("99")
    digits = [int(d) for d in event.barcode]
    assert (sum(digits[::2]) + 3 * sum(digits[1::2])) % 10 == 0
    assert ean13(0) == "9900000000004"  # 9*1 + 9*3 = 36, and 4 to the next ten


def test_the_same_list_again_is_a_repeat_and_another_under_its_id_is_refused(shop):
    code = begun(shop)
    offers = (e.ListedOffer(code),)
    first = shop.issue_list("C1", offers, "l1", from_day=TODAY, until_day=TODAY + 6)
    assert shop.issue_list("C1", offers, "l1", from_day=TODAY, until_day=TODAY + 6).repeat
    with pytest.raises(KeyConflict):
        shop.issue_list("C1", offers, "l1", from_day=TODAY, until_day=TODAY + 7)
    assert len(shop._state(first.stream).lists) == 1


def test_lists_together_are_as_one_by_one_and_a_refusal_stands_among_them(shop):
    code = begun(shop)
    member = shop.member_of("C1")

    def asked(to, number):
        return IssueList(to, (e.ListedOffer(code),), TODAY, TODAY + 6, number)

    lists = [asked(member, "l1"), asked("C9", "l2"), asked("C2", "l3"), asked(b"\x01" * 16, "l4")]
    first, unknown, second, nobody = shop.issue_lists(lists)
    assert isinstance(unknown, CardUnknown)
    assert isinstance(nobody, MemberUnknown)
    assert [shop.event(one).offers for one in (first, second)] == [
        (e.ListedOffer(code, "", 50),)
    ] * 2
    head = shop.log.head()
    assert shop.issue_lists(lists[:1]) == [first._replace(repeat=True)]
    again = shop.issue_list("C1", [e.ListedOffer(code)], "l1", from_day=TODAY, until_day=TODAY + 6)
    assert again == first._replace(repeat=True)
    assert shop.log.head() == head


@pytest.mark.parametrize(
    ("refusal", "field", "change"),
    [
        (CardUnknown, "card", {"card": "C9"}),
        (CampaignUnknown, "campaign", {"offers": [e.ListedOffer("x")]}),
        (CampaignOver, "until", {"until_day": TODAY + 31}),
        (InputInvalid, "until", {"until_day": TODAY - 1}),
        (InputInvalid, "until", {"from_day": TODAY + 7}),
        (InputInvalid, "offers", {"offers": []}),
        (InputInvalid, "offers", {"offers": [e.ListedOffer("soup-24")] * 2}),
        (InputInvalid, "amount", {"offers": [e.ListedOffer("soup-24", "", 51)]}),
        (InputInvalid, "product", {"offers": [e.ListedOffer("soup-24", PASTA)]}),
    ],
)
def test_a_list_that_promises_what_no_campaign_holds_is_refused(shop, refusal, field, change):
    begun(shop)
    asked = {"card": "C1", "offers": [e.ListedOffer("soup-24")], "command_id": "l1"}
    asked |= {"from_day": TODAY, "until_day": TODAY + 6}
    head = shop.log.head()
    with pytest.raises(refusal) as refused:
        shop.issue_list(**(asked | change))
    assert refused.value.field == field
    assert shop.log.head() == head


def test_a_closed_member_gets_no_list(shop):
    code = begun(shop)
    shop.close_member("C1", "moved", "Ada", "close-1")
    with pytest.raises(MemberClosed):
        issued(shop, "C1", code)


def test_who_is_held_out_is_drawn_the_same_every_time_and_recorded(shop):
    code = begun(shop, holdout_bp=5_000, seed="spring")
    out = []
    for number in range(40):
        shop.enrol(f"M{number}")
        event = issued(shop, f"M{number}", code)
        assert (event.offers == ()) == (event.held_out == (code,))
        member = shop.member_of(f"M{number}")
        assert bool(event.held_out) == held_out("spring", code, member, 5_000)
        assert bool(issued(shop, f"M{number}", code, number="l2").held_out) == bool(event.held_out)
        out.append(bool(event.held_out))
    assert 8 <= sum(out) <= 32


def test_the_share_held_out_is_as_the_campaign_says():
    members = [bytes([1, *number.to_bytes(15, "big")]) for number in range(10_000)]
    share = sum(held_out("spring", "soup", member, 1_000) for member in members)
    assert 900 <= share <= 1_100
    assert not any(held_out("spring", "soup", member, 0) for member in members)
    assert all(held_out("spring", "soup", member, 10_000) for member in members)


def test_lists_are_let_go_once_no_receipt_of_their_days_can_come(shop, clock):
    code = begun(shop, until="2026-12-31")
    stream = shop.member_of("C1")
    for week in range(12):
        clock.now = NOW + week * 7 * DAY
        first = TODAY + week * 7
        issued(shop, "C1", code, number=f"w{week}", days=(first, first + 6))
        assert len(shop._state(stream).lists) <= 7  # 30 days late, and the list's own week
    clock.now += 60 * DAY
    shop.record(receipt(line(100), card="C1", at=clock.now))
    assert shop._state(stream).lists == ()


# --- at the till -----------------------------------------------------------------------


def test_a_line_uses_the_offer_of_the_list_that_is_shown(shop):
    listed = issued(shop, "C1", begun(shop))
    outcome = bought(shop, listed, line(200, RICE), soup(3))
    assert uses_on(shop, outcome) == [(1, "soup-24", 3, 150, 0)]
    assert drawn(shop) == (150, 3)


def test_a_list_is_accepted_by_showing_it_in_time_used_or_not(shop, clock):
    code = begun(shop)
    listed = issued(shop, "C1", code)
    nothing = bought(shop, listed, line(200, RICE))
    assert shop.event(nothing).award.accepted == (listed.barcode,)
    assert uses_on(shop, nothing) == []
    used = bought(shop, listed, soup())
    assert shop.event(used).award.accepted == (listed.barcode,)
    assert shop.event(bought(shop, listed, soup(), card="C2")).award.accepted == ()
    shop.end_campaign(code, TODAY, "Ada", "end-1")
    clock.now = NOW + 2 * DAY
    over = bought(shop, listed, soup(), at=clock.now)
    assert (shop.event(over).award.accepted, uses_on(shop, over)) == ((listed.barcode,), [])
    clock.now = NOW + 7 * DAY
    late = bought(shop, listed, soup(), at=clock.now)
    assert shop.event(late).award.accepted == ()
    assert shop.campaign_results(code).accepted == 1
    other = issued(shop, "C2", begun(shop, code="other", products=[RICE]), days=(TODAY, TODAY + 9))
    assert shop.campaign_results("other").accepted == 0
    bought(shop, other, soup(), card="C2", at=clock.now)
    assert (shop.campaign_results("other").accepted, shop.campaign_results("other").used) == (1, 0)
    assert shop.verify().clean


def test_without_the_list_or_with_another_members_there_is_no_offer(shop):
    listed = issued(shop, "C1", begun(shop))
    assert uses_on(shop, shop.record(receipt(soup(), card="C1"))) == []
    assert uses_on(shop, bought(shop, listed, soup(), card="C2")) == []
    assert uses_on(shop, shop.record(receipt(soup(), offers=(listed.barcode,)))) == []
    assert drawn(shop) == (0, 0)


@pytest.mark.parametrize(
    ("offer", "sold", "off"),
    [
        ({"off_minor": 50}, soup(2, off=50), 100),
        ({"off_minor": 50}, soup(2, off=20), 40),  # no more than the till took off
        ({"off_bp": 1_250}, soup(1, off=100), 37),  # 37.5, floor
        ({"price_minor": 250}, soup(2, off=60), 100),
        ({"off_minor": 50}, line(500, SOUP, 842, unit="gram", discount_minor=80), 50),
    ],
)
def test_what_an_offer_takes_off(shop, offer, sold, off):
    listed = issued(shop, "C1", begun(shop, offer=offer))
    assert [use[3] for use in uses_on(shop, bought(shop, listed, sold))] == [off]
    assert drawn(shop)[0] == off


def test_points_and_rewards_take_nothing_off_and_count_pieces(shop):
    points = begun(shop, code="p", offer={"points": 7})
    recipe = begun(shop, code="r", products=[PASTA], offer={"reward": "a recipe"})
    listed = issued(shop, "C1", points, recipe)
    outcome = bought(shop, listed, soup(2, off=0), line(100, PASTA))
    award = shop.event(outcome).award
    assert award.points == (6 + 14, 1)
    assert dict(award.rules)["offer:p"] == 14
    assert [use.reward for use in award.offers] == ["", "a recipe"]
    assert (drawn(shop, "p"), drawn(shop, "r")) == ((0, 2), (0, 1))
    assert points_of(shop, "C1") == 21
    conserved(shop, "C1")


def test_categories_are_the_tills_or_the_catalogues(shop):
    listed = issued(shop, "C1", begun(shop, products=None, categories=["dry"]))
    outcome = bought(shop, listed, soup(), soup(product=RICE), soup(product=RICE, category="dry"))
    assert [use[0] for use in uses_on(shop, outcome)] == [0, 2]


def test_an_offer_for_one_product_or_less_deep_is_kept_to(shop):
    code = begun(shop, products=[SOUP, PASTA])
    listed = issued(shop, "C1", e.ListedOffer(code, PASTA, 20))
    outcome = bought(shop, listed, soup(), soup(product=PASTA))
    assert uses_on(shop, outcome) == [(1, code, 1, 20, 0)]


def test_voided_lines_and_returns_use_nothing(shop):
    listed = issued(shop, "C1", begun(shop))
    assert uses_on(shop, bought(shop, listed, soup(voided=True), line(1))) == []


@pytest.mark.parametrize(
    ("combines", "used"), [((True, True), 2), ((True, False), 1), ((False, True), 1)]
)
def test_two_offers_on_a_line_only_where_both_say_so(shop, combines, used):
    first = begun(shop, code="a", may_combine=combines[0])
    second = begun(shop, code="b", may_combine=combines[1])
    listed = issued(shop, "C1", first, second)
    found = uses_on(shop, bought(shop, listed, soup(off=80)))
    assert [(use[1], use[3]) for use in found] == [("a", 50), ("b", 30)][:used]


def test_a_line_has_an_offer_of_a_campaign_once(shop):
    code = begun(shop, may_combine=True)
    listed = issued(shop, "C1", code, e.ListedOffer(code, SOUP, 20))
    assert uses_on(shop, bought(shop, listed, soup(off=70))) == [(0, code, 1, 50, 0)]


def test_limits_by_day_and_by_member_are_kept(shop, clock):
    listed = issued(shop, "C1", begun(shop, per_day=3, per_member=4))
    assert [u[2] for u in uses_on(shop, bought(shop, listed, soup(2), soup(2)))] == [2, 1]
    assert uses_on(shop, bought(shop, listed, soup())) == []
    clock.now += DAY
    assert [u[2] for u in uses_on(shop, bought(shop, listed, soup(5), at=clock.now))] == [1]
    late = bought(shop, listed, soup(), at=NOW)  # of the first day, heard on the second
    assert uses_on(shop, late) == []


def test_a_list_holds_on_its_days_and_a_late_receipt_still_counts(shop, clock):
    listed = issued(shop, "C1", begun(shop), days=(TODAY + 1, TODAY + 2))
    assert uses_on(shop, bought(shop, listed, soup(), at=NOW)) == []
    clock.now = NOW + 10 * DAY
    assert uses_on(shop, bought(shop, listed, soup(), at=NOW + 3 * DAY)) == []
    assert len(uses_on(shop, bought(shop, listed, soup(), at=NOW + 2 * DAY))) == 1


def test_after_a_campaign_has_ended_its_offers_are_none(shop, clock):
    code = begun(shop)
    listed = issued(shop, "C1", code)
    shop.end_campaign(code, TODAY, "Ada", "c1")
    assert len(uses_on(shop, bought(shop, listed, soup()))) == 1
    clock.now += DAY
    assert uses_on(shop, bought(shop, listed, soup(), at=clock.now)) == []


def test_where_the_budget_is_used_up_the_receipt_is_recorded_without_the_offer(shop):
    listed = issued(shop, "C1", begun(shop, budget_pieces=3, budget_minor=120))
    first = bought(shop, listed, soup(2))
    second = bought(shop, listed, soup(2))
    third = bought(shop, listed, soup())
    assert uses_on(shop, first) == [(0, "soup-24", 2, 100, 0)]
    assert uses_on(shop, second) == [(0, "soup-24", 1, 20, 0)]
    assert uses_on(shop, third) == []
    assert shop.event(third).award.points == (2,)
    assert shop.campaign("soup-24").left == (0, 0)


def test_the_receipt_again_is_a_repeat_and_with_another_list_a_conflict(shop):
    listed = issued(shop, "C1", begun(shop))
    sold = receipt(soup(), card="C1", offers=(listed.barcode,), number="one")
    shop.record(sold)
    assert shop.record(sold).repeat
    with pytest.raises(KeyConflict):
        shop.record(receipt(soup(), card="C1", number="one"))
    assert drawn(shop) == (50, 1)


# --- what comes back -------------------------------------------------------------------


def test_a_return_gives_pieces_money_and_points_back(shop):
    code = begun(shop)
    more = begun(shop, code="p", products=[PASTA], offer={"points": 5})
    listed = issued(shop, "C1", code, more)
    sold = receipt(soup(3), soup(2, product=PASTA), card="C1", offers=(listed.barcode,))
    shop.record(sold)
    before = points_of(shop, "C1")
    shop.record(receipt(back(sold, 1, 1), card="C1"))
    assert drawn(shop) == (100, 2)
    shop.return_goods(key(sold), "r1")
    assert (drawn(shop), drawn(shop, "p")) == ((0, 0), (0, 0))
    assert before > points_of(shop, "C1") == 0
    conserved(shop, "C1")


def test_a_return_that_came_first_gives_back_as_one_that_came_after(shop):
    listed = issued(shop, "C1", begun(shop))
    sold = receipt(soup(3), card="C1", offers=(listed.barcode,))
    shop.record(receipt(back(sold, 1, 2)))
    shop.record(sold)
    assert drawn(shop) == (50, 1)


def test_a_voided_return_leaves_what_it_gave_back_and_gives_it_back_once(shop):
    listed = issued(shop, "C1", begun(shop, budget_pieces=3, budget_minor=150))
    sold = receipt(soup(3), card="C1", offers=(listed.barcode,))
    shop.record(sold)
    shop.return_goods(key(sold), "r1", {1: 2})
    assert drawn(shop) == (50, 1)
    shop.void_return(key(sold), "r1", "v1")
    bought(shop, listed, soup(2))
    assert drawn(shop) == (150, 3)
    shop.return_goods(key(sold), "r2", {1: 2})
    assert drawn(shop) == (150, 3)  # given back before
    shop.return_goods(key(sold), "r3", {1: 1})
    assert drawn(shop) == (100, 2)


# --- the log ---------------------------------------------------------------------------


def test_offers_replay_and_are_told_alike_after_a_rebuild(shop, db, clock):
    listed = issued(shop, "C1", begun(shop, per_member=9))
    sold = receipt(soup(3), card="C1", offers=(listed.barcode,))
    shop.record(sold)
    shop.return_goods(key(sold), "r1", {1: 1})
    told = shop.digests()
    with LoyaltyLedger.open(db, clock=clock) as again:
        assert again._state(again.member_of("C1")) == shop._state(shop.member_of("C1"))
        again.rebuild([p.name for p in again.engine.projections])
        assert again.digests() == told
    verdict = shop.verify()
    assert verdict.clean, verdict.findings
