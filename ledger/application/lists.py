"""Issuing the lists of a day, part by part, and reading what was issued."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ledger.application.offers import Offers
from ledger.errors import InputInvalid, LedgerError
from ledger.jobs.job import CHUNK
from ledger.offers.histories import EVERYBODY, Histories, Part
from ledger.projections.catalogue import names
from ledger.types import Day

if TYPE_CHECKING:  # numpy is an extra, and takes its time to load
    from ledger.offers.plan import MadeList, Plan

REFUSALS_TOLD = 20


class Issued(NamedTuple):
    """What became of the lists of some members."""

    issued: int = 0
    repeated: int = 0
    """Issued before, or to nobody because the member is gone by now."""
    refused: tuple[tuple[bytes, str], ...] = ()
    """Members, and the refusal's code; the first of them."""
    refusals: int = 0

    def plus(self, other: Issued) -> Issued:
        """Both together."""
        return Issued(
            self.issued + other.issued, self.repeated + other.repeated,
            (self.refused + other.refused)[:REFUSALS_TOLD], self.refusals + other.refusals,
        )  # fmt: skip


class ListRuns(Offers):
    """The lists of a day: made and issued in parts, by whom and as often as it takes."""

    _latest: Histories | None = None

    def count_members(self) -> int:
        """How many members there ever were."""
        with self.reading() as reader:
            return reader.count_members()

    def holder_part(self, card: str) -> Part:
        """The part of the members that is the holder of a card.

        Raises:
            CardUnknown: nobody holds the card.
            ImportError: the extra `offers` is not installed.
        """
        return Part.of(self._holder(card))

    def made_lists(self, plan: Plan, part: Part) -> Iterator[MadeList]:
        """The lists of some members by a plan, in their order; nothing is recorded."""
        from ledger.offers.plan import made  # noqa: PLC0415  an extra

        return made(self.histories_of(plan), plan, part)

    def histories_of(self, plan: Plan) -> Histories:
        """What is kept of members at a plan's cut; looked for once, not for every part."""
        if self._latest is None or self._latest.cut != plan.cut:
            self._latest = self.histories(plan.cut)
        return self._latest

    def over(self, as_of: Day) -> Day:
        """The day, if lists that are made at its end can be issued: it is over.

        Raises:
            InputInvalid: it is not.
        """
        if as_of >= self.current_day():
            msg = "That day is not over: what is bought today would make other lists."
            raise InputInvalid(msg, field="as_of")
        return as_of

    def issue_made(self, plan: Plan, part: Part) -> Issued:
        """Make the lists of some members and issue them; doing it again does nothing more.

        Answers when they are durable. What is refused to one member does not keep the others.

        Raises:
            InputInvalid: the day is not over.
            StoreUnavailable, Busy, Closed: nothing is lost; do the same again.
        """
        from ledger.offers.plan import command  # noqa: PLC0415  an extra

        self.over(plan.ask.as_of)
        lists = [*self.made_lists(plan, part)]
        chunks = [lists[at : at + CHUNK] for at in range(0, len(lists), CHUNK)]
        asked = [(c, self._writer.submit_all([command(one) for one in c])) for c in chunks]
        return _told([(c, sent.result()) for c, sent in asked])

    def issued_lists(self, as_of: Day, card: str = "") -> Iterator[MadeList]:
        """The lists that were made for a day and issued, in the order of members; or one card's.

        Raises:
            CardUnknown: nobody holds the card.
            ImportError: the extra `offers` is not installed.
        """
        from ledger.offers.issued import issued  # noqa: PLC0415  an extra

        part = self.holder_part(card) if card else EVERYBODY
        return issued(self.log, self.codec, as_of, part)

    def product_names(self) -> dict[str, str]:
        """What the catalogue calls products, by their codes."""
        with self.reading() as reader:
            return names(reader)


def _told(answers: Sequence[tuple[Sequence[MadeList], Sequence[Any]]]) -> Issued:
    issued = repeated = 0
    refused = []
    for chunk, outcomes in answers:
        for one, outcome in zip(chunk, outcomes, strict=True):
            if isinstance(outcome, LedgerError):
                refused.append((one.member, outcome.code))
            elif isinstance(outcome, BaseException):
                raise outcome
            elif outcome.repeat:
                repeated += 1
            else:
                issued += 1
    return Issued(issued, repeated, tuple(refused[:REFUSALS_TOLD]), len(refused))
