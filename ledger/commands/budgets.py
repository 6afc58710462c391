"""Budgets of campaigns: what is left of them, and what an award draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import cast

from ledger import events as e
from ledger.aggregates.programmes import Programmes
from ledger.errors import ProgrammeNotInForce
from ledger.programme import Bonus, Programme
from ledger.store.keys import PROGRAMME_STREAM
from ledger.store.working import Working

BUDGET = "budget"
"""The kind of pool; its name is the bonus's."""


NONE: Mapping[str, int] = MappingProxyType({})


def campaigns(programme: Programme) -> Sequence[Bonus]:
    """The bonuses that have a budget."""
    return programme.earn.campaigns


def budget_streams(working: Working) -> list[bytes]:
    """The pools that a receipt of now may draw from, to be looked up with the rest."""
    programmes = cast("Programmes | None", working.known(PROGRAMME_STREAM))
    if programmes is None:
        return []
    try:
        programme, _ = programmes.at(working.now)
    except ProgrammeNotInForce:
        return []
    return [working.keys.pool(BUDGET, bonus.name) for bonus in campaigns(programme)]


def budgets_left(working: Working, programme: Programme) -> Mapping[str, int]:
    """What is left to give, by the name of the bonus; never below 0."""
    if not campaigns(programme):
        return NONE
    return {
        bonus.name: max(
            0,
            (bonus.budget_points or 0) - working.pool_drawn(working.keys.pool(BUDGET, bonus.name)),
        )
        for bonus in campaigns(programme)
    }


def draw_budgets(working: Working, programme: Programme, award: e.Award) -> None:
    """Draw what campaigns gave on a receipt."""
    if not campaigns(programme):
        return
    given = dict(award.rules)
    for bonus in campaigns(programme):
        working.draw(working.keys.pool(BUDGET, bonus.name), given.get(bonus.rule, 0))
