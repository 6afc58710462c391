"""The door, points: redeemed, adjusted, given for a complaint, and told for any instant."""

import pytest

from ledger import events as e
from ledger.calendar import midnight
from ledger.errors import (
    AmountInvalid,
    CardBlocked,
    CardUnknown,
    CompensationTooLarge,
    ComplaintUnknown,
    InputInvalid,
    KeyConflict,
    LineUnknown,
    MemberConflict,
    PointsShort,
    ReceiptUnknown,
    RedeemNotOffered,
    RedeemStep,
)
from tests.conftest import PROGRAMME
from tests.shop import DAY, NOW, conserved, key, points_of, receipt, tally

EXPIRY = midnight(20_850, "Europe/Berlin")
"""2027-02-01: a year after January, on to the end of the month."""


@pytest.fixture
def rich(ledger):
    """The ledger with a member who holds 90 points."""
    ledger.enrol("c1")
    ledger.record(receipt(card="c1", amount=9000))
    return ledger


# --- redeem ------------------------------------------------------------------------------


def test_points_are_money_off(rich):
    event = rich.event(rich.redeem("c1", "r1", points=40, store="s1"))
    assert (event.points, event.value_minor, event.gift, event.store) == (40, 400, "", "s1")
    assert sum(take.points for take in event.takes) == 40
    assert points_of(rich, "c1") == 50
    conserved(rich, "c1")


def test_points_buy_a_gift(rich):
    event = rich.event(rich.redeem("c1", "r1", gift="mug"))
    assert (event.points, event.value_minor, event.gift) == (50, 0, "mug")
    assert points_of(rich, "c1") == 40


def test_the_same_redemption_again_is_a_repeat(rich):
    first = rich.redeem("c1", "r1", points=40)
    assert rich.redeem("c1", "r1", points=40) == first._replace(repeat=True)
    assert points_of(rich, "c1") == 50


@pytest.mark.parametrize("other", [{"points": 41}, {"gift": "mug"}, {"points": 40, "gift": "mug"}])
def test_a_redemption_id_with_other_content_is_a_conflict(rich, other):
    rich.redeem("c1", "r1", points=40)
    with pytest.raises(KeyConflict) as refused:
        rich.redeem("c1", "r1", **other)
    assert refused.value.field == "command_id"


def test_a_redemption_id_of_another_card_is_a_conflict(rich):
    rich.enrol("c2")
    rich.redeem("c1", "r1", points=40)
    with pytest.raises(KeyConflict):
        rich.redeem("c2", "r1", points=40)


def test_all_points_and_not_one_more_can_be_redeemed(rich):
    with pytest.raises(PointsShort, match="91 asked, 90 available"):
        rich.redeem("c1", "r1", points=91)
    rich.redeem("c1", "r1", points=90)
    assert points_of(rich, "c1") == 0


@pytest.mark.parametrize("points", [0, -1])
def test_nothing_cannot_be_redeemed(rich, points):
    with pytest.raises(AmountInvalid):
        rich.redeem("c1", "r1", points=points)


def test_a_gift_that_is_not_offered_or_not_afforded_is_refused(rich):
    with pytest.raises(RedeemNotOffered):
        rich.redeem("c1", "r1", gift="hat")
    rich.redeem("c1", "r2", gift="mug")
    with pytest.raises(PointsShort):
        rich.redeem("c1", "r3", gift="mug")


def test_a_card_that_nobody_holds_cannot_pay(ledger):
    with pytest.raises(CardUnknown):
        ledger.redeem("c1", "r1", points=1)


def test_a_blocked_card_cannot_pay(rich):
    rich.block_card("c1", "lost")
    with pytest.raises(CardBlocked):
        rich.redeem("c1", "r1", points=1)


def test_points_below_the_minimum_or_between_steps_are_refused(rich, clock):
    steps = "points = 1\nvalue_minor = 10\nminimum_points = 20\nstep_points = 10"
    rich.publish(PROGRAMME.replace("points = 1\nvalue_minor = 10", steps), NOW + 1)
    clock.now = NOW + 1
    for points in (19, 25):
        with pytest.raises(RedeemStep):
            rich.redeem("c1", "r1", points=points)
    assert rich.event(rich.redeem("c1", "r1", points=30)).value_minor == 300


def test_redeeming_never_lowers_the_tier(rich):
    rich.record(receipt(card="c1", amount=1000))
    assert rich.member("c1").tier == "gold"
    rich.redeem("c1", "r1", points=100)
    assert rich.member("c1").tier == "gold"


