"""`[[earn.expression]]`: what fixed keys cannot say."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.programme.cel import evaluate, fault
from ledger.programme.parts import Contradictions, Name, Part, repeated

__all__ = ["EXPRESSION_VARIABLES", "Expression", "evaluate"]

EXPRESSION_VARIABLES = frozenset({
    "spend_minor", "eligible_minor", "lines", "pieces", "weekday", "hour", "day_of_month", "month",
    "tier_index", "receipts_before", "earned_before", "earned_today", "first_purchase", "birthday",
})  # fmt: skip
"""What an expression may look at, all of it integers."""


class Expression(Part, frozen=True):
    """Points that an expression gives, in CEL over integers; below zero is none."""

    name: Name
    points: str


def contradictions(expressions: Sequence[Expression]) -> Contradictions:
    """Find what the types cannot say."""
    yield from repeated("earn.expression", "name", (one.name for one in expressions))
    for index, one in enumerate(expressions):
        if wrong := fault(one.points, EXPRESSION_VARIABLES):
            yield f"earn.expression[{index}].points", wrong
