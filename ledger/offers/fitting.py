"""Fitting the model of what is bought next on the log itself."""

from __future__ import annotations

from typing import NamedTuple

from ledger.errors import InputInvalid
from ledger.forecast.fit import fit_fortnights
from ledger.forecast.model import Model
from ledger.forecast.population import Population
from ledger.offers.histories import Histories
from ledger.offers.receipts import receipts
from ledger.offers.schedule import population
from ledger.types import Day


class Fitted(NamedTuple):
    """A model, what all do, and how many members it was learned from."""

    model: Model
    known: Population
    members: int


def learned(histories: Histories, day: Day) -> Fitted:
    """The model by what had been recorded at the end of a day, of the members who are sampled.

    Raises:
        InputInvalid: there is too little to learn from.
    """
    found = receipts(histories)
    if found is None:
        raise InputInvalid("Nobody has bought anything by then.", field="as_of")
    bought = found.all()
    return Fitted(fit_fortnights(bought, day), population(histories, day), bought.members)
