"""Fitting the model on the past: what members bought next, at moments that are over by now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from ledger.errors import InputInvalid
from ledger.forecast.model import CHUNK, Model, Part
from ledger.forecast.moment import Moment, Rows
from ledger.forecast.purchases import Floats, Ints, Purchases
from ledger.forecast.silence import Silence

MOST_ROWS = 300_000
"""Of one part, over all moments; with more, every so manieth member is looked at."""
HORIZON_DAYS = 14
FORTNIGHTS = (14, 21, 28)
"""Days back, of which the fortnight after each is learned from: what people do changes."""
FORTNIGHTS_BEFORE = (35, 42, 49, 56)
"""That stand in for those of which days are missing, where there is a fortnight before them."""
ACTIVE_DAYS = 56
"""Whoever was seen in so many days is learned from, and gets a list."""
PENALTY = 0.3
ROUNDS = 500
_SOME = 200
"""Members by whom it is judged how many rows there will be."""
DIGITS = 9
"""Of the numbers that are recorded."""
SAME = 1e-6
"""A column that differs by less says nothing; rounded, its scale could be 0."""


class Lesson(NamedTuple):
    """A moment and what was bought after it; the latest one comes first."""

    moment: Moment
    truth: Ints
    """Members and items bought next, see `Purchases.keys`; sorted."""
    whom: npt.NDArray[np.bool_]
    """By member: whether it may be learned from."""


def next_visit(bought: Purchases, known: Ints, *, dated: bool) -> Lesson:
    """The visit of each member after so many."""
    moment = Moment.at(bought, known, bought.day_of(known), dated=dated)
    return Lesson(moment, bought.next_visit(known), known > 0)


def fortnight(bought: Purchases, day: int) -> Lesson:
    """What who was lately seen buys in the fortnight after a day."""
    known = bought.known_on(day)
    moment = Moment.at(bought, known, np.full(bought.members, day), dated=True)
    active = (known > 0) & (moment.people.away < ACTIVE_DAYS)
    return Lesson(moment, bought.until(known, day + HORIZON_DAYS), active)


def fit_fortnights(bought: Purchases, day: int) -> Model:
    """The model for the fortnight after a day, by the fortnights that were over then.

    Raises:
        InputInvalid: there is too little to learn from.
    """
    return fit([fortnight(bought, day - back) for back in learned_back(bought, day)], HORIZON_DAYS)


def learned_back(bought: Purchases, day: int) -> Sequence[int]:
    """How many days back the fortnights begin that are learned from, the latest first."""
    silence = Silence.of(bought.visit_day, day)
    earliest = int(bought.visit_day.min()) + HORIZON_DAYS
    before = [back for back in FORTNIGHTS_BEFORE if day - back >= earliest]
    whole = [
        back
        for back in (*FORTNIGHTS, *before)
        if not silence.within(day - back + 1, day - back + HORIZON_DAYS)
    ]
    return whole[: len(FORTNIGHTS)] or FORTNIGHTS


def fit(lessons: Sequence[Lesson], horizon_days: int) -> Model:
    """The model that fits the lessons, calibrated on the latest one.

    Raises:
        InputInvalid: there is too little to learn from.
    """
    moment = lessons[0].moment
    return Model(
        horizon_days, moment.dated, _part(lessons, Moment.repeats), _part(lessons, Moment.new)
    )


def _part(lessons: Sequence[Lesson], look: Callable[[Moment, int, int], Rows]) -> Part:
    names, columns, bought, weights, latest = _table(lessons, look)
    if len(np.unique(bought)) < 2:
        raise InputInvalid("There are too few purchases to fit a model on.", field="model")
    weights = weights / weights.mean()
    centres, scales = columns.mean(axis=0), columns.std(axis=0)
    scales[scales < SAME] = 1
    columns -= centres
    columns /= scales
    found = LogisticRegression(C=PENALTY, max_iter=ROUNDS, solver="newton-cholesky").fit(
        columns, bought, weights
    )
    slope, shift = _calibrated(found.decision_function(columns[:latest]), bought[:latest])
    return Part(
        tuple(names), _rounded(centres), _rounded(scales), _rounded(found.coef_[0] * slope),
        _rounded([float(found.intercept_[0]) * slope + shift])[0],
    )  # fmt: skip


def _table(
    lessons: Sequence[Lesson], look: Callable[[Moment, int, int], Rows]
) -> tuple[list[str], Floats, npt.NDArray[np.bool_], Floats, int]:
    """What was looked at, whether it was bought, what a row counts; how many the latest lesson has.

    Whoever buys much has many rows that say yes and little to gain from a list: rows count less
    with the square root of what the member bought.
    """
    names: list[str] = []
    columns, bought, weights = [], [], []
    latest = 0
    for number, lesson in enumerate(lessons):
        whom = _thinned(lesson, MOST_ROWS // len(lessons), look)
        moment, items = lesson.moment.of(whom), lesson.moment.items
        much = np.bincount(lesson.truth // items, minlength=len(whom))
        for begin in range(0, len(whom), CHUNK):
            rows = look(moment, begin, begin + CHUNK)
            names = rows.names
            columns.append(rows.columns)
            bought.append(np.isin(rows.member * items + rows.item, lesson.truth))
            weights.append(1 / np.sqrt(np.maximum(much[rows.member], 1)))
        if number == 0:
            latest = sum(map(len, bought))
    counted = np.concatenate(weights)
    return (
        names, np.vstack(columns), np.concatenate(bought), counted, latest
    )  # fmt: skip


def _thinned(
    lesson: Lesson, most: int, look: Callable[[Moment, int, int], Rows]
) -> npt.NDArray[np.bool_]:
    """Every so manieth of those who may be learned from, so that there are not too many rows."""
    learned = np.flatnonzero(lesson.whom)
    some = np.zeros(len(lesson.whom), bool)
    some[learned[:: max(1, len(learned) // _SOME)]] = True
    rows = look(lesson.moment.of(some), 0, len(some)).member
    whom = np.zeros(len(lesson.whom), bool)
    whom[learned[:: max(1, round(len(learned) * len(rows) / max(some.sum(), 1) / most))]] = True
    return whom


def _calibrated(score: Floats, bought: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and shift after which the chances add up to what was bought."""
    if len(np.unique(bought)) < 2:
        return 1.0, 0.0
    found = LogisticRegression(C=1e6).fit(score[:, None], bought)
    return float(found.coef_[0, 0]), float(found.intercept_[0])


def _rounded(values: Any) -> tuple[float, ...]:
    return tuple(round(float(value), DIGITS) for value in values)
