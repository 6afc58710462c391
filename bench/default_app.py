"""The same job on the library's default application: JSON, mutable aggregates, one save a command.

It makes the same decision with the same policies and claims the same key, as a team would
write it from the library's own examples: the claim is saved with the award, so a repeat is a
conflict, and a conflict with another caller's command is decided again.

It keeps of a receipt what the ledger keeps, each thing once and only where it says something: of
a line its unit, kind, discount and brand where they are not the usual; what tells a repeat from
another receipt under the same key; the number of the programme that was decided under.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from hashlib import blake2b
from threading import Lock
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import msgspec
from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import IntegrityError

from bench.decision import Known, counted_on, decide
from ledger.programme import Programme
from ledger.types import Receipt

CONFLICTS_BORNE = 500
PROGRAMME_NUMBER = 1
FINGERPRINT_BYTES = 16


class Claim(Aggregate):
    @event("Claimed")
    def __init__(self, key: str, member: str, fingerprint: str, bought: dict[str, Any]) -> None:
        """What was bought, only where there is no member whose stream could hold it."""
        self.key = key
        self.member = member
        self.fingerprint = fingerprint

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
        self, key: str, bought: dict[str, Any], points: list[int], rules: list[list[Any]],
        activates_at: int, expires_at: int, day: int, programme: int,
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
        bought = _bought(receipt)
        fingerprint = _fingerprint(bought)
        for _ in range(CONFLICTS_BORNE):
            try:
                return self._decide_and_save(receipt, bought, fingerprint)
            except IntegrityError:
                with self._counting:
                    self.conflicts += 1
                claim = Claim.create_id(str(receipt.key))
                if claim in self.repository:
                    known: Claim = self.repository.get(claim)
                    if known.fingerprint != fingerprint:
                        msg = f"{receipt.key} is recorded with other content"
                        raise ValueError(msg) from None
                    return 0
        msg = f"{receipt.key}: {CONFLICTS_BORNE} conflicts"
        raise RuntimeError(msg)

    def bytes_used(self) -> int:
        """The bytes that the events take on disk, indexes included."""
        recorder: Any = self.recorder
        if "SQLITE_DBNAME" not in self.env:
            with recorder.datastore.get_connection() as connection:
                row = connection.execute(
                    "SELECT pg_total_relation_size(%s::regclass) AS size",
                    (f"public.{recorder.events_table_name}",),
                ).fetchone()
                return int(row["size"])
        with sqlite3.connect(self.env["SQLITE_DBNAME"]) as connection:
            (size,) = connection.execute(
                "SELECT sum(pgsize) FROM dbstat WHERE name LIKE '%stored_events%'"
            ).fetchone()
            return int(size)

    def _decide_and_save(
        self, receipt: Receipt, bought: dict[str, Any], fingerprint: str
    ) -> int:  # fmt: skip
        key, card = str(receipt.key), receipt.card
        if not card:
            self.save(Claim(key, "anonymous", fingerprint, bought))
            return 0
        try:
            member: Member = self.repository.get(Member.create_id(card))
        except AggregateNotFoundError:
            member = Member(card)
        got = decide(self.programme, receipt, member.known)
        member.scan(
            key, bought, got.points, [list(rule) for rule in got.rules], got.activates_at,
            got.expires_at, got.day, PROGRAMME_NUMBER,
        )  # fmt: skip
        if got.stands[0] != member.tier:
            member.change_tier(*got.stands)
        self.save(member, Claim(key, card, fingerprint, {}))
        return got.total


def _bought(receipt: Receipt) -> dict[str, Any]:
    """What the till said, beside the key and the card; what is empty or usual is left out."""
    told: dict[str, Any] = {
        "captured_at": receipt.captured_at.isoformat(),
        "lines": msgspec.to_builtins(receipt.lines),
    }
    if receipt.tenders:
        told["tenders"] = msgspec.to_builtins(receipt.tenders)
    if receipt.cashier:
        told["cashier"] = receipt.cashier
    return told


def _fingerprint(bought: dict[str, Any]) -> str:
    return blake2b(msgspec.json.encode(bought), digest_size=FINGERPRINT_BYTES).hexdigest()
