"""What jobs record: time's effects, which hold already."""

from __future__ import annotations

from ledger.application.door import Door
from ledger.commands.common import Outcome
from ledger.commands.passing import ExpireHolds, GrantRebate, RecordActivation, RecordExpiry
from ledger.types import Instant


class Passing(Door):
    """Commands that record the passing of time; `member` is a member's stream."""

    def record_expiry(self, member: bytes, until: Instant) -> Outcome:
        """Write off points that had expired at an instant.

        Raises:
            MemberUnknown.
        """
        return self._do(RecordExpiry(member, until))

    def record_activation(self, member: bytes, until: Instant) -> Outcome:
        """Record that pending points had become usable at an instant.

        Raises:
            MemberUnknown.
        """
        return self._do(RecordActivation(member, until))

    def expire_holds(self, member: bytes) -> Outcome:
        """Record that holds are over whose time is.

        Raises:
            MemberUnknown.
        """
        return self._do(ExpireHolds(member))

    def grant_rebate(self, member: bytes, year: int) -> Outcome:
        """Give the rebate for a calendar year, once.

        Raises:
            MemberUnknown, RebateTooSoon.
        """
        return self._do(GrantRebate(member, year))
