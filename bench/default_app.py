"""The same job on the library's default application: JSON, mutable aggregates, one save a receipt.

It makes the same decision with the same policies and claims the same key, as a team would
write it from the library's own examples.
"""

from __future__ import annotations

from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.domain import Aggregate, event

from ledger.policies.basket import Basket, eligible
from ledger.policies.earn import earn
from ledger.policies.expiry import lot_dates
from ledger.programme import Programme
from ledger.types import Receipt


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
        self.qualifying: dict[str, int] = {}

    @staticmethod
    def create_id(card: str) -> UUID:
        return uuid5(NAMESPACE_URL, f"member/{card}")

    @event("Scanned")
    def scan(
        self, key: str, captured_at: str, lines: list[dict[str, Any]], points: list[int],
        activates_at: int, expires_at: int, day: str,
    ) -> None:  # fmt: skip
        lot = f"{activates_at}/{expires_at}"
        self.lots[lot] = self.lots.get(lot, 0) + sum(points)
        self.qualifying[day] = self.qualifying.get(day, 0) + sum(points)


class DefaultApp(Application[UUID]):
    """One command at a time through the library."""

    def record(self, receipt: Receipt, programme: Programme) -> None:
        key = str(receipt.key)
        card = receipt.card or "anonymous"
        if Claim.create_id(key) in self.repository:
            return
        lines = [
            {
                "product": line.product, "category": line.category, "quantity": line.quantity,
                "amount_minor": line.amount_minor,
            }
            for line in receipt.lines
        ]  # fmt: skip
        if not receipt.card:
            self.save(Claim(key=key, member="anonymous", lines=lines))
            return
        try:
            member: Member = self.repository.get(Member.create_id(card))
        except AggregateNotFoundError:
            member = Member(card)
        day = receipt.key.business_day
        amounts = eligible(programme.earn, receipt.lines, receipt.tenders)
        basket = Basket(programme.earn, receipt.lines, amounts, day)
        activates_at, expires_at = lot_dates(programme.lots, day, programme.time_zone)
        member.scan(
            key, receipt.captured_at.isoformat(), lines, earn(basket).points, activates_at,
            expires_at, receipt.business_date.isoformat(),
        )  # fmt: skip
        self.save(member, Claim(key=key, member=card, lines=[]))
