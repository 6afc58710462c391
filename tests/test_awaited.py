"""Callers in an event loop: no thread each, a clear no when it is too much, and a clean end."""

import asyncio
import threading

import pytest

from ledger.commands.adjust import Adjust
from ledger.commands.record_receipt import RecordReceipt
from ledger.errors import Busy, Closed, CurrencyUnknown, PointsShort
from tests.shop import conserved, points_of, receipt
from tests.test_concurrency import Stuck, sound

CALLERS = 1_000


def test_a_thousand_callers_of_one_event_loop_are_answered_without_a_thread_each(ledger):
    cards = [f"c{n}" for n in range(40)]
    bought = [receipt(card=cards[n % 40], amount=100) for n in range(CALLERS)]
    bought[500] = receipt(card="c0", amount=100, currency="GBP")
    most = 0

    async def till(one):
        nonlocal most
        answer = await ledger.record_async(one, enrol=True)
        most = max(most, threading.active_count())
        return answer

    async def all_tills():
        return await asyncio.gather(*map(till, bought), return_exceptions=True)

    before = threading.active_count()
    answers = asyncio.run(all_tills())
    assert isinstance(answers.pop(500), CurrencyUnknown)
    assert [a.repeat for a in answers] == [False] * (CALLERS - 1)
    assert before <= most < before + 10  # the writer, and the pool of connections
    assert asyncio.run(ledger.record_async(bought[0], enrol=True)).repeat
    assert [points_of(ledger, card) for card in cards] == [25] * 20 + [24] + [25] * 19
    for card in cards[:3]:
        conserved(ledger, card)
    sound(ledger)


def test_any_command_can_be_awaited(ledger):
    async def desk():
        given = await ledger.record_all_async([receipt(card="c1", amount=500)], enrol=True)
        await ledger.do_async(Adjust("c1", 10, "sorry", "Ada", "a1"))
        with pytest.raises(PointsShort):
            await ledger.do_async(Adjust("c1", -100, "wrong", "Ada", "a2"))
        return given

    assert [a.repeat for a in asyncio.run(desk())] == [False]
    assert points_of(ledger, "c1") == 15


def test_too_many_callers_are_told_to_come_again_and_the_others_are_served(ledger):
    ledger._writer._waiting.capacity = 5
    stuck = Stuck()

    async def crowd():
        first = asyncio.ensure_future(ledger.do_async(stuck))
        await asyncio.to_thread(stuck.begun.wait, 30)
        bought = [receipt(card="c1", amount=100) for _ in range(20)]
        waiting = [asyncio.ensure_future(ledger.record_async(r, enrol=True)) for r in bought]
        refused, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        assert {type(r.exception()) for r in refused} == {Busy}
        assert refused.pop().exception().retryable
        stuck.go.set()
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        assert [isinstance(a, Busy) for a in answers] == [False] * 5 + [True] * 15
        again = [ledger.record_async(r, enrol=True) for r in bought[5:10]]
        assert [a.repeat for a in await asyncio.gather(*again)] == [False] * 5
        return await first

    assert asyncio.run(crowd()) == "done"
    assert points_of(ledger, "c1") == 10


def test_who_gives_up_before_the_decision_leaves_nothing_and_spoils_nobody(ledger):
    stuck = Stuck()
    bought = [receipt(card="c1", amount=100) for _ in range(6)]

    async def impatient():
        first = asyncio.ensure_future(ledger.do_async(stuck))
        await asyncio.to_thread(stuck.begun.wait, 30)
        waiting = [asyncio.ensure_future(ledger.record_async(r, enrol=True)) for r in bought]
        await asyncio.sleep(0)
        for one in waiting[::2]:
            one.cancel()
        first.cancel()  # too late: it is being decided
        await asyncio.sleep(0)
        stuck.go.set()
        answers = await asyncio.gather(first, *waiting, return_exceptions=True)
        gone = [isinstance(a, asyncio.CancelledError) for a in answers]
        assert gone == [True, True, False, True, False, True, False]
        return [await ledger.record_async(r, enrol=True) for r in bought]

    again = asyncio.run(impatient())
    assert [a.repeat for a in again] == [False, True] * 3
    assert points_of(ledger, "c1") == 6


def test_where_everybody_gave_up_the_next_one_is_served(ledger):
    stuck = Stuck()

    async def impatient():
        first = asyncio.ensure_future(ledger.do_async(stuck))
        await asyncio.to_thread(stuck.begun.wait, 30)
        gone = asyncio.ensure_future(ledger.do_async(RecordReceipt(receipt())))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        stuck.go.set()
        await first
        await asyncio.sleep(0.05)
        return await asyncio.wait_for(ledger.record_async(receipt()), 60)

    assert not asyncio.run(impatient()).repeat


def test_closing_answers_all_who_wait_and_refuses_who_comes_later(ledger):
    stuck = Stuck()

    async def evening():
        first = asyncio.ensure_future(ledger.do_async(stuck))
        await asyncio.to_thread(stuck.begun.wait, 30)
        waiting = [asyncio.ensure_future(ledger.record_async(receipt())) for _ in range(50)]
        await asyncio.sleep(0)
        closing = asyncio.ensure_future(ledger.close_async())
        while not ledger._writer._waiting.closing:  # noqa: ASYNC110  it is a thread's to set
            await asyncio.sleep(0.001)
        with pytest.raises(Closed):
            await ledger.record_async(receipt())
        assert not any(w.done() for w in waiting)
        stuck.go.set()
        answers = await asyncio.gather(*waiting)
        await closing
        await first
        return answers

    assert [a.repeat for a in asyncio.run(evening())] == [False] * 50
