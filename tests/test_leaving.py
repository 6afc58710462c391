"""Leaving: an account closed, a member erased with the key, and who is only away."""

import datetime as dt

import pytest
from eventsourcing.persistence import OperationalError

from ledger.application import LoyaltyLedger
from ledger.errors import (
    CardBlocked,
    CardTaken,
    CardUnknown,
    InputInvalid,
    KeyConflict,
    MemberClosed,
    MemberUnknown,
    StoreUnavailable,
)
from ledger.store.log import Kept
from ledger.types import Personal
from tests.conftest import PROGRAMME
from tests.shop import DAY, NOW, conserved, key, points_of, receipt, tally
from tests.test_concurrency import at_once

ADA = Personal(name="Ada", email="ada@example.org", phone="1", birthday=dt.date(1990, 1, 1))


@pytest.fixture
def shop(ledger):
    """c1 is Ada, with a second card, 20 earned and 10 given."""
    ledger.enrol("c1", ADA, identity="ada@example.org")
    ledger.link_card("c1", "c2", holder="Bob")
    ledger.record(receipt(card="c1", amount=2000))
    ledger.adjust("c1", 10, "start", "Ada", "s1")
    return ledger


def close(ledger, name="x1", card="c1"):
    return ledger.close_member(card, "moved away", "Bob", name)


def erase(ledger, name="e1", member="c1"):
    return ledger.erase_member(member, "asked for it", "Bob", name)


# --- closing -------------------------------------------------------------------------------


def test_a_closed_account_has_no_points_and_none_is_lost(shop):
    assert not close(shop).repeat
    assert points_of(shop, "c1") == 0
    assert tally(shop, "c1").adjusted_out == 30
    assert shop.member("c1").standing == "closed"
    conserved(shop, "c1")


def test_debts_are_let_go(shop):
    bought = receipt(card="c1", amount=500)
    shop.record(bought)
    shop.redeem("c1", "r1", points=35)
    shop.return_goods(key(bought), "b1")
    assert shop.balance("c1").arrears == 5
    close(shop)
    assert shop.balance("c1").arrears == 0
    conserved(shop, "c1")
    assert shop.verify().findings == []


def test_expired_points_stay_expired(shop, clock):
    clock.now = NOW + 800 * DAY
    close(shop)
    assert tally(shop, "c1").adjusted_out == 0
    assert shop.balance("c1").expired == 30
    conserved(shop, "c1")


def test_closing_twice_is_once(shop):
    first = close(shop)
    assert close(shop) == first._replace(repeat=True)
    with pytest.raises(MemberClosed):
        close(shop, "x2")


@pytest.mark.parametrize(("reason", "author"), [("other", "Bob"), ("moved away", "Eve")])
def test_one_command_id_for_another_closing_is_a_conflict(shop, reason, author):
    close(shop)
    with pytest.raises(KeyConflict):
        shop.close_member("c1", reason, author, "x1")


@pytest.mark.parametrize(("reason", "author"), [("", "Bob"), ("moved away", "")])
def test_closing_says_why_and_who(shop, reason, author):
    with pytest.raises(InputInvalid):
        shop.close_member("c1", reason, author, "x1")
    with pytest.raises(InputInvalid):
        shop.erase_member("c1", reason, author, "e1")


def test_a_card_that_nobody_holds_closes_nothing(ledger):
    with pytest.raises(CardUnknown):
        close(ledger)
    with pytest.raises(MemberUnknown):
        erase(ledger)


def test_a_closed_account_accepts_nothing_more(shop):
    bought = receipt(card="c1")
    shop.record(bought)
    close(shop)
    head = shop.log.head()
    for act in (
        lambda: shop.adjust("c1", 1, "a", "b", "s9"),
        lambda: shop.link_card("c1", "c9"),
        lambda: shop.replace_card("c1", "c9"),
        lambda: shop.complete("c1", ADA),
        lambda: shop.change_personal("c1", ADA, "Bob", "p1"),
        lambda: shop.open_complaint("c1", key(bought), 1, "sour", "Bob", "k1"),
        lambda: shop.enrol("c1", ADA),
    ):
        with pytest.raises(MemberClosed):
            act()
    with pytest.raises(CardBlocked):
        shop.redeem("c1", "r1", points=1)
    assert shop.log.head() == head


