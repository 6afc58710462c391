"""Several schedulers on one log: whose turn it is, and who goes on when one is gone."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from eventsourcing.persistence import OperationalError

from ledger.application import LoyaltyLedger
from ledger.errors import StoreUnavailable
from ledger.store import writer
from tests.chores import FIRST, HOUR, chore, done_of, events_of, everybody, sane, shop


@pytest.fixture
def two(db, clock):
    """Two ledgers on one log, as two processes have them, with the jobs that a test sets."""
    jobs = [chore(chunk=2)]
    one = shop(db, clock, jobs[0])
    one.jobs.run()
    other = LoyaltyLedger.open(db, clock=clock, jobs=jobs)
    yield one, other
    one.close()
    other.close()


class Gone(BaseException):
    """A scheduler ends here, as if killed."""


def gone(ledger):
    """Let a ledger take its turn, work off one chunk, and be heard of no more."""
    with pytest.raises(Gone):
        ledger.jobs.run(progress=lambda _: raise_gone())


def raise_gone():
    raise Gone


@pytest.mark.parametrize("jump", [-HOUR, HOUR])
def test_a_jump_of_the_clock_frees_the_turn_of_a_scheduler_that_is_gone(two, clock, jump):
    one, other = two
    clock.now = FIRST + 2 * HOUR
    gone(one)
    clock.now += jump
    assert len(other.jobs.run().done) == 1
    sane(other)


def test_a_second_scheduler_does_nothing_while_the_lease_lives(two, clock):
    one, other = two
    clock.now = FIRST
    gone(one)
    head = other.log.head()
    clock.now += 299
    assert other.jobs.run() == ([], [], ("point",))
    assert other.log.head() == head
    assert other.jobs.status()[0].state == "running"
    clock.now += 1
    assert other.jobs.status()[0].state == "broken off"
    assert len(other.jobs.run().done) == 1


def test_who_takes_over_goes_on_from_the_last_chunk(two, clock):
    one, other = two
    clock.now = FIRST
    gone(one)
    clock.now += 300
    [(_, done)] = other.jobs.run().done
    assert done.effects == 3
    steps = [event for _, event in events_of(other, "job-stepped")]
    assert [(s.turn, s.effects, s.unchanged) for s in steps] == [(1, 2, 0), (2, 1, 0)]
    [run] = other.jobs.history()
    assert (run.turns, run.by, run.state) == (2, other.jobs.by, "done")
    sane(other)


def test_a_chunk_renews_the_lease(new_db, clock):
    db, seen = new_db(), []

    def due(look, after, limit):
        clock.now += 200  # two chunks take longer than the lease
        seen.append(other.jobs.run())
        return everybody(look, after, limit)

    one = shop(db, clock, chore(chunk=1, due=due))
    one.jobs.run()
    with LoyaltyLedger.open(db, clock=clock, jobs=[chore(chunk=1)]) as other, one:
        clock.now = FIRST
        assert len(one.jobs.run().done) == 1
        assert seen == [([], [], ("point",))] * 4
        sane(one)


def test_a_scheduler_that_slept_through_its_lease_stops(new_db, clock):
    db, others = new_db(), []

    def due(look, after, limit):
        if after:
            clock.now += 300
            others.append(other.jobs.run())
        return everybody(look, after, limit)

    one = shop(db, clock, chore(chunk=2, due=due))
    one.jobs.run()
    with LoyaltyLedger.open(db, clock=clock, jobs=[chore(chunk=2)]) as other, one:
        clock.now = FIRST
        assert one.jobs.run() == ([], [], ())
        assert len(others[0].done) == 1
        assert done_of(one) == [FIRST]
        assert len(events_of(one, "job-stepped")) == 2
        sane(one)


def test_a_chunk_that_was_overtaken_before_it_was_durable_is_not_done_twice(
    two, clock, monkeypatch
):
    one, other = two
    clock.now = FIRST
    append, overtaken = one.log.append, []

    def late(rows, *args):
        if not overtaken and any(row.topic == "job-stepped" for row in rows):
            clock.now += 300
            overtaken.append(other.jobs.run())
        return append(rows, *args)

    monkeypatch.setattr(one.log, "append", late)
    assert one.jobs.run() == ([], [], ())
    assert len(overtaken[0].done) == 1
    assert len(events_of(one, "job-stepped")) == 2
    sane(one)


def test_a_chunk_that_comes_in_after_its_turn_was_taken_counts_and_is_not_repeated(
    new_db, clock, monkeypatch
):
    db, reached, go = new_db(), Event(), Event()

    def due(look, after, limit):
        reached.set()
        assert go.wait(30)
        return everybody(look, after, limit)

    one = shop(db, clock, chore(chunk=2))
    one.jobs.run()
    other = LoyaltyLedger.open(db, clock=clock, jobs=[chore(chunk=2, due=due)])
    with one, other, ThreadPoolExecutor(1) as thread:
        clock.now = FIRST
        append, answers = one.log.append, []

        def late(rows, *args):
            if not answers and any(row.topic == "job-stepped" for row in rows):
                clock.now += 300
                answers.append(thread.submit(other.jobs.run))
                assert reached.wait(30), "the other has the turn and no chunk yet"
            return append(rows, *args)

        monkeypatch.setattr(one.log, "append", late)
        assert one.jobs.run() == ([], [], ("point",))
        go.set()
        [(_, done)] = answers[0].result(30).done
        assert (done.effects, done.unchanged) == (3, 0)
        assert [(e.turn, e.effects) for _, e in events_of(one, "job-stepped")] == [(1, 2), (2, 1)]
        sane(one)


def test_who_lost_a_turn_stops_even_where_nobody_went_on(new_db, clock):
    db, others = new_db(), []

    def due(look, after, limit):
        if after and not others:
            clock.now += 300
            others.append(gone(other))
        return everybody(look, after, limit)

    def leave(*_):
        raise Gone

    one = shop(db, clock, chore(chunk=2, due=due))
    one.jobs.run()
    with LoyaltyLedger.open(db, clock=clock, jobs=[chore(due=leave)]) as other, one:
        clock.now = FIRST
        assert one.jobs.run() == ([], [], ("point",))
        assert len(events_of(one, "job-stepped")) == 1


def test_of_two_that_take_a_turn_at_once_one_gets_it(two, clock, monkeypatch):
    one, other = two
    clock.now = FIRST
    append, overtaken = one.log.append, []

    def late(rows, *args):
        if not overtaken:
            overtaken.append(None)
            gone(other)
        return append(rows, *args)

    monkeypatch.setattr(one.log, "append", late)
    assert one.jobs.run() == ([], [], ("point",))
    assert [event.by for _, event in events_of(one, "job-started")] == [other.jobs.by]


def test_a_store_that_goes_away_keeps_the_lease_and_the_run_goes_on_later(two, clock, monkeypatch):
    one, other = two
    clock.now = FIRST
    append = one.log.append

    def away(rows, *args):
        if any(row.topic == "job-done" for row in rows):
            raise OperationalError("away")
        return append(rows, *args)

    with monkeypatch.context() as patch:
        patch.setattr(one.log, "append", away)
        patch.setattr(writer, "FIRST_PAUSE_MS", 0)
        with pytest.raises(StoreUnavailable):
            one.jobs.run()
    assert other.jobs.run().held == ("point",)
    [(_, done)] = one.jobs.run().done
    assert done.effects == 3
    assert [e.effects for _, e in events_of(one, "job-stepped")] == [2, 1]
    sane(one)


def test_a_run_that_is_stopped_lets_others_go_on_at_once(two, clock):
    one, other = two
    clock.now = FIRST
    worked = []
    assert one.jobs.run(stop=lambda: bool(worked), progress=worked.append).done == []
    assert worked == [2]
    assert other.jobs.history()[0].state == "stopped"
    assert len(other.jobs.run().done) == 1
    sane(other)


def test_a_run_that_is_under_way_tells_how_far_it_is(two, clock):
    one, other = two
    clock.now = FIRST
    gone(one)
    [status] = other.jobs.status()
    assert (status.state, status.members, status.by) == ("running", 2, one.jobs.by)
    [run] = other.jobs.history()
    assert (run.state, run.effects, run.ended_at) == ("under way", 2, None)
