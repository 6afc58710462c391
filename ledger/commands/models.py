"""Recording a fitted model, so that lists can cite it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ledger import events as e
from ledger.commands.common import Outcome, authored, claim, storable
from ledger.store.keys import MODEL_STREAM
from ledger.store.working import Working
from ledger.types import Day


class RecordModel(NamedTuple):
    """Keep what was fitted; the command id, the day and the author are the key."""

    model: bytes
    digest: str
    as_of: Day
    upto: int
    members: int
    author: str
    command_id: str
    population: bytes = b""

    def streams(self, working: Working) -> Iterable[bytes]:
        """The command's claim and the models."""
        return (working.keys.command("model", self.command_id), MODEL_STREAM)

    def decide(self, working: Working) -> Outcome:
        """Record the model.

        Raises:
            KeyConflict: the command id was used for another day or by another author.
            InputInvalid: no author is given.
        """
        storable(author=self.author)
        claimed = claim(working, "model", self.command_id, (self.as_of, self.author))
        if earlier := claimed.earlier(working):
            return earlier
        authored(self.author, "A model")
        event = e.ModelFitted(
            self.model, self.digest, self.as_of, self.upto, self.members, self.author,
            self.command_id, self.population,
        )  # fmt: skip
        return claimed.record(working, MODEL_STREAM, working.emit(MODEL_STREAM, event))
