"""What no allowance lets: more, longer, elsewhere, forged; and who comes first."""

import base64
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ledger.application import LoyaltyLedger
from ledger.errors import (
    AllowanceInvalid,
    AllowanceLimit,
    AllowanceNotOffered,
    AllowanceOver,
    AllowanceSpent,
    AmountInvalid,
    CapturedInFuture,
    CapturedTooLate,
    CardBlocked,
    CardUnknown,
    InputInvalid,
    KeyConflict,
    PointsShort,
    RedeemShare,
    RedeemStep,
    SigningUnavailable,
)
from ledger.policies.offline import Claims, card_mark, read_token, signed, unsigned
from ledger.programme import Cash
from ledger.types import Tender
from tests.offline import HOUR, MINUTE, OFFLINE, TABLE, allow, claims_of, raw, rich, spend
from tests.shop import DAY, NOW, back, conserved, points_of, receipt, tally


@pytest.fixture
def shop(ledger_copied):
    """A member with 100 points, where offline tills may let cards pay."""
    ledger = ledger_copied(TABLE)
    rich(ledger)
    return ledger


def allowed_elsewhere(private, kid, allowance, card="c1", points=60):
    """A token in the right form, by some key."""
    cash = Cash(1, 10)
    claims = Claims(allowance, card_mark(allowance, card), NOW, NOW + DAY, points, "", "EUR", cash)
    text = unsigned(kid, claims)
    return signed(text, private.sign(text))


def changed(token, part, **fields):
    parts = token.split(".")
    told = json.dumps(json.loads(raw(parts[part])) | fields).encode()
    parts[part] = base64.urlsafe_b64encode(told).rstrip(b"=").decode()
    return ".".join(parts)


def nested(token):
    deep = b'{"x":' + b"[" * 100_000
    body = base64.urlsafe_b64encode(deep).rstrip(b"=").decode()
    return f"{token.split('.')[0]}.{body}.AA"


# --- bounds ------------------------------------------------------------------------------


def test_an_allowance_is_never_worth_more_than_its_points(shop, clock):
    token = allow(shop, 60)
    clock.now = NOW + 2 * DAY
    spend(shop, token, 25, "x1")
    spend(shop, token, 25, "x2")
    with pytest.raises(AllowanceSpent, match="11 asked, 10 left") as refused:
        spend(shop, token, 11, "x3")
    assert refused.value.field == "points"
    spend(shop, token, 10, "x3")
    with pytest.raises(AllowanceSpent, match="1 asked, 0 left"):
        spend(shop, token, 1, "x4")
    assert points_of(shop, "c1") == 40
    for points in (0, -5):
        with pytest.raises(AmountInvalid):
            spend(shop, token, points, "x5")
    conserved(shop, "c1")


def test_undoing_what_was_spent_gives_the_allowance_nothing_back(shop, clock):
    token = allow(shop, 60)
    spend(shop, token, 60, at=NOW)
    shop.undo_redemption("x1", "cancelled", "Ada")
    with pytest.raises(AllowanceSpent):
        spend(shop, token, 1, "x2", NOW)


@pytest.mark.parametrize(
    "forge",
    [
        "", "a", "a.b.c", "..", lambda t: t + ".", lambda t: "." + t,
        lambda t: t[:-1] + ("A" if t[-1] != "A" else "Q"), lambda t: t.rpartition(".")[0] + ".",
        lambda t: t.rpartition(".")[0], lambda t: t + "A" * 3_000, lambda t: "ä" + t,
        lambda t: changed(t, 1, points=1_000), lambda t: changed(t, 1, exp=NOW + 9 * DAY),
        lambda t: changed(t, 1, jti="zz"), lambda t: changed(t, 1, jti=""),
        lambda t: changed(t, 1, points="x"), lambda t: changed(t, 0, alg="none"),
        lambda t: changed(t, 0, alg="HS256"), lambda t: changed(t, 0, kid="0" * 16),
        lambda t: changed(t, 0, kid=7), nested,
    ],
)  # fmt: skip
def test_what_was_not_signed_like_this_is_no_allowance(shop, forge):
    token = allow(shop)
    head = shop.log.head()
    with pytest.raises(AllowanceInvalid) as refused:
        spend(shop, forge if isinstance(forge, str) else forge(token), at=NOW)
    assert refused.value.field == "allowance"
    assert shop.log.head() == head
    spend(shop, token, at=NOW)


