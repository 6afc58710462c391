"""The door, redemptions: vouchers that pay once, gifts in variants, and undoing it all."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ledger import events as e
from ledger.application import LoyaltyLedger
from ledger.errors import (
    InputInvalid,
    KeyConflict,
    PointsShort,
    RedeemNotOffered,
    RedeemShare,
    RedeemStep,
    RedemptionUnknown,
    VoucherExpired,
    VoucherSpent,
    VoucherUnknown,
)
from tests.conftest import PROGRAMME, SECRET
from tests.shop import DAY, NOW, conserved, points_of, receipt, tally
from tests.test_concurrency import at_once

ROOT = Path(__file__).parent.parent
VOUCHERS = """
[[redeem.voucher]]
code = "five"
name = "5 off"
points = 50
value_minor = 500
valid_days = 7
[[redeem.voucher]]
code = "ten"
name = "10 off"
points = 90
value_minor = 1000
[[redeem.gift]]
code = "towel"
name = "A towel"
points = 20
variants = ["red", "blue"]
"""


def rich(ledger, points=100):
    ledger.enrol("c1")
    ledger.adjust("c1", points, "start", "Ada", f"a{points}")
    return ledger


@pytest.fixture
def shop(ledger_under):
    """100 points, and vouchers to buy with them."""
    return rich(ledger_under(VOUCHERS))


@pytest.fixture
def code(shop):
    """The code of a voucher bought for 50 points, worth 5.00."""
    shop.redeem("c1", "v1", voucher="five")
    return shop.voucher_code("v1")


# --- vouchers ----------------------------------------------------------------------------


def test_a_voucher_is_bought_with_points_and_pays_once(shop, code):
    assert points_of(shop, "c1") == 50
    bought = shop.voucher(code)
    assert (bought.value_minor, bought.valid_until, bought.used) == (500, NOW + 8 * DAY - 3600, "")
    used = shop.event(shop.use_voucher(code, "till-1", "s1"))
    assert (used.store, used.command, used.captured_at) == ("s1", "till-1", NOW)
    with pytest.raises(VoucherSpent):
        shop.use_voucher(code, "till-2")
    conserved(shop, "c1")
    assert shop.verify().clean


def test_the_same_use_again_is_a_repeat(shop, code):
    first = shop.use_voucher(code, "till-1")
    assert shop.use_voucher(code, "till-1") == first._replace(repeat=True)


def test_a_code_is_read_however_it_is_spelt(shop, code):
    shop.use_voucher(code.lower().replace("-", " "), "till-1")
    assert shop.voucher(code.replace("-", "")).used == "till-1"


def test_a_code_tells_nothing_and_is_stored_nowhere(shop, code):
    assert [len(part) for part in code.split("-")] == [4, 4, 4, 4]
    assert shop.voucher_code("v2") != code
    for row in shop.log.page(0, 1_000):
        assert code.encode() not in b"".join(v for v in row if isinstance(v, bytes))


def test_an_unknown_code_pays_nothing(shop):
    for act in (lambda: shop.use_voucher("AAAA", "t"), lambda: shop.voucher("AAAA")):
        with pytest.raises(VoucherUnknown):
            act()


def test_using_a_voucher_needs_a_command_id(shop, code):
    with pytest.raises(InputInvalid):
        shop.use_voucher(code, "")
    assert shop.voucher(code).used == ""


def test_a_voucher_pays_up_to_the_midnight_after_its_last_day(shop, code, clock):
    clock.now = NOW + 8 * DAY - 3600  # midnight in Berlin
    with pytest.raises(VoucherExpired):
        shop.use_voucher(code, "till-1")
    clock.now -= 1
    shop.use_voucher(code, "till-1")
    clock.now += DAY
    assert shop.use_voucher(code, "till-1").repeat


def test_a_voucher_of_the_same_command_is_bought_once(shop, code):
    assert shop.redeem("c1", "v1", voucher="five").repeat
    assert points_of(shop, "c1") == 50
    for other in ({"voucher": "ten"}, {"gift": "mug"}, {"points": 50}):
        with pytest.raises(KeyConflict):
            shop.redeem("c1", "v1", **other)


def test_a_voucher_that_is_not_offered_or_too_dear_is_refused(shop):
    with pytest.raises(RedeemNotOffered, match="no voucher `one`"):
        shop.redeem("c1", "v1", voucher="one")
    shop.redeem("c1", "r1", points=11)
    with pytest.raises(PointsShort, match="90 asked, 89 available"):
        shop.redeem("c1", "v1", voucher="ten")
    assert points_of(shop, "c1") == 89


@pytest.mark.parametrize(
    "asked", [{"points": 1, "gift": "mug"}, {"points": 1, "voucher": "five"},
              {"gift": "mug", "voucher": "five"}],
)  # fmt: skip
def test_only_one_thing_is_redeemed_at_once(shop, asked):
    with pytest.raises(InputInvalid):
        shop.redeem("c1", "r1", **asked)


def test_of_twenty_tills_with_one_voucher_one_is_paid(shop, code):
    answers = at_once(20, lambda n: shop.use_voucher(code, f"till-{n}"))
    assert sum(isinstance(answer, VoucherSpent) for answer in answers) == 19
    (won,) = (n for n, answer in enumerate(answers) if not isinstance(answer, Exception))
    assert shop.voucher(code).used == f"till-{won}"
    assert shop.verify().clean


USE = """
import json, sys
from ledger.application import LoyaltyLedger
from ledger.errors import VoucherSpent
db, who, *codes = sys.argv[1:]
used = []
with LoyaltyLedger.open(db, clock=lambda: 1_767_225_600) as ledger:
    print("ready", flush=True)
    sys.stdin.readline()
    for code in codes:
        try:
            ledger.use_voucher(code, who)
            used.append(code)
        except VoucherSpent:
            pass
