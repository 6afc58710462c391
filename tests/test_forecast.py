"""What members buy next: every number against one that is counted by hand, and no look ahead."""

import math
import random

import numpy as np
import pytest

from ledger.errors import InputInvalid
from ledger.forecast.features import middle_interval, repeat_factor
from ledger.forecast.fit import Lesson, fit
from ledger.forecast.measures import calibration_error_ppm, compared
from ledger.forecast.model import Likely, best, likely
from ledger.forecast.moment import Moment
from ledger.forecast.purchases import purchases
from ledger.forecast.timing import fit_timing, intervals, lately_begun


def made(lines):
    """Lines as (member, day, basket, item)."""
    columns = np.array(lines, dtype=np.int64).T
    return purchases(*columns)


def shoppers(members=60, visits=30, items=40, seed=3):
    """Each member has five items of its own that it buys at its own pace, and buys others by chance."""
    rng = random.Random(seed)
    lines = []
    for member in range(members):
        own = rng.sample(range(items), 5)
        pace = [rng.randint(1, 6) for _ in own]
        day = 100
        for visit in range(visits):
            day += rng.randint(2, 9)
            bought = {item for item, every in zip(own, pace, strict=True) if visit % every == 0}
            bought.add(rng.randrange(items))
            lines += [(member, day, member * 1_000 + visit, item) for item in bought]
    return made(lines)


LINES = [
    # member 0: three baskets, two of them on one day; member 1: one
    (0, 10, 7, 2), (0, 10, 7, 0), (0, 10, 7, 2), (0, 20, 9, 2), (0, 20, 8, 1), (0, 35, 5, 2),
    (1, 20, 3, 0),
]  # fmt: skip


def test_lines_become_visits_by_day_and_basket():
    bought = made(LINES)
    assert bought.visits.tolist() == [4, 1]
    assert bought.visit_day.tolist() == [10, 20, 20, 35, 20]
    assert bought.visit_size.tolist() == [2, 1, 1, 1, 1]
    rows = list(zip(bought.member, bought.item, bought.visit, bought.day, strict=True))
    assert rows == [
        (0, 0, 0, 10), (0, 1, 1, 20), (0, 2, 0, 10), (0, 2, 2, 20), (0, 2, 3, 35), (1, 0, 0, 20)
    ]  # fmt: skip


def test_the_order_of_the_lines_says_nothing():
    shuffled = LINES[:]
    random.Random(1).shuffle(shuffled)
    for ours, theirs in zip(made(LINES), made(shuffled), strict=True):
        assert np.array_equal(ours, theirs)


def test_what_is_known_on_a_day_and_bought_after_it():
    bought = made(LINES)
    assert bought.known_on(9).tolist() == [0, 0]
    assert bought.known_on(20).tolist() == [3, 1]
    known = bought.known_on(20)
    assert bought.next_visit(known).tolist() == [2]  # member 0 buys item 2
    assert bought.until(known, 34).tolist() == []
    assert bought.until(bought.known_on(10), 20).tolist() == [1, 2, 3]  # member 1, item 0: 3


def test_pairs_count_visits_and_days_back():
    bought = made(LINES)
    pairs = Moment.at(bought, bought.known_on(35), np.array([40, 40]), dated=True).pairs
    two = np.flatnonzero((pairs.member == 0) & (pairs.item == 2))[0]
    assert pairs.times[two] == 3
    assert pairs.gap[:4, two].tolist() == [1, 2, 4, -1]
    assert pairs.age[:4, two].tolist() == [5, 20, 30, -1]
    assert (pairs.first_gap[two], pairs.first_age[two]) == (4, 30)


def test_people_and_crowd_are_counted():
    bought = made(LINES)
    moment = Moment.at(bought, bought.known_on(35), np.array([40, 40]), dated=True)
    people, crowd = moment.people, moment.crowd
    assert people.visits.tolist() == [4, 1]
    assert people.size.tolist() == [5 / 4, 1]
    assert people.items.tolist() == [3, 1]
    assert people.repeats.tolist() == [(2 + 3) / (3 + 8), 3 / 8]
    assert people.away.tolist() == [5, 20]
    assert people.lately.tolist() == [3, 1]
    assert crowd.owners.tolist() == [2, 1, 1]
    assert crowd.trials.tolist() == [3, 2, 3]
    assert crowd.repeats.tolist() == [0, 0, 2]
    assert crowd.last.tolist() == [1, 0, 1]


def test_what_others_do_is_told_without_the_member_itself():
    bought = made(LINES)
    moment = Moment.at(bought, bought.known_on(35), np.array([40, 40]), dated=True)
    factor = repeat_factor(moment.pairs, moment.crowd, moment.own)
    usual = 2 / 8
    assert factor[0] == pytest.approx(
        (0 + usual * 20) / (0 + 20)
    )  # member 0, item 0: 1 never again
    assert factor[2] == pytest.approx((0 + usual * 20) / (0 + 20))


def test_the_middle_interval_is_the_lower_of_two():
    gaps = np.array([[1, 2, -1], [4, 3, -1], [9, -1, -1], [10, -1, -1]]).reshape(4, 3)
    assert middle_interval(gaps).tolist() == [3, 1, 0]