@given(st.one_of(st.text(max_size=80), st.text('ey{}":.=_-[]0', max_size=80)))
def test_any_text_is_taken_apart_or_refused(text):
    with suppress(AllowanceInvalid):
        read_token(text)
    with suppress(AllowanceInvalid):
        body = base64.urlsafe_b64encode(text.encode(errors="replace")).rstrip(b"=").decode()
        read_token(f"eyJraWQiOiJhIn0.{body}.AA")


def test_a_key_of_ones_own_forges_nothing(shop):
    known = claims_of(allow(shop))["jti"]
    private = Ed25519PrivateKey.generate()
    (own,) = shop.allowance_keys()
    for kid in (own.id, "0" * 16):
        with pytest.raises(AllowanceInvalid, match="not signed by this ledger"):
            spend(shop, allowed_elsewhere(private, kid, known), at=NOW)


def test_with_a_stolen_key_no_more_is_had_than_was_issued(shop):
    """A thief can sign what he likes: the ledger believes what it recorded."""
    token = allow(shop, 60)
    (own,) = shop.allowance_keys()
    stolen = Ed25519PrivateKey.from_private_bytes(
        bytes.fromhex(shop.log.setting(f"allowance-key:{own.id}"))
    )
    with pytest.raises(AllowanceInvalid, match="none such"):
        spend(shop, allowed_elsewhere(stolen, own.id, "04" + "00" * 15), at=NOW)
    known = claims_of(token)["jti"]
    with pytest.raises(AllowanceSpent, match="61 asked, 60 left"):
        spend(shop, allowed_elsewhere(stolen, own.id, known, points=500), 61, at=NOW)
    rich(shop, card="c2")
    with pytest.raises(AllowanceInvalid, match="another card"):
        spend(shop, allowed_elsewhere(stolen, own.id, known, "c2"), at=NOW, card="c2")


def test_a_token_of_another_ledger_is_none_here(shop, ledger_copied):
    other = ledger_copied(TABLE)
    rich(other)
    with pytest.raises(AllowanceInvalid):
        spend(shop, allow(other), at=NOW)
    allow(shop)
    with pytest.raises(AllowanceInvalid):
        spend(shop, allow(other), at=NOW)


def test_an_allowance_is_for_one_card_and_its_store(shop):
    token = allow(shop, store="s1")
    shop.link_card("c1", "c3")
    rich(shop, card="c2")
    for card in ("c2", "c3"):
        with pytest.raises(AllowanceInvalid, match="another card"):
            spend(shop, token, at=NOW, card=card, store="s1")
    with pytest.raises(CardUnknown):
        spend(shop, token, at=NOW, card="c9", store="s1")
    for store in ("", "s2"):
        with pytest.raises(AllowanceInvalid, match="for the store `s1`") as refused:
            spend(shop, token, at=NOW, store=store)
        assert refused.value.field == "store"
    spend(shop, token, at=NOW, store="s1")


def test_what_was_spent_outside_its_time_is_refused(shop, clock):
    token = allow(shop, hours=2)
    clock.now = NOW + DAY
    for at in (NOW - 5 * MINUTE - 1, NOW + 2 * HOUR, NOW + 3 * HOUR):
        with pytest.raises(AllowanceOver) as refused:
            spend(shop, token, at=at)
        assert refused.value.field == "captured_at"
    assert spend(shop, token, 20, at=NOW - 5 * MINUTE).captured_at == NOW  # clocks are apart
    assert spend(shop, token, 20, "x2", NOW + 2 * HOUR - 1).captured_at == NOW + 2 * HOUR - 1


