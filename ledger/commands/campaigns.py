"""Campaigns: created from a file, ended early, their budgets raised or lowered; nothing else changes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, cast

from msgspec.structs import replace

from ledger import events as e
from ledger.aggregates.campaign import NO_LIMIT, CampaignState
from ledger.calendar import local_day
from ledger.commands.catalogue import state_of
from ledger.commands.common import Outcome, authored, claim, rules_at
from ledger.errors import (
    AmountInvalid,
    BudgetShort,
    CampaignInvalid,
    CampaignOver,
    CampaignUnknown,
    InputInvalid,
    KeyConflict,
)
from ledger.programme.campaign import Campaign
from ledger.store.keys import PROGRAMME_STREAM, Keys
from ledger.store.working import Working
from ledger.types import MOST_MINOR, MOST_POINTS, Day, day_of


class CreateCampaign(NamedTuple):
    """Begin a campaign; its code is the key."""

    campaign: Campaign
    author: str

    def streams(self, working: Working) -> Iterable[bytes]:
        """The campaign and its products."""
        keys = working.keys
        products = [keys.product(code) for _, code in _products(self.campaign)]
        return (keys.campaign(self.campaign.code), *products)

    def decide(self, working: Working) -> Outcome:
        """Record it, and put its budget into its pools.

        Raises:
            KeyConflict: the code stands for another campaign.
            CampaignInvalid: a product is not in the catalogue.
            InputInvalid: no author is given.
        """
        authored(self.author, "A campaign")
        stream = working.keys.campaign(self.campaign.code)
        known = cast("CampaignState | None", working.state(stream))
        event = _created(self.campaign, working.now, self.author)
        if known:
            if replace(event, captured_at=known.terms.captured_at) != known.terms:
                raise KeyConflict(f"`{event.code}`", field="code")
            return Outcome(stream, 1, repeat=True)
        for key, code in _products(self.campaign):
            if state_of(working, working.keys.product(code)).described is None:
                raise CampaignInvalid(f"`{code}` is not in the catalogue.", field=key)
        budgets = (max(0, event.budget_minor), max(0, event.budget_pieces))
        _stock(working, event.code, budgets, self.author, "")
        return Outcome(stream, working.emit(stream, event))


class EndCampaign(NamedTuple):
    """End a campaign after a day: today, or a later one."""

    code: str
    until_day: Day
    author: str
    command_id: str

    def streams(self, working: Working) -> Iterable[bytes]:
        """The programme, the command's claim and the campaign."""
        keys = working.keys
        claims = keys.command("campaign-end", self.command_id)
        return (PROGRAMME_STREAM, claims, keys.campaign(self.code))

    def decide(self, working: Working) -> Outcome:
        """Record its last day.

        Today counts to its end, so no receipt is decided on a campaign that just ended.

        Raises:
            KeyConflict: the command id was used for something else.
            CampaignUnknown: there is none.
            CampaignOver: it ends by then anyway.
            InputInvalid: the day is past, or no author is given.
        """
        content = (self.code, self.until_day, self.author)
        claimed = claim(working, "campaign-end", self.command_id, content)
        if earlier := claimed.earlier(working):
            return earlier
        authored(self.author, "A campaign")
        state = campaign_of(working, self.code)
        zone = rules_at(working, working.now).programme.time_zone
        if self.until_day < local_day(working.now, zone):
            raise InputInvalid("That day is past.", field="until")
        if self.until_day >= state.until_day:
            raise CampaignOver(field="until")
        stream = working.keys.campaign(self.code)
        event = e.CampaignEnded(
            working.now, self.code, self.until_day, self.author, self.command_id
        )
        return claimed.record(working, stream, working.emit(stream, event))


