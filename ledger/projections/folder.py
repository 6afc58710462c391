"""Turning rows of the log into what they say to reports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from ledger.projections.schema import At, Out, Projection, Said
from ledger.store.codec import Codec
from ledger.store.keys import Keys
from ledger.store.log import Paged


class Folder:
    """Turns rows of the log into what they say to projections."""

    def __init__(self, codec: Codec, keys: Keys) -> None:
        """Decode with the codec; the keys give a receipt its id."""
        self._decode = codec.decode
        self._narrow: dict[type, Callable[[bytes], Any]] = {}
        self._events = {topic: event for event, topic in codec.topic_of.items()}
        self._topic_of = codec.topic_of
        self._keys = keys
        self._last: tuple[Any, bytes] = (None, b"")

    def topics(self, projections: Sequence[Projection]) -> list[str]:
        """What the projections ask for."""
        return sorted({self._topic_of[event] for p in projections for event in p.folds})

    def fold(
        self, projections: Sequence[Projection], rows: Sequence[Paged], after: dict[str, int]
    ) -> dict[str, Said]:
        """What the rows say to each projection, as far as it has not heard them."""
        outs = {p.name: Out(p.tables, self._receipt_id) for p in projections}
        heard = [(after[p.name], outs[p.name], p.folds) for p in projections]
        wanted = {
            topic: (
                self._decoder(topic, event, projections),
                [(a, out, folds[event]) for a, out, folds in heard if event in folds],
            )
            for topic, event in self._events.items()
        }
        for position, stream, version, topic, state, recorded_at in rows:
            decode, takers = wanted[topic]
            if takers:
                event = decode(state)
                at = At(position, stream, version, recorded_at)
                for seen, out, fold in takers:
                    if position > seen:
                        fold(at, event, out)
        return {name: out.said() for name, out in outs.items()}

    def _decoder(
        self, topic: str, event: type, projections: Sequence[Projection]
    ) -> Callable[[bytes], Any]:
        """As narrow as all who take the event agree on."""
        forms = {p.narrow.get(event) for p in projections if event in p.folds}
        form = forms.pop() if len(forms) == 1 else None
        if form is None:
            return self._decode[topic]
        if form not in self._narrow:
            self._narrow[form] = msgspec.msgpack.Decoder(form).decode
        return self._narrow[form]

    def _receipt_id(self, scan: Any) -> bytes:
        """The receipt stream of a scan; several projections ask for the same one in a row."""
        last = self._last  # once: another thread may fold as well
        if last[0] is not scan:
            last = self._last = (scan, self._keys.receipt(scan.key))
        return last[1]
