"""Each question on made-up facts: nobody, ties, and what lies just on either side of a rule."""

from msgspec.structs import replace

from ledger.policies.asking import Cost, Facts, Habits, Terms, decline, habits_of, largest
from ledger.policies.profile import Bought, Profile
from ledger.policies.questions import QUESTIONS
from ledger.programme import Cash, Questions

TERMS = Terms(Questions(best_bp=5000), Cash(2, 15))


def member(number, now=0, before=0, receipts=0, **more):
    name = bytes([number])
    spent = Profile(name, receipts=receipts or int(now > 0), spend_minor=now)
    return Facts(name, spent, Profile(name, receipts=int(before > 0), spend_minor=before), **more)


def ask(name, *facts, terms=TERMS):
    (question,) = (one for one in QUESTIONS if one.name == name)
    found = question.ask(facts, terms)
    assert all(len(one.figures) == len(question.figures) for one in found)
    return {one.member[0]: dict(zip(question.figures, one.figures, strict=True)) for one in found}


def test_of_nobody_nobody_is_an_answer():
    for question in QUESTIONS:
        assert question.ask((), TERMS) == []
        assert question.ask((member(1),), TERMS) == []


def test_the_largest_are_rounded_up_the_lower_of_equals_first_and_spent_something():
    spent = {b"c": 5, b"a": 5, b"b": 9, b"d": 0}
    assert largest(spent, 1) == [b"b"]
    assert largest(spent, 3400) == [b"b", b"a"], "34 % of 3, rounded up"
    assert largest(spent, 10_000) == [b"b", b"a", b"c"]
    assert largest({b"d": 0}, 10_000) == []


def test_who_buys_nothing_stopped_and_who_loses_the_share_fell():
    assert decline(member(1, before=100), 5000) == "stopped"
    assert decline(member(1, now=50, before=100), 5000) == "fell"
    assert decline(member(1, now=51, before=100), 5000) == ""
    assert decline(member(1, now=5), 5000) == "", "there was nothing to fall from"
    party = replace(member(1, before=100), now=Profile(b"\1", one_off_minor=900))
    assert decline(party, 5000) == "fell", "a one-off is no habit, but they were here"


# --- cost -----------------------------------------------------------------------------------


def test_who_cost_more_than_the_margin_on_what_they_bought():
    got = Cost(points=3, compensation_points=4, discount_minor=10)
    found = ask("cost", member(1, now=201, cost=got), member(2, now=204, cost=got))
    assert found == {
        1: {
            "loss_minor": 22 + 30 + 10 - 51, "spend_minor": 201, "brought_minor": 51, "points": 3,
            "points_value_minor": 22, "discount_minor": 10, "compensation_minor": 30,
        },
        2: {
            "loss_minor": 11, "spend_minor": 204, "brought_minor": 51, "points": 3,
            "points_value_minor": 22, "discount_minor": 10, "compensation_minor": 30,
        },
    }  # fmt: skip
    assert list(found) == [1, 2], "equals by id"


def test_what_cost_as_much_as_it_brought_is_no_answer_and_a_one_off_brings_too():
    got = Cost(discount_minor=51)
    assert ask("cost", member(1, now=201, cost=got)) == {}, "50.25, rounded up"
    assert list(ask("cost", member(1, now=200, cost=got))) == [1]
    party = replace(member(1, cost=got), now=Profile(b"\1", one_off_minor=204))
    assert ask("cost", party) == {}


def test_who_bought_nothing_and_got_points_cost_most_first():
    found = ask("cost", member(1, cost=Cost(2)), member(2, cost=Cost(4)), member(3, cost=Cost(-4)))
    assert [(m, one["loss_minor"]) for m, one in found.items()] == [(2, 30), (1, 15)]


def test_the_margin_is_the_programmes():
    thin = TERMS._replace(rules=Questions(margin_bp=100))
    got = Cost(discount_minor=3)
    assert ask("cost", member(1, now=200, cost=got)) == {}
    assert ask("cost", member(1, now=200, cost=got), terms=thin)[1]["brought_minor"] == 2


# --- complained -----------------------------------------------------------------------------


def test_of_the_best_those_who_complained_repeatedly():
    facts = [
        member(1, now=500, complaints=1, open_complaints=1), member(2, now=500, complaints=2),
        member(3, now=900, complaints=3), member(4, now=499, complaints=9), member(5),
    ]  # fmt: skip
    most = TERMS._replace(rules=Questions(best_bp=7500))
    assert ask("complained", *facts, terms=most) == {
        3: {"spend_minor": 900, "receipts": 1, "complaints": 3, "open_complaints": 0},
        2: {"spend_minor": 500, "receipts": 1, "complaints": 2, "open_complaints": 0},
    }
    assert list(ask("complained", *facts)) == [3], "of equals the lower id is among the best half"
    once = most._replace(rules=Questions(best_bp=7500, least_complaints=1))
    assert list(ask("complained", *facts, terms=once)) == [3, 1, 2]