def test_the_lot_that_ends_soonest_pays(rich, clock):
    clock.now = NOW + 40 * DAY
    rich.record(receipt(card="c1", amount=1000, at=clock.now))
    event = rich.event(rich.redeem("c1", "r1", points=95))
    assert event.takes[0][1:] == (EXPIRY, e.ORIGIN_SCAN, 90)
    conserved(rich, "c1")


# --- adjust ------------------------------------------------------------------------------


def test_points_given_by_staff_can_be_used_at_once(rich):
    rich.adjust("c1", 10, "sorry", "Ada", "a1")
    assert points_of(rich, "c1") == 100
    assert [lot[2] for lot in tally(rich, "c1").lots] == [e.ORIGIN_SCAN, e.ORIGIN_ADJUSTMENT]
    conserved(rich, "c1")


def test_points_taken_by_staff_are_gone(rich):
    rich.adjust("c1", -10, "typing error", "Ada", "a1")
    assert points_of(rich, "c1") == 80
    conserved(rich, "c1")


def test_points_given_by_staff_do_not_count_towards_the_tier(rich):
    rich.adjust("c1", 500, "sorry", "Ada", "a1")
    assert rich.member("c1").tier == "basic"


def test_the_same_adjustment_again_is_a_repeat(rich):
    first = rich.adjust("c1", 10, "sorry", "Ada", "a1")
    assert rich.adjust("c1", 10, "sorry", "Ada", "a1") == first._replace(repeat=True)
    assert points_of(rich, "c1") == 100


@pytest.mark.parametrize(
    "other", [("c1", 11, "sorry", "Ada"), ("c1", -10, "sorry", "Ada"), ("c1", 10, "oh", "Ada"),
              ("c1", 10, "sorry", "Eve"), ("c2", 10, "sorry", "Ada")],
)  # fmt: skip
def test_an_adjustment_id_with_other_content_is_a_conflict(rich, other):
    rich.enrol("c2")
    rich.adjust("c1", 10, "sorry", "Ada", "a1")
    with pytest.raises(KeyConflict):
        rich.adjust(*other, "a1")


@pytest.mark.parametrize(
    ("points", "reason", "author", "field"),
    [(0, "sorry", "Ada", "points"), (1, "", "Ada", "reason"), (1, "sorry", "", "author"),
     (10**9 + 1, "sorry", "Ada", "points"), (-(2**62), "sorry", "Ada", "points")],
)  # fmt: skip
def test_an_adjustment_needs_points_a_reason_and_an_author(rich, points, reason, author, field):
    with pytest.raises(AmountInvalid if field == "points" else InputInvalid) as refused:
        rich.adjust("c1", points, reason, author, "a1")
    assert refused.value.field == field


def test_a_number_beyond_64_bits_is_refused_by_name(rich):
    with pytest.raises(InputInvalid):
        rich.adjust("c1", 2**70, "sorry", "Ada", "a1")


def test_the_same_redemption_under_the_replacement_card_is_a_repeat(rich):
    first = rich.redeem("c1", "r1", points=10)
    rich.replace_card("c1", "c9")
    again = rich.redeem("c9", "r1", points=10)
    assert again.repeat
    assert again[:2] == first[:2]


def test_more_than_there_is_cannot_be_taken(rich):
    with pytest.raises(PointsShort):
        rich.adjust("c1", -91, "typing error", "Ada", "a1")


def test_a_card_that_nobody_holds_cannot_be_adjusted(ledger):
    with pytest.raises(CardUnknown):
        ledger.adjust("c1", 1, "sorry", "Ada", "a1")


def test_words_that_a_database_cannot_hold_are_refused(rich):
    for attempt in (
        lambda: rich.adjust("c1", 1, "a\0b", "Ada", "a1"),
        lambda: rich.adjust("c1", 1, "sorry", "A\0a", "a1"),
        lambda: rich.redeem("c1", "r1", points=1, store="\0"),
        lambda: rich.enrol("c2", store="\0"),
        lambda: rich.block_card("c1", "\0"),
    ):
        with pytest.raises(InputInvalid, match="NUL"):
            attempt()
    assert points_of(rich, "c1") == 90


# --- complaints --------------------------------------------------------------------------


@pytest.fixture
def complaint(rich):
    """A member's open complaint: the ledger, the complaint's id, the receipt's key."""
    of = key(receipt(card="c1", number="sour"))
    rich.record(receipt(card="c1", number="sour", amount=100))
    rich.open_complaint("c1", of, 1, "sour milk", "Ada", "o1")
    return rich, rich.complaint_id("o1"), of


