"""Lines with dates: the next basket, the list of a fortnight, and when each item is bought again.

A Parquet file with the columns member, date, basket and item, or with others that are named; or what
a log holds. All is learned from what lies before the tested weeks, and nothing is chosen on what is
tested.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from adapters.offers import COLUMNS
from adapters.offers.tables import Scores, flat, listed, ranked
from adapters.offers.ways import MOST, tried
from adapters.retail.parquet import arrow
from ledger.errors import InputInvalid
from ledger.forecast.fit import (
    FORTNIGHTS,
    HORIZON_DAYS,
    Lesson,
    fit,
    fit_fortnights,
    fortnight,
    next_visit,
)
from ledger.forecast.measures import calibration_error_ppm
from ledger.forecast.model import MILLION
from ledger.forecast.purchases import Ints, Purchases, purchases
from ledger.forecast.silence import Silence
from ledger.forecast.timing import fit_timing, intervals, lately_begun

WEEKS_DAYS = 56
"""The last days of the data, in which the next basket and the time of the next purchase are told."""
HISTORY_DAYS = 56
"""That lie before what is learned from, at least."""
DAYS = 13
"""At most, on which lists are made, to be compared with the fortnight after each."""
APART_DAYS = 28
LEARNED_DAYS = 28
"""Before the moment, that are learned from: what people do changes."""
VISITS = 6
"""Of a member's, at most, that are learned from."""
ENOUGH = 1_000
"""Visits in those days that are enough; with fewer, all of the latest ones are learned from."""
PLACES = (10, 20)


Known = Callable[[int], Purchases]
"""What was bought up to a day, as it was known then, and after it."""


def read(path: Path, names: Mapping[str, str]) -> Purchases:
    """The lines of a file, without those that name no member.

    Raises:
        InputInvalid: it is no Parquet, lacks a column, or a column is not what it should be.
        ImportError: pyarrow is not installed.
    """
    arrow()
    import pyarrow as pa  # noqa: PLC0415  an extra
    import pyarrow.compute as pc  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    wanted = [names.get(column, column) for column in COLUMNS]
    try:
        table = pq.read_table(path, columns=wanted)
        if len(table.column_names) < len(wanted):
            raise InputInvalid(f"{path} has no such columns: {wanted}", field="columns")
        member, basket, item = (_text(pc, table[wanted[n]]) for n in (0, 2, 3))
        day = pc.cast(pc.cast(table[wanted[1]], pa.date32()), pa.int32())
    except (pa.ArrowException, KeyError) as error:
        raise InputInvalid(f"{path}: {error}", field="file") from error
    there = pc.and_(pc.is_valid(day), pc.greater(pc.utf8_length(member), 0))
    coded = [_coded(pc.filter(column, there)) for column in (member, basket, item)]
    if not len(coded[0]):
        raise InputInvalid(f"{path} holds no line of a member.", field="file")
    days = pc.filter(day, there).to_numpy().astype(np.int64)
    return purchases(coded[0], days, coded[1], coded[2])


def _text(pc: Any, column: Any) -> Any:
    return pc.fill_null(pc.cast(column, "string"), "")


def _coded(column: Any) -> Ints:
    """Numbers in the order of the texts."""
    coded = column.combine_chunks().dictionary_encode()
    rank = np.argsort(np.argsort(np.array(coded.dictionary.to_pylist(), dtype=object)))
    return np.asarray(rank[coded.indices.to_numpy()], dtype=np.int64)


def evaluate(bought: Purchases) -> dict[str, float]:
    """All three, in one flat object."""
    days = bought.visit_day
    return told(lambda _: bought, int(days.max()) - WEEKS_DAYS, tested_days(days))


def told(known: Known, start: int, days: Sequence[int]) -> dict[str, float]:
    """The first baskets and the intervals after a day, and the fortnights after several."""
    bought = known(start)
    return next_basket(bought, start) | fortnights(known, days) | timing(bought, start)


