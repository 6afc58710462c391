"""Questions about single members: who is an answer, with what makes the case. Nothing here records."""

from __future__ import annotations

from typing import NamedTuple, cast

from ledger.aggregates.member.state import Member
from ledger.application.door import Door
from ledger.application.segments import check_goods
from ledger.calendar import add_months, midnight
from ledger.errors import InputInvalid
from ledger.policies.asking import UNKNOWN, Cost, Facts, Figure, Found, Habits, Terms
from ledger.policies.profile import Profile
from ledger.policies.questions import QUESTIONS, Question
from ledger.programme import Programme
from ledger.projections.asking import Complaints, Span, complaints, costs, habits
from ledger.projections.buying import Wanted, Who, Window, profiles, who, window_of
from ledger.projections.consent import consents
from ledger.projections.queries import DAY_SECONDS, Reader
from ledger.projections.sheet import Sheet, sheet
from ledger.types import Day, date_of, day_of

ALL = Wanted()
SAID = {True: "yes", False: "no"}


class AskQuery(NamedTuple):
    """What is asked: the window ends with `as_of` (today)."""

    question: str
    as_of: Day | None = None
    window: str = "12m"
    product: str = ""
    category: str = ""
    limit: int | None = 10
    """Members told at most; None: all."""
    personal: bool = False
    """Whether names and telephone numbers may be told, where there are any."""


class Answer(NamedTuple):
    """One member who is an answer; name and telephone only where they were asked for."""

    member_id: bytes
    figures: dict[str, Figure]
    sheet: Sheet | None = None
    name: str = ""
    phone: str = ""


class AskReport(NamedTuple):
    """The answers, the clearest case first."""

    question: Question
    window: Window
    before: Window | None
    members: int
    """How many are answers; the first of them are told."""
    answers: list[Answer]
    currency: str


class Asked(NamedTuple):
    """What a question is answered from."""

    question: Question
    query: AskQuery
    window: Window
    before: Window
    programme: Programme

    def span(self, more_days: int = 0) -> Span:
        """The window by instants; or, with days, what comes after it."""
        zone = self.programme.time_zone
        end = midnight(self.window.last + 1, zone)
        if more_days:
            return Span(end, end + more_days * DAY_SECONDS)
        return Span(midnight(self.window.first, zone), end)


class Questions(Door):
    """Questions about members one by one."""

    def ask(self, query: AskQuery) -> AskReport:
        """Who is an answer, under the programme of the window's last day.

        Raises:
            InputInvalid: no such question or window; goods are needed or make no sense; what
                points are worth is needed and not said; names are asked for where none are told.
        """
        asked = self._asked(query)
        with self.reading() as reader:
            whose = who(reader, asked.span().until)
            facts = _facts(reader, whose, asked)
        rules = asked.programme.questions
        terms = Terms(rules, asked.programme.redeem.cash, asked.window.days)
        found = asked.question.ask(facts, terms)
        answers = self._answers(whose, asked, found[: query.limit])
        before = asked.before if asked.question.before else None
        currency = asked.programme.currency
        return AskReport(asked.question, asked.window, before, len(found), answers, currency)

    def _asked(self, query: AskQuery) -> Asked:
        question = _question(query)
        as_of = self.current_day() if query.as_of is None else query.as_of
        window = window_of(query.window, as_of)
        programme = self.programme_at(self.end_of(as_of)).programme
        if question.costs and programme.redeem.cash is None:
            raise InputInvalid("The programme does not say what points pay.", field="redeem.cash")
        a_year_before = day_of(add_months(date_of(as_of + 1), -12)) - 1
        before = window_of(query.window, a_year_before)
        return Asked(question, query, window, before, programme)

    def _answers(self, whose: Who, asked: Asked, found: list[Found]) -> list[Answer]:
        """Sheets are read one by one, in a transaction of their own that may use indexes."""
        names = asked.question.figures
        told = [Answer(one.member, dict(zip(names, one.figures, strict=True))) for one in found]
        if not asked.question.sheet:
            return told
        soon = asked.span(asked.programme.questions.expiring_days)
        with self.reading() as reader:
            sheets = [sheet(reader, whose, one.member_id, asked.window, soon) for one in told]
        told = [one._replace(sheet=made) for one, made in zip(told, sheets, strict=True)]
        return [self._with_name(one) for one in told] if asked.query.personal else told

    def _with_name(self, answer: Answer) -> Answer:
        state = cast("Member", self._state(answer.member_id))
        personal = self._personal(answer.member_id, state)
        if personal is None or state.closed:  # by now, whatever was so at the end of the window
            return answer
        return answer._replace(name=personal.name, phone=personal.phone)


def _question(query: AskQuery) -> Question:
    question = next((one for one in QUESTIONS if one.name == query.question), None)
    if question is None:
        names = ", ".join(one.name for one in QUESTIONS)
        raise InputInvalid(f"`{query.question}` is none of {names}.", field="question")
    needs = question.goods
    check_goods(question.name, query.product, query.category, needs=needs, takes=needs)
    if query.personal and not question.sheet:
        raise InputInvalid(f"`{question.name}` tells no names.", field="personal")
    return question


def _facts(reader: Reader, whose: Who, asked: Asked) -> list[Facts]:
    """Everybody who bought in either window or got something, by id."""
    question, window = asked.question, asked.window
    product, category = asked.query.product, asked.query.category
    wanted = Wanted(question.goods, product=product, category=category)
    now = _profiles(reader, whose, window, asked.programme, wanted)
    before = _profiles(reader, whose, asked.before, asked.programme) if question.before else {}
    got = costs(reader, whose, window, asked.span()) if question.costs else {}
    ways = habits(reader, whose, window, now) if question.habits else {}
    opened = complaints(reader, whose, asked.span()) if question.complaints else {}
    said = consents(reader, asked.span().until - 1) if question.consent else {}
    return [
        Facts(
            member, now.get(member, Profile(member)), before.get(member, Profile(member)),
            got.get(member, Cost()), ways.get(member, Habits()),
            *opened.get(member, Complaints(0, 0)),
            SAID[said[member]] if member in said else UNKNOWN,
        )
        for member in sorted(now.keys() | before.keys() | got.keys())
    ]  # fmt: skip


def _profiles(
    reader: Reader, whose: Who, window: Window, programme: Programme, wanted: Wanted = ALL
) -> dict[bytes, Profile]:
    found, _ = profiles(reader, whose, window, programme.segments, wanted)
    return {one.member: one for one in found}
