"""Recording what reviews made of tiers."""

from __future__ import annotations

from ledger.commands.tiers import ReviewTier
from ledger.jobs.job import Job
from ledger.jobs.schedule import daily
from ledger.projections.due import with_reviews_due

TIERS = Job(
    name="tiers",
    about="record the tier reviews that have passed",
    schedule=daily("01:00"),
    due=with_reviews_due,
    command=lambda member, _due_at, _: ReviewTier(member),
    catch_up="last",
)
