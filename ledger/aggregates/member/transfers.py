"""Deciding what one member gives another."""

from __future__ import annotations

from ledger import events as e
from ledger.aggregates.member.earning import Rules
from ledger.aggregates.member.points import Act
from ledger.aggregates.member.state import Member
from ledger.policies.burn import burn
from ledger.policies.transfer import check_amount, repay
from ledger.types import Take


def transfer(
    giver: Member, receiver: Member, streams: tuple[bytes, bytes], points: int, card: int,
    rules: Rules, act: Act,
) -> tuple[e.PointsSent, e.PointsReceived]:  # fmt: skip
    """Points from one member's lots to another's, which keep their dates.

    Raises:
        TransferNotOffered, TransferLimit, AmountInvalid: see `check_amount`.
        PointsShort: not enough available.
    """
    so_far = giver.sent if giver.sent_day == act.day else 0
    check_amount(rules.programme.transfer, points, so_far)
    takes = burn(giver.lots, points, act.at)
    lots = tuple(_received(takes))
    repaid = repay([lot.points for lot in lots], receiver.arrears)
    sent = e.PointsSent(act.at, act.day, points, takes, streams[1], card, rules.number, act.command)
    received = e.PointsReceived(act.at, points, lots, repaid, streams[0], rules.number, act.command)
    return sent, received


def _received(takes: tuple[Take, ...]) -> list[Take]:
    """The lots as they lie at the receiver's: one for each pair of dates."""
    lots: dict[tuple[int, int], int] = {}
    for take in takes:
        dates = (take.activates_at, take.expires_at)
        lots[dates] = lots.get(dates, 0) + take.points
    return [Take(*dates, e.ORIGIN_TRANSFER, points) for dates, points in lots.items()]
