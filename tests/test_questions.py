"""Questions about single members through the door, on both stores."""

import csv
import datetime as dt

import pytest
from shop import DAY, NOW, key, line, receipt
from till import Till, write

from ledger.application.questions import AskQuery
from ledger.errors import InputInvalid
from ledger.policies.questions import QUESTIONS
from ledger.projections.sheet import LastPurchase, OpenComplaint, Soon, Usually
from ledger.types import Level, Personal, Product, day_of

LAST = day_of(dt.date(2025, 12, 31))
TODAY = LAST + 1
RICE = "2000000000145"
ALL = "[questions]\nbest_bp = 10000\n"


def ask(ledger, question, as_of=TODAY, **more):
    """The figures by card, for the cards c1, c2, ... that the tests use."""
    report = ledger.ask(AskQuery(question, as_of, **more))
    cards = {}
    for card in ("c1", "c2", "c3", "c4"):
        stream = ledger.member_of(card) if ledger._state(ledger.keys.card(card)) else None
        cards.setdefault(stream, card)
    return {cards[one.member_id]: one.figures for one in report.answers}


def put(ledger, *receipts):
    for outcome in ledger.record_all(receipts, history=True, enrol=True):
        assert not isinstance(outcome, Exception), outcome


def bought(card, day, *lines, amount=1000):
    """A receipt at noon of so many days before the last."""
    return receipt(*(lines or (line(amount),)), card=card, at=NOW - DAY * (1 + day) + DAY // 2)


def complain(ledger, card, sale, number):
    made = f"{card}-{number}"
    ledger.open_complaint(card, key(sale), 1, f"sour {number}", "Ada", made)
    return ledger.complaint_id(made)


# --- cost -----------------------------------------------------------------------------------


def test_cost_is_points_discounts_and_compensation_against_the_margin(ledger):
    dear = bought("c1", 40, line(1000, quantity=4, discount_minor=400), line(50, discount_minor=1))
    put(ledger, dear, bought("c2", 40, line(1000, discount_minor=150)))
    complaint = complain(ledger, "c1", dear, 1)
    ledger.resolve_complaint("c1", complaint, "sorry", 30, "Ada", "r1")
    ledger.adjust("c1", 5, "nice", "Ada", "a1")
    assert ask(ledger, "cost") == {
        "c1": {
            "loss_minor": 150 + 300 + 401 - 263, "spend_minor": 1050, "brought_minor": 263,
            "points": 15, "points_value_minor": 150, "discount_minor": 401, "compensation_minor": 300,
        },
    }  # fmt: skip
    ledger.return_goods(key(dear), "b1", {1: 1})
    figures = ask(ledger, "cost")["c1"]
    assert (figures["spend_minor"], figures["discount_minor"], figures["points"]) == (800, 301, 13)
    assert ask(ledger, "cost", LAST)["c1"]["compensation_minor"] == 0, "it was given a day later"


def test_who_brought_all_back_and_kept_the_compensation_cost_more_than_nothing(ledger):
    sale = bought("c1", 40)
    put(ledger, sale)
    ledger.redeem("c1", "x1", points=10)
    complaint = complain(ledger, "c1", sale, 1)
    ledger.return_goods(key(sale), "b1")
    ledger.resolve_complaint("c1", complaint, "sorry", 4, "Ada", "r1")
    figures = ask(ledger, "cost")["c1"]
    assert (figures["spend_minor"], figures["brought_minor"]) == (0, 0)
    assert figures["points"] == 10, "what is owed was had, until it is repaid"
    assert figures["compensation_minor"] == 0, "which repaid some of it"
    assert figures["loss_minor"] == 100


def test_members_merged_cost_and_bring_together_and_who_closed_is_no_answer(ledger):
    for card in ("c1", "c2", "c3"):
        put(ledger, bought(card, 40, line(1000, discount_minor=300)))
    ledger.merge("c1", "c2", "twins", "Ada", "m1")
    ledger.close_member("c3", "moved", "Ada", "x1")
    assert set(ask(ledger, "cost", LAST)) == {"c1", "c3"}, "c3 was there then"
    (figures,) = ask(ledger, "cost").values()
    assert (figures["spend_minor"], figures["discount_minor"], figures["points"]) == (2000, 600, 20)


# --- complained, fallen -----------------------------------------------------------------------


def test_complaints_are_of_the_window_and_follow_a_merge(ledger_under):
    ledger = ledger_under(ALL)
    sales = {card: bought(card, 40) for card in ("c1", "c2", "c3")}
    put(ledger, *sales.values())
    complain(ledger, "c1", sales["c1"], 1)
    resolved = complain(ledger, "c1", sales["c1"], 2)
    complain(ledger, "c2", sales["c2"], 1)
    ledger.resolve_complaint("c1", resolved, "sorry", 0, "Ada", "r1")
    two = {"spend_minor": 1000, "receipts": 1, "complaints": 2, "open_complaints": 1}
    assert ask(ledger, "complained") == {"c1": two}
    assert ask(ledger, "complained", LAST) == {}, "they were opened a day later"
    ledger.merge("c1", "c2", "twins", "Ada", "m1")
    both = {"spend_minor": 2000, "receipts": 2, "complaints": 3, "open_complaints": 2}
    assert ask(ledger, "complained") == {"c1": both}
    ledger.close_member("c2", "moved", "Ada", "x1")
    assert ask(ledger, "complained") == {}


def test_complaints_of_before_the_window_are_open_still_but_not_repeated_in_it(ledger_under, clock):
    ledger = ledger_under(ALL)
    sale = bought("c1", 40)
    put(ledger, sale)
    complain(ledger, "c1", sale, 1)
    complain(ledger, "c1", sale, 2)
    clock.now = NOW + 40 * DAY
    put(ledger, receipt(card="c1", at=clock.now))
    assert ask(ledger, "complained", TODAY + 40, window="41d")["c1"]["complaints"] == 2
    assert ask(ledger, "complained", TODAY + 40, window="40d") == {}
    assert ask(ledger, "call", TODAY + 40, window="40d")["c1"]["open_complaints"] == 2


def test_who_was_large_a_year_before_is_held_against_the_same_window(ledger_under):
    ledger = ledger_under(ALL)
    put(
        ledger, bought("c1", 380, amount=9000), bought("c1", 20, amount=4500),
        bought("c2", 400, amount=3000), bought("c3", 380), bought("c3", 20, amount=501),
        bought("c4", 300, amount=9000),
    )  # fmt: skip
    report = ledger.ask(AskQuery("fallen", LAST, "90d"))
    assert (report.before.last, report.window.last) == (day_of(dt.date(2024, 12, 31)), LAST)
    found = ask(ledger, "fallen", LAST, window="90d")
    assert [(card, one["how"], one["lost_minor"]) for card, one in found.items()] == [
        ("c1", "fell", 4500), ("c2", "stopped", 3000),
    ]  # fmt: skip
    assert found["c1"]["last_day"] == LAST - 20
    back = bought("c1", 10, amount=900)
    put(ledger, back)
    assert set(ask(ledger, "fallen", LAST, window="90d")) == {"c2"}
    ledger.return_goods(key(back), "b1")
    assert set(ask(ledger, "fallen", LAST, window="90d")) == {"c1", "c2"}, "what came back is off"


# --- narrow, notice ---------------------------------------------------------------------------


def test_who_comes_for_two_groups_of_the_catalogue_where_others_buy_many(ledger):
    for product in ("p1", "p2"):
        ledger.describe_product(Product(product, levels=(Level("milk"),)))
    few = (line(100, "p1"), line(100, "p2"), line(100, "x", category="bread"))
    many = [line(100, f"m{n}", category=f"kind {n}") for n in range(4)]
    put(ledger, *(bought("c1", day, *few) for day in range(15)))
    put(ledger, *(bought(card, day, *many) for card in ("c2", "c3") for day in range(15)))
    put(ledger, *(bought("c4", day, line(100, "y")) for day in range(15)))
    party = (line(9000, f"p{n}", category=f"kind {n}") for n in range(9))
    put(ledger, bought("c1", 20, *party))
    assert ask(ledger, "narrow", LAST) == {
        "c1": {
            "visits": 15, "on_usual": 15, "usual": "bread, milk", "categories": 2,
            "peers_categories": 4, "spend_minor": 4500,
        }
    }  # fmt: skip


def test_who_would_notice_is_told_in_advance_only_with_consent(ledger, clock):
    ledger.describe_product(Product(RICE, levels=(Level("grain"), Level("dry"))))
    for card in ("c1", "c2", "c3"):
        put(ledger, *(bought(card, day, line(300, RICE, 2)) for day in range(3)))
    put(ledger, *(bought("c4", day, line(300, RICE)) for day in range(2)))
    ledger.set_consent("c1", "Ada", "k1", given=True)
    ledger.set_consent("c2", "Ada", "k2", given=True)
    clock.now = NOW + DAY
    ledger.set_consent("c2", "Ada", "k3", given=False)

    def consent(as_of, **goods):
        return {card: one["consent"] for card, one in ask(ledger, "notice", as_of, **goods).items()}

    unknown = {"c1": "unknown", "c2": "unknown", "c3": "unknown"}
    assert consent(LAST, product=RICE) == unknown
    assert consent(TODAY, category="dry") == unknown | {"c1": "yes", "c2": "yes"}
    assert consent(TODAY + 1, category="grain") == unknown | {"c1": "yes", "c2": "no"}
    assert ask(ledger, "notice", product=RICE)["c3"] == {
        "consent": "unknown", "on": 3, "quantity": 6, "goods_minor": 900, "receipts": 3,
        "spend_minor": 900,
    }  # fmt: skip


# --- call -------------------------------------------------------------------------------------


def worth_a_call(ledger):
    """c1 with an open complaint and personal data, merged from c2."""
    ledger.enrol("c1", Personal(name="Ann", phone="0123"))
    ledger.describe_product(Product(RICE, "Rice 1 kg"))
    sales = [bought("c1", day, line(1000, RICE), line(100, "x")) for day in (300, 40, 30)]
    put(ledger, *sales, bought("c2", 20, line(500, "x")))
    complain(ledger, "c1", sales[1], 1)
    ledger.merge("c2", "c1", "twins", "Ada", "m1")
    ledger.return_goods(key(sales[2]), "b1", {1: 1})
    return sales


def test_the_sheet_says_what_they_bought_buy_complain_about_and_lose(ledger_under, clock):
    ledger = ledger_under("[questions]\nexpiring_days = 400\n")
    sales = worth_a_call(ledger)
    report = ledger.ask(AskQuery("call", TODAY))
    (answer,) = report.answers
    assert answer.figures == {
        "why": "open complaint", "spend_before_minor": 0, "spend_minor": 2800,
        "last_day": LAST - 20, "open_complaints": 1, "consent": "unknown",
    }  # fmt: skip
    assert answer.sheet.purchases == (
        LastPurchase(LAST - 20, "s1", 500), LastPurchase(LAST - 30, "s1", 100),
        LastPurchase(LAST - 40, "s1", 1100), LastPurchase(LAST - 300, "s1", 1100),
    )  # fmt: skip
    assert answer.sheet.usually == (Usually("x", "", 4), Usually(RICE, "Rice 1 kg", 2))
    assert answer.sheet.complaints == (OpenComplaint(NOW, "sour 1", 1, RICE),)
    balance = ledger.balance("c1")
    assert sum(soon.points for soon in answer.sheet.expiring) == balance.available
    assert all(isinstance(soon, Soon) and soon.points > 0 for soon in answer.sheet.expiring)
    assert [s.expires_at for s in answer.sheet.expiring] == sorted(
        {s.expires_at for s in answer.sheet.expiring}
    )
    assert sales


def test_points_expire_soon_within_the_programmes_days_and_spent_ones_do_not(ledger):
    sale = bought("c1", 350)
    put(ledger, sale, bought("c1", 10))
    complain(ledger, "c1", sale, 1)
    (answer,) = ledger.ask(AskQuery("call", TODAY)).answers
    assert [soon.points for soon in answer.sheet.expiring] == [10], "those of January last year"
    ledger.redeem("c1", "x1", points=10)
    (answer,) = ledger.ask(AskQuery("call", TODAY)).answers
    assert answer.sheet.expiring == ()


def test_names_are_told_only_where_they_are_asked_for_and_there(ledger):
    worth_a_call(ledger)
    silent, told = (ledger.ask(AskQuery("call", TODAY, personal=p)) for p in (False, True))
    assert [(a.name, a.phone) for a in silent.answers] == [("", "")]
    assert [(a.name, a.phone) for a in told.answers] == [("Ann", "0123")]
    ledger.erase_member("c1", "asked to", "Ada", "x1")
    then = ledger.ask(AskQuery("call", LAST, personal=True))
    assert [(a.name, a.phone) for a in then.answers if a.name or a.phone] == []


def test_who_closed_since_is_not_to_be_called(ledger_under, clock):
    ledger = ledger_under(ALL)
    ledger.enrol("c1", Personal(name="Ann", phone="0123"))
    put(ledger, bought("c1", 400))
    ledger.close_member("c1", "moved", "Ada", "x1")
    (answer,) = ledger.ask(AskQuery("call", LAST, personal=True)).answers
    assert answer.figures["why"] == "stopped"
    assert (answer.name, answer.phone) == ("", "")
    assert ledger.ask(AskQuery("call", TODAY)).answers == []


# --- the door ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"question": "size"}, "question"), ({"question": "notice"}, "product"),
        ({"question": "notice", "product": "1", "category": "2"}, "category"),
        ({"question": "cost", "product": "1"}, "product"), ({"question": "cost", "window": "1y"}, "window"),
        ({"question": "cost", "personal": True}, "personal"),
    ],
)  # fmt: skip
def test_a_wrong_question_names_its_field(ledger, more, field):
    with pytest.raises(InputInvalid) as refused:
        ledger.ask(AskQuery(**more))
    assert refused.value.field == field


