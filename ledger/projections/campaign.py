"""Campaigns as they stand: their terms, their last day, their budget."""

from __future__ import annotations

from typing import Any, NamedTuple

from ledger import events as e
from ledger.projections.queries import Reader
from ledger.projections.schema import At, Column, Out, Projection, Table
from ledger.types import Day

DIM_CAMPAIGN = Table(
    "dim_campaign",
    "One row a campaign",
    1,
    (
        Column("code", "text", "code of the campaign"),
        Column("name", "text", "its name"),
        Column("funder", "text", "who pays for it"),
        Column("kind", "text", "off_minor, off_bp, price_minor, points, reward"),
        Column("amount", "int", "how much of that, for a piece; 0 for a reward"),
        Column("reward", "text", "what a reward is"),
        Column("from_day", "day", "first day"),
        Column("until_day", "day", "last day, as it is now"),
        Column("budget_minor", "int", "money that may be taken off; -1 = no limit", "add"),
        Column("budget_pieces", "int", "pieces that may be sold; -1 = no limit", "add"),
        Column("holdout_bp", "int", "share of members held out, in basis points"),
        Column("position", "int", "position of the last event", digest=False),
    ),
    merged=True,
)


class CampaignRow(NamedTuple):
    """A campaign as the reports know it."""

    code: str
    name: str
    funder: str
    kind: str
    amount: int
    reward: str
    from_day: Day
    until_day: Day
    budget_minor: int
    budget_pieces: int
    holdout_bp: int


def _created(at: At, event: e.CampaignCreated, out: Out) -> None:
    out.merge(
        DIM_CAMPAIGN, (event.code,), event.name, event.funder, event.kind, event.amount,
        event.reward, event.from_day, event.until_day, event.budget_minor, event.budget_pieces,
        event.holdout_bp, at.position,
    )  # fmt: skip


def _ended(at: At, event: e.CampaignEnded, out: Out) -> None:
    _say(out, at, event.code, until_day=event.until_day)


def _budgeted(at: At, event: e.CampaignBudgeted, out: Out) -> None:
    _say(out, at, event.code, budget_minor=event.amount_minor, budget_pieces=event.pieces)


def _say(out: Out, at: At, code: str, **values: Any) -> None:
    """Change some columns; None says nothing of the others."""
    names = [column.name for column in DIM_CAMPAIGN.columns[1:-1]]
    out.merge(DIM_CAMPAIGN, (code,), *[values.get(name) for name in names], at.position)


def campaigns(reader: Reader) -> list[CampaignRow]:
    """All campaigns, those that begin last first."""
    query = (
        f"SELECT {', '.join(CampaignRow._fields)} FROM {reader.name(DIM_CAMPAIGN)}"
        " ORDER BY from_day DESC, code"
    )
    return [CampaignRow(*row) for row in reader.rows(query, ())]


CAMPAIGN = Projection(
    "campaign",
    1,
    (DIM_CAMPAIGN,),
    {e.CampaignCreated: _created, e.CampaignEnded: _ended, e.CampaignBudgeted: _budgeted},
)