def test_what_was_done_before_is_a_repeat_after_closing(shop):
    first = shop.redeem("c1", "r1", points=3)
    close(shop)
    assert shop.redeem("c1", "r1", points=3) == first._replace(repeat=True)
    assert shop.adjust("c1", 10, "start", "Ada", "s1").repeat


@pytest.mark.parametrize("card", ["c1", "c2"])
def test_later_receipts_with_its_cards_go_to_review(shop, card):
    close(shop)
    outcome = shop.record(receipt(card=card))
    assert shop.event(outcome).why == 2
    assert points_of(shop, "c1") == 0


def test_a_member_who_left_is_neither_merged_nor_joined(shop):
    shop.enrol("d1")
    close(shop)
    for cards in (("c1", "d1"), ("d1", "c1")):
        with pytest.raises(MemberClosed):
            shop.merge(*cards, "twins", "Bob", "m1")
    with pytest.raises(CardTaken):
        shop.link_card("d1", "c1")


# --- erasing ---------------------------------------------------------------------------------


def test_an_erased_member_is_nobody_any_more(shop):
    shop.member("c1")  # decrypted, and kept in memory
    stream = shop.member_of("c1")
    erase(shop)
    view = shop.member("c1")
    assert (view.personal, view.standing, view.holders) == (None, "erased", ())
    assert shop.log.personal_key(stream) is None
    enrolled = shop.codec.decode["enrolled"](shop.log.event(stream, 1)[1])
    assert enrolled.personal
    assert shop.vault.decrypt(stream, enrolled.personal) is None
    conserved(shop, "c1")


def test_balances_hashes_and_reports_are_as_before(shop):
    close(shop)
    leaves = [stored.leaf for stored in shop.log.read(0, 1000)]
    before = tally(shop, "c1")
    erase(shop)
    assert [stored.leaf for stored in shop.log.read(0, 1000)][: len(leaves)] == leaves
    assert tally(shop, "c1") == before
    live = shop.digests()
    shop.rebuild()
    assert shop.digests() == live
    assert shop.verify().findings == []


def test_after_reopening_nothing_can_be_read(shop, db, clock):
    for n in range(100):  # so that there is a snapshot
        shop.adjust("c1", 1, "a", "b", f"n{n}")
    erase(shop)
    shop.close()
    with LoyaltyLedger.open(db, clock=clock) as again:
        assert again.member("c1").personal is None
        assert again.verify().findings == []


def test_the_key_is_in_none_of_the_files_any_more(tmp_path, clock):
    db = tmp_path / "ledger.db"
    with LoyaltyLedger.create(str(db), PROGRAMME, clock=clock) as ledger:
        ledger.enrol("c1", ADA)
        stored = ledger.log.personal_key(ledger.member_of("c1"))
        assert any(stored in file.read_bytes() for file in tmp_path.iterdir())
        erase(ledger)
        assert not any(stored in file.read_bytes() for file in tmp_path.iterdir())


def test_a_member_is_erased_by_the_id(shop):
    member = shop.member_of("c1")
    assert erase(shop, member=member.hex()).stream == member


def test_erasing_again_is_a_repeat(shop):
    first = erase(shop)
    assert erase(shop) == first._replace(repeat=True)
    assert erase(shop, "e2").repeat
    topics = [row[3] for row in shop.log.page(0, 1000)]
    assert (topics.count("erased"), topics.count("closed")) == (1, 1)


def test_one_command_id_for_another_erasure_is_a_conflict(shop):
    shop.enrol("d1", ADA)
    erase(shop)
    with pytest.raises(KeyConflict):
        erase(shop, member="d1")
    assert shop.member("d1").personal.name == "Ada"