def test_nothing_after_the_moment_is_seen():
    """All later lines are changed; everything that is known, learned and listed stays the same."""
    bought = shoppers()
    day = int(bought.visit_day.max()) - 60
    keep = bought.day <= day
    columns = (bought.member, bought.day, bought.member * 1_000 + bought.visit, bought.item)
    rng = np.random.default_rng(5)
    changed = [column.copy() for column in columns]
    changed[3][~keep] = rng.permutation(changed[3][~keep])
    told = []
    for lines in (columns, changed):
        other = purchases(*lines)
        lessons = [lesson_at(other, day - 14 * back) for back in (1, 2)]
        model = fit(lessons, 14)
        asked = lesson_at(other, day)
        lists = likely(model, asked.moment, 0, other.members, 20)
        told.append(
            (model.digest, lists, fit_timing(lately_begun(intervals(other, day), day - 56, 56)))
        )
    (digest, lists, timing), (again, lists_again, timing_again) = told
    assert digest == again
    assert timing == timing_again
    for ours, theirs in zip(lists, lists_again, strict=True):
        assert np.array_equal(ours, theirs)


def lesson_at(bought, day):
    known = bought.known_on(day)
    moment = Moment.at(bought, known, np.full(bought.members, day), dated=True)
    return Lesson(moment, bought.until(known, day + 14), known > 0)


def test_the_model_finds_what_each_member_comes_back_for():
    bought = shoppers()
    day = int(bought.visit_day.max()) - 60
    model = fit([lesson_at(bought, day - 14 * back) for back in (1, 2)], 14)
    asked = lesson_at(bought, day)
    lists = likely(model, asked.moment, 0, bought.members, 5)
    members = np.flatnonzero(asked.whom)
    found = compared(lists, members, asked.truth, bought.items, 5)
    untuned = likely(None, asked.moment, 0, bought.members, 5)
    without = compared(untuned, members, asked.truth, bought.items, 5)
    assert found.precision(5).mean() > 0.6
    assert without.precision(5).mean() > 0.5
    keys = bought.keys(lists.member, lists.item)
    assert calibration_error_ppm(lists.chance_ppm, np.isin(keys, asked.truth)) < 120_000


@pytest.mark.parametrize("chunk", [1, 7, 60])
def test_lists_do_not_depend_on_how_members_are_cut(chunk):
    bought = shoppers()
    day = int(bought.visit_day.max()) - 60
    model = fit([lesson_at(bought, day - 14)], 14)
    asked = lesson_at(bought, day)
    whole = likely(model, asked.moment, 0, bought.members, 20)
    parts = [
        likely(model, asked.moment, at, at + chunk, 20) for at in range(0, bought.members, chunk)
    ]
    for column, pieces in zip(whole, zip(*parts, strict=True), strict=True):
        assert np.array_equal(column, np.concatenate(pieces))


def test_a_model_is_the_same_whenever_it_is_fitted():
    bought = shoppers()
    day = int(bought.visit_day.max()) - 60
    one, other = (fit([lesson_at(bought, day - 14)], 14) for _ in range(2))
    assert one == other
    assert one.digest == other.digest


def test_a_model_for_other_columns_is_refused():
    bought = shoppers()
    asked = lesson_at(bought, int(bought.visit_day.max()) - 60)
    known = bought.visits - 1
    undated = Moment.at(bought, known, bought.day_of(known), dated=False)
    model = fit([Lesson(undated, bought.next_visit(known), known > 0)], 0)
    with pytest.raises(InputInvalid, match="other columns"):
        likely(model, asked.moment, 0, 10, 5)


def test_too_little_to_learn_from_is_said():
    bought = made(LINES)
    known = bought.visits - 1
    moment = Moment.at(bought, known, bought.day_of(known), dated=False)
    with pytest.raises(InputInvalid, match="too few purchases"):
        fit([Lesson(moment, np.array([], dtype=np.int64), known > 0)], 0)
    with pytest.raises(InputInvalid, match="too few intervals"):
        fit_timing(intervals(bought, 40))


def test_measures_by_hand():
    lists = Likely(np.array([0, 0, 0, 2, 2]), np.array([4, 1, 3, 0, 1]), np.array([9, 8, 7, 6, 5]))
    truth = np.array([0 * 10 + 1, 0 * 10 + 9, 2 * 10 + 0])  # member 0: 1 and 9; member 2: 0
    found = compared(lists, np.array([0, 2]), truth, 10, 3)
    assert found.hits.tolist() == [[False, True, False], [True, False, False]]
    assert found.bought.tolist() == [2, 1]
    assert found.recall(2).tolist() == [0.5, 1]
    assert found.precision(2).tolist() == [0.5, 0.5]
    assert found.hit(1).tolist() == [0, 1]
    second = 1 / math.log2(3)
    assert found.ndcg(2).tolist() == pytest.approx([second / (1 + second), 1])
    assert found.ndcg(1).tolist() == pytest.approx([0, 1])


def test_of_equal_scores_the_lower_number_comes_first():
    lists = best(np.array([1, 1, 0]), np.array([5, 2, 7]), np.array([3, 3, 1]), 1)
    assert lists.member.tolist() == [0, 1]
    assert lists.item.tolist() == [7, 2]


def test_intervals_need_three_before_them_and_know_nothing_later():
    days = [0, 10, 20, 30, 44, 60]
    bought = made([(0, day, day, 0) for day in days] + [(1, 0, 1, 0)])
    found = intervals(bought, 44)
    assert found.ends.tolist() == [44, 60]
    assert found.days.tolist() == [14, 16]
    assert found.columns[0, 0] == pytest.approx(math.log(10))  # the middle of 10, 10, 10
    assert found.columns[1, 0] == pytest.approx(math.log(10))  # of 10, 10, 10, 14
    assert found.columns[0, 3] == pytest.approx(math.log(10))  # all that ended by day 44
    assert lately_begun(found, 44, 56).ends.tolist() == [60]
