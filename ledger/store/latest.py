"""Events that this process has just appended: who was answered asks for them next."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.store.log import Row

MOST = 4_096
LARGE = 512
"""Rows of a batch that is an import's: nobody asks for its events one by one."""


class Latest:
    """The latest rows of the log that were appended here; bounded, forgotten all at once."""

    def __init__(self) -> None:
        """Nothing was appended yet."""
        self._rows: dict[tuple[bytes, int], Row] = {}

    def add(self, rows: Sequence[Row]) -> None:
        """Keep rows that are durable."""
        if len(rows) > LARGE:
            return
        if len(self._rows) + len(rows) > MOST:
            self._rows = {}  # not cleared: another thread may be looking
        self._rows.update({(row.stream, row.version): row for row in rows})

    def of(self, stream: bytes, version: int) -> Row | None:
        """An event, if it is among them."""
        return self._rows.get((stream, version))
