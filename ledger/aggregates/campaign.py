"""The stream of a campaign: its terms, its last day, its budget; what is drawn lies in pools."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from ledger import events as e
from ledger.types import Day

NO_LIMIT = -1


class CampaignState(Struct, frozen=True, gc=False):
    """A campaign; a budget is -1 where there is no limit."""

    terms: e.CampaignCreated
    until_day: Day
    budget_minor: int
    budget_pieces: int

    def on(self, day: Day) -> bool:
        """Whether it runs on a day."""
        return self.terms.from_day <= day <= self.until_day


def evolve(state: CampaignState | None, event: e.Event) -> CampaignState | None:
    """The state after an event."""
    match event:
        case e.CampaignCreated():
            return CampaignState(event, event.until_day, event.budget_minor, event.budget_pieces)
        case e.CampaignEnded() if state:
            return replace(state, until_day=event.until_day)
        case e.CampaignBudgeted() if state:
            return replace(
                state, budget_minor=state.budget_minor + event.amount_minor,
                budget_pieces=state.budget_pieces + event.pieces,
            )  # fmt: skip
        case _:
            return state