def tested_days(bought_on: Ints) -> list[int]:
    """The days on which lists are made, the latest first: as many as what lies before them allows.

    None of which the fortnight after it has a day of a week without any line.

    Raises:
        InputInvalid: there is no such day.
    """
    first, last = int(bought_on.min()), int(bought_on.max())
    earliest = first + HISTORY_DAYS + FORTNIGHTS[-1]
    if last - WEEKS_DAYS < earliest:
        least = HISTORY_DAYS + FORTNIGHTS[-1] + WEEKS_DAYS
        raise InputInvalid(f"It takes {least} days of lines at least.", field="file")
    silence = Silence.of(bought_on, last)
    days = [
        day
        for day in range(last - HORIZON_DAYS, earliest - 1, -APART_DAYS)
        if not silence.within(day + 1, day + HORIZON_DAYS)
    ]
    if not days:
        detail = "Days of a week without any line lie in each fortnight that lists could be compared with."
        raise InputInvalid(detail, field="file")
    return days[:DAYS]


def next_basket(bought: Purchases, start: int) -> dict[str, float]:
    """The first basket of each member after a day."""
    known = bought.known_on(start)
    model = fit(_visits_before(bought, known, start), 0)
    asked = next_visit(bought, known, dated=True)
    tested = np.flatnonzero((known > 0) & (bought.visits > known))
    runs = {name: [ranked(told, PLACES)] for name, _, told in tried(asked, model, tested, 0)}
    return flat(runs)


def _visits_before(bought: Purchases, known: Ints, start: int) -> list[Lesson]:
    """The latest visits before a day, each to be told from what was known before it."""
    lessons = [next_visit(bought, known - back, dated=True) for back in range(1, VISITS + 1)]
    days = [bought.day_of(np.maximum(known - back, 0) + 1) for back in range(1, VISITS + 1)]
    late = [one.whom & (day > start - LEARNED_DAYS) for one, day in zip(lessons, days, strict=True)]
    if sum(int(whom.sum()) for whom in late) < ENOUGH:
        return lessons
    return [one._replace(whom=whom) for one, whom in zip(lessons, late, strict=True)]


def fortnights(known: Known, days: Sequence[int]) -> dict[str, float]:
    """Lists for a fortnight, made on several days, each by what was known then."""
    runs: dict[str, list[Scores]] = {}
    errors = []
    for number, day in enumerate(days):
        bought = known(day)
        model = fit_fortnights(bought, day)
        asked = fortnight(bought, day)
        for name, lists, told in tried(asked, model, np.flatnonzero(asked.whom), number):
            runs.setdefault(name, []).append(listed(told, MOST))
            if name == "model":
                errors.append(_miscalibrated(lists, asked, bought))
    scores = flat(runs)
    scores["calibration_error"] = round(float(np.mean(errors)) / MILLION, 5)
    scores["list_days"] = len(days)
    return scores


def _miscalibrated(lists: Any, asked: Lesson, bought: Purchases) -> int:
    active = asked.whom[lists.member]
    keys = bought.keys(lists.member[active], lists.item[active])
    return calibration_error_ppm(lists.chance_ppm[active], np.isin(keys, asked.truth))


def timing(bought: Purchases, start: int) -> dict[str, float]:
    """When items in use are bought again: purchases of the tested weeks, by all that was known before.

    `window_share` is of those bought within a week of the day that was told: in its fortnight.
    """
    weeks = WEEKS_DAYS
    past = lately_begun(intervals(bought, start - weeks), start - weeks, weeks)
    model = fit_timing(past)
    asked = lately_begun(intervals(bought, start), start, weeks)
    if not len(asked.days):
        raise InputInvalid("No item is bought often enough to tell when.", field="file")
    own, shrunk = (np.rint(np.exp(asked.columns[:, n])).astype(np.int64) for n in (0, 1))
    told: dict[str, float] = {"timing_intervals": len(asked.days)}
    for before, days in (("", model.days(asked.columns)), ("baseline.", own), ("shrunk.", shrunk)):
        missed = np.abs(days - asked.days)
        told[f"{before}timing_mdae_days"] = float(np.median(missed))
        told[f"{before}timing_window_share"] = round(float((missed <= HORIZON_DAYS // 2).mean()), 5)
    return told