def test_what_points_are_worth_must_be_said_to_tell_what_they_cost(ledger_under):
    ledger = ledger_under("", points="points = 1")
    assert ask(ledger, "cost") == {}
    text = 'name = "t"\ncurrency = "EUR"\n[earn]\npoints = 1\nper_minor = 100\n'
    ledger.publish(text, NOW + DAY)
    ledger.clock.now = NOW + 2 * DAY
    with pytest.raises(InputInvalid) as refused:
        ask(ledger, "cost", TODAY + 1)
    assert refused.value.field == "redeem.cash"


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda one: one.name)
def test_an_empty_ledger_has_no_answers(ledger, question):
    goods = {"category": "rice"} if question.goods else {}
    assert ledger.ask(AskQuery(question.name, **goods)).answers == []


def test_no_more_are_told_than_asked_for_and_all_are_counted(ledger):
    put(ledger, *(bought(f"d{n}", 40, line(100, discount_minor=900)) for n in range(12)))
    report = ledger.ask(AskQuery("cost", LAST, limit=3))
    assert (report.members, len(report.answers)) == (12, 3)
    assert len(ledger.ask(AskQuery("cost", LAST, limit=None)).answers) == 12
    ids = [answer.member_id for answer in ledger.ask(AskQuery("cost", LAST)).answers]
    assert ids == sorted(ids), "equals by id"
    assert len(ids) == 10


