"""Opens a ZIP archive that nobody vouches for, to read some of its files; nothing is written.

The number of files, their names, their size and how much each of them swells are looked at before
anything is read; zipfile reads no more of a file than its directory says.
"""

from __future__ import annotations

import csv
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from adapters.records import Progress
from ledger.errors import InputInvalid

MOST_FILES = 200
MOST_BYTES = 1 << 32
MOST_RATIO = 200
"""Text of a till shrinks to a tenth; a bomb to a thousandth."""
MOST_DIRECTORY = 1 << 20
"""In bytes: zipfile makes ten times as much of it, and looks at it as a whole."""
MOST_LINE = 1 << 20
_MARK = b"PK\x05\x06"
_END = struct.Struct("<4s4H2LH")
_LONGEST_END = _END.size + (1 << 16) + 20
_SMALL = 1 << 20
"""Below this nobody minds how much a file swells."""
BROKEN = (
    zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError,
    struct.error, OverflowError, IndexError,
)  # fmt: skip
"""What zipfile raises of bytes that are no archive, or one it cannot read."""


class Archive:
    """The files of an archive by their lower-case names, without folders."""

    def __init__(self, path: Path, archive: zipfile.ZipFile, progress: Progress | None) -> None:
        """Look at the directory.

        Raises:
            InputInvalid: it is not one that is read.
        """
        self._path = path
        self._archive = archive
        self._progress = progress
        files = [one for one in archive.infolist() if not one.filename.endswith("/")]
        if len(files) > MOST_FILES:
            raise self._refused(f"more than {MOST_FILES} files")
        if sum(one.file_size for one in files) > MOST_BYTES:
            raise self._refused(f"more than {MOST_BYTES} bytes of files")
        self._files: dict[str, zipfile.ZipInfo] = {}
        for one in files:
            self._add(one)

    def _add(self, one: zipfile.ZipInfo) -> None:
        name = one.filename
        parts = PurePosixPath(name.replace("\\", "/")).parts
        if (
            not parts
            or name.startswith(("/", "\\"))
            or ".." in parts
            or ":" in name
            or "\0" in name
        ):
            raise self._refused("a name that is none, or leads out of it")
        if one.flag_bits & 1:
            raise self._refused(f"`{name[:80]}` is encrypted")
        if one.file_size > _SMALL and one.file_size > MOST_RATIO * one.compress_size:
            raise self._refused(f"`{name[:80]}` swells more than {MOST_RATIO} times")
        if parts[-1].lower() in self._files:
            raise self._refused(f"two files named `{parts[-1][:80]}`")
        self._files[parts[-1].lower()] = one

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def rows(self, name: str, needed: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
        """Yield each row of a CSV file with its number; none where there is no such file.

        Raises:
            InputInvalid: a needed column is missing, or a row is not whole.
        """
        if name not in self._files:
            return
        try:
            yield from self._rows(name, needed)
        except (csv.Error, *BROKEN) as error:
            raise self._refused(f"{name}: {str(error)[:200]}") from error

    def _rows(self, name: str, needed: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
        info = self._files[name]
        with self._archive.open(info) as file:
            # What is not UTF-8 is a letter in a word; codes and amounts are ASCII.
            lines = io.TextIOWrapper(file, "utf-8-sig", errors="replace", newline="")
            first = next(_whole(lines), "")
            names = [one.strip().strip('"').upper() for one in first.strip().split(";")]
            for column in needed:
                if column not in names:
                    raise self._refused(f"{name} has no column {column}")
            rows = csv.reader(_whole(lines), delimiter=";", strict=True)
            number = 1
            for number, cells in enumerate(rows, 2):
                if not cells:
                    continue
                if len(cells) != len(names):
                    detail = f"{len(cells)} values under {len(names)} columns"
                    raise self._refused(f"{name}, row {number}: {detail}")
                yield number, dict(zip(names, map(str.strip, cells), strict=True))
        if self._progress:
            self._progress(info.compress_size)

    def _refused(self, detail: str) -> InputInvalid:
        return InputInvalid(f"{self._path}: {detail}.")


def _whole(lines: io.TextIOWrapper) -> Iterator[str]:
    """Lines of a length that a row may have."""
    while line := lines.readline(MOST_LINE):
        if len(line) == MOST_LINE:
            msg = f"a line of {MOST_LINE} characters or more"
            raise ValueError(msg)
        yield line


def look_at_end(path: Path) -> None:
    """Refuse an archive by what its end says, before zipfile reads all of its directory.

    Raises:
        InputInvalid: the directory is of more files than are taken.
    """
    with path.open("rb") as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(max(0, size - _LONGEST_END))
        end = file.read()
    at = len(end) - _END.size  # where it is without a comment; zipfile looks there first as well
    if not (end[max(at, 0) :].startswith(_MARK) and end.endswith(b"\0\0")):
        at = end.rfind(_MARK)
    if at < 0 or len(end) < at + _END.size:
        return  # no archive, which zipfile says
    length, directory = _END.unpack_from(end, at)[5:7]
    if length > MOST_DIRECTORY or directory > size or b"PK\x06\x07" in end[:at][-20:]:
        msg = f"{path}: its directory has more than {MOST_DIRECTORY} bytes, or is in ZIP64."
        raise InputInvalid(msg)


@contextmanager
def opened(path: Path, progress: Progress | None = None) -> Iterator[Archive]:
    """Open an archive; `progress` is told bytes of it.

    Raises:
        InputInvalid: it is no ZIP archive, or one that is not read.
    """
    look_at_end(path)
    try:
        archive = zipfile.ZipFile(path)
    except BROKEN as error:
        msg = f"{path} is no ZIP archive: {str(error)[:200]}"
        raise InputInvalid(msg) from error
    with archive:
        yield Archive(path, archive, progress)
