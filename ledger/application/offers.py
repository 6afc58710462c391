"""What members are about to need: fitting the model, and making lists."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ledger import events as e
from ledger.application.door import Door
from ledger.calendar import local_day, midnight
from ledger.commands.common import Outcome
from ledger.commands.models import RecordModel
from ledger.errors import CardUnknown, InputInvalid
from ledger.offers.histories import Cut, Histories
from ledger.projections.catalogue import shelf
from ledger.projections.queries import Reader
from ledger.projections.rhythm import RHYTHM
from ledger.store.keys import ID_BYTES, MODEL_STREAM
from ledger.types import Day

if TYPE_CHECKING:  # numpy is an extra, and takes its time to load
    from ledger.offers.schedule import MemberList

MOST_LINES = 100


class Lists(NamedTuple):
    """The lists of a day: which model made them, and one list after another."""

    as_of: Day
    model: str
    """Its digest; empty where none had been fitted and the untuned table was asked."""
    lists: Iterator[MemberList]


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
        model, known, members = learned(self._histories(cut), day)
        encoded, population = msgspec.msgpack.encode(model), known.packed()
        digest = hashlib.sha256(encoded + population).hexdigest()
        return self._do(
            RecordModel(
                encoded, digest, day, cut.upto, members, author, command_id, population
            )
        )  # fmt: skip

    def offer_lists(
        self, *, as_of: Day | None = None, lines: int = 20, from_minor: int = 0, card: str = ""
    ) -> Lists:
        """The list of each member, or of one card's, by what had been recorded at the end of a day.

        Raises:
            CardUnknown: nobody holds the card.
            InputInvalid: the number of lines.
            ImportError: the extra `offers` is not installed.
        """
        from ledger.forecast.model import Model  # noqa: PLC0415  an extra
        from ledger.forecast.population import unpacked  # noqa: PLC0415
        from ledger.offers.schedule import Wanted, population, schedule  # noqa: PLC0415

        if not 1 <= lines <= MOST_LINES:
            raise InputInvalid(f"From 1 to {MOST_LINES} lines.", field="lines")
        day, cut = self._cut(as_of)
        member = self._holder(card) if card else b""
        fitted = self._fitted(cut)
        model = msgspec.msgpack.decode(fitted.model, type=Model) if fitted else None
        with self.reading() as reader:
            goods = shelf(reader, day + 1, cut.until)
        histories = self._histories(cut)
        if fitted and fitted.population:
            known = unpacked(fitted.population)
        else:
            known = population(histories, day)
        wanted = Wanted(day, lines, from_minor, member)
        told = schedule(histories, wanted, model, known, goods)
        return Lists(day, fitted.digest if fitted else "", told)

    def _histories(self, cut: Cut) -> Histories:
        """From rows and log; where rows of members are missing, from the log alone."""
        self.engine.catch_up()
        left_out = any(one.projection == RHYTHM.name for one in self.engine.parked())
        return Histories(self.log, cut, None if left_out else self._glance)

    @contextmanager
    def _glance(self) -> Iterator[Reader]:
        """A reader of the reporting tables as they are."""
        with self.log.transaction(commit=False) as cursor:
            yield Reader(self.engine.reports, cursor, self.engine.projections)

    def _cut(self, as_of: Day | None) -> tuple[Day, Cut]:
        now = self.clock()
        zone = self.programme_at(now).programme.time_zone
        day = local_day(now, zone) if as_of is None else as_of
        return day, Cut(self.log.head(), midnight(day + 1, zone) - 1)

    def _holder(self, card: str) -> bytes:
        owner = self._state(self.keys.card(card))
        if owner is None or not owner.member:
            raise CardUnknown(field="card")
        return bytes(owner.member)

    def _fitted(self, cut: Cut) -> e.ModelFitted | None:
        """The model that had been recorded last."""
        after = (int.from_bytes(MODEL_STREAM) + 1).to_bytes(ID_BYTES)
        topics = (e.ModelFitted.TOPIC,)
        found = None
        for rows in self.log.in_streams((MODEL_STREAM, 0), after, cut.upto, topics, 100):
            for row in rows:
                if row[5] <= cut.until:
                    found = row
        return self.codec.decode[found[3]](found[4]) if found else None
