"""Fitting the model of what is bought next on the log itself."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ledger.errors import InputInvalid
from ledger.forecast.fit import Lesson, fit
from ledger.forecast.model import Model
from ledger.forecast.moment import Moment
from ledger.forecast.purchases import Purchases
from ledger.offers.schedule import SAMPLE
from ledger.offers.shopping import Cut, lines
from ledger.store.log import Log
from ledger.types import Day

HORIZON_DAYS = 14
LESSONS = (14, 21, 28)
"""Days back, of which the fortnight after each is learned from: what people do changes."""
ACTIVE_DAYS = 56
"""Whoever was seen in so many days is learned from."""


class Fitted(NamedTuple):
    """A model, and how many members it was learned from."""

    model: Model
    members: int


def learned(log: Log, cut: Cut, day: Day) -> Fitted:
    """The model by what had been recorded at the end of a day, of the members who are sampled.

    Raises:
        InputInvalid: there is too little to learn from.
    """
    gathered = next(lines(log, cut, SAMPLE), None)
    if gathered is None:
        raise InputInvalid("Nobody has bought anything by then.", field="as_of")
    bought = gathered.chunk().bought
    return Fitted(
        fit([_lesson(bought, day - back) for back in LESSONS], HORIZON_DAYS), bought.members
    )


def _lesson(bought: Purchases, day: Day) -> Lesson:
    known = bought.known_on(day)
    moment = Moment.at(bought, known, np.full(bought.members, day), dated=True)
    active = (known > 0) & (moment.people.away < ACTIVE_DAYS)
    return Lesson(moment, bought.until(known, day + HORIZON_DAYS), active)
