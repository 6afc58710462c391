"""Publishing a programme."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, cast

from ledger import events as e
from ledger.aggregates.programmes import Programmes, Version
from ledger.commands.common import Outcome
from ledger.errors import ProgrammeInvalid, ProgrammeTooSoon
from ledger.programme import Programme, digest, load
from ledger.store.keys import PROGRAMME_STREAM
from ledger.store.working import Working
from ledger.types import Instant


def _measure(programme: Programme) -> str:
    """What counts towards tiers: it never changes, for members keep it as numbers by day."""
    return programme.tiers.measure if programme.tiers else "points"


def continues(programme: Programme, versions: Sequence[Version]) -> None:
    """Make sure that a programme may follow those of a log.

    Raises:
        ProgrammeInvalid: its currency or its measure is another.
    """
    first = load(versions[0].text).currency
    if programme.currency != first:
        raise ProgrammeInvalid(f"This log counts in {first}.", field="currency")
    measure = _measure(load(versions[-1].text))
    if _measure(programme) != measure:
        raise ProgrammeInvalid(f"This log counts {measure}.", field="tiers.measure")


class PublishProgramme(NamedTuple):
    """Let a programme take effect: the first one for all time, a later one from an instant on.

    The instant lies in the future, so that every process knows it before it has to decide.
    """

    text: str
    effective_at: Instant

    def streams(self, working: Working) -> Iterable[bytes]:  # noqa: ARG002
        """The programme stream."""
        return (PROGRAMME_STREAM,)

    def decide(self, working: Working) -> Outcome:
        """Record the programme; publishing the same for the same instant twice is once.

        Raises:
            ProgrammeInvalid: the file is wrong, or its currency is not that of the log.
            ProgrammeTooSoon: the instant is not in the future.
        """
        programme = load(self.text)
        known = cast("Programmes | None", working.state(PROGRAMME_STREAM))
        versions = known.versions if known else ()
        for version in versions:
            if (version.text, version.effective_at) == (self.text, self.effective_at):
                return Outcome(PROGRAMME_STREAM, version.number, repeat=True)
        if versions:
            if self.effective_at <= working.now:
                raise ProgrammeTooSoon(field="from")
            continues(programme, versions)
        event = e.ProgrammePublished(self.effective_at, self.text, digest(self.text))
        return Outcome(PROGRAMME_STREAM, working.emit(PROGRAMME_STREAM, event))
