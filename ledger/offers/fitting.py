"""Fitting the model of what is bought next on the log itself."""

from __future__ import annotations

from typing import NamedTuple

from ledger.errors import InputInvalid
from ledger.forecast.fit import fit_fortnights
from ledger.forecast.model import Model
from ledger.offers.schedule import SAMPLE
from ledger.offers.shopping import Cut, lines
from ledger.store.log import Log
from ledger.types import Day


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
    return Fitted(fit_fortnights(bought, day), bought.members)