print(json.dumps(used))
"""


def test_two_processes_use_each_of_twenty_vouchers_once_between_them(db, clock):
    with LoyaltyLedger.create(db, PROGRAMME + VOUCHERS, secret=SECRET, clock=clock) as shop:
        rich(shop, 1_000)
        for n in range(20):
            shop.redeem("c1", f"v{n}", voucher="five")
        codes = [shop.voucher_code(f"v{n}") for n in range(20)]
        both = [
            subprocess.Popen([sys.executable, "-c", USE, db, who, *codes], cwd=ROOT, text=True,
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            for who in ("a", "b")
        ]  # fmt: skip
        for process in both:
            assert process.stdout.readline() == "ready\n"
        for process in both:
            process.stdin.write("\n")
            process.stdin.flush()
        used = [json.loads(process.communicate(timeout=60)[0]) for process in both]
        assert sorted(used[0] + used[1]) == sorted(codes)
        assert {shop.voucher(code).used for code in used[0]} <= {"a"}
        assert {shop.voucher(code).used for code in used[1]} <= {"b"}
        conserved(shop, "c1")
        assert shop.verify().clean


# --- gifts -------------------------------------------------------------------------------


def test_a_gift_with_variants_needs_one_of_them(shop):
    for variant in ("", "green"):
        with pytest.raises(RedeemNotOffered, match="variants: red, blue"):
            shop.redeem("c1", "g1", gift="towel", variant=variant)
    event = shop.event(shop.redeem("c1", "g1", gift="towel", variant="blue"))
    assert (event.gift, event.variant, event.points, event.value_minor) == ("towel", "blue", 20, 0)
    with pytest.raises(KeyConflict):
        shop.redeem("c1", "g1", gift="towel", variant="red")
    with pytest.raises(RedeemNotOffered):
        shop.redeem("c1", "g2", gift="mug", variant="red")
    conserved(shop, "c1")


# --- a share of the basket ---------------------------------------------------------------


@pytest.fixture
def half(ledger_under):
    """Points pay half of a basket at most, from 20 points on, in tens."""
    changed = "value_minor = 10\nminimum_points = 20\nstep_points = 10\nmax_share_bp = 5000"
    return rich(ledger_under("", value_minor=changed))


def test_points_pay_a_share_of_the_basket(half):
    with pytest.raises(
        RedeemShare, match="500 asked of a basket of 999, 499 may be paid; 40 would"
    ):
        half.redeem("c1", "r1", points=50, basket_minor=999)
    assert half.event(half.redeem("c1", "r1", points=50, basket_minor=1_000)).value_minor == 500
    with pytest.raises(RedeemShare, match="none would do"):
        half.redeem("c1", "r2", points=20)
    conserved(half, "c1")


def test_what_a_refused_redemption_says_would_do_does(half):
    for asked, basket, error, most in [
        (15, 10_000, RedeemStep, 20), (35, 10_000, RedeemStep, 40), (95, 10_000, RedeemStep, 100),
        (105, 10_000, RedeemStep, 100), (35, 700, RedeemStep, 30), (110, 10_000, PointsShort, 100),
        (60, 700, RedeemShare, 30), (200, 3_000, RedeemShare, 100),
    ]:  # fmt: skip
        with pytest.raises(error, match=f"{most} would do"):
            half.redeem("c1", "r1", points=asked, basket_minor=basket)
        name = f"{asked}/{basket}"
        half.redeem("c1", name, points=most, basket_minor=basket)
        half.undo_redemption(name, "a try", "Ada")
    conserved(half, "c1")


# --- undone ------------------------------------------------------------------------------


def test_a_redemption_whose_answer_was_lost_is_found_and_undone(shop):
    shop.redeem("c1", "r1", points=60)
    lots = tally(shop, "c1").lots
    event = shop.event(shop.undo_redemption("r1", "no answer", "Ada"))
    assert isinstance(event, e.PointsRestored)
    assert (event.value_minor, event.reason, event.author) == (600, "no answer", "Ada")
    assert tally(shop, "c1").lots == [(*lots[0][:3], 100)]
    assert shop.undo_redemption("r1", "no answer", "Ada").repeat
    assert points_of(shop, "c1") == 100
    assert (tally(shop, "c1").redeemed, tally(shop, "c1").restored) == (60, 60)
    conserved(shop, "c1")
    assert shop.verify().clean


def test_what_was_never_redeemed_cannot_be_undone(shop):
    with pytest.raises(RedemptionUnknown):
        shop.undo_redemption("r1", "no answer", "Ada")
    shop.hold("c1", 10, "h1")
    with pytest.raises(RedemptionUnknown):
        shop.undo_redemption("h1", "no answer", "Ada")
    shop.settle("h1")
    shop.undo_redemption("h1", "no answer", "Ada")
    assert points_of(shop, "c1") == 100
    conserved(shop, "c1")


@pytest.mark.parametrize(
    ("reason", "author", "field"), [("", "Ada", "reason"), ("x", "", "author")]
)
def test_undoing_needs_a_reason_and_an_author(shop, reason, author, field):
    shop.redeem("c1", "r1", points=60)
    with pytest.raises(InputInvalid) as refusal:
        shop.undo_redemption("r1", reason, author)
    assert refusal.value.field == field
    assert points_of(shop, "c1") == 40


def test_an_unused_voucher_is_cancelled_with_its_redemption(shop, code):
    shop.undo_redemption("v1", "unwanted", "Ada")
    assert points_of(shop, "c1") == 100
    assert shop.voucher(code).cancelled
    with pytest.raises(VoucherSpent):
        shop.use_voucher(code, "till-1")
    conserved(shop, "c1")


def test_a_redemption_whose_voucher_was_used_cannot_be_undone(shop, code):
    shop.use_voucher(code, "till-1")
    with pytest.raises(VoucherSpent):
        shop.undo_redemption("v1", "unwanted", "Ada")
    assert points_of(shop, "c1") == 50


def test_undone_or_used_but_never_both(ledger_under):
    shop = rich(ledger_under(VOUCHERS), 1_000)
    for n in range(10):
        shop.redeem("c1", f"v{n}", voucher="five")
    codes = [shop.voucher_code(f"v{n}") for n in range(10)]

    def act(n):
        if n % 2:
            return shop.use_voucher(codes[n // 2], "till")
        return shop.undo_redemption(f"v{n // 2}", "unwanted", "Ada")

    answers = at_once(20, act)
    for n in range(10):
        refused = [a for a in answers[2 * n : 2 * n + 2] if isinstance(a, VoucherSpent)]
        assert len(refused) == 1
    cancelled = sum(shop.voucher(code).cancelled for code in codes)
    assert points_of(shop, "c1") == 500 + 50 * cancelled
    conserved(shop, "c1")


def test_undoing_restores_each_lot_with_its_own_expiry(shop, clock):
    clock.now = NOW + 40 * DAY
    shop.record(receipt(card="c1", amount=5_000, at=clock.now))
    lots = tally(shop, "c1").lots
    shop.redeem("c1", "r1", points=120)
    shop.undo_redemption("r1", "no answer", "Ada")
    assert tally(shop, "c1").lots == lots
    conserved(shop, "c1")


def test_points_restored_after_their_expiry_are_gone_at_once(shop, clock):
    shop.redeem("c1", "r1", points=60)
    clock.now = tally(shop, "c1").lots[0][0]
    shop.undo_redemption("r1", "no answer", "Ada")
    assert shop.balance("c1")[:5] == (0, 0, 100, 0, 0)
    conserved(shop, "c1")
