"""How far a file was taken in, kept in the log's own database once it is durable there.

Whoever puts an older copy of the database back gets the older mark with it. A mark holds only
for the same bytes: it carries a hash of everything before it.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec
from msgspec import Struct

from adapters.ingest.tally import Tally
from adapters.pos.ndjson import BEGINNING, Start
from ledger.store.log import Log

_PIECE_BYTES = 1 << 20


class _Kept(Struct):
    """A mark as it is written."""

    offset: int
    lines: int
    sha256: str
    tally: Tally


class Mark:
    """How far one file came with one way of taking it in."""

    def __init__(self, log: Log, path: Path, how: str) -> None:
        """Look the mark up; where there is none, or the file is another, begin at its beginning."""
        self._log = log
        named = os.fsencode(path.resolve()).decode(errors="backslashreplace")
        self._name = f"ingest {how} {named}"
        self._path = path
        self._hash = hashlib.sha256()
        self._hashed = 0
        self.start = BEGINNING
        self.tally = Tally()
        if (kept := log.mark(self._name)) is not None:
            self._go_on(msgspec.json.decode(kept, type=_Kept))

    def _go_on(self, kept: _Kept) -> None:
        if self._digest(kept.offset) == kept.sha256:
            self.start, self.tally = Start(kept.offset, kept.lines), kept.tally
        else:
            self.begin_again()

    def begin_again(self) -> None:
        """Begin at the beginning, wherever the mark is."""
        self._hash, self._hashed = hashlib.sha256(), 0
        self.start, self.tally = BEGINNING, Tally()

    def keep(self, start: Start, tally: Tally) -> None:
        """Everything before this line is durable, and what was refused of it is written down."""
        kept = _Kept(start.offset, start.lines, self._digest(start.offset), tally)
        self._log.put_mark(self._name, msgspec.json.encode(kept).decode())

    def forget(self) -> None:
        """All of the file is in; taking it in again looks at all of it again."""
        self._log.put_mark(self._name, None)

    def _digest(self, offset: int) -> str:
        with self._path.open("rb") as file:
            file.seek(self._hashed)
            while self._hashed < offset:
                piece = file.read(min(_PIECE_BYTES, offset - self._hashed))
                if not piece:
                    return ""  # it is shorter than it was
                self._hash.update(piece)
                self._hashed += len(piece)
        return self._hash.hexdigest()
