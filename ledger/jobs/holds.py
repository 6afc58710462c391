"""Recording that holds are over."""

from __future__ import annotations

from ledger.commands.passing import ExpireHolds
from ledger.jobs.job import Job
from ledger.jobs.schedule import daily
from ledger.projections.due import with_holds

HOLDS = Job(
    name="holds",
    about="record that holds are over whose time is",
    schedule=daily("00:45"),
    due=with_holds,
    command=lambda member, _due_at, _: ExpireHolds(member),
    catch_up="last",
)
