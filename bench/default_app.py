"""The same job on the library's default application: JSON, mutable aggregates, one save a command.

It makes the same decision with the same policies and claims the same key, as a team would
write it from the library's own examples: the claim is saved with the award, so a repeat is a
conflict, and a conflict with another caller's command is decided again.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import IntegrityError

from bench.decision import Known, counted_on, decide
from ledger.programme import Programme
from ledger.types import Receipt

CONFLICTS_BORNE = 500


class Claim(Aggregate):
    @event("Claimed")
    def __init__(self, key: str, member: str, lines: list[dict[str, Any]]) -> None:
        """Lines only where there is no member whose stream could hold them."""
        self.key = key
        self.member = member

    @staticmethod
    def create_id(key: str, **_: Any) -> UUID:
        return uuid5(NAMESPACE_URL, f"claim/{key}")


class Member(Aggregate):
    @event("Enrolled")
    def __init__(self, card: str) -> None:
        self.card = card
        self.lots: dict[str, int] = {}
        self.receipts = self.earned = self.tier_since = self.tier_until = 0
        self.tier = ""
        self.days: list[int] = []
        self.qualifying: list[int] = []

    @staticmethod
    def create_id(card: str) -> UUID:
        return uuid5(NAMESPACE_URL, f"member/{card}")

    @property
    def known(self) -> Known:
        return Known(
            self.tier, self.tier_since, self.tier_until, self.receipts, self.earned, self.days,
            self.qualifying,
        )  # fmt: skip

    @event("Scanned")
    def scan(
        self, key: str, captured_at: str, lines: list[dict[str, Any]], points: list[int],
        rules: list[list[Any]], activates_at: int, expires_at: int, day: int,
    ) -> None:  # fmt: skip
        lot, total = f"{activates_at}/{expires_at}", sum(points)
        self.lots[lot] = self.lots.get(lot, 0) + total
        self.receipts += 1
        self.earned += total
        self.days, self.qualifying = counted_on(self.days, self.qualifying, day, total)

    @event("TierChanged")
    def change_tier(self, tier: str, since: int, until: int) -> None:
        self.tier, self.tier_since, self.tier_until = tier, since, until


class DefaultApp(Application[UUID]):
    """One command at a time through the library, from as many threads as there are."""

    def __init__(self, settings: dict[str, str], programme: Programme) -> None:
        super().__init__(settings)
        self.programme = programme
        self.conflicts = 0
        """Commands that were decided again."""
        self._counting = Lock()

    def caller(self, number: int) -> Callable[[Receipt], int]:
        """All callers share the application and its pool of connections."""
        return self.record

    def points(self, answer: int) -> int:
        """The points of what `record` answered."""
        return answer

    def record(self, receipt: Receipt) -> int:
        """Record a receipt and return its points; 0 for one that is recorded already."""
        for _ in range(CONFLICTS_BORNE):
            try:
                return self._decide_and_save(receipt)
            except IntegrityError:
                with self._counting:
                    self.conflicts += 1
                if Claim.create_id(str(receipt.key)) in self.repository:
                    return 0
        msg = f"{receipt.key}: {CONFLICTS_BORNE} conflicts"
        raise RuntimeError(msg)

    def _decide_and_save(self, receipt: Receipt) -> int:
        key, card = str(receipt.key), receipt.card
        lines = [
            {
                "product": line.product, "category": line.category, "quantity": line.quantity,
                "amount_minor": line.amount_minor,
            }
            for line in receipt.lines
        ]  # fmt: skip
        if not card:
            self.save(Claim(key=key, member="anonymous", lines=lines))
            return 0
        try:
            member: Member = self.repository.get(Member.create_id(card))
        except AggregateNotFoundError:
            member = Member(card)
        got = decide(self.programme, receipt, member.known)
        member.scan(
            key, receipt.captured_at.isoformat(), lines, got.points,
            [list(rule) for rule in got.rules], got.activates_at, got.expires_at, got.day,
        )  # fmt: skip
        if got.stands[0] != member.tier:
            member.change_tier(*got.stands)
        self.save(member, Claim(key=key, member=card, lines=[]))
        return got.total
