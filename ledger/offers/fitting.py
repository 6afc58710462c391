"""Fitting the model of what is bought next on the log itself."""

from __future__ import annotations

from itertools import groupby, islice
from operator import itemgetter
from typing import NamedTuple

import numpy as np

from ledger.errors import InputInvalid
from ledger.forecast.fit import fit_fortnights
from ledger.forecast.model import Model
from ledger.forecast.population import Population
from ledger.forecast.purchases import Purchases, purchases
from ledger.offers.histories import Histories
from ledger.offers.schedule import SAMPLE, population
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
    bought = _bought(histories)
    if bought is None:
        raise InputInvalid("Nobody has bought anything by then.", field="as_of")
    return Fitted(fit_fortnights(bought, day), population(histories, day), bought.members)


def _bought(histories: Histories) -> Purchases | None:
    """What the sample bought, receipt by receipt: what was known on days that are over."""
    codes: list[str] = []
    receipts: list[tuple[int, int, int, int]] = []  # member, day, place in its stream, lines
    members = groupby(histories.receipts(), key=itemgetter(0))
    for number, (_, own) in enumerate(islice(members, SAMPLE)):
        for place, (_, one) in enumerate(own):
            receipts.append((number, one.day, place, len(one.quantities)))
            codes += one.codes
    if not receipts:
        return None
    numbers = {code: index for index, code in enumerate(sorted(set(codes)))}
    item = np.array(list(map(numbers.__getitem__, codes)), dtype=np.int64)
    told = np.array(receipts, dtype=np.int64)
    member, day, basket = (np.repeat(told[:, n], told[:, 3]) for n in range(3))
    return purchases(member, day, basket, item)
