"""Questions about single members: one a file, registered here; none knows another."""

from __future__ import annotations

from typing import NamedTuple

from ledger.policies.asking import Asking
from ledger.policies.questions import call, complained, cost, fallen, narrow, notice


class Question(NamedTuple):
    """A question, what is told of each member, and which facts it looks at beside purchases."""

    name: str
    about: str
    ask: Asking
    figures: tuple[str, ...]
    """Their names, the unit last: `_minor` for money, `_day` for a day."""
    goods: bool = False
    """It is about the buyers of a product or a category, which must be named."""
    before: bool = False
    """It compares with the same window a year before."""
    costs: bool = False
    habits: bool = False
    complaints: bool = False
    consent: bool = False
    sheet: bool = False
    """Each member comes with a sheet to call with."""


QUESTIONS: tuple[Question, ...] = (
    Question("cost", "who cost more than they brought", cost.cost, cost.FIGURES, costs=True),
    Question(
        "complained", "the best who complained repeatedly", complained.complained,
        complained.FIGURES, complaints=True,
    ),
    Question(
        "fallen", "the largest of a year before who stopped or fell", fallen.fallen,
        fallen.FIGURES, before=True,
    ),
    Question(
        "narrow", "who buys one or two things here, and plainly the rest elsewhere",
        narrow.narrow, narrow.FIGURES, habits=True,
    ),
    Question(
        "notice", "who would notice a promotion", notice.notice, notice.FIGURES, goods=True,
        consent=True,
    ),
    Question(
        "call", "who is worth a call", call.call, call.FIGURES, before=True, complaints=True,
        consent=True, sheet=True,
    ),
)  # fmt: skip
