"""An access key: what was issued, and until when it holds."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from ledger import events as e
from ledger.types import Instant


class AccessKey(Struct, frozen=True, array_like=True, gc=False):
    """A key as it stands; `until` 0 means that it does not end by itself."""

    id: str
    secret_hash: bytes
    holder: str
    role: str
    stores: tuple[str, ...]
    until: Instant

    def holds(self, at: Instant) -> bool:
        """Whether it may be used at an instant."""
        return not self.until or at < self.until

    def sooner(self, end: Instant) -> Instant:
        """Its end, if it is given another: never later than it was."""
        return min(self.until or end, end)


def evolve(state: AccessKey | None, event: e.Event) -> AccessKey | None:
    """The state after an event."""
    match event:
        case e.AccessKeyIssued():
            return AccessKey(
                event.id, event.secret_hash, event.holder, event.role, event.stores, event.until
            )
        case e.AccessKeyEnded() if state is not None:
            return replace(state, until=event.at)
        case _:
            return state
