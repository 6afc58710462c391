"""Keeps what was refused as one JSON line each, to be corrected in place and fed again."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
from msgspec import Raw

from adapters.records import Bad, Good


class Rejects:
    """A reject file, made when the first item is refused; an existing one is added to."""

    def __init__(self, path: Path, content: str = "receipt") -> None:
        """Name the file, and what the refused objects are."""
        self.path = path
        self.content = content
        self.count = 0
        self._file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def write(self, bad: Bad) -> None:
        """Add one envelope, whole or not at all.

        Raises:
            OSError: the file cannot be written; it ends as it did before.
        """
        if self._file < 0:
            self._file = _open(self.path)
        _append(self._file, envelope(bad, self.content) + b"\n")
        self.count += 1

    def close(self) -> None:
        """Put what was written on disk; writing again opens the file again."""
        if self._file >= 0:
            os.fsync(self._file)
            os.close(self._file)
            self._file = -1


def envelope(bad: Bad, content: str = "receipt") -> bytes:
    """Write one line of JSON with the place, the reason, and the bytes as readable as they allow."""
    found = {**bad.place._asdict(), "field": bad.field, "error": bad.error}
    return msgspec.json.encode({"rejected": found, **_content(bad.raw, content)})


def refused(good: Good, error: str, field: str | None) -> Bad:
    """Turn a well-formed receipt that the ledger would not record into a reject."""
    return Bad(good.place, field, error, good.raw or msgspec.json.encode(good.receipt))


def _content(raw: bytes | None, name: str) -> dict[str, Any]:
    if raw is None:
        return {}
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(raw).decode()}
    return {name: _one_line(raw)} if _is_object(raw) else {"text": text}


def _is_object(raw: bytes) -> bool:
    """Whether it can stand in the envelope as it is."""
    try:
        return isinstance(msgspec.json.decode(raw), dict)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return False


def _one_line(raw: bytes) -> Raw:
    """Drop the line ends, which JSON never has inside a string."""
    return Raw(raw.replace(b"\r", b" ").replace(b"\n", b" "))


def _open(path: Path) -> int:
    """Open for adding, after a whole line: a crash may have left half of one."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    size = os.fstat(file).st_size
    if size and os.pread(file, 1, size - 1) != b"\n":
        _append(file, b"\n")
    return file


def _append(file: int, line: bytes) -> None:
    """Write all of a line, or take back what was written of it."""
    size = os.fstat(file).st_size
    rest = memoryview(line)
    try:
        while rest:
            rest = rest[os.write(file, rest) :]
    except OSError:
        os.ftruncate(file, size)
        raise
