"""Giving the rebate of the year before: in January, or as soon as the programme has waited."""

from __future__ import annotations

from ledger.commands.passing import RebateDue
from ledger.jobs.job import Job
from ledger.jobs.schedule import monthly
from ledger.projections.due import everybody

REBATES = Job(
    name="rebates",
    about="give the rebate of the year before, once",
    schedule=monthly(1, "01:15"),
    due=everybody,
    command=lambda member, due_at, _: RebateDue(member, due_at),
)
