"""Recording that pending points became usable."""

from __future__ import annotations

from ledger.commands.passing import RecordActivation
from ledger.jobs.job import Job
from ledger.jobs.schedule import daily
from ledger.projections.due import with_activated_points

ACTIVATION = Job(
    name="activation",
    about="record that pending points became usable",
    schedule=daily("00:30"),
    due=with_activated_points,
    command=lambda member, due_at, _: RecordActivation(member, due_at),
    catch_up="last",
)
