"""Tiers: granted, reviewed, and what the next one needs."""

from __future__ import annotations

from ledger.aggregates.member.standing import NextTier
from ledger.application.reads import Reads
from ledger.commands.common import Outcome
from ledger.commands.tiers import GrantTier, ReviewTier
from ledger.types import Instant


class Tiers(Reads):
    """Commands on tiers."""

    def grant_tier(
        self, card: str, tier: str, until: Instant, reason: str, author: str, command_id: str
    ) -> Outcome:
        """Let a member stand at least in a tier up to an instant; one that is past ends it now.

        Raises:
            KeyConflict, CardUnknown, TierUnknown, InputInvalid.
        """
        return self._do(GrantTier(card, tier, until, reason, author, command_id))

    def review_tier(self, card_or_id: str) -> Outcome:
        """Record the reviews of a member's tier that have passed; `repeat` where none has.

        Raises:
            MemberUnknown.
        """
        return self._do(ReviewTier(self.member_of(card_or_id)))

    def next_tier(self, card_or_id: str, at: Instant | None = None) -> NextTier | None:
        """What a member needs for the next tier at an instant (now); None without tiers.

        Raises:
            MemberUnknown.
        """
        stream = self.member_of(card_or_id)
        with self.reading() as reader:
            return self.tier_needs(reader, stream, self.clock() if at is None else at)
