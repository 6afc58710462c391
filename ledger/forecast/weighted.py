"""What a linear model adds up."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ledger.forecast.purchases import Floats


def weighted(columns: Floats, weights: Iterable[float]) -> Floats:
    """The sum of the columns by row, each times its weight.

    One column after another: a matrix product is split among threads, which cost a second core and
    are no faster at so few columns, and adds up in another order on another machine.
    """
    told = np.zeros(len(columns))
    for column, weight in zip(columns.T, weights, strict=True):
        told += column * weight
    return told
