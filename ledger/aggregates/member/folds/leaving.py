"""What closing and erasing do to a member."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from ledger import events as e
from ledger.aggregates.member.state import Member, stopped, taken


def _closed(m: Member, event: e.MemberClosed) -> Member:
    return replace(
        m,
        lots=taken(m.lots, event.takes),
        adjusted_out=m.adjusted_out + sum(take.points for take in event.takes),
        adjusted_in=m.adjusted_in + event.arrears,
        arrears=m.arrears - event.arrears,
        cards=tuple(stopped(card, event.captured_at) for card in m.cards),
        closed=True,
    )


def _erased(m: Member, _: e.MemberErased) -> Member:
    cards = tuple(replace(card, holder=b"") for card in m.cards)
    return replace(m, personal=b"", cards=cards, identities=(), erased=True)


FOLDS: Mapping[type, Callable[[Member, Any], Member]] = {
    e.MemberClosed: _closed,
    e.MemberErased: _erased,
}
