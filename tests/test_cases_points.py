"""Cases from the field, points: what users of other systems reported must not happen here."""

import ast
import datetime as dt
import inspect
import itertools
import random
from pathlib import Path

import msgspec
import pytest

from ledger.application import LoyaltyLedger
from ledger.calendar import midnight
from ledger.errors import HoldOver, KeyConflict, PointsShort
from ledger.types import Personal, Tender
from tests.conftest import PROGRAMME, SECRET
from tests.model import ACTS, PROGRAMMES, Chosen, Shop
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
"""
BORN = Personal(name="Ada", birthday=dt.date(1990, 1, 10))


def every_command(clock):
    """Name, and the act on a ledger, in an order in which each of them succeeds."""
    later, flagged = NOW + 10 * DAY, [receipt(card="c6", amount=100, at=NOW) for _ in range(9)]
    bought, free, sold = (receipt(amount=5_000, card=card) for card in ("c1", None, "c1"))
    complained = receipt(card="c1", number="sour")

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
        one("enrol", "c2"), one("enrol", "c3"), one("enrol", "c6"), one("enrol", "c7"),
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
        one("open_complaint", "c1", key(complained), 1, "sour", "Ada", "o1"),
        complaint("answer_complaint", "we ask", "Ada", "n1"),
        complaint("resolve_complaint", "sorry", 9, "Ada", "z1"),
        one("grant_tier", "c1", "gold", NOW + 99 * DAY, "loyal", "Ada", "t1"),
        one("transfer", "c1", "c2", 5, "x1"),
        *(one("record", each) for each in flagged),
        one("decide_review", key(flagged[-1]), "a party", "Ada", "d1", approve=True),
        one("merge", "c3", "c1", "twins", "Ada", "m1"), one("unmerge", "m1", "Ada", "m2"),
        wait(later), of("expire_holds", "c1"),
        ("grant_birthday", lambda ledger: ledger.grant_birthday(ledger.member_of("c2").hex(), 2026)),
        wait(year_end), of("grant_rebate", "c1", 2026), one("review_tier", "c1"),
        wait(EXPIRY), of("record_expiry", "c1", EXPIRY), of("record_activation", "c1", EXPIRY),
        one("close_member", "c6", "moved", "Ada", "q1"),
        one("erase_member", "c7", "asked", "Ada", "q2"),
    ]  # fmt: skip
