"""The programme stream: every programme that was published, and from when it holds."""

from __future__ import annotations

from msgspec import Struct

from ledger import events as e
from ledger.errors import ProgrammeNotInForce
from ledger.programme import Programme, loaded
from ledger.types import Instant

NO_MORE: Instant = 2**62
"""Beyond all time."""


class Version(Struct, frozen=True, array_like=True, gc=False):
    """A published programme."""

    number: int
    effective_at: Instant
    text: str


class Programmes(Struct, frozen=True, array_like=True, gc=False):
    """All programmes, in the order of publication."""

    versions: tuple[Version, ...] = ()

    def at(self, instant: Instant) -> tuple[Programme, int]:
        """The programme in force at an instant, and its number.

        Of several that hold, the one published last.

        Raises:
            ProgrammeNotInForce: none is.
        """
        for version in reversed(self.versions):
            if version.effective_at <= instant:
                return loaded(version.text), version.number
        raise ProgrammeNotInForce

    def next_after(self, instant: Instant) -> Instant:
        """The next instant at which another takes effect; `NO_MORE` where none does."""
        later = (v.effective_at for v in self.versions if v.effective_at > instant)
        return min(later, default=NO_MORE)


def evolve(state: Programmes | None, event: e.Event) -> Programmes:
    """The state after an event."""
    known = state or Programmes()
    if not isinstance(event, e.ProgrammePublished):
        return known
    number = len(known.versions) + 1
    return Programmes((*known.versions, Version(number, event.effective_at, event.text)))
