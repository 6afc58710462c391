"""Time-driven work: one file a job, registered here."""

from __future__ import annotations

from ledger.jobs.activation import ACTIVATION
from ledger.jobs.birthdays import BIRTHDAYS
from ledger.jobs.expiry import EXPIRY
from ledger.jobs.holds import HOLDS
from ledger.jobs.job import Job
from ledger.jobs.lists import LISTS
from ledger.jobs.rebates import REBATES
from ledger.jobs.tiers import TIERS

JOBS: tuple[Job, ...] = (BIRTHDAYS, EXPIRY, ACTIVATION, HOLDS, TIERS, REBATES, LISTS)