def test_the_key_and_the_event_go_together_or_not_at_all(shop, monkeypatch):
    stream, head = shop.member_of("c1"), shop.log.head()
    append = shop.log._append

    def broken(*_args, **_more):
        append(*_args, **_more)
        raise OperationalError("the power is gone")

    monkeypatch.setattr(shop.log, "_append", broken)
    monkeypatch.setattr("ledger.store.writer.FAILURES_BORNE", 0)
    with pytest.raises(StoreUnavailable):
        erase(shop)
    monkeypatch.undo()
    assert (shop.log.head(), shop.member("c1").personal.name) == (head, "Ada")
    erase(shop)
    assert shop.log.personal_key(stream) is None


def test_a_key_that_comes_back_with_a_backup_is_found_and_destroyed_again(shop):
    stream = shop.member_of("c1")
    erase(shop)
    shop.log.append([], 0, [Kept(stream, b"k" * 32)])
    (finding,) = shop.verify().findings
    assert (finding.check, finding.member) == ("personal", stream.hex())
    assert erase(shop, "e2").repeat
    assert shop.verify().findings == []


def test_who_was_merged_in_is_erased_too(shop):
    shop.enrol("d1")
    stream = shop.member_of("c1")
    shop.merge("c1", "d1", "twins", "Bob", "m1")
    with pytest.raises(MemberUnknown):
        erase(shop, member=stream.hex())
    assert shop.log.personal_key(stream)
    erase(shop, "e2", "d1")
    assert shop.log.personal_key(stream) is None
    assert shop.member(stream.hex()).standing == "erased"
    with pytest.raises(MemberClosed):
        shop.unmerge("m1", "Bob", "u1")
    conserved(shop, "d1")
    conserved(shop, stream.hex())


def test_the_identity_is_free_again(shop):
    erase(shop)
    again = shop.enrol("d1", ADA, identity="ada@example.org")
    assert again.stream != shop.member_of("c1")
    assert shop.member("d1").personal.name == "Ada"


def test_of_many_erasures_at_once_one_is_recorded(shop):
    answers = at_once(8, lambda n: erase(shop, f"e{n}"))
    assert [a.repeat for a in answers].count(False) == 1
    assert shop.log.personal_key(shop.member_of("c1")) is None


# --- being away ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "standing"),
    [(10 * DAY - 1, "active"), (10 * DAY, "active"), (10 * DAY + 1, "dormant")],
)
def test_who_was_not_seen_for_long_is_dormant_by_time_alone(ledger_under, clock, seconds, standing):
    ledger = ledger_under("[members]\ndormant_days = 10\n")
    ledger.enrol("c1")
    clock.now = NOW + 5 * DAY
    ledger.record(receipt(card="c1", at=clock.now))
    head = ledger.log.head()
    clock.now += seconds
    assert ledger.member("c1").standing == standing
    with ledger.reading() as reader:
        assert reader.dormant(clock.now, 10) == int(standing == "dormant")
    assert ledger.log.head() == head


def test_a_receipt_wakes_a_dormant_member(ledger_under, clock):
    ledger = ledger_under("[members]\ndormant_days = 10\n")
    ledger.enrol("c1")
    clock.now = NOW + 11 * DAY
    assert ledger.member("c1").standing == "dormant"
    ledger.record(receipt(card="c1", at=clock.now))
    assert ledger.member("c1").standing == "active"


def test_without_the_key_nobody_is_dormant(ledger, clock):
    ledger.enrol("c1")
    clock.now = NOW + 3000 * DAY
    assert ledger.member("c1").standing == "active"


def test_who_left_or_was_merged_is_not_counted_as_dormant(ledger, clock):
    for card in ("c1", "c2", "c3", "c4"):
        ledger.enrol(card)
    ledger.close_member("c1", "asked", "Bob", "x1")
    ledger.merge("c2", "c3", "twins", "Bob", "m1")
    clock.now = NOW + 100 * DAY
    with ledger.reading() as reader:
        assert reader.dormant(clock.now, 10) == 2


def test_who_was_merged_away_and_erased_is_not_enrolled_again(ledger):
    ledger.enrol("c1", ADA)
    ledger.enrol("c2")
    ledger.merge("c1", "c2", "one person", "Bob", "m1")
    erase(ledger, member="c2")
    with pytest.raises(MemberClosed):
        ledger.enrol("c1", Personal(name="Zoe"))
    assert ledger.verify().clean
