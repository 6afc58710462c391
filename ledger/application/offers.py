"""What members are about to need: fitting the model, and making lists."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ledger.application.door import Door
from ledger.commands.common import Outcome
from ledger.commands.models import RecordModel
from ledger.errors import CardUnknown, InputInvalid
from ledger.offers.histories import EVERYBODY, Cut, Part
from ledger.programme import MOST_LINES, MOST_LIST_DAYS
from ledger.types import Day

if TYPE_CHECKING:  # numpy is an extra, and takes its time to load
    from ledger.offers.plan import Ask, MadeList, Plan


class Lists(NamedTuple):
    """The lists of a day: which model made them, and one list after another."""

    ask: Ask
    model: str
    """Its digest; empty where none had been fitted and the untuned table was asked."""
    lists: Iterator[MadeList]


class Offers(Door):
    """Models and lists."""

    def fit_offers(self, author: str, command_id: str, *, as_of: Day | None = None) -> Outcome:
        """Fit the model on what had been recorded at the end of a day, and record it.

        Raises:
            KeyConflict: the command id was used for another day or by another author.
            InputInvalid: there is too little to learn from, or no author.
            ImportError: the extra `offers` is not installed.
        """
        from ledger.offers.fitting import learned  # noqa: PLC0415  an extra

        day, cut = self._cut(as_of)
        model, known, members = learned(self.histories(cut), day)
        encoded, population = msgspec.msgpack.encode(model), known.packed()
        digest = hashlib.sha256(encoded + population).hexdigest()
        return self._do(
            RecordModel(
                encoded, digest, day, cut.upto, members, author, command_id, population
            )
        )  # fmt: skip

    def offer_lists(
        self, *, as_of: Day | None = None, lines: int | None = None,
        from_minor: int | None = None, days: int | None = None, card: str = "",
    ) -> Lists:  # fmt: skip
        """The list of each member, or of one card's, by what had been recorded at the end of a day.

        Raises:
            CardUnknown: nobody holds the card.
            InputInvalid: the number of lines or days.
            ImportError: the extra `offers` is not installed.
        """
        from ledger.offers.plan import made  # noqa: PLC0415  an extra

        plan = self.plan_lists(as_of=as_of, lines=lines, from_minor=from_minor, days=days)
        part = Part.of(self._holder(card)) if card else EVERYBODY
        return Lists(plan.ask, plan.digest, made(self.histories(plan.cut), plan, part))

    def plan_lists(
        self, *, as_of: Day | None = None, lines: int | None = None,
        from_minor: int | None = None, days: int | None = None, to_issue: bool = False,
    ) -> Plan:  # fmt: skip
        """What all lists of a day share; see `ledger.offers.plan`.

        What is not said is as the programme says in `[lists]`. Lists to issue have the campaigns
        that there are now; all else is as it was known at the end of the day.

        Raises:
            InputInvalid: the number of lines or days.
            ImportError: the extra `offers` is not installed.
        """
        from ledger.offers.plan import Ask, plan  # noqa: PLC0415  an extra

        for field, said, most in (("lines", lines, MOST_LINES), ("days", days, MOST_LIST_DAYS)):
            if said is not None and not 1 <= said <= most:
                raise InputInvalid(f"From 1 to {most} {field}.", field=field)
        day, cut = self._cut(as_of)
        asked = {"lines": lines, "from_minor": from_minor, "days": days}
        ask = Ask.by(self.programme_at(self.clock()).programme.lists, day)._replace(
            **{name: said for name, said in asked.items() if said is not None}
        )
        rules = self.programme_at(min(cut.until, self.clock())).programme
        histories = self.histories(cut)
        with self.reading() as reader:
            told_by = self.clock() if to_issue else None
            return plan(self.log, self.codec, reader, rules, ask, histories, told_by)

    def _cut(self, as_of: Day | None) -> tuple[Day, Cut]:
        day = self.current_day() if as_of is None else as_of
        return day, Cut(self.log.head(), self.end_of(day))

    def _holder(self, card: str) -> bytes:
        holder = self.holder_of(card)
        if holder is None:
            raise CardUnknown(field="card")
        return holder
