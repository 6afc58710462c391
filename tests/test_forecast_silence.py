"""Weeks without any line: nothing is learned from a fortnight with one in it, and none is tested."""

import random

import numpy as np
import pytest

from adapters.offers import lines as lines_of
from ledger.errors import InputInvalid
from ledger.forecast.fit import FORTNIGHTS, fit_fortnights, learned_back
from ledger.forecast.purchases import purchases
from ledger.forecast.silence import Silence

ALL = np.arange(400)


def without(*silent, days=ALL):
    """Days with lines: all but some ranges, first and last included."""
    return days[~np.any([(days >= first) & (days <= last) for first, last in silent], axis=0)]


def found(days, end=1_000):
    silence = Silence.of(days, min(end, int(days.max())))
    return list(zip(silence.first.tolist(), silence.last.tolist(), strict=True))


def test_a_week_is_missing_and_six_days_are_not():
    assert found(ALL) == []
    assert found(without((100, 106), (200, 205), (300, 320))) == [(100, 106), (300, 320)]


def test_the_order_of_the_lines_says_nothing():
    days = np.tile(without((100, 106)), 3)
    np.random.default_rng(1).shuffle(days)
    assert found(days) == [(100, 106)]


def test_where_lines_are_rare_a_week_without_one_is_none_missing():
    assert found(ALL[::9]) == []
    assert found(ALL[::2]) == []
    assert found(ALL[ALL % 7 < 4]) == []  # open on four days of the week


def test_lines_that_end_before_the_day_are_missing_too_and_later_ones_are_not_known():
    days = without((100, 106), (200, 220))
    assert list(zip(*Silence.of(days, 210), strict=True)) == [(100, 106), (200, 210)]
    assert list(zip(*Silence.of(days, 203), strict=True)) == [(100, 106)]


def test_within_touches_at_either_end():
    silence = Silence.of(without((100, 106)), 399)
    assert [silence.within(*days) for days in ((90, 99), (90, 100), (102, 103), (106, 120))] == [
        False, True, True, True,
    ]  # fmt: skip
    assert not silence.within(107, 120)


def test_no_list_is_tested_on_a_fortnight_that_lacks_a_week():
    days = np.arange(155)
    assert lines_of.tested_days(days) == [140, 112, 84]
    assert lines_of.tested_days(without((120, 126), days=days)) == [140, 84]
    assert lines_of.tested_days(without((106, 112), days=days)) == [140, 112, 84]
    assert lines_of.tested_days(without((126, 140), days=days)) == [140, 84]
    with pytest.raises(InputInvalid, match="Days of a week without"):
        lines_of.tested_days(without((86, 92), (113, 119), (141, 147), days=days))


def shop(*silent, first=0):
    """Forty members who shop every other day, on a day of their own, except in silent weeks."""
    rng = random.Random(4)
    lines = [
        (member, day, day, item)
        for member in range(40)
        for day in range(first + member % 2, 200, 2)
        for item in {member % 5, rng.randrange(5, 60)}
        if not any(begin <= day <= end for begin, end in silent)
    ]
    return purchases(*np.array(lines, dtype=np.int64).T)


def test_earlier_fortnights_stand_in_for_those_that_lack_a_week():
    assert learned_back(shop(), 180) == [*FORTNIGHTS]
    assert learned_back(shop((160, 166)), 180) == [14, 35, 42]
    assert learned_back(shop((160, 166), (140, 147)), 180) == [14, 56]
    assert learned_back(shop((181, 195)), 180) == [*FORTNIGHTS]  # nothing later is known
    assert learned_back(shop((110, 180)), 180) == FORTNIGHTS  # there is nothing better


def test_what_lies_before_the_first_line_does_not_stand_in():
    young = shop((160, 167), first=150)
    assert learned_back(young, 180) == FORTNIGHTS
    fit_fortnights(young, 180)
    assert learned_back(shop((160, 167), first=132), 180) == FORTNIGHTS
    assert learned_back(shop((160, 167), first=131), 180) == [35]
    assert learned_back(shop((160, 167), first=124), 180) == [35, 42]


def test_one_line_of_another_age_changes_nothing():
    days = without((200, 229), days=np.arange(300))
    tested = lines_of.tested_days(days)
    assert 201 not in tested
    assert [day for day in lines_of.tested_days(np.append(days, -1_000)) if day > 84] == tested


def test_members_who_are_all_alike_make_no_model_without_scale():
    model = fit_fortnights(shop(), 180)
    assert min(min(part.scales) for part in (model.repeat, model.new)) > 0


def test_a_model_is_the_one_of_the_fortnights_that_lack_nothing(monkeypatch):
    bought = shop((160, 166))
    model = fit_fortnights(bought, 180)
    monkeypatch.setattr("ledger.forecast.fit.learned_back", lambda *_: [14, 35, 42])
    assert fit_fortnights(bought, 180).digest == model.digest
    monkeypatch.setattr("ledger.forecast.fit.learned_back", lambda *_: FORTNIGHTS)
    assert fit_fortnights(bought, 180).digest != model.digest
