"""What tests of jobs share: a job that gives each member a point, and a look at what it left."""

from typing import NamedTuple

from ledger.aggregates.member.points import adjust
from ledger.application import LoyaltyLedger
from ledger.commands.common import act, claim, member_of, rules_at
from ledger.jobs.job import Job
from ledger.jobs.schedule import daily
from ledger.store.keys import PROGRAMME_STREAM
from ledger.store.log import Log
from tests.conftest import NOW, PROGRAMME, SECRET

THREE = daily("03:00")
HOUR = 3_600
FIRST = NOW + 2 * HOUR
"""03:00 in Berlin on 1 January 2026."""


class GivePoint(NamedTuple):
    """One point for a member, once for each command id."""

    member: bytes
    due_at: int
    command_id: str

    def streams(self, working):
        return (PROGRAMME_STREAM, working.keys.command("give", self.command_id), self.member)

    def decide(self, working):
        claimed = claim(working, "give", self.command_id, self.member)
        if earlier := claimed.earlier(working):
            return earlier
        rules = rules_at(working, working.now)
        done = act(working, rules.programme.time_zone, self.command_id, "job")
        event = adjust(member_of(working, self.member), 1, str(self.due_at), rules, done)
        return claimed.record(working, self.member, working.emit(self.member, event))


def everybody(look, after, limit):
    return look.reader.members(after, limit)


def chore(name="point", schedule=THREE, **fields):
    """A job that gives every member a point whenever it is due."""
    given = {"due": everybody, "command": GivePoint, **fields}
    return Job(name, "a point for everybody", schedule, **given)


def shop(db, clock, *jobs, members=3):
    """A ledger with members and jobs."""
    ledger = LoyaltyLedger.create(db, PROGRAMME, secret=SECRET, clock=clock, jobs=jobs)
    for n in range(members):
        ledger.enrol(f"c{n}")
    return ledger


def events_of(ledger, *topics):
    """The events of some topics in the order of the log, with their streams."""
    log: Log = ledger.log
    after, found = 0, []
    while rows := log.page(after, 5_000):
        found += [(r[1], ledger.codec.decode[r[3]](r[4])) for r in rows if r[3] in topics]
        after = rows[-1][0]
    return found


def done_of(ledger, job="point"):
    """The due instants of a job that are done, in the order of the log."""
    stream = ledger.keys.job(job)
    return [event.due_at for found, event in events_of(ledger, "job-done") if found == stream]


def given(ledger):
    """The due instants for which points were given, by member."""
    found = {}
    for stream, event in events_of(ledger, "adjusted"):
        found.setdefault(stream, []).append(int(event.reason))
    return found


def sane(ledger):
    """Nothing was given twice or before its time, and the ledger verifies."""
    ids = [event.command for _, event in events_of(ledger, "adjusted")]
    assert len(set(ids)) == len(ids)
    starts = events_of(ledger, "job-started")
    assert all(event.captured_at >= event.due_at for _, event in starts)
    assert ledger.verify().clean
