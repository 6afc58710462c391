"""Deciding what closing an account takes."""

from __future__ import annotations

from ledger import events as e
from ledger.aggregates.member.earning import Rules
from ledger.aggregates.member.merging import none_waiting, unspent
from ledger.aggregates.member.points import Act
from ledger.aggregates.member.state import Member
from ledger.errors import InputInvalid
from ledger.types import Take


def close(member: Member, reason: str, rules: Rules, act: Act) -> e.MemberClosed:
    """All points that have not expired are taken, and debts let go.

    Raises:
        InputInvalid: no reason or author is given.
        PointsHeld: points are on hold or in review.
    """
    explained(reason, act)
    none_waiting(member)
    takes = tuple(
        Take(lot.activates_at, lot.expires_at, lot.origin, lot.points)
        for lot in unspent(member.lots, act.at)
    )
    return e.MemberClosed(
        act.at, takes, member.arrears, reason, act.author, rules.number, act.command
    )


def explained(reason: str, act: Act) -> None:
    """Make sure that it is told who and why.

    Raises:
        InputInvalid: it is not.
    """
    if not reason or not act.author:
        msg = "It needs a reason and an author."
        raise InputInvalid(msg, field="author" if reason else "reason")
