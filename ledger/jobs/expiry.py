"""Writing off points that expired."""

from __future__ import annotations

from ledger.commands.passing import RecordExpiry
from ledger.jobs.job import Job
from ledger.jobs.schedule import daily
from ledger.projections.due import with_expired_points

EXPIRY = Job(
    name="expiry",
    about="write off points that expired",
    schedule=daily("00:15"),
    due=with_expired_points,
    command=lambda member, due_at, _: RecordExpiry(member, due_at),
    catch_up="last",
)