# --- the command line -------------------------------------------------------------------------


@pytest.fixture
def till(capsys, db, tmp_path):
    made = Till(capsys, db)
    made("init", "points_as_cash")
    sales = [bought("c1", day, amount=9000) for day in (380, 370)]
    sales += [bought("c2", day, amount=8000) for day in (380, 370)]
    sales += [bought("c2", 20, amount=9000)]
    write(tmp_path / "r.ndjson", sales)
    made("ingest", tmp_path / "r.ndjson", "--history", "--enrol")
    made("personal", "complete", "c1", "--name", "Ann", "--phone", "0123")
    return made


ASKED = ("--as-of", "2025-12-31")


def test_the_command_line_tells_figures_and_sheets(till):
    told = till("ask", "call", *ASKED)
    assert (told["first"], told["before_last"]) == ("2025-01-01", "2024-12-31")
    (answer,) = told["answers"]
    assert (answer["why"], answer["last_day"]) == ("stopped", "2024-12-26")
    assert "name" not in answer
    assert answer["sheet"]["purchases"][0] == {
        "day": "2024-12-26", "store": "s1", "spend_minor": 9000,
    }  # fmt: skip
    (answer,) = till("ask", "call", *ASKED, "--personal")["answers"]
    assert (answer["name"], answer["phone"]) == ("Ann", "0123")
    text = till("ask", "call", *ASKED, "--personal", json_=False)
    assert "stopped" in text
    assert " Ann, 0123\n" in text
    assert "  bought     2024-12-26 90.00 EUR in s1\n" in text
    assert "Ann" not in till("ask", "call", *ASKED, json_=False)


def test_the_command_line_writes_a_file(till, tmp_path):
    file = tmp_path / "calls.csv"
    told = till("ask", "call", *ASKED, "--csv", file, "--personal")
    assert (told["written"], told["members"], told["file"]) == (1, 1, str(file))
    (row,) = csv.DictReader(file.open())
    assert list(row) == [
        "member_id", "why", "spend_before_minor", "spend_minor", "last_day", "open_complaints",
        "consent", "name", "phone",
    ]  # fmt: skip
    assert (row["spend_before_minor"], row["last_day"], row["phone"]) == (
        "18000", "2024-12-26", "0123",
    )  # fmt: skip
    till("ask", "call", *ASKED, "--csv", file)
    assert "Ann" not in file.read_text()


def test_the_command_line_refuses_what_the_door_refuses(till):
    assert till("ask", "notice", code=1)["field"] == "product"
    with pytest.raises(SystemExit) as end:
        till("ask", "size")
    assert end.value.code == 2
