"""Giving the points of a birthday."""

from __future__ import annotations

from ledger.commands.bonuses import BirthdayDue
from ledger.jobs.job import Job
from ledger.jobs.schedule import daily
from ledger.projections.due import with_birthdays

BIRTHDAYS = Job(
    name="birthdays",
    about="give the points of a birthday",
    schedule=daily("00:05"),
    due=with_birthdays,
    command=lambda member, due_at, _: BirthdayDue(member, due_at),
)
