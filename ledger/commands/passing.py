"""Recording what time has done to a member; what already holds, nothing else.

Each is given the member's stream and records nothing where there is nothing to record, so a
job may run it as often and as late as it likes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ledger.aggregates.member.passing import activated, expired
from ledger.commands.common import Outcome, member_of, present
from ledger.store.keys import PROGRAMME_STREAM
from ledger.store.working import Working
from ledger.types import Instant


class RecordExpiry(NamedTuple):
    """Write off the points that had expired at an instant."""

    member: bytes
    until: Instant

    def streams(self, working: Working) -> Iterable[bytes]:  # noqa: ARG002
        """The member."""
        return (self.member,)

    def decide(self, working: Working) -> Outcome:
        """Record it, unless it lies ahead.

        Raises:
            MemberUnknown: there is no such member.
        """
        event = expired(member_of(working, self.member), min(self.until, working.now))
        return _recorded(working, self.member, event)


class RecordActivation(NamedTuple):
    """Record that pending points had become usable at an instant."""

    member: bytes
    until: Instant

    def streams(self, working: Working) -> Iterable[bytes]:  # noqa: ARG002
        """The member."""
        return (self.member,)

    def decide(self, working: Working) -> Outcome:
        """Record it, unless it lies ahead.

        Raises:
            MemberUnknown: there is no such member.
        """
        event = activated(member_of(working, self.member), min(self.until, working.now))
        return _recorded(working, self.member, event)


class ExpireHolds(NamedTuple):
    """Record that a member's holds are over whose time is."""

    member: bytes

    def streams(self, working: Working) -> Iterable[bytes]:  # noqa: ARG002
        """The programme and the member."""
        return (PROGRAMME_STREAM, self.member)

    def decide(self, working: Working) -> Outcome:
        """Record it.

        Raises:
            MemberUnknown: there is no such member.
        """
        before = working.version(self.member)
        present(working, self.member)
        version = working.version(self.member)
        return Outcome(self.member, version, repeat=version == before)


def _recorded(working: Working, member: bytes, event: object) -> Outcome:
    if event is None:
        return Outcome(member, working.version(member), repeat=True)
    return Outcome(member, working.emit(member, event))