class ChangeBudget(NamedTuple):
    """Put money (minor units) and pieces into a campaign's budget; below zero, take them out."""

    code: str
    amount_minor: int
    pieces: int
    author: str
    command_id: str

    def streams(self, working: Working) -> Iterable[bytes]:
        """The command's claim, the campaign and its pools."""
        keys = working.keys
        claims = keys.command("campaign-budget", self.command_id)
        return (claims, keys.campaign(self.code), *pools_of(keys, self.code))

    def decide(self, working: Working) -> Outcome:
        """Record the change.

        Raises:
            KeyConflict: the command id was used for something else.
            CampaignUnknown: there is none.
            AmountInvalid: nothing, or too much at once.
            BudgetShort: more is taken out than is left; says what is.
            InputInvalid: there is no such budget, or no author is given.
        """
        content = (self.code, self.amount_minor, self.pieces, self.author)
        claimed = claim(working, "campaign-budget", self.command_id, content)
        if earlier := claimed.earlier(working):
            return earlier
        authored(self.author, "A campaign")
        self._check(working, campaign_of(working, self.code))
        changes = (self.amount_minor, self.pieces)
        _stock(working, self.code, changes, self.author, self.command_id)
        stream = working.keys.campaign(self.code)
        event = e.CampaignBudgeted(
            working.now, self.code, self.amount_minor, self.pieces, self.author, self.command_id
        )
        return claimed.record(working, stream, working.emit(stream, event))

    def _check(self, working: Working, state: CampaignState) -> None:
        if not (self.amount_minor or self.pieces):
            raise AmountInvalid(field="amount_minor")
        most = (MOST_MINOR, MOST_POINTS)
        changes = (self.amount_minor, self.pieces)
        budgets = (state.budget_minor, state.budget_pieces)
        pools = pools_of(working.keys, self.code)
        for name, by, budget, pool, limit in zip(
            ("amount_minor", "pieces"), changes, budgets, pools, most, strict=True
        ):
            if by and budget == NO_LIMIT:
                raise InputInvalid("It has no such budget.", field=name)
            if by and budget + by > limit:
                raise AmountInvalid(f"{limit} at most.", field=name)
            left = working.pool_left(pool)
            if by < 0 and left + by < 0:
                raise BudgetShort(f"{-by} asked, {left} left.", field=name)


def campaign_of(working: Working, code: str) -> CampaignState:
    """A campaign.

    Raises:
        CampaignUnknown: there is none.
    """
    state = cast("CampaignState | None", working.state(working.keys.campaign(code)))
    if state is None:
        raise CampaignUnknown(f"`{code}`", field="campaign")
    return state


def pools_of(keys: Keys, code: str) -> tuple[bytes, bytes]:
    """The pools of a campaign: its money, and its pieces."""
    return keys.pool("campaign-minor", code), keys.pool("campaign-pieces", code)


def _stock(
    working: Working, code: str, quantities: tuple[int, int], author: str, command: str
) -> None:
    """The pools hold what may be drawn, so that lowering a budget and drawing on it meet there."""
    for pool, quantity in zip(pools_of(working.keys, code), quantities, strict=True):
        if quantity:
            working.emit(pool, e.Stocked(quantity, author, command))


def _created(campaign: Campaign, now: int, author: str) -> e.CampaignCreated:
    (kind,) = campaign.offer.kinds
    said = getattr(campaign.offer, kind)
    return e.CampaignCreated(
        now, campaign.code, campaign.name, day_of(campaign.from_), day_of(campaign.until),
        campaign.products, campaign.categories, campaign.funder, kind,
        said if kind != "reward" else 0, author, said if kind == "reward" else "",
        _limit(campaign.budget_minor), _limit(campaign.budget_pieces), campaign.per_member or 0,
        campaign.per_day or 0, campaign.may_combine, campaign.holdout_bp, campaign.seed,
        **_aimed(campaign),
    )  # fmt: skip


def _aimed(campaign: Campaign) -> dict[str, Any]:
    """Of the event: whom it addresses, how deep it goes for whom, to what end."""
    audience, goal, limit = campaign.audience, campaign.goal, campaign.limit
    said: dict[str, Any] = {
        "bundle": tuple(e.BundlePart(part.products, part.categories) for part in campaign.with_)
    }
    if audience:
        said |= {
            "category": audience.category or "", "window": audience.window,
            "cells": audience.whole_cells if audience.category else (),
            "due_days": audience.due_days, "together": audience.together,
        }  # fmt: skip
    if campaign.depth:
        said["depth"] = tuple(e.Depth(*step) for step in campaign.depth.steps.items())
    if goal:
        said |= {
            "goal_from": goal.from_,
            "goal_to": goal.to or "",
            "goal_product": goal.product or "",
        }
    if limit:
        said |= {"most_lists": limit.lists, "limit_days": limit.days}
    return said


def _products(campaign: Campaign) -> list[tuple[str, str]]:
    """The products that it names, each with its key in the file."""
    goal = campaign.goal.product if campaign.goal else None
    return [
        *((f"products[{index}]", code) for index, code in enumerate(campaign.products)),
        *(
            (f"with[{number}].products[{index}]", code)
            for number, part in enumerate(campaign.with_)
            for index, code in enumerate(part.products)
        ),
        *([("goal.product", goal)] if goal else []),
    ]


def _limit(budget: int | None) -> int:
    return NO_LIMIT if budget is None else budget
