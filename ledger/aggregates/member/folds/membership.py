"""What happens to a member's cards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from ledger import events as e
from ledger.aggregates.member.state import Card, Member


def _linked(m: Member, event: e.CardLinked) -> Member:
    m = _without(m, event.replaces) if event.replaces >= 0 else m
    personal = event.personal or m.personal
    return replace(m, cards=(*m.cards, Card(event.card)), personal=personal)


def _without(m: Member, index: int) -> Member:
    cards = list(m.cards)
    cards[index] = Card(cards[index].id, stopped=True)
    return replace(m, cards=tuple(cards))


def _stopped(m: Member, event: e.CardStopped) -> Member:
    return _without(m, event.card)


FOLDS: Mapping[type, Callable[[Member, Any], Member]] = {
    e.CardLinked: _linked,
    e.CardStopped: _stopped,
}
