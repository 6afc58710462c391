"""Deciding whether a receipt is beyond the fraud limits, and what becomes of points in review."""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from ledger import events as e
from ledger.aggregates.member.points import Act
from ledger.aggregates.member.rules import Rules
from ledger.aggregates.member.standing import tier_change
from ledger.aggregates.member.state import Member
from ledger.policies.limits import Facts, breaches, late_days, stores_within
from ledger.types import Day, Instant


class Scanned(NamedTuple):
    """A receipt as the fraud limits need it."""

    receipt: bytes
    store: str
    day: Day
    captured_at: Instant
    claimed_at: Instant
    cashier: bytes
    """Keyed hash; empty where no cashier was said."""


class Judged(NamedTuple):
    """An award as it is recorded after the limits were looked at."""

    award: e.Award
    change: e.TierChanged | None
    flagged: e.ReceiptFlagged | None = None


def judge(
    member: Member, award: e.Award, change: e.TierChanged | None, scanned: Scanned, rules: Rules
) -> Judged:
    """Flag a receipt that is beyond a limit, and hold its points back where that is asked."""
    award = replace(award, watched=True)
    points = sum(award.points)
    found = breaches(rules.programme.fraud, _facts(member, award.card, points, scanned, rules))
    if not found:
        return Judged(award, change)
    review = points if any(breach.review for breach in found) else 0
    if review:
        # Neither arrears nor tier are touched before a person has decided.
        award = replace(award, review=review, repaid=0, qualifying=0)
        change = tier_change(member, rules, scanned.day, scanned.captured_at, 0)
    pairs = tuple((breach.limit, breach.value) for breach in found)
    flagged = e.ReceiptFlagged(
        scanned.captured_at, scanned.receipt, scanned.store, pairs, review, rules.number
    )
    return Judged(award, change, flagged)


def _facts(member: Member, card: int, points: int, scanned: Scanned, rules: Rules) -> Facts:
    today = [count for count in member.counts if count.day == scanned.day]
    velocity = rules.programme.fraud.stores
    visits = [(visit.at, visit.store) for visit in member.visits]
    return Facts(
        1 + sum(count.receipts for count in today if count.card == card),
        points + sum(count.points for count in today),
        late_days(scanned.captured_at, scanned.claimed_at),
        stores_within(visits, scanned.captured_at, scanned.store, velocity.minutes)
        if velocity
        else 0,
        scanned.cashier in member.cashiers,
    )


def approve(
    member: Member, receipt: bytes, award: e.Award, counts: tuple[int, int, Day], reason: str,
    rules: Rules, act: Act,
) -> e.ReviewApproved:  # fmt: skip
    """Points that waited go to the lot of their award, arrears first.

    `counts` are the points, what they count towards a tier, and on which day.
    """
    points, qualifying, day = counts
    return e.ReviewApproved(
        act.at, receipt, points, min(member.arrears, points), award.activates_at, award.expires_at,
        day, qualifying, reason, act.author, rules.number, act.command,
    )  # fmt: skip


def deny(receipt: bytes, points: int, reason: str, rules: Rules, act: Act) -> e.ReviewDenied:
    """Points that waited are taken back."""
    return e.ReviewDenied(act.at, receipt, points, reason, act.author, rules.number, act.command)


class ReviewPart(NamedTuple):
    """How a reversal of an award's points divides around its review."""

    from_review: int
    """Still waiting: they stop waiting."""
    denied: int
    """Taken back already."""
    rest: int
    """The member's: to be taken from lots."""


def reverse_review(award: e.Award, decision: int, reduced: int, points: int) -> ReviewPart:
    """Divide points of returned goods; `reduced` of those in review came back before."""
    if not award.review or decision == e.DECISION_APPROVED:
        return ReviewPart(0, 0, points)
    if decision == e.DECISION_DENIED:
        return ReviewPart(0, points, 0)
    waiting = min(points, award.review - reduced)
    return ReviewPart(waiting, 0, points - waiting)