def test_what_is_told_too_late_or_too_early_is_refused(shop, clock):
    token = allow(shop)
    with pytest.raises(CapturedInFuture):
        spend(shop, token, at=NOW + 5 * MINUTE + 1)
    assert spend(shop, token, 10, at=NOW + 5 * MINUTE).captured_at == NOW
    clock.now = NOW + HOUR + 30 * DAY + 1
    with pytest.raises(CapturedTooLate):
        spend(shop, token, 10, "x2")
    clock.now -= 1
    spend(shop, token, 10, "x2")


@pytest.mark.parametrize("stop", ["block", "replace", "close", "erase"])
def test_a_stopped_card_pays_what_it_spent_before(shop, clock, stop):
    token = allow(shop)
    clock.now = NOW + 2 * HOUR
    if stop == "block":
        shop.block_card("c1", "lost")
    elif stop == "replace":
        shop.replace_card("c1", "c3")
    elif stop == "close":
        shop.close_member("c1", "left", "Ada", "z1")
    else:
        shop.erase_member("c1", "asked", "Ada", "z1")
    clock.now = NOW + 3 * DAY
    for at in (NOW + 2 * HOUR, NOW + 3 * HOUR):
        with pytest.raises(CardBlocked):
            spend(shop, token, at=at)
    event = spend(shop, token, at=NOW + 2 * HOUR - 1)
    gone = stop in {"close", "erase"}
    assert event.arrears == (50 if gone else 0)  # its points went with the account
    member = shop.member_of("c1")
    assert shop.balance(member.hex())[:4] == ((0, 0, 0, 50) if gone else (50, 0, 0, 0))
    conserved(shop, "c1")
    assert shop.verify().clean


def test_steps_and_the_share_of_the_basket_hold_offline_too(ledger_under):
    ledger = ledger_under(
        TABLE, value_minor="value_minor = 10\nstep_points = 5\nmax_share_bp = 5000"
    )
    rich(ledger)
    token = allow(ledger)
    with pytest.raises(RedeemStep, match="51 asked; 55 would do"):
        spend(ledger, token, 51, at=NOW, basket_minor=2_000)
    with pytest.raises(RedeemShare, match="50 would do"):
        spend(ledger, token, 60, at=NOW, basket_minor=1_000)
    assert spend(ledger, token, 50, at=NOW, basket_minor=1_000).value_minor == 500


def test_an_allowance_keeps_the_terms_of_its_issue(shop, clock):
    token = allow(shop)
    dear = OFFLINE.replace("value_minor = 10\n", "value_minor = 5\nminimum_points = 55\n")
    shop.publish(dear.replace(TABLE, ""), NOW + 30 * MINUTE)
    clock.now = NOW + 2 * HOUR
    event = spend(shop, token)
    assert (event.value_minor, event.programme) == (500, 1)
    with pytest.raises(AllowanceNotOffered):
        allow(shop, 10, "a2")


def test_the_receipt_is_recorded_whatever_becomes_of_its_points(shop, clock):
    token = allow(shop, 60)
    bought = receipt(
        amount=5_000, card="c1", tenders=(Tender("points", 700, "x1"), Tender("cash", 4_300))
    )
    with pytest.raises(AllowanceSpent):
        spend(shop, token, 70, at=NOW)
    assert sum(shop.event(shop.record(bought)).award.points) > 0
    shop.record(receipt(back(bought), at=NOW))  # nothing to restore
    assert tally(shop, "c1").restored == 0
    conserved(shop, "c1")


# --- conflicts ---------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["an allowance each", "one token copied"])
def test_two_tills_that_spent_the_same_points_are_settled_in_recorded_order(
    ledger_copied, clock, how
):
    ledger = ledger_copied(TABLE)
    rich(ledger, 60)
    first = allow(ledger, 30 if how == "an allowance each" else 60, "a1")
    second = allow(ledger, 30, "a2") if how == "an allowance each" else first
    clock.now = NOW + DAY
    ledger.redeem("c1", "r1", points=20)
    spend(ledger, second, 30, "x2", NOW + 2 * HOUR)  # later, and told first
    event = spend(ledger, first, 30, "x1", NOW + HOUR)
    assert (sum(take.points for take in event.takes), event.arrears) == (10, 20)
    assert ledger.balance("c1")[:4] == (0, 0, 0, 20)
    assert ledger.redeem_offline("c1", 30, "x2", second, NOW + 2 * HOUR).repeat
    conserved(ledger, "c1")
    assert ledger.verify().clean


