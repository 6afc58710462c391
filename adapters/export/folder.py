"""The folder of an export: it has its name only when it is whole.

What is being written stands beside it under `NAME.unfinished`. Each part is on disk before the
list names it, and the finished folder is renamed into place; a kill at any moment leaves either.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from adapters.export.tables import TABLES
from ledger.errors import InputInvalid

MANIFEST = "manifest.json"
LIST = "unfinished.json"
FORMAT = "loyalty-ledger parquet 1"
_OURS = re.compile(rf"(?:{'|'.join(t.name for t in TABLES)})/\d+-\d+\.parquet(?:\.new)?")


class Part(msgspec.Struct, frozen=True):
    """A file: what one table says of the positions from `first` to `last`."""

    table: str
    file: str
    first: int
    last: int
    rows: int
    bytes: int
    sha256: str


class Manifest(msgspec.Struct):
    """What an export holds: the events after position `since`, up to and with `until`.

    `log` is the leaf hash of the log's first event, which no other log has.
    """

    log: str
    since: int
    since_leaf: str
    until: int
    until_leaf: str
    part_events: int
    shapes: dict[str, int]
    rows: dict[str, int]
    parts: list[Part]
    format: str = FORMAT

    def reached(self) -> int:
        """The position up to which all tables are written."""
        return self.parts[-1].last if self.parts else self.since


def read_manifest(path: Path) -> Manifest | None:
    """The manifest or the list in a folder; None where there is none.

    Raises:
        InputInvalid: it is not an export's.
    """
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise InputInvalid(f"`{path}` is not an export's: {error}.", field="folder") from error
    if found.format != FORMAT:
        raise InputInvalid(f"`{path}` has the format `{found.format}`.", field="folder")
    return found


class Folder:
    """Where an export goes, and where it is made."""

    def __init__(self, path: Path) -> None:
        """Choose the folder.

        Raises:
            InputInvalid: no export can be put there.
        """
        self.path = path.resolve()
        self.work = self.path.with_name(f"{self.path.name}.unfinished")
        if not self.path.name or os.path.ismount(self.path):
            raise InputInvalid(f"`{path}` cannot be renamed into place.", field="folder")
        for place in (self.path, self.work):
            if place.exists() and not place.is_dir():
                raise InputInvalid(f"`{place}` is a file.", field="folder")

    def finished(self) -> Manifest | None:
        """The manifest of a finished export that is there already.

        Raises:
            InputInvalid: there is something else.
        """
        if not self.path.is_dir() or not any(self.path.iterdir()):
            return None
        manifest = read_manifest(self.path / MANIFEST)
        if manifest is None:
            raise InputInvalid(f"`{self.path}` holds other files.", field="folder")
        return manifest

    @contextmanager
    def working(self) -> Iterator[None]:
        """Make the working folder and keep it to oneself; a kill lets go of it.

        Raises:
            InputInvalid: another process is writing there, or something else is in it.
        """
        try:
            self.work.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            detail = f"`{self.work}` cannot be made: {error.strerror}."
            raise InputInvalid(detail, field="folder") from error
        lock = os.open(self.work, os.O_RDONLY)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                detail = f"Another process is writing `{self.work}`."
                raise InputInvalid(detail, field="folder") from None
            self._refuse_others()
            yield
        finally:
            os.close(lock)

    def _refuse_others(self) -> None:
        known = {MANIFEST, LIST, f"{LIST}.new", *(table.name for table in TABLES)}
        names = [str(path.relative_to(self.work)) for path in sorted(self.work.rglob("*"))]
        others = [name for name in names if name not in known and not _OURS.fullmatch(name)]
        if others:
            detail = f"`{self.work}` holds other files, such as `{others[0]}`."
            raise InputInvalid(detail, field="folder")

    def listed(self) -> Manifest | None:
        """What is written so far; a list that was renamed already is whole."""
        return read_manifest(self.work / LIST) or read_manifest(self.work / MANIFEST)

    def sound(self, parts: list[Part]) -> list[Part]:
        """The parts up to the first that is not on disk as it was listed, whole ranges only."""
        bad = next((part.first for part in parts if not self._is_sound(part)), None)
        return parts if bad is None else [part for part in parts if part.last < bad]

    def _is_sound(self, part: Part) -> bool:
        path = self.work / part.file
        return path.is_file() and sha256(path) == part.sha256

    def clear(self) -> None:
        """Begin anew: only what an export wrote is in the working folder."""
        for place in list(self.work.iterdir()):
            shutil.rmtree(place) if place.is_dir() else place.unlink()
        for table in TABLES:
            (self.work / table.name).mkdir()

    def keep(self, manifest: Manifest) -> None:
        """Put the list of what is written on disk."""
        path = self.work / LIST
        with path.with_name(f"{LIST}.new").open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")
            synced(file.fileno())
        put(path.with_name(f"{LIST}.new"), path)

    def publish(self) -> None:
        """Give the export its name.

        Raises:
            InputInvalid: something came to stand there meanwhile.
        """
        if (self.work / LIST).exists():
            put(self.work / LIST, self.work / MANIFEST)
        try:
            put(self.work, self.path)
        except OSError as error:
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}:
                raise
            raise InputInvalid(f"`{self.path}` holds other files.", field="folder") from error


def put(path: Path, place: Path) -> None:
    """Rename durably."""
    path.replace(place)
    folder = os.open(place.parent, os.O_RDONLY)
    try:
        synced(folder)
    finally:
        os.close(folder)


def synced(descriptor: int) -> None:
    """Wait until it is on disk."""
    os.fsync(descriptor)


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