def test_a_complaint_is_opened_answered_and_resolved_with_points(complaint):
    ledger, name, _ = complaint
    ledger.answer_complaint("c1", name, "we ask the dairy", "Ada", "n1")
    ledger.resolve_complaint("c1", name, "sorry", 9, "Ada", "z1")
    assert points_of(ledger, "c1") == 100
    assert [lot[2] for lot in tally(ledger, "c1").lots] == [0, e.ORIGIN_COMPENSATION]
    conserved(ledger, "c1")


def test_a_complaint_can_be_resolved_without_points(complaint):
    ledger, name, _ = complaint
    ledger.resolve_complaint("c1", name, "no", 0, "Ada", "z1")
    assert points_of(ledger, "c1") == 91


def test_every_step_of_a_complaint_sent_again_is_a_repeat(complaint):
    ledger, name, of = complaint
    assert ledger.open_complaint("c1", of, 1, "sour milk", "Ada", "o1").repeat
    ledger.answer_complaint("c1", name, "wait", "Ada", "n1")
    assert ledger.answer_complaint("c1", name, "wait", "Ada", "n1").repeat
    ledger.resolve_complaint("c1", name, "sorry", 9, "Ada", "z1")
    assert ledger.resolve_complaint("c1", name, "sorry", 9, "Ada", "z1").repeat
    assert ledger.answer_complaint("c1", name, "wait", "Ada", "n1").repeat
    assert points_of(ledger, "c1") == 100


def test_a_step_of_a_complaint_with_other_content_is_a_conflict(complaint):
    ledger, name, of = complaint
    ledger.answer_complaint("c1", name, "wait", "Ada", "n1")
    ledger.resolve_complaint("c1", name, "sorry", 9, "Ada", "z1")
    for attempt in (
        lambda: ledger.open_complaint("c1", of, 2, "sour milk", "Ada", "o1"),
        lambda: ledger.open_complaint("c1", of, 1, "bitter", "Ada", "o1"),
        lambda: ledger.open_complaint("c1", of._replace(number="8"), 1, "sour milk", "Ada", "o1"),
        lambda: ledger.answer_complaint("c1", name, "no", "Ada", "n1"),
        lambda: ledger.resolve_complaint("c1", name, "sorry", 10, "Ada", "z1"),
        lambda: ledger.resolve_complaint("c1", name, "no", 9, "Ada", "z1"),
    ):
        with pytest.raises(KeyConflict):
            attempt()


def test_a_resolved_complaint_cannot_be_resolved_or_answered_again(complaint):
    ledger, name, _ = complaint
    ledger.resolve_complaint("c1", name, "sorry", 9, "Ada", "z1")
    with pytest.raises(ComplaintUnknown):
        ledger.resolve_complaint("c1", name, "sorry", 9, "Ada", "z2")
    with pytest.raises(ComplaintUnknown):
        ledger.answer_complaint("c1", name, "wait", "Ada", "n2")


def test_a_compensation_has_a_limit(complaint):
    ledger, name, _ = complaint
    with pytest.raises(CompensationTooLarge, match="501 asked, 500 allowed"):
        ledger.resolve_complaint("c1", name, "sorry", 501, "Ada", "z1")
    with pytest.raises(AmountInvalid):
        ledger.resolve_complaint("c1", name, "sorry", -1, "Ada", "z1")
    ledger.resolve_complaint("c1", name, "sorry", 500, "Ada", "z1")


def test_a_complaint_of_another_member_is_unknown(complaint):
    ledger, name, _ = complaint
    ledger.enrol("c2")
    with pytest.raises(ComplaintUnknown):
        ledger.resolve_complaint("c2", name, "sorry", 1, "Ada", "z1")