def test_tills_on_real_threads_never_spend_more_than_was_allowed(ledger_copied, clock):
    ledger = ledger_copied(TABLE)
    rich(ledger, 150)
    tokens = [allow(ledger, 50, "a1"), allow(ledger, 50, "a2")]
    clock.now = NOW + DAY

    def tell(number):
        """Each redemption is told twice; every fifth till is online."""
        try:
            if number % 5 == 4:
                return ledger.redeem("c1", f"r{number // 10}", points=10)
            at = NOW + HOUR + number % 3
            name = f"x{number // 2 - number % 10 // 2 % 2}"
            return ledger.redeem_offline("c1", 10, f"{name}-{at}", tokens[number % 2], at)
        except (AllowanceSpent, PointsShort, KeyConflict) as refused:
            return refused

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(tell, [n for n in range(80) for _ in range(2)]))
    assert any(getattr(one, "repeat", False) for one in answers)
    assert any(isinstance(one, AllowanceSpent) for one in answers)
    burns = ledger.offline_burns(0, clock.now, short=False)
    assert sum(row.points for row in burns) == 100
    sums = tally(ledger, "c1")
    assert sums.redeemed == 150 + sums.arrears
    assert sum(row.short for row in burns) == sums.arrears
    conserved(ledger, "c1")
    assert ledger.verify().clean


def test_two_servers_issue_their_first_allowances_with_one_key(ledger_copied, clock):
    ledger = ledger_copied(TABLE)
    for n in range(8):
        rich(ledger, card=f"c{n}")
    with LoyaltyLedger.open(ledger.log.db, clock=clock) as other:

        def issue(n):
            return allow((ledger, other)[n % 2], 10, f"a{n}", f"c{n}")

        with ThreadPoolExecutor(8) as pool:
            tokens = list(pool.map(issue, range(8)))
        assert len(other.allowance_keys()) == 1
        for n, token in enumerate(tokens):
            spend((other, ledger)[n % 2], token, 10, f"x{n}", NOW, f"c{n}")
    assert ledger.verify().clean


# --- merged ------------------------------------------------------------------------------


def test_a_merged_members_allowance_pays_from_what_the_one_member_has(shop, clock):
    rich(shop, 40, "c2")
    token = allow(shop)
    clock.now = NOW + 2 * HOUR
    shop.merge("c1", "c2", "same person", "Ada", "m1")
    with pytest.raises(AllowanceLimit, match="40 at most"):  # c1's counts
        allow(shop, 41, "a2", "c2")
    allow(shop, 40, "a2", "c2")
    clock.now = NOW + DAY
    event = spend(shop, token)
    assert event.arrears == 0
    assert points_of(shop, "c2") == 90
    with pytest.raises(AllowanceSpent, match="10 left"):
        spend(shop, token, 11, "x2")
    assert shop.redeem_offline("c1", 50, "x1", token, NOW + HOUR).repeat
    conserved(shop, "c2")
    shop.unmerge("m1", "Ada", "u1")
    assert shop.redeem_offline("c1", 50, "x1", token, NOW + HOUR).repeat
    spend(shop, token, 10, "x2")
    with pytest.raises(AllowanceSpent, match="0 left"):
        spend(shop, token, 1, "x3")
    for card in ("c1", "c2"):
        conserved(shop, card)
    assert shop.verify().clean