# --- fallen ---------------------------------------------------------------------------------


def test_of_the_largest_a_year_before_those_who_stopped_or_fell_most_lost_first():
    facts = [
        member(1, now=400, before=1000), member(2, before=600), member(3, now=600, before=1000),
        member(4, before=599), member(5, now=9000), member(6, before=5),
    ]  # fmt: skip
    found = ask("fallen", *facts)
    assert [(m, one["how"], one["lost_minor"]) for m, one in found.items()] == [
        (1, "fell", 600), (2, "stopped", 600),
    ]  # fmt: skip
    assert found[1]["spend_before_minor"] == 1000
    assert found[1]["spend_minor"] == 400


def test_the_last_day_of_who_stopped_is_of_the_year_before():
    stopped = replace(member(1), before=Profile(b"\1", 700, 1, 1000))
    fell = replace(stopped, member=b"\2", now=Profile(b"\2", 900, 1, 10))
    found = ask("fallen", stopped, fell, terms=TERMS._replace(rules=Questions(best_bp=10_000)))
    assert (found[1]["last_day"], found[2]["last_day"]) == (700, 900)


# --- narrow ---------------------------------------------------------------------------------


def narrow(number, visits=12, on_usual=12, categories=2):
    usual = ("milk", "rice")
    return member(number, now=1, habits=Habits(visits, categories, usual, on_usual))


def test_visits_are_told_by_their_two_commonest_categories_and_those_without_any_are_none():
    visits = [{"milk"}, {"milk", "rice"}, {"tea"}, {"rice", "tea", "milk"}, set(), {"rice"}]
    assert habits_of(map(frozenset, visits)) == Habits(5, 3, ("milk", "rice"), 3)
    assert habits_of([frozenset({"b"}), frozenset({"a"}), frozenset({"c"})]).usual == ("a", "b")
    assert habits_of([]) == Habits()


def test_who_comes_for_two_things_where_those_who_come_as_often_buy_many():
    others = [narrow(n, categories=4, on_usual=0) for n in (6, 7, 8, 9)]
    found = ask("narrow", narrow(2), narrow(1), narrow(3, visits=15, on_usual=12), *others)
    assert list(found) == [3, 1, 2], "most visits first, equals by id"
    assert found[3] == {
        "visits": 15, "on_usual": 12, "usual": "milk, rice", "categories": 2,
        "peers_categories": 4, "spend_minor": 1,
    }  # fmt: skip


def test_just_beside_the_rule_of_narrow_is_nobody():
    others = [narrow(n, categories=4, on_usual=0) for n in range(10, 20)]
    assert list(ask("narrow", narrow(1), *others)) == [1]
    assert ask("narrow", narrow(1, visits=11, on_usual=11), *others) == {}, "too few visits"
    assert ask("narrow", narrow(1, on_usual=9), *others) == {}, "75 % of visits"
    assert ask("narrow", narrow(1, categories=3), *others) == {}, "peers buy no twice as many"
    rare = [narrow(n, visits=16, categories=9, on_usual=0) for n in range(10, 20)]
    assert ask("narrow", narrow(1), *rare) == {}, "others come more often"
    half = TERMS._replace(window_days=182)
    assert list(ask("narrow", narrow(1, visits=8, on_usual=8), *others, terms=half)) == [1]
    assert ask("narrow", narrow(1, visits=8, on_usual=8), *others) == {}, "8 in a year are few"


# --- notice ---------------------------------------------------------------------------------


def buyer(number, on, consent="unknown"):
    facts = member(number, now=900, consent=consent)
    return replace(facts, now=replace(facts.now, goods=Bought(on, on * 2, on * 100)))


def test_who_buys_it_often_enough_and_whether_they_want_to_be_told():
    found = ask("notice", buyer(3, 3, "yes"), buyer(2, 2), buyer(1, 3, "no"), buyer(4, 7))
    assert [(m, one["on"], one["consent"]) for m, one in found.items()] == [
        (4, 7, "unknown"), (1, 3, "no"), (3, 3, "yes"),
    ]  # fmt: skip
    assert found[4] == {
        "consent": "unknown", "on": 7, "quantity": 14, "goods_minor": 700, "receipts": 1,
        "spend_minor": 900,
    }  # fmt: skip


# --- call -----------------------------------------------------------------------------------


def test_the_largest_of_either_year_who_fell_or_have_an_open_complaint():
    facts = [
        member(1, now=1000, before=10), member(2, before=900), member(3, now=800, open_complaints=1),
        member(4, now=10, before=800, open_complaints=2), member(5, now=7), member(6, before=7),
        member(7, now=700, before=700), member(8, now=5, open_complaints=3),
    ]  # fmt: skip
    found = ask("call", *facts)
    assert [(m, one["why"]) for m, one in found.items()] == [
        (2, "stopped"), (3, "open complaint"), (4, "fell, open complaint"),
    ]  # fmt: skip
    assert found[4]["open_complaints"] == 2
