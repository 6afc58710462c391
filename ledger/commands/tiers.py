"""Tiers granted by hand, and reviews recorded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ledger import events as e
from ledger.commands.common import Outcome, claim, member_of, owner_of, rules_at, storable
from ledger.commands.redeem import owned_streams
from ledger.commands.settling import settle_tier
from ledger.errors import InputInvalid, TierUnknown
from ledger.store.keys import PROGRAMME_STREAM
from ledger.store.working import Working
from ledger.types import Instant


class GrantTier(NamedTuple):
    """Let a member stand at least in a tier up to an instant; one that is past ends it now."""

    card: str
    tier: str
    until: Instant
    reason: str
    author: str
    command_id: str

    def streams(self, working: Working) -> Iterable[bytes]:
        """The programme, the command's claim, the card and its member."""
        return owned_streams(working, "grant-tier", self.command_id, self.card)

    def decide(self, working: Working) -> Outcome:
        """Record the grant.

        Raises:
            KeyConflict: the command id was used for another grant.
            CardUnknown: nobody holds the card.
            TierUnknown: the programme in force has no such tier.
            InputInvalid: no reason or author is given.
        """
        storable(tier=self.tier, reason=self.reason, author=self.author)
        stream, _ = owner_of(working, self.card)
        content = (stream, self.tier, self.until, self.reason, self.author)
        claimed = claim(working, "grant-tier", self.command_id, content)
        if earlier := claimed.earlier(working):
            return earlier
        if not self.reason or not self.author:
            msg = "A grant needs a reason and an author."
            raise InputInvalid(msg, field="author" if self.reason else "reason")
        rules = rules_at(working, working.now)
        tiers = rules.programme.tiers
        if tiers is None or all(level.name != self.tier for level in tiers.level):
            raise TierUnknown(f"`{self.tier}`", field="tier")
        event = e.TierGranted(
            working.now, self.tier, max(self.until, working.now), self.reason, self.author,
            rules.number, self.command_id,
        )  # fmt: skip
        return claimed.record(working, stream, working.emit(stream, event))


class ReviewTier(NamedTuple):
    """Record the reviews of a member's tier that have passed; they hold without it."""

    member: bytes

    def streams(self, working: Working) -> Iterable[bytes]:  # noqa: ARG002
        """The programme and the member."""
        return (PROGRAMME_STREAM, self.member)

    def decide(self, working: Working) -> Outcome:
        """Record them; where none has passed, nothing.

        Raises:
            MemberUnknown: there is no such member.
        """
        member_of(working, self.member)
        before = working.version(self.member)
        version = settle_tier(working, self.member)
        return Outcome(self.member, version, repeat=version == before)