def test_an_allowance_of_the_one_member_is_paid_by_who_has_the_card_after_they_are_parted(
    shop, clock
):
    rich(shop, 40, "c2")
    shop.merge("c1", "c2", "same person", "Ada", "m1")
    token = allow(shop)
    clock.now = NOW + 2 * HOUR
    shop.unmerge("m1", "Ada", "u1")
    assert spend(shop, token).arrears == 0
    assert (points_of(shop, "c1"), points_of(shop, "c2")) == (50, 40)
    for card in ("c1", "c2"):
        conserved(shop, card)
    assert shop.verify().clean


def test_a_card_that_was_stopped_before_a_merge_is_known_to_be_after(shop, clock):
    rich(shop, 40, "c2")
    shop.link_card("c1", "c3")
    token = allow(shop, card="c3")
    clock.now = NOW + 2 * HOUR
    shop.block_card("c3", "lost")
    clock.now = NOW + 3 * HOUR
    shop.merge("c1", "c2", "same person", "Ada", "m1")
    with pytest.raises(CardBlocked):
        spend(shop, token, 10, "x1", NOW + 2 * HOUR, "c3")
    spend(shop, token, 10, "x1", NOW + 2 * HOUR - 1, "c3")
    shop.unmerge("m1", "Ada", "u1")
    with pytest.raises(CardBlocked):
        spend(shop, token, 10, "x2", NOW + 2 * HOUR, "c3")
    spend(shop, token, 10, "x2", NOW + 2 * HOUR - 1, "c3")


# --- keys --------------------------------------------------------------------------------


def settings(ledger):
    return "loyalty.log_settings" if ledger.log.is_postgres else "log_settings"


def test_a_new_key_signs_and_what_the_old_one_signed_holds(shop, clock):
    first = allow(shop, 10)
    clock.now += HOUR
    new = shop.rotate_allowance_key("Ada", "k1")
    assert shop.rotate_allowance_key("Ada", "k1") == new
    with pytest.raises(KeyConflict):
        shop.rotate_allowance_key("Bob", "k1")
    with pytest.raises(InputInvalid):
        shop.rotate_allowance_key("", "k2")
    old, last = shop.allowance_keys()
    assert (last, last.until) == (new, 0)
    with shop.log.transaction(commit=False) as cursor:
        cursor.execute(f"SELECT count(*) FROM {settings(shop)} WHERE name LIKE 'allowance-key:%'")
        assert cursor.fetchall()[0][0] == 2
    assert old.until == clock.now + 168 * HOUR
    second = allow(shop, 10, "a2")
    assert (read_token(first).key, read_token(second).key) == (old.id, new.id)
    spend(shop, first, 10, "x1", NOW)
    spend(shop, second, 10, "x2", clock.now)


def test_what_signs_is_nowhere_in_the_log(shop):
    allow(shop)
    (own,) = shop.allowance_keys()
    private = shop.log.setting(f"allowance-key:{own.id}")
    rows = shop.log.read(0, 1_000)
    assert not any(
        bytes.fromhex(private) in row.state or private.encode() in row.state for row in rows
    )
    assert any(own.public in row.state for row in rows)


def test_without_the_private_key_nothing_is_signed_until_another_is_made(shop):
    token = allow(shop, 10)
    with shop.log.transaction(commit=True) as cursor:
        cursor.execute(f"DELETE FROM {settings(shop)} WHERE name LIKE 'allowance-key:%'")
    with pytest.raises(SigningUnavailable, match="not beside this log"):
        allow(shop, 10, "a2")
    spend(shop, token, 10, at=NOW)  # checking needs the public one
    shop.rotate_allowance_key("Ada", "k1")
    allow(shop, 10, "a3")


def test_without_the_extra_allowances_are_refused_by_name(shop, ledger_copied, monkeypatch):
    token = allow(shop)
    other = ledger_copied(TABLE)
    rich(other)
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric", None)
    monkeypatch.delitem(shop.signer.__dict__, "_ed25519")
    for act in (lambda: allow(other), lambda: allow(shop), lambda: spend(shop, token, at=NOW)):
        with pytest.raises(SigningUnavailable):
            act()
    assert other.allowance_keys() == []
