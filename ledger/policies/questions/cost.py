"""Who cost more than they brought."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.policies.asking import Facts, Found, Terms
from ledger.programme import Cash
from ledger.programme.parts import ONE_BP

FIGURES = (
    "loss_minor", "spend_minor", "brought_minor", "points", "points_value_minor", "discount_minor",
    "compensation_minor",
)  # fmt: skip


def cost(facts: Sequence[Facts], terms: Terms) -> list[Found]:
    """Members whose points, discounts and compensation are above the margin on what they bought.

    Those who cost most first; of equals the lower id.
    """
    told = [Found(one.member, _figures(one, terms)) for one in facts]
    lost = [one for one in told if int(one.figures[0]) > 0]
    return sorted(lost, key=lambda one: (-int(one.figures[0]), one.member))


def _figures(facts: Facts, terms: Terms) -> tuple[int, ...]:
    """Margin rounded up, values of points down: in the member's favour. One-offs brought, too."""
    spend_minor = facts.now.spend_minor + facts.now.one_off_minor
    brought_minor = -(-spend_minor * terms.rules.margin_bp // ONE_BP)
    points_minor = _worth_minor(facts.cost.points, terms.cash)
    compensation_minor = _worth_minor(facts.cost.compensation_points, terms.cash)
    discount_minor = facts.cost.discount_minor
    loss_minor = points_minor + compensation_minor + discount_minor - brought_minor
    return (
        loss_minor, spend_minor, brought_minor, facts.cost.points, points_minor, discount_minor,
        compensation_minor,
    )  # fmt: skip


def _worth_minor(points: int, cash: Cash | None) -> int:
    """What points pay at the till, without minimum and step; floor, in the member's favour."""
    return points * cash.value_minor // cash.points if cash else 0