def test_a_complaint_that_is_no_complaint_is_refused(complaint):
    ledger, name, of = complaint
    ledger.enrol("c2")
    for refusal, attempt in (
        (InputInvalid, lambda: ledger.open_complaint("c1", of, 1, "", "Ada", "o2")),
        (InputInvalid, lambda: ledger.open_complaint("c1", of, 1, "\0", "Ada", "o2")),
        (InputInvalid, lambda: ledger.answer_complaint("c1", name, "\0", "Ada", "n1")),
        (InputInvalid, lambda: ledger.resolve_complaint("c1", name, "\0", 1, "Ada", "z1")),
        (CardUnknown, lambda: ledger.open_complaint("c9", of, 1, "sour", "Ada", "o2")),
        (LineUnknown, lambda: ledger.open_complaint("c1", of, 0, "sour", "Ada", "o2")),
        (LineUnknown, lambda: ledger.open_complaint("c1", of, 2, "sour", "Ada", "o2")),
        (MemberConflict, lambda: ledger.open_complaint("c2", of, 1, "sour", "Ada", "o2")),
        (ReceiptUnknown,
         lambda: ledger.open_complaint("c1", of._replace(number="8"), 1, "sour", "Ada", "o2")),
        (InputInvalid, lambda: ledger.answer_complaint("c1", "no id", "wait", "Ada", "n1")),
        (CardUnknown, lambda: ledger.answer_complaint("c9", name, "wait", "Ada", "n1")),
        (CardUnknown, lambda: ledger.resolve_complaint("c9", name, "sorry", 1, "Ada", "z1")),
    ):  # fmt: skip
        with pytest.raises(refusal):
            attempt()


def test_an_attributed_receipt_can_be_complained_about(ledger):
    of = receipt(card="c1")
    ledger.record(of)
    ledger.enrol("c1")
    assert not ledger.open_complaint("c1", key(of), 1, "sour", "Ada", "o1").repeat


# --- told for an instant -----------------------------------------------------------------


def test_points_are_gone_at_the_instant_of_expiry_with_no_job_run(rich, clock):
    assert rich.balance("c1", EXPIRY - 1)[:3] == (90, 0, 0)
    assert rich.balance("c1", EXPIRY)[:3] == (0, 0, 90)
    clock.now = EXPIRY
    with pytest.raises(PointsShort, match="0 available"):
        rich.redeem("c1", "r1", points=1)
    clock.now = EXPIRY - 1
    rich.redeem("c1", "r1", points=1)


def test_a_balance_of_the_past_knows_nothing_of_what_came_after(rich, clock):
    clock.now = NOW + DAY
    rich.redeem("c1", "r1", points=40)
    assert points_of(rich, "c1", NOW - 1) == 0
    assert points_of(rich, "c1", NOW + DAY - 1) == 90
    assert points_of(rich, "c1", NOW + DAY) == 50


def test_a_balance_tells_what_was_known_at_an_instant(rich, clock):
    clock.now = NOW + 5 * DAY
    rich.record(receipt(card="c1", amount=500, at=NOW - DAY))
    assert rich.balance("c1", NOW, known_at=NOW + 4 * DAY).available == 90
    assert rich.balance("c1", NOW, known_at=NOW + 5 * DAY).available == 95


def test_an_old_receipt_is_born_expired(ledger):
    ledger.enrol("c1")
    ledger.record(receipt(card="c1", at=NOW - 500 * DAY), history=True)
    assert ledger.balance("c1")[:4] == (0, 0, 10, 0)


def test_pending_points_become_available_at_their_midnight(ledger_under, clock):
    ledger = ledger_under("[lots]\npending_days = 3\n")
    ledger.enrol("c1")
    ledger.record(receipt(card="c1"))
    active = midnight(20_454 + 3, "Europe/Berlin")
    assert ledger.balance("c1", active - 1)[:2] == (0, 10)
    assert ledger.balance("c1", active)[:2] == (10, 0)
    clock.now = active - 1
    with pytest.raises(PointsShort):
        ledger.redeem("c1", "r1", points=10)
    clock.now = active
    ledger.redeem("c1", "r1", points=10)


def test_a_statement_explains_every_point(rich, clock):
    clock.now = NOW + DAY
    rich.redeem("c1", "r1", points=40)
    rich.adjust("c1", -5, "typing error", "Ada", "a1")
    rich.adjust("c1", 1, "sorry", "Ada", "a2")
    moves = rich.statement("c1")
    assert [(m.kind, m.points) for m in moves] == [
        ("earn", 90), ("redeem", -40), ("adjust_out", -5), ("adjust_in", 1),
    ]  # fmt: skip
    assert (moves[0].amount_minor, moves[0].programme) == (9000, 1)
    assert moves[0].receipt.startswith("s1/1/")
    assert [m.reason for m in moves[1:]] == ["cash", "typing error (Ada)", "sorry (Ada)"]
    assert sum(m.points for m in moves) == points_of(rich, "c1")


def test_a_statement_covers_its_period_without_its_end(rich, clock):
    clock.now = NOW + DAY
    rich.redeem("c1", "r1", points=40)
    assert [m.kind for m in rich.statement("c1", NOW, NOW + DAY)] == ["earn"]
    assert [m.kind for m in rich.statement("c1", NOW + DAY)] == ["redeem"]
