"""Time-driven work: one file a job, registered here."""

from __future__ import annotations

from ledger.jobs.job import Job

JOBS: tuple[Job, ...] = ()
