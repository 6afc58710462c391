"""How campaigns and what became of them read, in words and as data."""

from __future__ import annotations

from typing import Any

import msgspec

from adapters.cli.render import money, table
from ledger.application.campaigns import CampaignView, CellResults, Results, Turned
from ledger.events import CampaignCreated
from ledger.policies.lift import Lift
from ledger.programme.audience import CELLS
from ledger.types import Day, date_of


def day_text(day: Day) -> str:
    """A day as people and programs write it."""
    return date_of(day).isoformat()


def campaign_data(view: CampaignView) -> dict[str, Any]:
    """A campaign as data."""
    terms, state = view.state.terms, view.state
    return {
        "code": terms.code, "name": terms.name, "from": day_text(terms.from_day),
        "until": day_text(state.until_day), "products": terms.products,
        "categories": terms.categories, "funder": terms.funder, "kind": terms.kind,
        "amount": terms.amount, "reward": terms.reward,
        "budget_minor": None if state.budget_minor < 0 else state.budget_minor,
        "budget_pieces": None if state.budget_pieces < 0 else state.budget_pieces,
        "drawn_minor": view.drawn_minor, "drawn_pieces": view.drawn_pieces,
        "per_member": terms.per_member or None, "per_day": terms.per_day or None,
        "may_combine": terms.may_combine, "holdout_bp": terms.holdout_bp,
        "category": terms.category, "window": terms.window, "cells": terms.cells,
        "due_days": terms.due_days or None, "together": terms.together or None,
        "depth": {one.cell: one.amounts for one in terms.depth}, "goal_from": terms.goal_from,
        "goal_to": terms.goal_to, "goal_product": terms.goal_product,
        "with": [msgspec.structs.asdict(part) for part in terms.bundle],
        "most_lists": terms.most_lists or None, "limit_days": terms.limit_days or None,
    }  # fmt: skip


def campaign_lines(view: CampaignView, currency: str) -> list[str]:
    """A campaign in words."""
    terms, state = view.state.terms, view.state
    minor, pieces = view.left
    spent = f"{money(view.drawn_minor, currency)} taken off"
    sold = f"{view.drawn_pieces} sold"
    facts = [
        ("days", f"{day_text(terms.from_day)} to {day_text(state.until_day)}"),
        ("products", ", ".join(terms.products)),
        ("categories", ", ".join(terms.categories)),
        ("funder", terms.funder),
        ("offer", offer_text(terms.kind, terms.amount, terms.reward, currency)),
        ("money", spent if minor is None else f"{spent}, {money(minor, currency)} left"),
        ("pieces", sold if pieces is None else f"{sold}, {pieces} left"),
        ("a member", f"{terms.per_member} pieces" if terms.per_member else ""),
        ("a day", f"{terms.per_day} pieces" if terms.per_day else ""),
        ("combines", "yes" if terms.may_combine else ""),
        ("held out", f"{terms.holdout_bp} of 10000" if terms.holdout_bp else ""),
        *_aim(terms, currency),
    ]
    return [
        f"Campaign {terms.code}: {terms.name}",
        *[f"  {name:<11}{text}" for name, text in facts if text],
    ]


def _aim(terms: CampaignCreated, currency: str) -> list[tuple[str, str]]:
    """Whom it addresses, how deep, to what end; each what it is and how it reads."""
    goal = terms.goal_product or f"{terms.goal_to} brand"
    most = f"{terms.most_lists} that begin within {terms.limit_days} days"
    return [
        *[("with", ", ".join((*part.products, *part.categories))) for part in terms.bundle],
        ("buyers of", f"{terms.category}, {terms.window}" if terms.category else ""),
        ("cells", ", ".join(terms.cells) if len(terms.cells) < len(CELLS) else ""),
        ("due", f"within {terms.due_days} days" if terms.due_days else ""),
        ("together", f"{terms.together} times in {terms.window}" if terms.together else ""),
        *[
            (
                "depth" if number == 0 else "",
                f"{one.cell}: "
                + ", then ".join(offer_text(terms.kind, n, "", currency) for n in one.amounts),
            )
            for number, one in enumerate(terms.depth)
        ],
        ("goal", f"{terms.goal_from} brand to {goal}" if terms.goal_from else ""),
        ("lists", most if terms.most_lists else ""),
    ]


def offer_text(kind: str, amount: int, reward: str, currency: str) -> str:
    """What an offer gives for a piece."""
    return {
        "off_minor": f"{money(amount, currency)} off",
        "off_bp": f"{amount} of 10000 off",
        "price_minor": f"for {money(amount, currency)}",
        "points": f"{amount} points",
        "reward": reward,
    }[kind]


def results_data(told: Results) -> dict[str, Any]:
    """The same as data."""
    return told._asdict() | {
        "lift": told.lift and told.lift._asdict(),
        "lift_issued": told.lift_issued and told.lift_issued._asdict(),
        "turned": told.turned and _turned_data(told.turned),
        "cells": [one._asdict() for one in told.cells],
    }


def _turned_data(one: Turned) -> dict[str, Any]:
    lift = one.lift
    return {
        "members": one.members, "turned": one.turned, "held_out": one.held_out,
        "held_out_turned": one.held_out_turned, "share_bp": lift.mean_minor,
        "held_out_share_bp": lift.held_out_mean_minor, "difference_bp": lift.difference_minor,
        "low_bp": lift.low_minor, "high_bp": lift.high_minor,
    }  # fmt: skip


def results_lines(code: str, told: Results, currency: str) -> list[str]:
    """What became of a campaign."""
    lines = [
        f"Campaign {code}",
        f"  issued     {told.issued} members",
        f"  accepted   {told.accepted} members",
        f"  used       {told.used} members, {told.pieces} pieces,"
        f" {money(told.off_minor, currency)}",
        f"  held out   {told.held_out} members",
        *_lift_lines("used", told.lift, currency),
        *_lift_lines("issued", told.lift_issued, currency),
    ]
    if one := told.turned:
        lines += [
            f"  turned     {one.turned} of {one.members} members issued,"
            f" {one.held_out_turned} of {one.held_out} held out",
            f"             {_percent(one.lift.mean_minor)} against"
            f" {_percent(one.lift.held_out_mean_minor)},"
            f" {_percent(one.lift.difference_minor)} more ({_sure(one.lift)})",
        ]
    if told.cells:
        head = tuple(name.replace("_", " ") for name in CellResults._fields)
        lines += ["", *table(head, told.cells)]
    return lines


def _percent(share_bp: int) -> str:
    sign = "-" if share_bp < 0 else ""
    return f"{sign}{abs(share_bp) // 100}.{abs(share_bp) % 100:02} %"


def _sure(one: Lift) -> str:
    if one.low_minor is None or one.high_minor is None:
        return "too few to say how sure"
    return f"95 %: {_percent(one.low_minor)} to {_percent(one.high_minor)}"


def _lift_lines(name: str, one: Lift | None, currency: str) -> list[str]:
    if one is None:
        return [f"  lift       {name}: nobody to compare"]
    means = f"{money(one.mean_minor, currency)} against {money(one.held_out_mean_minor, currency)}"
    sure = "too few to say how sure"
    if one.low_minor is not None and one.high_minor is not None:
        sure = f"95 %: {money(one.low_minor, currency)} to {money(one.high_minor, currency)}"
    return [f"  lift       {name}: {means}, {money(one.difference_minor, currency)} more ({sure})"]
