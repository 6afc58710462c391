"""`LoyaltyLedger`: all parts of the door on one log."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Self

from ledger.application.access import Access
from ledger.application.allowances import Allowances
from ledger.application.awaited import Awaited
from ledger.application.backtests import Backtests
from ledger.application.bonuses import Bonuses
from ledger.application.catalogue import Catalogues
from ledger.application.complaints import Complaints
from ledger.application.door import wall_clock
from ledger.application.dryrun import DryRuns
from ledger.application.following import Following
from ledger.application.issuing import Issuing
from ledger.application.lists import ListRuns
from ledger.application.members import Members
from ledger.application.membership import Membership
from ledger.application.passing import Passing
from ledger.application.points import Points
from ledger.application.questions import Questions
from ledger.application.reads import Reads
from ledger.application.receipts import Receipts
from ledger.application.reviews import Reviews
from ledger.application.rhythm import Rhythms
from ledger.application.segments import Segments
from ledger.application.tiers import Tiers
from ledger.application.upkeep import Upkeep
from ledger.commands.common import Outcome
from ledger.commands.publish import PublishProgramme
from ledger.errors import LogExists
from ledger.jobs import JOBS
from ledger.jobs.job import Job
from ledger.programme import load
from ledger.store.opening import SECRET, open_log
from ledger.types import Clock, Instant

SECRET_BYTES = 32


class LoyaltyLedger(
    Awaited,
    Receipts,
    Members,
    Membership,
    Points,
    Allowances,
    Passing,
    Bonuses,
    Complaints,
    Catalogues,
    Issuing,
    Reviews,
    Tiers,
    Rhythms,
    Reads,
    Segments,
    Questions,
    ListRuns,
    Backtests,
    Upkeep,
    DryRuns,
    Following,
    Access,
):
    """The ledger on one log.

    Every command is answered after it is durable. A refusal is a `LedgerError` and records
    nothing; the same command sent again is answered with its first outcome (`repeat`).
    """

    @classmethod
    def create(
        cls, db: str, programme: str, *, secret: bytes | None = None, clock: Clock = wall_clock,
        jobs: Sequence[Job] = JOBS,
    ) -> Self:  # fmt: skip
        """Make a ledger with its first programme, which holds for all time.

        Raises:
            LogExists: there is one in this database.
            ProgrammeInvalid: the programme file is wrong.
        """
        load(programme)  # before anything is made
        publish = PublishProgramme(programme, 0)
        log = open_log(db, create=True)
        known = log.setting(SECRET)
        # A secret without a programme is an `init` that was killed: this one finishes it.
        if known is not None and (log.head() or (secret and secret.hex() != known)):
            log.close()
            raise LogExists
        if known is None:
            log.put_setting(SECRET, (secret or secrets.token_bytes(SECRET_BYTES)).hex())
        ledger = cls(log, clock, jobs)
        ledger.engine.prepare()
        ledger._do(publish)
        return ledger

    @classmethod
    def open(cls, db: str, *, clock: Clock = wall_clock, jobs: Sequence[Job] = JOBS) -> Self:
        """Open a ledger that exists.

        Raises:
            LogMissing: there is none.
            StoreUnavailable: the database does not answer.
        """
        return cls(open_log(db), clock, jobs)

    def __enter__(self) -> Self:
        """Use as a context manager."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def publish(self, programme: str, effective_at: Instant) -> Outcome:
        """Publish a programme from a future instant on.

        Raises:
            ProgrammeInvalid, ProgrammeTooSoon.
        """
        return self._do(PublishProgramme(programme, effective_at))
