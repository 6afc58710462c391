"""Expressions give what fixed keys cannot say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ledger.policies.basket import ALL, Award, Basket, Given
from ledger.policies.split import largest_remainder
from ledger.programme import evaluate
from ledger.types import date_of


def expression_points(basket: Basket, base: Sequence[int]) -> Sequence[Award]:
    """The points of each expression, spread over the lines that earn.

    One that cannot be worked out for this receipt gives 0 and says so by a `!` in its name.
    """
    if not basket.earn.expression or not any(basket.eligible_minor):
        return ()
    values = _values(basket)
    awards = []
    for one in basket.earn.expression:
        points = evaluate(one.points, values)
        if points is None:
            awards.append(Award(f"expression:{one.name}!", [0] * len(base)))
        elif points > 0:
            spread = largest_remainder(points, basket.eligible_minor)
            awards.append(Award(f"expression:{one.name}", spread))
    return awards


def _values(basket: Basket) -> Mapping[str, int]:
    shopper, date = basket.shopper, date_of(basket.day)
    bought = [line for line in basket.lines if line.quantity > 0 and not line.voided]
    return {
        "spend_minor": sum(line.amount_minor for line in bought),
        "eligible_minor": sum(basket.eligible_minor),
        "lines": len(bought),
        "pieces": sum(line.quantity if line.unit == "piece" else 1 for line in bought),
        "weekday": basket.weekday,
        "hour": basket.hour,
        "day_of_month": date.day,
        "month": date.month,
        "tier_index": shopper.tier_index,
        "receipts_before": shopper.receipts,
        "earned_before": shopper.earned,
        "earned_today": shopper.given.get(ALL, Given()).day,
        "first_purchase": int(shopper.receipts == 0),
        "birthday": int(shopper.birthday),
    }
