"""What all members do, as it is recorded with a model: who is listed is shrunk towards it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from msgspec import Struct

from ledger.forecast.pairs import Crowd
from ledger.forecast.purchases import Floats
from ledger.types import Day


class Population(NamedTuple):
    """What a sample of members does, by item, at the end of a day."""

    day: Day
    items: list[str]
    """Sorted."""
    crowd: Crowd
    last: bytes
    """The last member that is counted, in the order of their ids: all before it are, too."""

    def packed(self) -> bytes:
        """As it is recorded."""
        *columns, members = self.crowd
        numbers = [_whole(column) for column in columns]
        return msgspec.msgpack.encode(_Packed(self.day, self.items, numbers, members, self.last))


class _Packed(Struct, frozen=True, array_like=True):
    """Columns are those of `Crowd`; most are whole numbers, which take a byte or two."""

    day: Day
    items: list[str]
    columns: list[list[float]]
    members: int
    last: bytes


def nobody(day: Day) -> Population:
    """Where nobody has bought anything."""
    nothing = np.zeros(0)
    crowd = Crowd(nothing, nothing, nothing, nothing, nothing, nothing, 1)
    return Population(day, [], crowd, b"")


def unpacked(packed: bytes) -> Population:
    """What was recorded."""
    day, items, columns, members, last = msgspec.structs.astuple(
        msgspec.msgpack.decode(packed, type=_Packed)
    )
    return Population(day, items, Crowd._make([*map(_floats, columns), members]), last)


def _whole(column: Floats) -> list[float]:
    return [int(value) if value.is_integer() else value for value in column.tolist()]


def _floats(column: Sequence[float]) -> Floats:
    return np.array(column, dtype=np.float64)
