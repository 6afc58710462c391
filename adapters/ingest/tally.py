"""What became of what was fed."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct, field

from adapters.records import Bad


class Told(NamedTuple):
    """What became of one portion; each refused item with the reason it is counted under."""

    recorded: int
    repeated: int
    refused: list[tuple[Bad, str]]
    recorded_minor: int = 0
    repeated_minor: int = 0


class Tally(Struct):
    """What became of everything so far."""

    recorded: int = 0
    repeated: int = 0
    rejected: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    recorded_minor: int = 0
    """What was paid on the receipts, in minor units; what came back is negative."""
    repeated_minor: int = 0

    @property
    def read(self) -> int:
        """Everything that was fed."""
        return self.recorded + self.repeated + self.rejected

    def add(self, told: Told) -> None:
        """Count a portion in."""
        self.recorded += told.recorded
        self.repeated += told.repeated
        self.rejected += len(told.refused)
        self.recorded_minor += told.recorded_minor
        self.repeated_minor += told.repeated_minor
        for _, reason in told.refused:
            self.reasons[reason] = self.reasons.get(reason, 0) + 1
