"""Events to bytes and back: array-like msgpack, typed by topic.

Fields at the very end of an event that have their defaults are not stored: reading gives them again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import msgspec
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Mapper, MapperDeserialisationError, StoredEvent
from eventsourcing.utils import register_topic
from msgspec.structs import astuple

from ledger.types import Instant


class Evolve(Protocol):
    """Folds one event into a state; the first event meets None."""

    def __call__(self, state: Any, event: Any, /) -> Any:
        """Return the state after the event."""


class Kind(NamedTuple):
    """How streams of one kind are folded and kept."""

    evolve: Evolve
    cached: bool
    state: type | None = None
    """The type of its snapshots; None where none are taken."""
    shape: str = ""
    claimed: Callable[[bytes, int, Any], Any] | None = None
    """What such a stream begins with where it begins with an event of another: from that stream,
    the version and the event."""


class Codec:
    """What the store knows of events and aggregates, injected by the application."""

    def __init__(self, topics: Mapping[str, type], kinds: Mapping[int, Kind]) -> None:
        """Prepare a decoder for each topic and register the topics with the library.

        A topic is short and stable, so a class can move without making streams unreadable.
        """
        self.kinds = dict(kinds)
        self.topic_of = {event: topic for topic, event in topics.items()}
        self.decode: dict[str, Callable[[bytes], Any]] = {
            topic: msgspec.msgpack.Decoder(event).decode for topic, event in topics.items()
        }
        self._encode = msgspec.msgpack.Encoder().encode
        self._cut = {event: cut for event in topics.values() if (cut := _cutting(event))}
        self.snapshot: dict[int, Callable[[bytes], Any]] = {
            number: msgspec.msgpack.Decoder(kind.state).decode
            for number, kind in kinds.items()
            if kind.state
        }
        self.shape = next((kind.shape for kind in kinds.values() if kind.shape), "")
        for topic, event in topics.items():
            register_topic(f"loyalty:{topic}", event)

    def encode(self, value: Any) -> bytes:
        """An event without what is usual at its end, or a state, as bytes."""
        cut = self._cut.get(type(value))
        return self._encode(cut(value) if cut else value)


Cut = Callable[[Any], tuple[Any, ...]]


def _cutting(form: type) -> Cut | None:
    """What takes the defaults off the end of an event, and of the part before them."""
    fields = msgspec.structs.fields(form)
    fixed = sum(field.required for field in fields)
    part: Any = fields[fixed - 1].type if fixed else None
    within = _cutting(part) if hasattr(part, "__struct_fields__") else None
    after = None
    if fixed < len(fields):
        after = _cut_after(fixed, tuple([field.default for field in fields[fixed:]]))
    return _cut_within(within, fixed, after or astuple) if within else after


def _cut_after(fixed: int, usual: tuple[Any, ...]) -> Cut:
    def cut(value: Any) -> tuple[Any, ...]:
        told = astuple(value)
        if told[fixed:] == usual:
            return told[:fixed]
        size = len(told)
        while told[size - 1] == usual[size - 1 - fixed]:
            size -= 1
        return told[:size]

    return cut


def _cut_within(within: Cut, fixed: int, after: Cut) -> Cut:
    last = fixed - 1

    def cut(value: Any) -> tuple[Any, ...]:
        told = after(value)
        return told[:last] + (within(told[last]),) + told[fixed:]  # noqa: RUF005  for every receipt

    return cut


class Recorded(NamedTuple):
    """An event with its place, as the library's domain events have it."""

    originator_id: UUID
    originator_version: int
    event: Any
    recorded_at: Instant = 0


@dataclass(frozen=True)
class LedgerStoredEvent(StoredEvent):
    """The library's stored event with the ledger's time beside it."""

    recorded_at: Instant = 0


class LedgerMapper(Mapper[UUID]):
    """The library's mapper over the codec: `Recorded` in, `Recorded` out."""

    def __init__(self, codec: Codec) -> None:
        """Use the codec; the library's transcoder, compressor and cipher stay unused."""
        self.codec = codec
        self.compressor = None
        self.cipher = None

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> StoredEvent:
        """Encode an event with its topic."""
        assert isinstance(domain_event, Recorded)  # noqa: S101  nothing else is ours
        return LedgerStoredEvent(
            domain_event.originator_id,
            domain_event.originator_version,
            self.codec.topic_of[type(domain_event.event)],
            self.codec.encode(domain_event.event),
            domain_event.recorded_at,
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        """Decode an event by its topic.

        Raises:
            MapperDeserialisationError: the topic is unknown or the bytes are not of its form.
        """
        try:
            event = self.codec.decode[stored_event.topic](stored_event.state)
        except (KeyError, msgspec.MsgspecError) as error:
            place = f"{stored_event.originator_id} version {stored_event.originator_version}"
            msg = f"cannot decode `{stored_event.topic}` at {place}: {error}"
            raise MapperDeserialisationError(msg) from error
        stream = stored_event.originator_id
        assert isinstance(stream, UUID)  # noqa: S101  our ids are
        return Recorded(stream, stored_event.originator_version, event)
